"""Logs of the same work on two hosts say the same; where the hosts differ, the difference is named."""

from __future__ import annotations

import json

import pytest

from lab.windows import recording, transcript
from tests.lab.windows.conftest import PASSWORD, Ansible, start

pytestmark = pytest.mark.xdist_group("windows")
TASKS = [
    {"win_sample": {"values": [{"key": r"SOFTWARE\Policies\X", "name": "a", "data": 1}], "api_key": "geheim-0815"}},
    {"win_registry_values": {"rows": [{"key": r"HKLM\SOFTWARE\Policies\X", "name": "b", "type": "dword", "value": 1}]}},
    {"win_security_policy_values": {"rows": [{"name": "MinimumPasswordLength", "value": 12}]}, "check_mode": True},
    {"ansible.builtin.raw": "whoami"},
]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two PCs of a kind; the second one demands passwords of five characters."""
    folder = tmp_path_factory.mktemp("two")
    hosts = [start(folder / name / "pc-1", "pc-1") for name in ("eins", "zwei")]
    one, other = (host for host, _ in hosts)
    other.set("security.MinimumPasswordLength", "5")
    variables = {"ansible_port": other.https, "ansible_winrm_ca_trust_path": other.authority}
    play = [{"hosts": "all", "gather_facts": False, "ignore_errors": True, "tasks": TASKS}]
    recording_environment = recording.environment_for(folder / "connection", folder / "transcript.jsonl")
    Ansible(one, folder).play(play, {"eins": {}, "zwei": variables}, **recording_environment)
    yield one.log(), other.log(), (folder / "transcript.jsonl").read_text(encoding="utf-8"), one
    for _, process in hosts:
        process.terminate()
        process.wait(10)


def test_the_only_difference_is_named(two):
    found = transcript.differences(two[0], two[1])
    assert all(line.startswith("3 (win_security_policy_values): result.items[0].") for line in found)
    assert any("before: 0 against 5" in line.replace("'", "") for line in found), found


def test_a_log_agrees_with_itself_and_not_with_half_of_itself(two):
    one = two[0]
    assert transcript.differences(one, one) == []
    assert transcript.differences(one, one[: len(one) // 2])


def test_what_is_compared_is_what_was_done(two):
    one = two[0]
    calls = transcript.comparable(one)
    assert [call.get("module") or call["kind"] for call in calls] == [
        "win_sample",
        "win_registry_values",
        "win_security_policy_values",
        "script",
    ]
    assert all("ms" not in call and "at" not in call for call in calls)
    assert "geheim-0815" not in str(calls)


def test_the_controllers_record_says_the_same_as_the_hosts_log(two):
    """So a record of a real PC can be laid beside the stand-in's log."""
    host, _, text, stand_in = two
    lines = [json.loads(line) for line in text.splitlines()]
    of_this_host = [line for line in lines if f":{stand_in.https} " in line["shell"]]
    assert len(lines) == 2 * len(TASKS)
    assert transcript.differences(host, of_this_host) == []
    assert [line["stdin"] for line in of_this_host] == [line["stdin"] for line in host if line["op"] == "exec"]
    for secret in ("geheim-0815", PASSWORD):
        assert secret not in text
