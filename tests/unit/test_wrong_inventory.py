"""A wrong inventory stops the real playbook before any host is touched: one message in German, way out, exit 2."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

DEVIATION = """\
  deviations:
    - requirement: {requirement}
      hosts: [anmeldung]
      reason: {reason}
      compensation: Klappe vor der Kamera
      risk: niedrig
      approved_by: Praxisinhaberin
      approved_on: {approved}
      expires: {expires}
"""
TODAY = datetime.now(UTC).date()
HALF_A_YEAR_AGO = TODAY - timedelta(days=200)


def deviation(requirement="2025-A1-18", reason="Videosprechstunde an diesem Platz", approved=TODAY, days=100):
    expires = approved + timedelta(days=days)
    return DEVIATION.format(requirement=requirement, reason=reason, approved=approved, expires=expires)


@pytest.fixture
def practice(project, tmp_path):
    """A copy of the template to spoil; its addresses are never contacted."""
    folder = tmp_path / "beispiel"
    shutil.copytree(project / "inventories/vorlage", folder)
    return folder


def apply(project, practice):
    scripts = Path(sys.executable).parent
    return subprocess.run(
        [scripts / "ansible-playbook", "-i", practice, "playbooks/site.yml"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{scripts}:/usr/bin:/bin", "HOME": str(practice.parent), "ANSIBLE_FORCE_COLOR": "0"},
        timeout=60,
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        (
            "praxis.yml",
            "size: praxis",
            "size: winzig",
            ["praxis.size", "zulässig ist", "einen der genannten Werte wählen"],
        ),
        ("praxis.yml", "size: praxis", "size: mittel", ["praxis.log_host", "2021-A2-11", "Abweichung"]),
        ("praxis.yml", "  deviations: []\n", deviation("2025-A1-77"), ["2025-A1-77", "gemeint?"]),
        (
            "praxis.yml",
            "  deviations: []\n",
            deviation(approved=HALF_A_YEAR_AGO),
            ["abgelaufen", "noch einmal genehmigen"],
        ),
        ("praxis.yml", "  deviations: []\n", deviation(reason="''"), ["reason", "Prüfende"]),
        ("praxis.yml", "own_web_server: false", "own_web_server: true", ["features.own_web_server", "einen Dienst"]),
        ("praxis.yml", "  deviations: []\n", deviation(days=400), ["höchstens ein Jahr", "noch einmal genehmigen"]),
        (
            "zugang.yml",
            "ansible_user:",
            "endpoint_hardening_lock_aftre: 300\nansible_user:",
            ["gemeint?", "_after"],
        ),
    ],
    ids=[
        "unknown size",
        "no log host",
        "unknown requirement",
        "expired deviation",
        "reasonless deviation",
        "feature without its service",
        "deviation for ever",
        "misspelt role variable",
    ],
)
@pytest.mark.slow
def test_a_wrong_inventory_stops_before_any_host(project, practice, file, old, new, named):
    path = practice / "group_vars/all" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = apply(project, practice)
    output = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, output
    assert file in output
    for word in named:
        assert word in output
    assert "Traceback" not in output
    assert "unreachable=0" in output
    assert not re.search(r"TASK \[(?!Validate)", done.stdout), "a task ran after the message"
