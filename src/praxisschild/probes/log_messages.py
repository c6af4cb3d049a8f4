"""Cause messages on a host, for ``log_store`` to look for on the log host.

``login TOKEN ATTEMPTS``: type so many wrong passwords for a temporary account ``probe-TOKEN`` over SSH. Prints
``{"first": seconds}``: how long before the end the first of them was refused.
``say TOKEN COUNT``: write so many different messages to the system's log. Prints ``{"said": COUNT}``.
"""

from __future__ import annotations

import sys
import syslog
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, TemporaryUser, probe, stopping
from praxisschild.probes.login_lockout import Ssh

if TYPE_CHECKING:
    from collections.abc import Callable


def login(token: str, attempts: str) -> dict[str, Any]:
    """Wrong passwords, the first one alone."""
    user = TemporaryUser()
    user.name = f"probe-{token}"
    with user:
        user.set_password()
        ssh = Ssh(user.home)

        def wrong(number: int) -> float:
            if stopping.is_set():
                raise ProbeError("stopped")
            if ssh.login(user, f"wrong-{token}-{number}"):
                raise ProbeError("a wrong password opened the temporary account")
            return time.monotonic()

        first = wrong(0)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(wrong, range(1, int(attempts))))
    return {"first": time.monotonic() - first}


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
    probe(experiment, 60)
