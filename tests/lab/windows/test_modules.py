"""Modules as the real Ansible sends them: compiled as they came over the wire, run, honest about what is missing.

One run of one playbook serves all tests: starting Ansible takes longer than all of its tasks.
"""

from __future__ import annotations

from typing import Any

import pytest

from lab.windows import tls
from tests.lab.windows.conftest import PASSWORD

pytestmark = pytest.mark.xdist_group("windows")
KEY = r"SOFTWARE\Policies\Praxisschild\Probe"
API_KEY = "api-4711-streng-geheim"
BECOME = "Become-Kennwort-0815"
LOGON = "{0CCE9215-69AE-11D9-BED3-505054503030}"
VALUES = [{"key": KEY, "name": f"Wert {at}", "data": at} for at in range(150)]
AS_ANOTHER = {
    "become": True,
    "become_method": "runas",
    "become_user": "mfa-1",
    "vars": {"ansible_become_password": BECOME},
}
PRODUCT: list[tuple[str, dict[str, Any]]] = [
    ("win_security_policy_values", {"name": "MinimumPasswordLength", "value": 12}),
    ("win_audit_policy", {"subcategory": LOGON, "success": True, "failure": True}),
    (
        "win_registry_values",
        {"key": r"HKLM\SOFTWARE\Policies\Praxisschild", "name": "Gerät", "type": "string", "value": "Ö"},
    ),
    ("win_components", {"kind": "service", "name": "Spooler", "start": "disabled", "state": "stopped"}),
]
TASKS: dict[str, dict[str, Any]] = {
    "foretold": {"win_sample": {"values": VALUES}, "check_mode": True, "diff": True},
    "applied": {"win_sample": {"values": VALUES}, "diff": True},
    "again": {"win_sample": {"values": VALUES}},
    "secret": {"win_sample": {"api_key": API_KEY}},
    "hidden": {"win_sample": {"group": "nicht fürs Protokoll"}, "no_log": True},
    "another account": {"win_sample": {"api_key": API_KEY}, **AS_ANOTHER},
    "wrong arguments": {"win_sample": {"values": [{"key": KEY}], "unbekannt": 1}},
    "in the background": {"win_sample": {}, "async": 10, "poll": 0},
    "logic in PowerShell": {"win_logic": {}},
    "newer C#": {"win_newer": {}},
    "ping": {"win_ping": {"data": "Grüß Gott"}},
    "ping with wrong arguments": {"win_ping": {"nichts": 1}},
    "raw": {"ansible.builtin.raw": "Get-Service WinRM"},
    "raw program": {"ansible.builtin.raw": "whoami"},
    "read in any language": {"win_english": {"language": "none"}},
    "read in English": {"win_english": {"language": "english"}},
    "group by English name": {
        "win_security_policy_values": {"rows": [{"name": "SeBackupPrivilege", "value": ["Administrators"]}]}
    },
    **{f"check {name}": {name: {"rows": [row]}, "check_mode": True} for name, row in PRODUCT},
    **{f"apply {name}": {name: {"rows": [row]}} for name, row in PRODUCT},
    **{f"again {name}": {name: {"rows": [row]}} for name, row in PRODUCT},
}


@pytest.fixture(scope="module")
def results(stand_in, ansible, tmp_path_factory) -> dict[str, dict[str, Any]]:
    """What Ansible heard, task by task; hosts beside pc-1 are the same one under a wrong password or authority."""
    stranger = str(tls.authority(tmp_path_factory.mktemp("stranger")))
    plays = [
        {"hosts": "pc-1", "gather_facts": False, "ignore_errors": True, "tasks": _named(TASKS)},
        {
            "hosts": "falsches-kennwort:fremde-stelle",
            "gather_facts": False,
            "ignore_unreachable": True,
            "tasks": _named({"refused": {"win_sample": {}}}),
        },
    ]
    hosts = {
        "pc-1": {},
        "falsches-kennwort": {"ansible_password": "falsch"},
        "fremde-stelle": {"ansible_winrm_ca_trust_path": stranger},
    }
    return ansible.play(plays, hosts)


def _named(tasks: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, **task} for name, task in tasks.items()]


@pytest.fixture
def heard(results) -> dict[str, Any]:
    return results["pc-1"]


@pytest.fixture
def written(stand_in, results) -> dict[str, list[dict[str, Any]]]:
    """The wire log's entries of modules by name."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for entry in stand_in.log():
        if "module" in entry:
            entries.setdefault(entry["module"], []).append(entry)
    return entries


def test_check_mode_foretells_what_happens_and_writes_nothing(heard):
    assert heard["foretold"]["changed"]
    assert len(heard["foretold"]["diff"]["after"]) == 150
    assert heard["applied"]["diff"] == heard["foretold"]["diff"]
    assert set(heard["applied"]["diff"]["before"].values()) == {None}


def test_what_was_applied_is_in_the_registry_and_a_second_run_changes_nothing(stand_in, heard):
    assert stand_in.registry.values(rf"HKLM\{KEY}") == {f"Wert {at}": ("dword", at) for at in range(150)}
    assert heard["again"]["changed"] is False


def test_the_host_is_german_in_what_it_writes(heard):
    assert heard["again"]["seen"]["number"] == "1,5"
    assert heard["again"]["seen"]["umlauts"] == "Überwachung geändert"


def test_arguments_are_checked_by_the_real_ansible_basic(heard):
    assert heard["wrong arguments"]["failed"]
    assert "unbekannt" in heard["wrong arguments"]["msg"]
    assert "Supported parameters include" in heard["wrong arguments"]["msg"]


@pytest.mark.parametrize(
    ("task", "what"), [("another account", "become_wrapper.ps1"), ("in the background", "async_wrapper")]
)
def test_other_accounts_and_background_jobs_are_errors(heard, task, what):
    assert heard[task]["failed"]
    assert f"NICHT NACHGEBILDET: {what}" in heard[task]["msg"]


def test_secrets_arrive_and_are_not_in_the_wire_log(stand_in, heard, written):
    assert heard["secret"]["seen"]["api_key"] == API_KEY
    entry = next(one for one in written["win_sample"] if one["args"] == {"api_key": "***"})
    assert entry["result"]["seen"]["api_key"] == "***"
    assert any("become_wrapper.ps1" in one["actions"] for one in written["win_sample"])
    for secret in (API_KEY, BECOME, PASSWORD, "nicht fürs Protokoll"):
        assert secret not in stand_in.log_text()


def test_what_is_not_to_be_logged_is_hidden_as_a_whole(written):
    assert any(one["args"] == one["result"] == "***" for one in written["win_sample"])


def test_the_wire_log_says_what_ran(written):
    entry = written["win_sample"][0]
    assert entry["check"] is True
    assert entry["args"]["values"] == VALUES
    assert set(entry["sources"]) == {
        "ansible.legacy.win_sample.ps1",
        "Ansible.Basic.cs",
        "Ansible.Praxisschild.Sample.cs",
    }
    assert entry["stdin"]["bytes"] > 150_000
    assert entry["result"]["diff"]["after"][rf"{KEY}\Wert 149"] == 149


def test_a_module_with_logic_in_powershell_is_an_error(heard):
    assert heard["logic in PowerShell"]["failed"]
    assert "NICHT NACHGEBILDET: PowerShell jenseits" in heard["logic in PowerShell"]["msg"]
    assert "Zeile 9" in heard["logic in PowerShell"]["msg"]


def test_c_sharp_that_windows_powershell_does_not_take_is_an_error(heard):
    assert heard["newer C#"]["msg"].partition("Failed to compile C# code:")[2]
    assert "interpolated strings" in heard["newer C#"]["msg"]


def test_a_stock_module_is_checked_against_the_spec_in_its_script(heard):
    assert heard["ping"]["ping"] == "Grüß Gott"
    assert "nichts" in heard["ping with wrong arguments"]["msg"]


@pytest.mark.parametrize("task", ["raw", "raw program"])
def test_raw_powershell_is_an_error(heard, task):
    assert heard[task]["rc"] == 1
    assert heard[task]["stderr"].startswith("NICHT NACHGEBILDET: das PowerShell-Skript")


def test_an_english_only_assumption_fails(heard):
    """The same reading succeeds by number, and a group is not found by its English name."""
    assert heard["read in any language"]["recorded"] is True
    assert heard["read in English"]["failed"]
    assert heard["group by English name"]["failed"]
    assert "Administrators" in heard["group by English name"]["msg"]


@pytest.mark.parametrize("name", [name for name, _ in PRODUCT])
def test_the_products_modules_foretell_apply_and_are_done(heard, name):
    outcomes = [heard[f"{when} {name}"] for when in ("check", "apply", "again")]
    assert [one.get("failed", False) for one in outcomes] == [False] * 3, outcomes
    assert [one["changed"] for one in outcomes] == [True, True, False]


def test_the_products_modules_changed_the_host(stand_in, results):
    assert stand_in.show("security.MinimumPasswordLength") == 12
    assert stand_in.show(f'audit."{LOGON}".setting') == 3
    assert stand_in.registry.get(r"HKLM\SOFTWARE\Policies\Praxisschild", "Gerät") == ("string", "Ö")
    assert stand_in.show("services.Spooler") == {
        **stand_in.show("services.Spooler"),
        "start": "disabled",
        "state": "stopped",
    }


@pytest.mark.parametrize(
    ("host", "why"),
    [("falsches-kennwort", "credentials were rejected"), ("fremde-stelle", "CERTIFICATE_VERIFY_FAILED")],
)
def test_a_host_that_cannot_be_entered_is_unreachable_and_not_failed(results, host, why):
    assert results[host]["refused"]["unreachable"] is True
    assert why in results[host]["refused"]["msg"]
