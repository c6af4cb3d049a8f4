"""What a connection to Windows says when it fails is told in words that help, and nothing else is taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from praxisschild.i18n import german
from praxisschild.playbook_run import PlaybookRun, explain
from praxisschild.windows_messages import MEANINGS, german_reason, meaning

FILE = Path(__file__).parents[1] / "data/windows/said.yml"
SAID = [(one["said"], one["reason"], one["way_out"]) for one in yaml.safe_load(FILE.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("said", "reason", "way_out"), SAID)
def test_a_failure_is_told_with_its_reason_and_the_way_out(said, reason, way_out):
    with german():
        found = meaning(said)
    assert found is not None
    assert reason in found[0]
    assert way_out in found[1]
    assert german_reason(said) == f"{found[0]}. Abhilfe: {found[1]}"


def test_every_meaning_is_that_of_a_text_that_was_said():
    with german():
        told = {found[0] for said, _, _ in SAID if (found := meaning(said))}
        known = {found[0] for pattern, _, _ in MEANINGS if (found := _meaning_of(pattern))}
    assert known - told == {"Windows gibt diesem Konto keine weiteren Shells"}


def _meaning_of(pattern: str) -> tuple[str, str] | None:
    from praxisschild.i18n import _

    return next((_(reason), _(way_out)) for one, reason, way_out in MEANINGS if one == pattern)


@pytest.mark.parametrize(
    "said",
    [
        "ssh: connect to host 192.168.10.2 port 22: Connection refused",
        "kex_exchange_identification: read: Connection reset by peer",
        "Failed to connect to the host via ssh: Permission denied (publickey,password).",
        "Host key verification failed.",
        "Incorrect sudo password",
        "E: Failed to fetch http://deb.debian.org/x  Connection timed out",
        "Could not get lock /var/lib/dpkg/lock-frontend",
        "1 of 3 could not be set, the others were: HKLM\\SOFTWARE\\Policies\\X: access denied",
        "",
    ],
)
def test_what_a_linux_host_says_is_left_to_the_others(said):
    assert meaning(said) is None
    assert german_reason(said) == said.partition("\n")[0]


def test_the_playbook_and_the_report_say_the_same():
    said = SAID[0][0]
    with german():
        assert explain(said) == meaning(said)


def test_a_host_that_does_not_answer_in_time_was_not_reached():
    """Ansible calls this, alone of all ways to be unreachable, a failed task."""
    run = PlaybookRun()
    event = {
        "host": "pc-1",
        "warnings": [],
        "role": "windows_settings",
        "task": "x",
        "action": "windows_apply",
        "tags": [],
    }
    run.feed({**event, "event": "failed", "result": {"msg": "Task failed: the connection attempt timed out"}})
    run.feed({**event, "event": "failed", "host": "pc-2", "result": {"msg": "Task failed: Module failed: x"}})
    assert [host.status for host in run.hosts.values()] == ["unreachable", "failed"]
    assert run.exit_code == 3


def test_a_setting_of_windows_shows_what_it_was_and_what_it_becomes():
    run = PlaybookRun(is_check=True)
    rows = [
        {
            "kind": "registry",
            "name": "HKLM\\X\\a",
            "changed": True,
            "state": "present",
            "before": {"type": "dword", "value": 0},
            "after": {"type": "dword", "value": 600},
        },
        {"kind": "registry", "name": "HKLM\\X\\b", "changed": True, "state": "present", "before": None, "after": 1},
        {"kind": "security", "name": "Se", "changed": True, "state": "present", "before": ["S-1-1-0"], "after": []},
        {"kind": "service", "name": "x", "changed": False, "state": "present", "before": "a", "after": "a"},
    ]
    event = {
        "host": "pc-1",
        "warnings": [],
        "role": "windows_settings",
        "task": "x",
        "action": "windows_apply",
        "tags": [],
    }
    run.feed({**event, "event": "ok", "result": {"items": rows}})
    items = run.hosts["pc-1"].items
    assert [(item.effect, item.note) for item in items] == [
        ("changed", "0 → 600"), ("new", "– → 1"), ("changed", ""), ("unchanged", ""),
    ]  # fmt: skip
