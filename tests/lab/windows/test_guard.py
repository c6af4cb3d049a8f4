"""Settings that close the way in: the host comes back by itself, and the run says so."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.lab.windows.conftest import Ansible, StandIn, start

pytestmark = pytest.mark.xdist_group("windows")
RULES = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules"
PRIVATE = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\PrivateProfile"
TASK = r"\Praxisschild\Rueckweg"
ELSEWHERE = "v2.22|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5986|RA4=192.168.10.0/255.255.255.0|Name=WinRM|"
SECONDS = 12


@pytest.fixture(scope="module")
def closing(tmp_path_factory) -> Any:
    """A stand-in of its own."""
    found, process = start(tmp_path_factory.mktemp("guard") / "pc-1", "pc-1")
    yield found
    process.terminate()
    assert process.wait(10) == 0


def value(key: str, name: str, data: int | str) -> dict[str, Any]:
    kind = "dword" if isinstance(data, int) else "string"
    return {"key": key, "name": name, "type": kind, "value": data, "requirement": "2021-A1-32"}


def apply(stand_in: StandIn, folder: Any, rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    tasks = [
        {"name": "Declare", "windows_rows": rows},
        {"name": "Apply", "windows_apply": {"guard": SECONDS, **more}, "ignore_errors": True},
    ]
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
    return Ansible(stand_in, folder).play([play], {"pc-1": {}})["pc-1"]["Apply"]


def test_a_rule_that_locks_out_is_taken_back_by_the_host(closing, tmp_path):
    rows = [
        value(RULES, "Praxisschild-WinRM", ELSEWHERE),
        value(PRIVATE, "AllowLocalPolicyMerge", 0),
        value(PRIVATE, "EnableFirewall", 1),
    ]
    started = time.monotonic()
    result = apply(closing, tmp_path, {"registry": rows, "security": [{"name": "PasswordHistorySize", "value": 5}]})
    assert result["failed"]
    assert result["changed"] is False
    assert "after these settings a new connection was refused" in result["msg"]
    assert "The host has put everything back by itself and is reachable again" in result["msg"]
    assert "firewall_management_networks" in result["msg"]
    assert {item["reason"] for item in result["items"]} == {"put back"}
    assert len(result["items"]) == len(rows)
    assert not closing.registry.values(RULES)
    assert not closing.registry.values(PRIVATE)
    assert TASK not in closing.show("tasks")
    assert closing.show("security.PasswordHistorySize") == 0, "what follows waits for a host that is settled"
    assert any(entry["op"] == "refused" for entry in closing.log()), "nobody got in"
    assert time.monotonic() - started < SECONDS + 30


def test_a_service_without_which_nobody_gets_in_runs_again(closing, tmp_path):
    row = {"kind": "service", "name": "WinRM", "start": "disabled", "state": "stopped", "requirement": "2021-A1-32"}
    result = apply(closing, tmp_path, {"components": [row]})
    assert "The host has put everything back by itself and is reachable again" in result["msg"]
    assert closing.show("services.WinRM.start") == "auto"
    assert closing.show("services.WinRM.state") == "running"


def test_what_lets_us_in_stays_and_nothing_stays_armed(closing, tmp_path):
    here = ELSEWHERE.replace("192.168.10.0/255.255.255.0", "127.0.0.1")
    rows = [value(RULES, "Praxisschild-WinRM", here), value(PRIVATE, "AllowLocalPolicyMerge", 0)]
    result = apply(closing, tmp_path, {"registry": rows})
    assert result["changed"]
    assert not result.get("failed")
    assert closing.registry.get(PRIVATE, "AllowLocalPolicyMerge") == ("dword", 0)
    assert TASK not in closing.show("tasks")
    again = apply(closing, tmp_path, {"registry": rows})
    assert not again["changed"]


def test_the_last_run_is_put_back_and_a_second_time_there_is_nothing_to_do(closing, tmp_path):
    closing.set("security.PasswordHistorySize", "0")
    row = value(r"HKLM\SOFTWARE\Policies\Praxisschild-Probe", "Neu", 1)
    rows = {"registry": [row], "security": [{"name": "PasswordHistorySize", "value": 5}]}
    assert apply(closing, tmp_path, rows)["changed"]
    back = apply(closing, tmp_path, {}, restore="latest")
    assert {item["name"] for item in back["items"] if item["changed"]} == {
        r"HKLM\SOFTWARE\Policies\Praxisschild-Probe\Neu",
        "PasswordHistorySize",
    }
    assert closing.show("security.PasswordHistorySize") == 0
    assert not closing.registry.values(r"HKLM\SOFTWARE\Policies\Praxisschild-Probe")
    assert closing.registry.get(PRIVATE, "AllowLocalPolicyMerge") == ("dword", 0), "of an earlier run"
    assert not apply(closing, tmp_path, {}, restore="latest")["changed"]
