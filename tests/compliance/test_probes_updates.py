"""An old package is found, updated from an archive of the probe's own, and gone; see ``praxisschild.probes``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost

pytestmark = pytest.mark.probe


@pytest.fixture
def update(remote: RemoteHost) -> dict[str, Any]:
    """What became of the probe's package."""
    answer: dict[str, Any] = ask(remote, "updates")
    return answer


@requirement("2025-A1-14")
def test_waiting_security_update_is_installed(update: dict[str, Any], measured: Measured) -> None:
    """Whether updates arrive shows when one is there."""
    arrived = update.get("version") == "2"
    if not update["installed"]:
        measured("Auf diesem Host installiert niemand Updates (unattended-upgrades fehlt).")
    else:
        seen = "erkannt" if update["pending"] else "nicht erkannt"
        measured(f"Probepaket: Sicherheitsupdate {seen}, {'installiert' if arrived else 'nicht installiert'}")
    assert update["installed"], "unattended-upgrades is not installed"
    assert update["pending"]
    assert arrived, update["says"]
    assert update["exit"] == 0, update["says"]


@requirement("2025-A1-14")
def test_update_that_somebody_else_signed_is_refused(update: dict[str, Any], measured: Measured) -> None:
    """A forged update is the shortest way onto every host at once."""
    if not update["installed"]:
        measured("Auf diesem Host installiert niemand Updates (unattended-upgrades fehlt).")
    else:
        refused = update["forged"] == "refused"
        measured(f"Update mit fremder Unterschrift: {'abgelehnt' if refused else 'installiert'}")
    assert update["installed"], "unattended-upgrades is not installed"
    assert update["forged"] == "refused"
