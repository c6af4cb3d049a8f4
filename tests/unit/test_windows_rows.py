"""Rows for Windows on the controller: read, dropped, merged across roles; and what their one call per kind comes to."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import action_loader
from ansible.template import Templar

from praxisschild import windows_rows

action_loader.add_directory(str(Path(__file__).resolve().parents[2] / "plugins" / "action"))

CAMERA = {
    "key": r"HKLM\SOFTWARE\Policies\X",
    "name": "Camera",
    "type": "dword",
    "value": 0,
    "requirement": "2021-A1-13",
}
LOGON = {"subcategory": "{0CCE9215-69AE-11D9-BED3-505054503030}", "success": True, "failure": True}


class Play:
    """Runs the two actions as a play would, keeping facts; `answers` are what the host's modules say."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.check_mode = False
        self.connection: Any = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))

    def __call__(
        self, action: str, arguments: dict[str, Any], role: str = "firewall", **variables: Any
    ) -> dict[str, Any]:
        task = SimpleNamespace(
            args=arguments,
            name="windows | Declare",
            action=action,
            get_name=lambda: "windows | Declare",
            async_val=0,
            check_mode=self.check_mode,
            diff=False,
            _role=SimpleNamespace(get_name=lambda: role),
        )
        known = {"inventory_hostname": "pc-1", "ansible_facts": self.facts, **variables}
        loader = DataLoader()
        plugin = action_loader.get(
            action,
            task=task,
            connection=self.connection,
            play_context=SimpleNamespace(),
            loader=loader,
            templar=Templar(loader=loader, variables=known),
        )
        plugin._execute_module = self._execute
        result: dict[str, Any] = plugin.run(task_vars=known)
        self.facts = {**self.facts, **result.get("ansible_facts", {})}
        return result

    def _execute(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        assert task_vars["ansible_no_target_syslog"]
        self.sent.append((module_name, module_args))
        answer = self.answers.get(module_name, {"changed": False, "items": []})
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def play() -> Play:
    return Play()


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"registri": []}, r"firewall: windows \| Declare: unknown key 'registri'; did you mean 'registry'\?"),
        ({"registry": {}}, "registry: is a list of rows"),
        (
            {"registry": [{**CAMERA, "valeu": 1}]},
            r"registry row 1 \(Camera\): unknown key 'valeu'; did you mean 'value'\?",
        ),
        ({"registry": [CAMERA, {"name": "x"}]}, r"registry row 2 \(x\): `key` is a text"),
        ({"registry": ["x"]}, r"registry row 1 \(no object\): is an object"),
        ({"registry": [{**CAMERA, "when": "perhaps"}]}, "`when` is a boolean"),
        ({"registry": [{**CAMERA, "role": "x"}]}, "unknown key 'role'"),
        ({"audit": [{"success": True}]}, "`subcategory` is a text"),
        ({"components": [{"kind": "service"}]}, "`name` is a text"),
        (
            {"registry": [CAMERA, {**CAMERA, "value": 1, "key": r"hklm\software\policies\x"}]},
            r"Camera: role firewall wants .*value 1.*, role firewall .*value 0",
        ),
    ],
)
def test_a_mistake_names_role_row_and_key(play, written, complaint):
    with pytest.raises(AnsibleActionFail, match=complaint):
        play("windows_rows", written)


def test_rows_of_all_roles_travel_in_one_call_per_kind(play):
    play("windows_rows", {"registry": [CAMERA], "audit": [LOGON]}, role="endpoint_hardening")
    play(
        "windows_rows",
        {"registry": [{**CAMERA, "name": "Other", "when": "false"}, {**CAMERA, "name": "B", "when": True}]},
    )
    result = play("windows_apply", {})
    assert [module for module, _ in play.sent] == ["win_registry_values", "win_audit_policy"]
    assert play.sent[0][1]["rows"] == [
        {
            **{k: v for k, v in CAMERA.items() if k != "requirement"},
            "requirements": ["2021-A1-13"],
            "role": "endpoint_hardening",
        },
        {
            **{k: v for k, v in CAMERA.items() if k != "requirement"},
            "name": "B",
            "requirements": ["2021-A1-13"],
            "role": "firewall",
        },
    ]
    assert play.sent[0][1]["run"] == play.sent[1][1]["run"]
    assert result["changed"] is False
    assert not play("windows_apply", {})["items"]
    assert len(play.sent) == 2, "the rows are used up"


def test_what_two_roles_want_alike_is_one_row_for_both(play):
    play("windows_rows", {"registry": [CAMERA]}, role="endpoint_hardening")
    same = {**CAMERA, "key": r"HKLM:\SOFTWARE\policies\X", "state": "present", "view": 64, "requirement": ["KVWL-01"]}
    play("windows_rows", {"registry": [same]})
    play("windows_rows", {"registry": [{**CAMERA, "value": 1, "view": "32"}]})
    play("windows_apply", {})
    row, other_view = play.sent[0][1]["rows"]
    assert row["requirements"] == ["2021-A1-13", "KVWL-01"]
    assert row["role"] == "endpoint_hardening, firewall"
    assert other_view["role"] == "firewall"
    for wanted in (CAMERA, {**CAMERA, "value": 1}):
        play("windows_rows", {"registry": [wanted]}, role="endpoint_hardening" if wanted is CAMERA else "wireless")
    with pytest.raises(AnsibleActionFail, match=r"role wireless wants .*value 1.*, role endpoint_hardening .*value 0"):
        play("windows_apply", {})
    assert len(play.sent) == 1


def test_a_secret_that_two_roles_want_differently_stays_secret(play):
    secret = {**CAMERA, "type": "string", "value": "geheim-1", "secret": True}
    play("windows_rows", {"registry": [secret]})
    play("windows_rows", {"registry": [{**secret, "value": "geheim-2"}]}, role="other")
    with pytest.raises(AnsibleActionFail) as refused:
        play("windows_apply", {})
    assert "geheim" not in str(refused.value.message)


def test_what_does_not_apply_to_the_host_is_dropped_with_its_reason(play):
    play.facts = {"praxisschild": {"dropped": {"pc-1": {"2021-A1-13": "Abweichung"}, "pc-2": {"KVWL-01": "nein"}}}}
    both = {**CAMERA, "name": "Both", "requirement": ["2021-A1-13", "KVWL-01"]}
    result = play("windows_rows", {"registry": [CAMERA, both]})
    assert result["dropped"] == [
        {
            "kind": "registry",
            "name": r"HKLM\SOFTWARE\Policies\X\Camera",
            "requirements": ["2021-A1-13"],
            "reason": "Abweichung",
        }
    ]
    play("windows_apply", {})
    assert [row["name"] for row in play.sent[0][1]["rows"]] == ["Both"]


def test_what_nobody_asks_for_any_more_is_given_back(play):
    play.facts = {"praxisschild": {"dropped": {"pc-1": {"2021-A1-13": "Abweichung"}}}}
    off = {**CAMERA, "name": "Off", "when": False}
    play("windows_rows", {"registry": [CAMERA, off], "audit": [LOGON | {"when": "no"}]}, role="endpoint_hardening")
    also = {"key": r"hklm:\software\policies\x", "name": "OFF", "type": "dword", "value": 1, "view": 64}
    play("windows_rows", {"registry": [off, also], "audit": [LOGON | {"when": False}]})
    play("windows_apply", {})
    (_, registry), (_, audit) = play.sent
    assert [row["name"] for row in registry["rows"]] == ["OFF"]
    assert registry["release"] == [
        {"key": CAMERA["key"], "name": "Camera", "requirements": ["2021-A1-13"], "role": "endpoint_hardening"}
    ]
    assert audit["rows"] == []
    assert [(row["subcategory"], row["role"]) for row in audit["release"]] == [(LOGON["subcategory"], "firewall")]


def test_what_a_list_may_hold_is_up_to_the_list(play):
    key = {"key": r"HKLM\SOFTWARE\Policies\X\Pages"}
    pages = {**key, "only": ["1"]}
    second = {**CAMERA, **key, "name": "2", "when": False}
    play("windows_rows", {"registry": [pages, second, {**CAMERA, "when": False}]})
    play("windows_apply", {})
    ((_, registry),) = play.sent
    assert [row["name"] for row in registry["release"]] == ["Camera"]


ITEM = {
    "kind": "registry",
    "name": r"HKLM\X\A",
    "changed": True,
    "state": "present",
    "before": None,
    "after": {"type": "dword", "value": 1},
    "requirements": ["2021-A1-13"],
    "role": "endpoint_hardening",
}


def test_changes_are_noted_for_the_drift_report_in_the_shape_of_host_batch(play, tmp_path):
    play("windows_rows", {"registry": [CAMERA]}, role="endpoint_hardening")
    play.answers = {"win_registry_values": {"changed": True, "items": [ITEM, {**ITEM, "changed": False}]}}
    play.check_mode = True
    play("windows_apply", {}, role="windows_settings", praxisschild_run_dir=str(tmp_path))
    noted = json.loads((tmp_path / "changes" / "pc-1.json").read_text())
    assert noted == [
        {
            "role": "endpoint_hardening",
            "task": "windows | Declare",
            "check_mode": True,
            "kind": "registry",
            "name": r"HKLM\X\A",
            "changed": True,
            "state": "present",
            "requirements": ["2021-A1-13"],
        }
    ]


def test_what_was_changed_before_the_connection_was_lost_is_noted(play, tmp_path):
    play("windows_rows", {"registry": [CAMERA], "audit": [LOGON]})
    lost = AnsibleConnectionFailure("gone")
    play.answers = {"win_registry_values": {"changed": True, "items": [ITEM]}, "win_audit_policy": lost}
    with pytest.raises(AnsibleConnectionFailure):
        play("windows_apply", {}, praxisschild_run_dir=str(tmp_path))
    assert len(json.loads((tmp_path / "changes" / "pc-1.json").read_text())) == 1


def test_one_kind_that_fails_keeps_nothing_from_the_others(play):
    play("windows_rows", {"registry": [CAMERA], "audit": [LOGON]})
    failed = {**ITEM, "name": "bad", "changed": False, "state": "failed", "failed": True, "reason": "access denied"}
    quiet = {**ITEM, "name": "quiet", "changed": False}
    play.answers = {
        "win_registry_values": {
            "failed": True,
            "changed": True,
            "msg": "1 of 3 could not be set: bad: access denied",
            "items": [ITEM, failed, quiet],
        },
        "win_audit_policy": {"changed": True, "items": [{**ITEM, "kind": "audit"}], "reboot_required": True},
    }
    result = play("windows_apply", {})
    assert result["failed"]
    assert result["msg"] == "registry: 1 of 3 could not be set: bad: access denied"
    assert [item["name"] for item in result["items"]] == ["bad"], "150 others would hide it"
    assert result["changed_items"] == [r"HKLM\X\A", r"HKLM\X\A"]
    assert result["reboot_required"]
    assert result["changed"]
    assert play.facts["praxisschild_windows_000"]["registry"], "what failed is not forgotten"


def test_settings_left_to_a_domain_policy_are_a_warning(play):
    play("windows_rows", {"registry": [CAMERA]})
    left = {**ITEM, "changed": False, "state": "domain_policy", "gpo": "Praxis"}
    play.answers = {"win_registry_values": {"changed": False, "items": [left, {**left, "name": "B"}]}}
    (warning,) = play("windows_apply", {})["warnings"]
    assert warning.startswith("pc-1: the domain policy “Praxis” sets 2 of these otherwise, left alone: HKLM\\X\\A, B.")


def test_rows_are_handed_over_without_secrets_instead_of_being_applied(play, tmp_path):
    play("windows_rows", {"registry": [CAMERA, {**CAMERA, "name": "Key", "secret": True, "value": 4711}]})
    assert play("windows_apply", {}, praxisschild_rows_to=str(tmp_path)) == {"changed": False, "items": []}
    assert play.sent == []
    assert "4711" not in (tmp_path / "pc-1.json").read_text(encoding="utf-8")
    found = windows_rows.handed_over(tmp_path, "pc-1")
    assert [row["name"] for row in found["registry"]] == ["Camera", "Key"]
    assert found["registry"][0]["value"] == 0
    assert windows_rows.handed_over(tmp_path, "pc-2") == {}


class Connection:
    """A connection that counts how often it began anew."""

    _shell = SimpleNamespace(tmpdir=None)
    _connected = True

    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1


ARMED = {"changed": True, "items": [ITEM], "armed": "run"}


def guarded(play, confirmations: list[Any], **arguments: Any) -> tuple[dict[str, Any], Connection]:
    """An apply of one row whose call is armed; what win_guard answers, call by call."""
    play("windows_rows", {"registry": [CAMERA], "audit": [LOGON]})
    play.answers = {"win_registry_values": ARMED}
    left = list(confirmations)
    execute = play._execute

    def answer(module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        if module_name != "win_guard":
            return execute(module_name, module_args, task_vars)
        play.sent.append((module_name, module_args))
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        return one if isinstance(one, dict) else {"changed": False, "outcome": one}

    play._execute = answer
    play.connection = Connection()
    return play("windows_apply", arguments), play.connection


def test_an_armed_change_is_confirmed_over_a_new_connection(play):
    result, connection = guarded(play, ["confirmed"])
    assert result["changed"]
    assert not result.get("failed")
    assert connection.resets == 1
    assert [module for module, _ in play.sent] == ["win_registry_values", "win_guard", "win_audit_policy"]
    assert play.sent[0][1]["guard"] == 180
    assert play.sent[1][1] == {"run": play.sent[0][1]["run"]}
    assert play.sent[2][1]["guard"] == 0, "what is audited closes no way in"


def test_a_change_that_shuts_out_is_told_as_taken_back_and_nothing_follows(play):
    lost = AnsibleConnectionFailure("timed out")
    result, connection = guarded(play, [lost, lost, "reverted"], guard=1)
    assert result["failed"]
    assert result["changed"] is False
    assert "a new connection was refused (timed out)" in result["msg"]
    assert "The host has put everything back by itself and is reachable again" in result["msg"]
    assert [item["reason"] for item in result["items"]] == ["put back"]
    assert "win_audit_policy" not in [module for module, _ in play.sent]
    assert connection.resets >= 2


def test_a_refused_password_is_not_tried_again_before_the_host_is_as_it_was(play):
    refused = AnsibleConnectionFailure("ntlm: the specified credentials were rejected by the server")
    guarded(play, [refused, "reverted"], guard=1)
    phases = [arguments.get("phase") for module, arguments in play.sent if module == "win_guard"]
    assert phases == [None, "status"]


def test_who_never_got_in_is_not_told_of_a_way_back(play):
    play("windows_rows", {"registry": [CAMERA]})
    play.answers = {"win_registry_values": AnsibleConnectionFailure("no route to host")}
    play.connection = Connection()
    play.connection._connected = False
    with pytest.raises(AnsibleConnectionFailure, match="no route"):
        play("windows_apply", {})
    assert [module for module, _ in play.sent] == ["win_registry_values"]


def test_nothing_is_guarded_in_check_mode_or_when_told_so(play):
    play.check_mode = True
    guarded(play, ["confirmed"])
    assert play.sent[0][1]["guard"] == 0
    play.check_mode = False
    play("windows_rows", {"registry": [CAMERA]})
    play("windows_apply", {"guard": 0})
    assert all(arguments.get("guard", 0) == 0 for _, arguments in play.sent)


def test_a_run_is_put_back_kind_by_kind_in_the_opposite_order(play):
    play("windows_apply", {"restore": "latest"})
    assert [module for module, _ in play.sent] == list(reversed(windows_rows.MODULES.values()))
    assert all(arguments["restore"] == "latest" and "rows" not in arguments for _, arguments in play.sent)


def test_every_kind_has_its_module():
    folder = Path(__file__).resolve().parents[2] / "plugins" / "modules"
    for module in windows_rows.MODULES.values():
        assert (folder / f"{module}.ps1").is_file()
        assert (folder / f"{module}.yml").is_file()
