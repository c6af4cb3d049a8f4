"""Start the host's Firefox as an ordinary user and ask it which policies it obeys; watch what it sends to http://.

Arguments: names of preferences to read. Prints ``{"installed": false}`` or ``{"installed": true, "version",
"policies": {name: value}, "errors": [str], "preferences": {name: {"value", "locked"}}, "extensions": [{"id", "name",
"enabled"}], "devices": {"camera": "denied|prompt|granted", "microphone"}, "plain_requests": [str],
"offered_tls": [[str]], "kept_after_exit": bool}``; the last tells whether a web page's cookie or stored data survived
the end of the browser.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
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
from praxisschild.probes.marionette import ASK_FOR_POLICIES, Browser

BROWSERS = ("firefox-esr", "firefox")


def ask(browser: Browser, seen: Site, preferences: list[str]) -> dict[str, Any]:
    """Everything that the running browser says and does; at the end it has left traces in its profile and is closed."""
    browser.connect(20)
    answer = browser.evaluate("chrome", ASK_FOR_POLICIES, preferences)
    browser.open("http://localhost/")
    devices = browser.evaluate("content", ASK_FOR_DEVICES)
    browser.evaluate("content", LEAVE_TRACES)
    with contextlib.suppress(ProbeError):
        browser.open(f"http://{seen.name}/")
    browser.close()
    return {"installed": True, "devices": devices, **answer, **seen.as_result()}


def experiment() -> dict[str, Any]:
    """The whole probe."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not program:
        return {"installed": False}
    leave_the_network()
    with TemporaryUser() as user, site() as seen:
        with Browser(program, user) as browser:
            said = ask(browser, seen, sys.argv[1:])
        with Browser(program, user) as browser:
            browser.connect(20)
            browser.open("http://localhost/")
            return {**said, "kept_after_exit": browser.evaluate("content", f"return {LOOK_FOR_TRACES}")}


if __name__ == "__main__":
    probe(experiment, 50)
