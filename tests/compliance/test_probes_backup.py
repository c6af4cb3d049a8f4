"""A file is backed up, destroyed, restored and compared; see ``praxisschild.probes``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, not_applicable, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost

pytestmark = pytest.mark.probe

FILE = {
    "identical": "zurückgespielt und Bit für Bit gleich",
    "different": "zurückgespielt, aber verändert",
    "missing": "nicht zurückgespielt",
    "not backed up": "nicht gesichert",
}


@pytest.fixture
def backup(remote: RemoteHost) -> dict[str, Any]:
    """What became of the probe's file, and of the scheduled jobs."""
    answer: dict[str, Any] = ask(remote, "backup")
    return answer


@requirement("2021-A1-14", "2025-A1-25")
def test_lost_file_comes_back_from_the_backup(backup: dict[str, Any], measured: Measured) -> None:
    """After a fire or an extortion only what can be restored is left."""
    if "file" not in backup:
        measured("Auf diesem Host ist keine Datensicherung eingeplant.")
    else:
        measured(f"Sicherung: {backup['backup']['result']}; Probedatei {FILE[backup['file']]}")
    assert "file" in backup, "no backup is scheduled"
    assert backup["file"] == "identical", backup["says"]


@requirement("2025-A1-25", "2021-A1-14")
def test_scheduled_restore_test_succeeds(backup: dict[str, Any], measured: Measured) -> None:
    """A backup that was never restored is only a hope."""
    test = backup.get("restore_test")
    measured(f"Rücksicherungstest: {test['result']}" if test else "Kein Rücksicherungstest ist eingeplant.")
    assert test
    assert test["result"] == "success"


@requirement("2021-A1-14")
def test_medium_is_there_for_the_backup_only(backup: dict[str, Any], measured: Measured) -> None:
    """Malware that encrypts the disks encrypts a medium that is always mounted, too."""
    medium = backup.get("medium")
    if not medium:
        not_applicable("Auf diesem Host ist keine Sicherung auf ein Wechselmedium eingeplant.")
    if medium["result"] == "medium absent":
        measured("Das Medium ist nicht angeschlossen.")
        assert not medium["mounted_before"]
        return
    when = {"davor": medium["mounted_before"], "dabei": medium["mounted_during"], "danach": medium["mounted_after"]}
    seen = ", ".join(f"{word} {'eingehängt' if mounted else 'nicht eingehängt'}" for word, mounted in when.items())
    measured(f"Sicherung auf das Medium: {medium['result']}; {seen}")
    assert medium["result"] == "success"
    assert list(when.values()) == [False, True, False]
