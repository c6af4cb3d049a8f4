"""Start the host's Chromium as an ordinary user and ask it which policies it obeys; watch what it sends to http://.

Prints ``{"installed": false}`` or ``{"installed": true, "version", "sandbox": bool, "policies": {name: {"value",
"level", "scope", "source", "error"?, "deprecated"?}}, "extensions": [{"id", "name", "enabled"}], "devices": {"camera":
"denied|prompt|granted", "microphone"}, "plain_requests": [str], "offered_tls": [[str]], "kept_after_exit": bool}``; the
last tells whether a web page's cookie or stored data survived the end of the browser.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from typing import Any

from praxisschild.probes.host import (
    ASK_FOR_DEVICES,
    LEAVE_TRACES,
    LOOK_FOR_TRACES,
    ProbeError,
    Site,
    TemporaryUser,
    leave_the_network,
    probe,
    site,
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# chrome://policy itself draws its tables from this event.
ASK_FOR_POLICIES = """
(async () => {
  const cr = await import('chrome://resources/js/cr.js');
  const listen = cr.addWebUiListener || cr.addWebUIListener;
  return new Promise(resolve => {
    listen('policies-updated', (_names, groups) => resolve(groups));
    cr.sendWithPromise('listenPoliciesUpdates');
  });
})()
"""
ASK_FOR_EXTENSIONS = """
(async () => (await chrome.developerPrivate.getExtensionsInfo()).map(
  extension => ({id: extension.id, name: extension.name, enabled: extension.state === 'ENABLED'})))()
"""


class BrowserEndedError(ProbeError):
    """The browser closed the connection."""


class Browser:
    """A running Chromium, spoken to over the pipe on its file descriptors 3 and 4 (DevTools protocol)."""

    def __init__(self, program: str, user: TemporaryUser, *options: str) -> None:
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        flags = [
            "--headless=new",
            "--remote-debugging-pipe",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            f"--user-data-dir={user.home}/chromium",
            f"--host-resolver-rules=MAP {Site.name} 127.0.0.1",
            *options,
            "about:blank",
        ]
        # bash, because it can give the pipe the two numbers that the browser expects
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", program, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(to_browser, from_browser),
            **user.credentials,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._number = 0

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._in)
        os.close(self._out)

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The browser's answer to one command.

        Raises:
            ProbeError: it refuses.
            BrowserEndedError: it has gone.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._out, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise BrowserEndedError("the browser ended") from None
        while True:
            answer = self._next_message()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise ProbeError(f"{method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result

    def _next_message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], 20)[0]:
                raise ProbeError("the browser does not answer")
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise BrowserEndedError("the browser ended")
            self._buffer += chunk
        raw, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(raw)
        return message

    def open(self, url: str) -> str:
        """Open a page in a tab of its own and wait for it; returns the session to ask it with."""
        target = self.ask("Target.createTarget", url=url)["targetId"]
        session: str = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.evaluate(session, "document.readyState === 'complete' && location.href !== 'about:blank'"):
                return session
            time.sleep(0.05)
        raise ProbeError(f"{url} does not load")

    def close(self) -> None:
        """Let the browser end as a user ends it, with everything that it does on exit."""
        with contextlib.suppress(BrowserEndedError):
            self.ask("Browser.close")
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            raise ProbeError("the browser does not end") from None

    def evaluate(self, session: str, expression: str) -> Any:
        """The value of a JavaScript expression in the page, awaited if it is a promise."""
        answer = self.ask("Runtime.evaluate", session, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise ProbeError(str(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")


def start(program: str, user: TemporaryUser) -> tuple[Browser, bool]:
    """The browser, and whether it could build its sandbox (a container may not allow it)."""
    for options in ([], ["--no-sandbox"]):
        browser = Browser(program, user, *options)
        try:
            browser.ask("Browser.getVersion")
        except BrowserEndedError:
            browser.__exit__()
        except BaseException:
            browser.__exit__()
            raise
        else:
            return browser, not options
    raise ProbeError("the browser does not start")


def ask(browser: Browser, seen: Site) -> dict[str, Any]:
    """Everything that the running browser says and does; at the end it has left traces in its profile and is closed."""
    groups = browser.evaluate(browser.open("chrome://policy/"), ASK_FOR_POLICIES)
    extensions = browser.evaluate(browser.open("chrome://extensions/"), ASK_FOR_EXTENSIONS)
    version = browser.ask("Browser.getVersion")["product"]
    page = browser.open("http://localhost/")
    devices = browser.evaluate(page, f"(async () => {{ {ASK_FOR_DEVICES} }})()")
    browser.evaluate(page, LEAVE_TRACES)
    with contextlib.suppress(ProbeError):
        browser.open(f"http://{seen.name}/")
    time.sleep(1)  # a browser that falls back to http:// does so after the failure of https://
    browser.close()
    return {
        "installed": True,
        "version": version,
        # called one way or the other, depending on the version
        "policies": (groups.get("policyGroups") or groups["policyValues"])["chrome"]["policies"],
        "extensions": extensions,
        "devices": devices,
        **seen.as_result(),
    }


def experiment() -> dict[str, Any]:
    """The whole probe."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not program:
        return {"installed": False}
    leave_the_network()
    with TemporaryUser() as user, site() as seen:
        browser, sandbox = start(program, user)
        with browser:
            said = ask(browser, seen)
        browser, _ = start(program, user)
        with browser:
            kept = browser.evaluate(browser.open("http://localhost/"), LOOK_FOR_TRACES)
        return {**said, "sandbox": sandbox, "kept_after_exit": kept}


if __name__ == "__main__":
    probe(experiment, 50)
