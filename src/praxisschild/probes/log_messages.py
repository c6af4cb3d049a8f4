"""Cause messages on a host, for ``log_store`` to look for on the log host.

``login TOKEN ATTEMPTS``: type so many wrong passwords for a temporary account ``probe-TOKEN`` over SSH. Prints
``{"first": seconds}``: how long before the end the host's own journal noted the first of them.
``say TOKEN COUNT``: write so many different messages to the system's log. Prints ``{"said": COUNT}``.
"""

from __future__ import annotations

import sys
import syslog
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, Ssh, TemporaryUser, probe, run, stopping

if TYPE_CHECKING:
    from collections.abc import Callable


def login(token: str, attempts: str) -> dict[str, Any]:
    """Wrong passwords, the first one alone."""
    user = TemporaryUser()
    user.name = f"probe-{token}"
    with user:
        user.set_password()
        ssh = Ssh(user.home)

        def wrong(number: int) -> None:
            if stopping.is_set():
                raise ProbeError("stopped")
            if ssh.login(user, f"wrong-{token}-{number}"):
                raise ProbeError("a wrong password opened the temporary account")

        started = time.time()
        wrong(0)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(wrong, range(1, int(attempts))))
        return {"first": time.time() - noted(f"user={user.name}", started)}


def noted(text: str, since: float) -> float:
    """When the journal first had a message with this text; `since` itself if it has none."""
    shown = run(["journalctl", "--no-pager", "--quiet", "--output=short-unix", f"--since=@{int(since)}"]).stdout
    return next((float(line.split()[0]) for line in shown.splitlines() if text in line), since)


def say(token: str, count: str) -> dict[str, Any]:
    """Messages as a program writes them that has to do with security."""
    syslog.openlog("praxisschild-probe", 0, syslog.LOG_AUTH)
    for number in range(int(count)):
        syslog.syslog(syslog.LOG_NOTICE, f"{token} {number}")
    return {"said": int(count)}


def experiment() -> dict[str, Any]:
    """The part of the probe that the first argument names."""
    parts: dict[str, Callable[..., dict[str, Any]]] = {"login": login, "say": say}
    return parts[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    probe(experiment, 200)
