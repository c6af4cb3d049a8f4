"""Start the host's Thunderbird as an ordinary user, ask it which policies it obeys, and open a mail full of bait.

Arguments: names of preferences to read. Prints ``{"installed": false}`` or ``{"installed": true, "version",
"policies": {name: value}, "errors": [str], "preferences": {name: {"value", "locked"}}, "shown": bool, "requests":
[str], "script_ran": bool}``; ``shown`` tells that the mail's text was really on the screen, ``requests`` what was then
asked for at the mail's web server.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Any

from praxisschild.probes.host import ProbeError, TemporaryUser, leave_the_network, probe, site
from praxisschild.probes.marionette import ASK_FOR_POLICIES, PORT, Browser

# What a careless user chooses; where a policy speaks, it has to be without effect.
CARELESS = {
    "mailnews.message_display.disable_remote_image": False,
    "mail.phishing.detection.enabled": False,
    "mail.inline_attachments": True,
    "mailnews.display.html_as": 0,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "app.donation.eoy.version.viewed": 999,
    "mail.shell.checkDefaultClient": False,
    # local folders alone, so that nobody is asked for an account
    "mail.accountmanager.accounts": "account1",
    "mail.accountmanager.localfoldersserver": "server1",
    "mail.account.account1.server": "server1",
    "mail.server.server1.type": "none",
    "mail.server.server1.hostname": "Local Folders",
    "mail.server.server1.name": "Lokale Ordner",
    "mail.server.server1.userName": "nobody",
    "mail.server.server1.directory-rel": "[ProfD]Mail/Local Folders",
}
BAIT = """From: absender@praxis.test
To: empfang@praxis.test
Subject: Probe
Date: Mon, 05 Jan 2026 10:00:00 +0000
Message-ID: <probe@praxis.test>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<html><head><link rel="stylesheet" href="http://localhost/stil.css"></head>
<body style="background:url(http://localhost/hintergrund.png)" onload="new Image().src='http://localhost/onload'">
<p id="befund">Befundtext</p><img src="http://localhost/zaehlpixel.png"><iframe src="http://localhost/rahmen"></iframe>
<video src="http://localhost/video" autoplay></video><object data="http://localhost/objekt"></object>
<script>document.body.setAttribute("data-script", "1"); new Image().src = "http://localhost/script";</script></body></html>
"""
# The mail is put into the local folders, as if it had been received, and shown in a window of its own.
SHOW = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { MailUtils } = ChromeUtils.importESModule("resource:///modules/MailUtils.sys.mjs");
const [text] = arguments;
let server;
try { server = MailServices.accounts.localFoldersServer; } catch (_) { server = null; }
if (!server) { MailServices.accounts.createLocalMailAccount(); server = MailServices.accounts.localFoldersServer; }
const root = server.rootMsgFolder.QueryInterface(Ci.nsIMsgLocalMailFolder);
const folder = root.createLocalSubfolder("Probe").QueryInterface(Ci.nsIMsgLocalMailFolder);
const header = folder.addMessage(text);
MailUtils.openMessageInNewWindow(header);
const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
const pause = time => new Promise(resume => setTimeout(resume, time));
const body = () => [...Services.wm.getEnumerator("mail:messageWindow")].map(shown =>
  shown.document.getElementById("messageBrowser")?.contentDocument?.getElementById("messagepane")?.contentDocument?.body
).find(found => found?.textContent.includes("Befundtext"));
for (let tries = 0; tries < 100 && !body(); tries++) await pause(100);
await pause(2000);  // what loads by itself does so now
return {shown: Boolean(body()), script_ran: Boolean(body()?.hasAttribute("data-script"))};
"""


class Mail(Browser):
    """Thunderbird over Marionette; it lets nobody in before its window stands, and on a busy host that takes long."""

    def connect(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self._socket = socket.create_connection(("127.0.0.1", PORT), timeout=seconds)
                break
            time.sleep(0.1)
        if self._socket is None:
            raise ProbeError("Thunderbird does not start")
        self._next_message()
        self.ask("WebDriver:NewSession", pageLoadStrategy="none")


def prepare(user: TemporaryUser) -> None:
    """A profile with every careless choice; the browser adds its own file beside it."""
    profile = Path(user.home, "firefox")
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in CARELESS.items()]
    profile.joinpath("prefs.js").write_text("".join(lines), encoding="utf-8")


def experiment() -> dict[str, Any]:
    """The whole probe."""
    program = shutil.which("thunderbird")
    if not program:
        return {"installed": False}
    leave_the_network()
    with TemporaryUser() as user, site() as seen:
        seen.name = "localhost"
        prepare(user)
        with Mail(program, user) as mail:
            mail.connect(80)
            said = mail.evaluate("chrome", ASK_FOR_POLICIES, sys.argv[1:])
            mail.ask("WebDriver:SetTimeouts", script=30000)
            seen.plain_requests.clear()
            showed = mail.evaluate("chrome", SHOW, BAIT)
            return {"installed": True, **said, **showed, "requests": seen.plain_requests}


if __name__ == "__main__":
    probe(experiment, 110)
