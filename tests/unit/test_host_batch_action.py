"""The controller's half: clear errors, what applies to a host, rendering, and the confirmation of a guarded change."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import action_loader
from ansible.template import Templar, trust_as_template

action_loader.add_directory(str(Path(__file__).resolve().parents[2] / "plugins" / "action"))


class Connection:
    """An SSH connection that remembers how often it was opened anew."""

    def __init__(self) -> None:
        self._shell = SimpleNamespace(tmpdir=None)
        self.options: dict[str, Any] = {"ssh_args": "", "ssh_common_args": "", "ssh_extra_args": "", "timeout": 10}
        self.resets = 0

    def get_option(self, name: str) -> Any:
        return self.options[name]

    def set_option(self, name: str, value: Any) -> None:
        self.options[name] = value

    def reset(self) -> None:
        self.resets += 1


class Controller:
    """Runs the action plugin; `answers` are what the host says to its calls, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sent: list[dict[str, Any]] = []
        self.connection = Connection()
        self.answers: list[Any] = []
        self.check_mode = False

    def __call__(self, written: dict[str, Any], **variables: Any) -> dict[str, Any]:
        task = SimpleNamespace(
            args=written,
            name="linux | Settle",
            action="host_batch",
            get_name=lambda: "firewall : linux | Settle",
            async_val=0,
            check_mode=self.check_mode,
            diff=False,
            _role=SimpleNamespace(get_name=lambda: "firewall"),
            get_search_path=lambda: [str(self.folder)],
        )
        variables = {"inventory_hostname": "server-1", "ansible_search_path": [str(self.folder)], **variables}
        loader = DataLoader()
        loader.set_basedir(str(self.folder))
        plugin = action_loader.get(
            "host_batch",
            task=task,
            connection=self.connection,
            play_context=SimpleNamespace(),
            loader=loader,
            templar=Templar(loader=loader, variables=variables),
        )
        plugin._execute_module = self._execute
        result: dict[str, Any] = plugin.run(task_vars=variables)
        return result

    def _execute(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        assert task_vars["ansible_no_target_syslog"]
        self.sent.append(module_args)
        answer = self.answers.pop(0) if self.answers else {"changed": False, "items": []}
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Controller:
    now = [0.0]
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return Controller(tmp_path)


ROW = {"option": "A", "value": 1, "requirement": "2021-A1-13"}
SSH = {"dest": "/etc/a", "rows": [ROW], "mode": "0600"}


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"fils": []}, r"firewall: linux \| Settle: host_batch: unknown key 'fils'; did you mean 'files'\?"),
        ({"files": [{**SSH, "ower": "root"}]}, r"files\[0\] \(/etc/a\): unknown key 'ower'; did you mean 'owner'\?"),
        ({"files": [SSH, {**SSH, "rows": [{**ROW, "valeu": 1}]}]}, "twice"),
        ({"files": [{**SSH, "rows": [{**ROW, "valeu": 1}]}]}, r"/etc/a: row 1 \(A\): unknown key 'valeu'.*'value'"),
        ({"files": [{**SSH, "mode": 0o644}]}, r"files\[0\] \(/etc/a\): write the mode in quotes"),
        ({"files": [{**SSH, "content": "x"}]}, "exactly one of content, rows and template"),
        ({"files": [{"dest": "/etc/a"}]}, "exactly one of content, rows and template"),
        ({"files": [{"content": "x"}]}, r"files\[0\] \(without a name\): missing required arguments: dest"),
        ({"files": [{**SSH, "validate": "sshd -t"}]}, "names the staged file by %s"),
        ({"files": [{**SSH, "notify": ["Reload ssh"]}], "handlers": [{"name": "Reload sshd", "unit": "s"}]}, "sshd"),
        ({"handlers": [{"name": "H"}]}, r"handlers\[0\] \(H\): name either a unit or a command"),
        ({"units": [{"name": "x", "enable": True}]}, r"units\[0\] \(x\): unknown key 'enable'; did you mean 'enabled'"),
        ({"units": [{"name": "x", "state": "running"}]}, r"units\[0\] \(x\): value of state must be one of"),
        ({"verify": ["sshd -t"]}, "each command is a list of words"),
        ({"phase": "confirm"}, "unknown key 'phase'"),
        ({"files": [{"dest": "/etc/a", "template": "no.j2"}]}, "/etc/a: .*no.j2"),
    ],
)
def test_a_mistake_names_role_task_item_and_key(controller: Controller, written, complaint):
    with pytest.raises(AnsibleActionFail, match=complaint):
        controller(written)
    assert not controller.sent


def test_rows_reach_the_host_as_content(controller: Controller):
    controller({"files": [{**SSH, "style": {"kind": "lines", "separator": "="}}]})
    (item,) = controller.sent[0]["files"]
    assert item["content"].endswith("# 2021-A1-13\nA=1\n")
    assert item["requirements"] == ["2021-A1-13"]
    assert "rows" not in item
    assert controller.sent[0]["role"] == "firewall"


def test_values_are_data_and_never_templates(controller: Controller):
    controller({"files": [{**SSH, "rows": [{**ROW, "value": "{{ 1 + 1 }}"}]}, {"dest": "/b", "content": "{{ 2 }}"}]})
    assert "A {{ 1 + 1 }}" in controller.sent[0]["files"][0]["content"]
    assert controller.sent[0]["files"][1]["content"] == "{{ 2 }}"


def test_templates_come_from_the_role_and_may_include_others(controller: Controller, tmp_path: Path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.j2").write_text(
        "# {{ ansible_managed }}\n{% include 'part.j2' %}\n\n{% if true %}\n{{ port }} {{ evil }}\n{% endif %}\n"
    )
    (tmp_path / "templates" / "part.j2").write_text("part of {{ inventory_hostname }}")
    controller(
        {"files": [{"dest": "/etc/x", "template": "x.j2"}]}, port=trust_as_template("{{ 20 + 2 }}"), evil="{{ 1 + 1 }}"
    )
    expected = "# Verwaltet von Praxisschild: Änderungen hier werden überschrieben.\npart of server-1\n22 {{ 1 + 1 }}\n"
    assert controller.sent[0]["files"][0]["content"] == expected


def test_what_does_not_apply_to_the_host_is_left_out_and_listed(controller: Controller):
    written = {
        "files": [
            {**SSH, "rows": [ROW, {"option": "B", "value": 2, "requirement": "2021-A1-14"}]},
            {"dest": "/etc/gone", "rows": [ROW]},
            {"dest": "/etc/text", "content": "x", "requirement": "2021-A1-13"},
            {"dest": "/srv/x", "state": "directory", "requirements": ["2021-A1-13"]},
        ],
        "units": [{"name": "a.timer", "requirement": "2021-A1-13"}, {"name": "b.timer", "enabled": True}],
    }
    facts = {"dropped": {"server-1": {"2021-A1-13": "zu klein"}, "other": {"2021-A1-14": "nein"}}}
    result = controller(written, ansible_facts={"praxisschild": facts})
    sent = {item["dest"]: item for item in controller.sent[0]["files"]}
    assert sent["/etc/a"]["content"].endswith("\n# 2021-A1-14\nB 2\n")
    assert sent["/etc/gone"]["state"] == sent["/etc/text"]["state"] == "absent"
    assert sent["/etc/gone"]["managed_only"]
    assert "/srv/x" not in sent
    assert [one["name"] for one in controller.sent[0]["units"]] == ["b.timer"]
    assert [(one["kind"], one["name"]) for one in result["dropped"]] == [
        ("row", "A"), ("row", "A"), ("file", "/etc/text"), ("file", "/srv/x"), ("unit", "a.timer"),
    ]  # fmt: skip
    assert result["dropped"][0]["reason"] == "zu klein"


def test_changed_items_are_noted_for_the_drift_report(controller: Controller, tmp_path: Path):
    item = {"kind": "file", "name": "/etc/a", "changed": True, "requirements": ["2021-A1-13"], "state": "present"}
    controller.check_mode = True
    for _ in range(2):
        controller.answers = [{"changed": True, "items": [item, {**item, "changed": False}]}]
        controller({"files": [SSH]}, praxisschild_run_dir=str(tmp_path / "run"))
    noted = json.loads((tmp_path / "run" / "changes" / "server-1.json").read_text())
    assert [(one["name"], one["role"], one["check_mode"]) for one in noted] == [("/etc/a", "firewall", True)] * 2


GUARDED = {"files": [SSH], "guard": True, "guard_seconds": 12}
ARMED = {"changed": True, "items": [], "armed": True, "run": "r1"}
LOST = AnsibleConnectionFailure("Connection timed out")


def test_a_guarded_change_is_confirmed_over_a_new_connection(controller: Controller):
    controller.answers = [ARMED, LOST, LOST, {"changed": True}]
    assert controller(GUARDED)["armed"]
    assert [call.get("phase", "apply") for call in controller.sent] == ["apply", "confirm", "confirm", "confirm"]
    assert controller.sent[-1]["run"] == "r1"
    assert controller.connection.resets == 4  # once for the keep-alive, once per attempt
    assert "ServerAliveInterval" in controller.connection.options["ssh_extra_args"]


def test_nothing_armed_means_nothing_to_confirm(controller: Controller):
    controller.connection.options["ssh_args"] = "-o ServerAliveInterval=5"
    controller(GUARDED)
    controller.check_mode = True
    controller.answers = [ARMED]
    controller(GUARDED)
    assert len(controller.sent) == 2
    assert controller.connection.resets == 0


def test_without_a_way_in_the_play_fails_and_says_what_became_of_the_host(controller: Controller):
    controller.answers = [ARMED, *[LOST] * 10, LOST, {"outcome": "reverting"}, {"outcome": "reverted"}]
    with pytest.raises(AnsibleActionFail, match=r"Connection timed out. The host has put its earlier files back"):
        controller(GUARDED)
    phases = [call.get("phase") for call in controller.sent]
    assert phases.count("confirm") == 10
    assert phases[-3:] == ["status"] * 3


def test_a_refused_password_is_not_tried_again(controller: Controller):
    """More attempts would lock the account, and that outlives the revert."""
    controller.answers = [ARMED, AnsibleError("Incorrect sudo password"), {"outcome": "reverted"}]
    with pytest.raises(AnsibleActionFail, match="Incorrect sudo password"):
        controller(GUARDED)
    assert [call.get("phase") for call in controller.sent][1:] == ["confirm", "status"]


def test_a_connection_lost_while_applying_is_not_confirmed(controller: Controller):
    controller.answers = [AnsibleConnectionFailure("Timeout, server not responding"), {"outcome": "reverted"}]
    with pytest.raises(AnsibleActionFail, match="connection was lost"):
        controller(GUARDED)


def test_a_host_that_was_never_reached_is_unreachable_as_ever(controller: Controller):
    controller.answers = [AnsibleConnectionFailure("ssh: connect to host server-1 port 22: No route to host")]
    with pytest.raises(AnsibleConnectionFailure, match="No route"):
        controller(GUARDED)
    assert len(controller.sent) == 1


def test_a_batch_that_failed_on_the_host_is_not_confirmed(controller: Controller):
    controller.answers = [{"failed": True, "msg": "sshd -t ended with 255"}]
    assert controller(GUARDED)["failed"]
    assert len(controller.sent) == 1
