"""Rows of several roles through the real Ansible: collected, applied by one call per kind, noted for drift."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.windows.conftest import PASSWORD, PROJECT

pytestmark = pytest.mark.xdist_group("windows")
KEY = r"HKLM\SOFTWARE\Policies\Praxisschild\Rollen"
LOGON = "{0CCE9217-69AE-11D9-BED3-505054503030}"
ROWS = 150


def row(name: str, value: int, requirement: str) -> dict[str, Any]:
    return {"key": KEY, "name": name, "type": "dword", "value": value, "requirement": requirement}


ROLES: dict[str, dict[str, Any]] = {
    "erste": {"registry": [row(f"Wert {number}", number, "2021-A1-13") for number in range(ROWS)]},
    "zweite": {
        "registry": [row("Wert 0", 0, "KVWL-01"), row("nicht hier", 1, "2021-A1-28")],
        "audit": [{"subcategory": LOGON, "name": "Account Lockout", "success": True, "failure": True}],
        "security": [{"name": "PasswordHistorySize", "value": 5}],
        "components": [{"kind": "service", "name": "upnphost", "start": "disabled"}],
    },
}


class Practice:
    """A playbook of two roles and windows_settings against the stand-in, run by the real ansible-playbook."""

    def __init__(self, stand_in: Any, folder: Path) -> None:
        self.stand_in = stand_in
        self.folder = folder
        for name, rows in ROLES.items():
            tasks = folder / "roles" / name / "tasks"
            tasks.mkdir(parents=True)
            (tasks / "main.yml").write_text(yaml.safe_dump([{"name": "Declare", "windows_rows": rows}]))
        play = {
            "hosts": "pc-1",
            "gather_facts": False,
            "vars": {"praxisschild": {"dropped": {"pc-1": {"2021-A1-28": "Abweichung"}}}},
            "roles": [
                *({"role": name, "tags": name} for name in ROLES),
                {"role": "windows_settings", "tags": "always"},
            ],
        }
        (folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        host = {
            "ansible_connection": "winrm",
            "ansible_winrm_transport": "ntlm",
            "ansible_winrm_ca_trust_path": stand_in.authority,
            "ansible_host": "127.0.0.1",
            "ansible_port": stand_in.https,
            "ansible_user": "betreuung",
            "ansible_password": PASSWORD,
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"pc-1": host}}}))

    def run(self, *options: str, run_dir: str = "") -> dict[str, dict[str, Any]]:
        """Result of each task by its name."""
        results = self.folder / "results.json"
        results.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_ROLES_PATH": f"{self.folder / 'roles'}:{PROJECT / 'roles'}",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "collect",
            "COLLECT_RESULTS": str(results),
        }
        command = ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), str(self.folder / "play.yml"), *options]
        command += ["-e", json.dumps({"praxisschild_run_dir": run_dir})]
        done = subprocess.run(
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert results.exists(), done.stdout + done.stderr
        found = json.loads(results.read_text(encoding="utf-8"))["pc-1"]
        return {name.rpartition(" : ")[2]: result for name, result in found.items()}

    def calls(self) -> list[str]:
        if not (self.stand_in.folder / "wire.jsonl").exists():
            return []
        return [entry["module"] for entry in self.stand_in.log() if "module" in entry]


APPLY = "Settle what the roles declared for this Windows host"
MODULES = ["win_registry_values", "win_security_policy_values", "win_audit_policy", "win_components"]
# what could close the way in is confirmed over a new connection
GUARDED = [one for module in MODULES for one in (module, "win_guard") if one == module or "audit" not in module]


@pytest.fixture(scope="module")
def practice(stand_in, tmp_path_factory) -> Practice:
    return Practice(stand_in, tmp_path_factory.mktemp("practice"))


@pytest.fixture(scope="module")
def runs(practice, tmp_path_factory) -> list[tuple[dict[str, dict[str, Any]], list[str]]]:
    """With --check --diff, applied, applied again: results, and the modules that the host was sent."""
    folder = tmp_path_factory.mktemp("run")
    found = []
    for options in (["--check", "--diff"], ["--diff"], []):
        before = len(practice.calls())
        results = practice.run(*options, run_dir=str(folder))
        found.append((results, practice.calls()[before:]))
    found.append((json.loads((folder / "changes" / "pc-1.json").read_text()), []))
    return found


def test_one_call_per_kind_whatever_the_number_of_settings(runs):
    assert [calls for _, calls in runs[:3]] == [MODULES, GUARDED, MODULES]
    assert len(runs[1][0][APPLY]["items"]) == ROWS + 3


def test_check_mode_foretells_what_happens_and_then_nothing_is_left(practice, runs):
    foretold, applied, again = (results[APPLY] for results, _ in runs[:3])
    assert [item["changed"] for item in foretold["items"]] == [True] * (ROWS + 3)
    assert applied["items"] == foretold["items"]
    assert applied["diff"] == foretold["diff"]
    assert not again["changed"]
    assert practice.stand_in.registry.get(KEY, "Wert 149") == ("dword", 149)
    assert practice.stand_in.registry.get(KEY, "nicht hier") is None


def test_an_item_names_the_roles_and_requirements_it_serves(runs):
    shared = runs[1][0][APPLY]["items"][0]
    assert shared["requirements"] == ["2021-A1-13", "KVWL-01"]
    assert shared["role"] == "erste, zweite"


def test_changes_are_noted_for_the_drift_report(runs):
    noted = runs[3][0]
    assert [one["check_mode"] for one in noted] == [True] * (ROWS + 3) + [False] * (ROWS + 3)
    assert {one["role"] for one in noted} == {"erste", "zweite", "erste, zweite"}
    assert set(noted[0]) == {"role", "task", "check_mode", "kind", "name", "changed", "state", "requirements"}


def test_with_a_tag_only_that_role_travels(practice, runs):
    practice.stand_in.set("services.upnphost.start", "manual")
    practice.stand_in.registry.remove(KEY, "Wert 7")
    before = len(practice.calls())
    item = practice.run("--tags", "zweite")[APPLY]["items"]
    assert practice.calls()[before:] == [*MODULES, "win_guard"]
    assert [one["name"] for one in item if one["changed"]] == ["upnphost"]
    assert practice.stand_in.registry.get(KEY, "Wert 7") is None


def test_what_a_deviation_names_is_given_back_and_comes_again_without_it(practice, runs):
    practice.run()
    deviation = {"dropped": {"pc-1": dict.fromkeys(("2021-A1-13", "KVWL-01", "2021-A1-28"), "Abweichung")}}
    options = ("-e", json.dumps({"praxisschild": deviation}))
    foretold = practice.run("--check", *options)[APPLY]
    assert practice.stand_in.registry.get(KEY, "Wert 149") == ("dword", 149)
    given = practice.run(*options)[APPLY]
    assert given["items"] == foretold["items"]
    changed = [item for item in given["items"] if item["changed"]]
    assert len(changed) == ROWS
    assert {item["note"] for item in changed} == {"no longer asked for: as it was before the first run"}
    assert practice.stand_in.registry.values(KEY) == {}
    assert not practice.run(*options)[APPLY]["changed"]
    assert len([item for item in practice.run()[APPLY]["items"] if item["changed"]]) == ROWS
