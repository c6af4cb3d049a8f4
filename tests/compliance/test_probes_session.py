"""Sessions left alone past their limit, and a user who tries to lift it; see ``praxisschild.probes``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, bound, not_applicable, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost

pytestmark = pytest.mark.probe

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@pytest.fixture
def sessions(remote: RemoteHost) -> dict[str, Any]:
    """What became of a temporary user's sessions."""
    answer: dict[str, Any] = ask(remote, "session_idle")
    return answer


def seconds(time: str) -> int:
    """A duration in sshd's notation, for example ``600`` or ``10m``."""
    return sum(int(number) * UNITS[unit.lower()] for number, unit in re.findall(r"(\d+)([a-zA-Z]?)", time))


@requirement("2021-A1-13")
def test_shell_left_alone_ends(sessions: dict[str, Any], measured: Measured) -> None:
    """Whoever finds an open shell works under somebody else's name."""
    shell = sessions["shell"]
    measured(f"Shell endet nach {shell['limit']} s ohne Eingabe" if shell["limit"] else "Shell bleibt unbegrenzt offen")
    assert shell["limit"] > 0
    assert bound("2021-A1-13", "lock_after").admits(shell["limit"])
    assert shell["ended_after"] is not None, "with a shorter limit the shell stayed open"


@requirement("2021-A1-13")
def test_user_cannot_lift_the_shell_limit(sessions: dict[str, Any], measured: Measured) -> None:
    """A limit that is inconvenient is switched off by those whom it protects."""
    changeable = sessions["shell"]["changeable"]
    measured("Grenze ist vom Benutzer änderbar" if changeable else "Grenze ist vom Benutzer nicht änderbar")
    assert not changeable


@requirement("2021-A1-13")
def test_ssh_session_left_alone_ends(sessions: dict[str, Any], measured: Measured) -> None:
    """A program left open over SSH shows what it shows to whoever passes the operator's screen."""
    ssh = sessions["ssh"]
    if not ssh["supported"]:
        not_applicable("Dieses OpenSSH kennt keine Grenze für untätige Sitzungen; die der Shell wird eigens geprüft.")
    limits = [
        entry.rpartition("=")[2]
        for entry in ssh["limit"].split()
        if entry.startswith(("session:shell=", "session:*=", "*="))
    ]
    measured(f"SSH-Sitzung endet nach {limits[0]} s" if limits else "SSH-Sitzung bleibt unbegrenzt offen")
    assert limits
    assert bound("2021-A1-13", "lock_after").admits(seconds(limits[0]))
    assert ssh["ended_after"] is not None, "with a shorter limit the session stayed open"


@requirement("2021-A1-13")
def test_user_cannot_lift_the_screen_lock(sessions: dict[str, Any], measured: Measured) -> None:
    """A lock that is inconvenient is switched off by those whom it protects."""
    desktop = sessions["desktop"]
    if desktop is None:
        not_applicable("Auf diesem Host gibt es keine Einstellungen einer grafischen Oberfläche.")
    changeable = [key.rpartition("/")[2] for key, found in desktop.items() if found["changeable"]]
    measured(f"vom Benutzer änderbar: {', '.join(changeable) or 'nichts'}")
    assert not changeable
    idle = desktop["org/gnome/desktop/session/idle-delay"]["value"]
    assert bound("2021-A1-13", "lock_after").admits(int(idle.removeprefix("uint32 ")))
