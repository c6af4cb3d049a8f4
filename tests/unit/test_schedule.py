from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from praxisschild import schedule
from praxisschild.errors import InputError, RunError


@pytest.fixture
def units(monkeypatch, tmp_path):
    """Unit files land in a folder of the test, and what would be said to systemctl is kept."""
    said = []
    monkeypatch.setattr(schedule.Units, "control", lambda self, *arguments: said.append(arguments))
    monkeypatch.setattr(schedule, "calendar_of", lambda at: f"*-*-* {at}:00")
    monkeypatch.setattr(
        schedule.Units, "of", classmethod(lambda cls, practice: cls(f"praxisschild-{practice.name}", tmp_path, ()))
    )
    return said


def test_the_timer_is_persistent_randomised_and_enabled(units, tmp_path):
    installed = schedule.install(Path("inventories/beispiel"), "12:30", Path("/srv/praxisschild"))
    timer = installed.timer.read_text()
    assert "OnCalendar=*-*-* 12:30:00" in timer
    assert "Persistent=true" in timer
    assert "RandomizedDelaySec=" in timer
    assert "Type=oneshot" in installed.service.read_text()
    assert ("enable", "--now", "praxisschild-beispiel.timer") in units


def test_removing_leaves_nothing(units, tmp_path):
    schedule.install(Path("inventories/beispiel"), "12:30", Path("/srv/praxisschild"))
    assert schedule.remove(Path("inventories/beispiel"))
    assert not list(tmp_path.iterdir())
    assert not schedule.remove(Path("inventories/beispiel"))


def test_a_machine_without_systemd_is_told_so(monkeypatch):
    monkeypatch.setattr(schedule.shutil, "which", lambda name: None)
    with pytest.raises(RunError, match="systemd"):
        schedule.calendar_of("12:30")


def test_a_time_that_systemd_does_not_understand_is_named(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "Failed to parse")
    monkeypatch.setattr(schedule.shutil, "which", lambda name: name)
    monkeypatch.setattr(schedule.Path, "exists", lambda self: True)
    monkeypatch.setattr(schedule.subprocess, "run", lambda *a, **k: failed)
    with pytest.raises(InputError, match="25:99"):
        schedule.calendar_of("25:99")
