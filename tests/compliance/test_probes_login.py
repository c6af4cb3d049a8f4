"""Wrong passwords typed until the account locks, over SSH and at a terminal; see ``praxisschild.probes``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, bound, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost

pytestmark = pytest.mark.probe


@pytest.fixture
def lockout(remote: RemoteHost) -> dict[str, Any]:
    """What happened to a temporary account over SSH, and to another at a terminal."""
    allowed = min(bound(code, "failed_logins").at_most for code in ("2021-A2-04", "2025-A1-26"))
    answer: dict[str, Any] = ask(remote, "login_lockout", str(allowed))
    return answer


@pytest.mark.parametrize("way", ["ssh", "terminal"])
@requirement("2025-A1-26", "2021-A2-04")
def test_account_locks_after_wrong_passwords(lockout: dict[str, Any], way: str, measured: Measured) -> None:
    """Without a limit, a program tries passwords until one fits."""
    found = lockout[way]
    if found["refused_when_locked"]:
        measured(f"gesperrt nach {found['locked_after']} falschen Passwörtern, das richtige wird abgewiesen")
    else:
        measured("nach allen erlaubten Fehlversuchen öffnet das richtige Passwort das Konto")
    assert found["refused_when_locked"]


@pytest.mark.parametrize("way", ["ssh", "terminal"])
@requirement("2025-A1-26", "2021-A2-04")
def test_locked_account_opens_again_as_documented(lockout: dict[str, Any], way: str, measured: Measured) -> None:
    """A lock that nobody can open keeps the practice from its patients."""
    assert lockout[way]["refused_when_locked"], "nothing was locked"
    opened = lockout[way]["accepted_after_unlock"]
    measured("entsperrt mit `faillock --reset`" if opened else "nach dem Entsperren weiter abgewiesen")
    assert opened


@requirement("2025-A1-26")
def test_ssh_takes_no_passwords_or_locks_the_account(lockout: dict[str, Any], measured: Measured) -> None:
    """A login that the network reaches is tried by everybody in the network."""
    takes_passwords = {"password", "keyboard-interactive"} & set(lockout["ssh_offers"])
    measured(f"SSH bietet an: {', '.join(lockout['ssh_offers'])}")
    assert not takes_passwords or lockout["ssh"]["refused_when_locked"]
