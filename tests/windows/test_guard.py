"""What a call armed is put back by the host itself, by programs of Windows alone, unless somebody calls it off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.windows import due
from lab.windows.log import WireLog
from lab.windows.shim import read_shim
from tests.windows.conftest import MODULES, Host

TASK = r"\Praxisschild\Rueckweg"
KEY = r"HKLM\SOFTWARE\Policies\Praxisschild-Probe"
RUN = "20261128T171500Z"


class _Later(datetime):
    """A clock that goes an hour ahead."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(hours=1)


def guard(host: Host, run: str = RUN, phase: str = "confirm", *, check: bool = False) -> str:
    statements = read_shim((MODULES / "win_guard.ps1").read_text())
    answer = host.carry_out("win_guard", statements, {"run": run, "phase": phase, "_ansible_check_mode": check})
    assert answer["changed"] is False
    return answer["outcome"]


def time_passes(host: Host, monkeypatch) -> None:
    monkeypatch.setattr(due, "datetime", _Later)
    due.run_due(host.folder, WireLog(host.folder / "wire.jsonl", []), set())


def value(name, kind, data, **more):
    return {"key": KEY, "name": name, "type": kind, "value": data, **more}


BEFORE = [
    ("Zahl", "dword", 4294967295),
    ("Lang", "qword", 18446744073709551615),
    ("Text", "string", 'Umlaut ß, "Anführung" \\ und\nZeile'),
    ("Pfad", "expand_string", r"%SystemRoot%\x"),
    ("Liste", "multi_string", ["eins", "zwei"]),
    ("Bytes", "binary", b"\x00\xff"),
    ('Name mit " und \\', "string", "x"),
    ("", "string", "Standardwert"),
]


def test_what_nobody_confirms_is_as_it_was(pc, monkeypatch):
    for name, kind, data in BEFORE:
        pc.registry.set(KEY, name, kind, data)
    before = pc.registry.values(KEY)
    rows = [value(name, "string", "neu") for name, _, _ in BEFORE] + [value("Neu", "dword", 1)]
    answer = pc("registry", rows, run=RUN, guard=60)
    assert answer["armed"] == RUN
    assert set(pc.registry.values(KEY)) == {*before, "Neu"}
    due.run_due(pc.folder, WireLog(pc.folder / "wire.jsonl", []), set())
    assert "Neu" in pc.registry.values(KEY), "its time has not come"
    assert guard(pc, phase="status") == "armed"
    time_passes(pc, monkeypatch)
    assert pc.registry.values(KEY) == before
    assert TASK not in pc.state["tasks"]
    assert guard(pc, phase="status") == "reverted"
    assert guard(pc) == "reverted"


def test_a_confirmed_change_stays_and_nothing_stays_armed(pc, monkeypatch):
    pc("registry", [value("Neu", "dword", 1)], run=RUN, guard=60)
    assert guard(pc, check=True) == "armed"
    assert guard(pc) == "confirmed"
    assert TASK not in pc.state["tasks"]
    assert not pc.path(r"C:\ProgramData\Praxisschild\guard").exists()
    time_passes(pc, monkeypatch)
    assert "Neu" in pc.registry.values(KEY)
    assert guard(pc) == "nothing"


def test_values_that_only_32_bit_programs_see_go_back_too(pc, monkeypatch):
    row = {"key": r"HKLM\SOFTWARE\Probe", "name": "X", "type": "dword", "value": 1, "view": "both"}
    pc("registry", [row], run=RUN, guard=60)
    assert pc.registry.get(r"HKLM\SOFTWARE\WOW6432Node\Probe", "X")
    time_passes(pc, monkeypatch)
    assert not pc.registry.get(r"HKLM\SOFTWARE\WOW6432Node\Probe", "X")
    assert not pc.registry.get(r"HKLM\SOFTWARE\Probe", "X")


def test_the_security_policy_goes_back(pc, monkeypatch):
    before = pc.state
    rows = [
        {"name": "LockoutBadCount", "value": 3},
        {"name": "NewGuestName", "value": "Niemand"},
        {"name": "SeRemoteInteractiveLogonRight", "value": []},
        {"name": "SeNetworkLogonRight", "value": ["S-1-5-32-544"]},
    ]
    assert pc("security", rows, run=RUN, guard=60)["armed"] == RUN
    assert pc.state["security"] != before["security"]
    time_passes(pc, monkeypatch)
    assert pc.state["security"] == before["security"]
    assert {name: set(sids) for name, sids in pc.state["rights"].items()} == {
        name: set(sids) for name, sids in before["rights"].items()
    }


def test_services_go_back(pc, monkeypatch):
    before = pc.state["services"]
    rows = [
        {"kind": "service", "name": "WinRM", "start": "disabled", "state": "stopped"},
        {"kind": "service", "name": "BITS", "start": "disabled", "state": "stopped"},
        {"kind": "service", "name": "SSDPSRV", "start": "manual", "state": "running"},
        {"kind": "feature", "name": "TelnetClient", "state": "enabled"},
    ]
    assert pc("components", rows, run=RUN, guard=60)["armed"] == RUN
    assert pc.state["services"] != before
    time_passes(pc, monkeypatch)
    assert pc.state["services"] == before
    assert pc.state["features"]["TelnetClient"] == "enabled", "a feature keeps nobody out"


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("registry", [{"key": r"HKCU\Software\Probe", "name": "X", "type": "dword", "value": 1}]),
        ("components", [{"kind": "feature", "name": "TelnetClient", "state": "enabled"}]),
        ("audit", [{"subcategory": "{0CCE9216-69AE-11D9-BED3-505054503030}", "success": True, "failure": True}]),
    ],
)
def test_what_closes_no_way_in_arms_nothing(pc, kind, rows):
    answer = pc(kind, rows, run=RUN, guard=60)
    assert answer["changed"]
    assert "armed" not in answer
    assert TASK not in pc.state["tasks"]


def test_nothing_is_armed_without_a_change_or_in_check_mode(pc):
    row = value("Neu", "dword", 1)
    assert "armed" not in pc("registry", [row], run=RUN, guard=60, check=True)
    assert "armed" not in pc("registry", [row], run=RUN)
    assert "armed" not in pc("registry", [row], run=RUN, guard=60)


def test_a_second_change_waits_until_the_first_is_confirmed(pc):
    pc("registry", [value("A", "dword", 1)], run=RUN, guard=60)
    refused = pc("registry", [value("B", "dword", 1)], run="20261128T171600Z", guard=60)
    assert "an earlier change waits for its confirmation" in refused["msg"]
    assert refused["changed"] is False
    assert "B" not in pc.registry.values(KEY)
    assert guard(pc, "20261128T171600Z") == "other"


def test_what_cannot_be_armed_is_not_applied(pc):
    (pc.folder / "System32" / "schtasks.exe").write_text("#!/bin/sh\necho FEHLER: Zugriff verweigert\nexit 1\n")
    refused = pc("registry", [value("A", "dword", 1)], run=RUN, guard=60)
    assert refused["msg"].startswith(
        "the way back could not be prepared, so nothing was changed: schtasks ended with 1"
    )
    assert not any(item["changed"] for item in refused["items"])
    assert not pc.registry.values(KEY)


def test_the_way_back_fits_into_one_task_whatever_changed(pc, monkeypatch):
    with pc.editing() as state:
        for number in range(30):
            state["services"][f"Dienst{number}"] = {**state["services"]["Spooler"]}
    before = pc.state["services"]["WinRM"]
    rows = [
        {"kind": "service", "name": f"Dienst{number}", "start": "disabled", "state": "stopped"} for number in range(30)
    ]
    rows.append({"kind": "service", "name": "WinRM", "start": "disabled", "state": "stopped"})
    pc("components", rows, run=RUN, guard=60)
    assert pc.state["tasks"][TASK]["xml"].count("<Exec>") <= 32
    time_passes(pc, monkeypatch)
    assert pc.state["services"]["WinRM"] == before


def test_the_clock_of_the_task_is_that_of_the_world(pc):
    pc("registry", [value("A", "dword", 1)], run=RUN, guard=600)
    told = pc.state["tasks"][TASK]["xml"].partition("<StartBoundary>")[2].partition("<")[0]
    wait = datetime.fromisoformat(told) - datetime.now(UTC)
    assert timedelta(seconds=570) < wait <= timedelta(seconds=600)
