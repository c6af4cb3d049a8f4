from __future__ import annotations

import json
from datetime import UTC, datetime

from praxisschild.drift import drift_since
from praxisschild.evidence import write_bundle
from praxisschild.results import CheckResult, PracticeFacts, Run, Status

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def check(name, status, host="arbeitsplatz-1"):
    return CheckResult(check=name, requirements=("2021-A1-13",), host=host, status=status, started=NOW)


def run(*checks):
    return Run(
        tool_version="1",
        practice=PracticeFacts(name="Beispiel", size="praxis", edition="2025"),
        started=NOW,
        ended=NOW,
        hosts=(),
        checks=checks,
        requirements=(),
    )


def drift_folder(tmp_path, *checks, changes=()):
    write_bundle(tmp_path / "before", run(*checks), {})
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes/arbeitsplatz-1.json").write_text(json.dumps(list(changes)))
    return tmp_path


def test_what_failed_before_and_passes_now_was_corrected(tmp_path):
    folder = drift_folder(tmp_path, check("test_a", Status.FAILED), check("test_b", Status.FAILED))
    drift = drift_since(folder, None, [check("test_a", Status.PASSED), check("test_b", Status.FAILED)])
    assert [item.name for item in drift.drifted] == ["test_a", "test_b"]
    assert [item.name for item in drift.corrected] == ["test_a"]


def test_what_already_failed_in_the_last_run_is_no_drift(tmp_path):
    folder = drift_folder(tmp_path, check("test_a", Status.FAILED), check("test_b", Status.FAILED))
    last = run(check("test_a", Status.FAILED), check("test_b", Status.PASSED))
    assert [item.name for item in drift_since(folder, last, []).drifted] == ["test_b"]


def test_changed_files_are_drift_and_only_a_real_run_corrects_them(tmp_path):
    change = {"kind": "file", "name": "/etc/x", "requirements": ["2021-A1-13"], "role": "r", "state": "changed"}
    folder = drift_folder(
        tmp_path,
        changes=[
            {**change, "check_mode": False},
            {**change, "name": "/etc/y", "check_mode": True},
            {**change, "kind": "handler", "check_mode": False},
        ],
    )
    drift = drift_since(folder, None, [])
    assert [item.name for item in drift.drifted] == ["/etc/x", "/etc/y"]
    assert [item.name for item in drift.corrected] == ["/etc/x"]
