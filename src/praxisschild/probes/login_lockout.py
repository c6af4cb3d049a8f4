"""Type wrong passwords over SSH and at a terminal until the account locks; then the right one, unlock, and again.

Argument: how many wrong passwords to type at most. Prints ``{"ssh": way, "terminal": way, "ssh_offers": [str]}``;
``way`` is ``{"locked_after": int | null, "refused_when_locked": bool, "accepted_after_unlock": bool}`` and
``locked_after`` counts wrong passwords. ``ssh_offers`` are the ways of logging in that the running SSH service names;
where passwords are not among them, the same PAM stack is tried through a second sshd that serves a single pipe.
"""

from __future__ import annotations

import re
import secrets
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, Ssh, TemporaryUser, in_terminal, probe, run, stopping

if TYPE_CHECKING:
    from collections.abc import Callable


def failures(user: TemporaryUser) -> int:
    """Failed logins that the host has on record for the account; 0 where it keeps none."""
    if not shutil.which("faillock"):
        return 0
    return len(re.findall(r"\sV$", run(["faillock", "--user", user.name]).stdout, re.MULTILINE))


def type_wrong_passwords(user: TemporaryUser, login: Callable[[TemporaryUser, str], bool], attempts: int) -> int | None:
    """How many it took until the host counted no more; None where it does not say."""

    def wrong(_: int) -> None:
        if stopping.is_set():
            raise ProbeError("stopped")
        login(user, f"{secrets.token_urlsafe(9)}-wrong")

    wrong(0)
    if not failures(user):
        # the host counts nothing, so the order does not matter; every attempt takes two seconds or more
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(wrong, range(1, attempts)))
        return None
    for typed in range(1, attempts):
        on_record = failures(user)
        wrong(typed)
        if failures(user) == on_record:
            return typed
    return None


def lock_out(user: TemporaryUser, login: Callable[[TemporaryUser, str], bool], attempts: int) -> dict[str, Any]:
    """Lock the account by wrong passwords and unlock it as the operations manual says."""
    if not login(user, user.password):
        raise ProbeError("the temporary account cannot log in with its right password")
    locked_after = type_wrong_passwords(user, login, attempts)
    refused = not login(user, user.password)
    if refused and locked_after is None:
        locked_after = attempts
    run(["faillock", "--user", user.name, "--reset"])
    return {
        "locked_after": locked_after,
        "refused_when_locked": refused,
        "accepted_after_unlock": login(user, user.password),
    }


def experiment() -> dict[str, Any]:
    """The whole probe."""
    attempts = int(sys.argv[1])
    with TemporaryUser() as remote, TemporaryUser() as local, TemporaryUser() as other:
        for user in (remote, local):
            user.set_password()
        ssh = Ssh(remote.home)

        def switch(user: TemporaryUser, password: str) -> bool:
            return in_terminal(["su", user.name, "-c", "true"], other, {"Password:": password}) == 0

        with ThreadPoolExecutor() as pool:
            over_ssh = pool.submit(lock_out, remote, ssh.login, attempts)
            at_terminal = pool.submit(lock_out, local, switch, attempts)
            return {
                "ssh": over_ssh.result(),
                "terminal": at_terminal.result(),
                "ssh_offers": ssh.offers,
            }


if __name__ == "__main__":
    probe(experiment, 100)
