"""Scheduled runs on real hosts: what somebody changed by hand is found, named, put right and reported."""

from __future__ import annotations

import json

import pytest

from praxisschild.results import Run, Status
from tests.lab.conftest import MUSTERPRAXIS, PROJECT

pytestmark = pytest.mark.xdist_group("practice")

CARELESS_HAND = "rm -f /etc/chromium/policies/managed/*; systemctl stop unattended-upgrades 2>/dev/null; true"


@pytest.fixture(scope="module")
def control_node(hardened):
    """A host with a systemd of its own that works on this checkout."""
    hardened.hosts("up", "leitstand")
    yield f"praxisschild-{hardened.instance}-leitstand"
    hardened.hosts("down", "leitstand")


def podman(lab, *arguments, code=0):
    return lab.run("lab/lab.py", "podman", "--", *arguments, code=code)


def newest_bundle():
    newest = max((PROJECT / "evidence").glob("musterpraxis/2*/results.json"), key=lambda path: path.stat().st_mtime)
    return Run.model_validate(json.loads(newest.read_text(encoding="utf-8")))


def test_the_scheduled_service_finds_and_corrects_what_was_changed_by_hand(hardened, control_node):
    inside = ["exec", f"--workdir={PROJECT}", f"--env=LAB_INSTANCE={hardened.instance}", control_node]
    podman(hardened, *inside, "make", "--no-print-directory", "schedule", f"PRACTICE={MUSTERPRAXIS}", "AT=12:30")
    timers = podman(hardened, *inside, "systemctl", "list-timers", "--all", "--no-pager").stdout
    assert "praxisschild-musterpraxis.timer" in timers
    hardened.shell("arbeitsplatz-1", CARELESS_HAND)
    started = podman(hardened, *inside, "systemctl", "start", "praxisschild-musterpraxis.service", code=None)
    log = podman(hardened, *inside, "journalctl", "-u", "praxisschild-musterpraxis.service", "--no-pager").stdout
    assert started.returncode == 0, log[-6000:]
    run = newest_bundle()
    assert run.drift is not None
    drifted = {(item.host, identifier) for item in run.drift.drifted for identifier in item.requirements}
    assert ("arbeitsplatz-1", "2021-A1-08") in drifted
    assert {item.host for item in run.drift.drifted} == {"arbeitsplatz-1"}
    assert {(item.kind, item.name) for item in run.drift.corrected} == {
        (item.kind, item.name) for item in run.drift.drifted
    }
    assert not [check for check in run.checks if check.status is Status.FAILED]
    podman(hardened, *inside, "make", "--no-print-directory", "unschedule", f"PRACTICE={MUSTERPRAXIS}")
    assert "praxisschild" not in podman(hardened, *inside, "systemctl", "list-timers", "--all", "--no-pager").stdout


def test_report_only_names_the_drift_and_leaves_it(hardened):
    hardened.shell("arbeitsplatz-1", CARELESS_HAND)
    done = hardened.run("praxisschild", "drift", str(MUSTERPRAXIS), "--report-only", code=None)
    assert done.returncode in {0, 1}, done.stdout[-4000:] + done.stderr[-2000:]
    run = newest_bundle()
    assert run.drift is not None
    assert run.drift.drifted
    assert not run.drift.corrected
    hardened.apply("--limit", "arbeitsplatz-1", "--tags", "browser_policy")
