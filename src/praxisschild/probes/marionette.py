"""Firefox or Thunderbird on a profile of its own, spoken to over Marionette; shared by the probes that start one."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from praxisschild.probes.host import ProbeError, Site, TemporaryUser

PORT = 2828
# about:policies itself shows these two answers, as "Active" and "Errors".
ASK_FOR_POLICIES = """
const preferences = {};
for (const name of arguments[0]) {
  const type = Services.prefs.getPrefType(name);
  const value = type === Services.prefs.PREF_STRING ? Services.prefs.getStringPref(name)
    : type === Services.prefs.PREF_INT ? Services.prefs.getIntPref(name)
    : type === Services.prefs.PREF_BOOL ? Services.prefs.getBoolPref(name) : null;
  preferences[name] = {value, locked: Services.prefs.prefIsLocked(name)};
}
const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
const events = Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage).getEvents();
return {
  version: Services.appinfo.version,
  policies: Services.policies.getActivePolicies() || {},
  errors: events.filter(event => ["error", "warn"].includes(event.level)
      && /Polic|JsonSchema/.test(event.innerID || event.consoleID || event.prefix || ""))
    .map(event => event.arguments.map(String).join(" "))
    .filter(text => !text.startsWith("Download failed")),  // there is nowhere to download from
  preferences,
  extensions: (await AddonManager.getAddonsByTypes(["extension"])).filter(addon => !addon.isBuiltin)
    .map(addon => ({id: addon.id, name: addon.name, enabled: addon.isActive})),
};
"""


class Browser:
    """A running Firefox, spoken to over Marionette: JSON behind its length, on a local port."""

    def __init__(self, program: str, user: TemporaryUser) -> None:
        profile = Path(user.home, "firefox")
        profile.mkdir(exist_ok=True)
        preferences = {
            "marionette.port": PORT,
            "remote.prefs.recommended": False,  # the settings that tests like would hide the user's own
            "network.dns.localDomains": Site.name,
            "app.normandy.enabled": False,
            "browser.shell.checkDefaultBrowser": False,
        }
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        profile.joinpath("user.js").write_text("".join(lines), encoding="utf-8")
        user.own(profile)
        flags = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", str(profile)]
        self.process = subprocess.Popen(
            [program, *flags, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **user.credentials,
        )
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._number = 0

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if self._socket:
            self._socket.close()

    def connect(self, seconds: float) -> None:
        """Wait until the browser listens, and open a session."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self._socket = socket.create_connection(("127.0.0.1", PORT), timeout=20)
                break
            time.sleep(0.05)
        if self._socket is None:
            raise ProbeError("the browser does not start")
        self._next_message()
        self.ask("WebDriver:NewSession")

    def ask(self, command: str, **parameters: Any) -> Any:
        """The browser's answer to one command.

        Raises:
            ProbeError: it refuses, or has gone.
        """
        if self._socket is None:
            raise ProbeError("not connected")
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _kind, _number, error, result = self._next_message()
        if error:
            raise ProbeError(f"{command}: {error.get('message')}")
        return result.get("value") if isinstance(result, dict) and set(result) == {"value"} else result

    def _next_message(self) -> Any:
        while b":" not in self._buffer:
            self._receive()
        length, self._buffer = self._buffer.split(b":", 1)
        while len(self._buffer) < int(length):
            self._receive()
        raw, self._buffer = self._buffer[: int(length)], self._buffer[int(length) :]
        return json.loads(raw)

    def _receive(self) -> None:
        try:
            chunk = self._socket.recv(1 << 20) if self._socket else b""
        except OSError:
            raise ProbeError("the browser does not answer") from None
        if not chunk:
            raise ProbeError("the browser ended")
        self._buffer += chunk

    def open(self, url: str) -> None:
        """Go to the page and wait until it is there."""
        self.ask("Marionette:SetContext", value="content")
        self.ask("WebDriver:SetTimeouts", pageLoad=5000)
        self.ask("WebDriver:Navigate", url=url)

    def close(self) -> None:
        """Let the browser end as a user ends it, with everything that it does on exit."""
        self.ask("Marionette:Quit", flags=["eAttemptQuit"])
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            raise ProbeError("the browser does not end") from None

    def evaluate(self, context: str, script: str, *arguments: Any) -> Any:
        """The value that an asynchronous function body returns, in a page ("content") or the browser ("chrome")."""
        self.ask("Marionette:SetContext", value=context)
        wrapped = f"return (async function() {{ {script} }}).apply(null, arguments);"
        return self.ask("WebDriver:ExecuteScript", script=wrapped, args=list(arguments))
