"""What a playbook run says becomes a summary per host, an exit code, and a way out."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from praxisschild import cli_run
from praxisschild.cli import app
from praxisschild.cli_run import _exit_code, follow_playbook
from praxisschild.formats.playbook_text import REMARKS, diff_lines, print_applied, print_plan
from praxisschild.playbook_run import PlaybookRun, explain, parse

PROJECT = Path(__file__).resolve().parents[2]
TASK = {"role": "firewall", "task": "linux | Settle", "action": "host_batch", "tags": ["firewall"]}


def item(kind, name, *, changed, state="present", **more):
    return {"kind": kind, "name": name, "changed": changed, "state": state, "requirements": ["2021-A1-13"], **more}


def ok(host, *items, **more):
    return {"event": "ok", "host": host, "warnings": [], "result": {"items": list(items), **more}, **TASK}


def bad(event, host, message):
    return {"event": event, "host": host, "warnings": [], "result": {"msg": message}, **TASK}


def run_of(*events, is_check=True):
    run = PlaybookRun(is_check=is_check)
    run.feed({"event": "play", "name": "x", "roles": ["endpoint_hardening", "firewall"]})
    for event in events:
        run.feed(event)
    return run


def shown(run, printer=print_plan, **options):
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115 - nobody reads it
    printer(console, run, with_diffs=options.get("with_diffs", False))
    return console.export_text()


@pytest.mark.parametrize(
    ("events", "status", "code"),
    [
        ([ok("a", item("file", "/etc/x", changed=False))], "unchanged", 0),
        ([ok("a", item("file", "/etc/x", changed=True))], "changed", 0),
        ([ok("a", item("file", "/etc/x", changed=True)), bad("failed", "a", "no")], "failed", 1),
        ([bad("unreachable", "a", "no")], "unreachable", 3),
    ],
)
def test_the_host_ends_as_its_worst_event(events, status, code):
    run = run_of(*events, {"event": "stats", "hosts": {"a": {}}})
    assert (run.hosts["a"].status, run.exit_code) == (status, code)
    assert _exit_code(run, 2 if code else 0) == code


def test_a_host_that_is_not_there_weighs_more_than_one_that_failed():
    assert run_of(bad("failed", "a", "no"), bad("unreachable", "b", "no")).exit_code == 3


@pytest.mark.parametrize(("ansible", "ours"), [(1, 2), (2, 2), (5, 2), (250, 3), (-9, 3), (0, 0)])
def test_a_run_that_never_began_is_misuse_or_could_not_run(ansible, ours):
    assert _exit_code(PlaybookRun(), ansible) == ours


def test_what_preflight_objects_to_has_reached_no_host():
    event = {**bad("failed", "a", "Task failed: Action failed: praxis.yml: praxis.size: x"), "action": "preflight"}
    run = run_of(event, {"event": "stats", "hosts": {}})
    assert run.refused == "praxis.yml: praxis.size: x"
    assert (run.hosts, run.exit_code) == ({}, 2)


def test_new_changed_and_removed_are_told_apart():
    run = run_of(
        ok(
            "a",
            item("file", "/etc/neu", changed=True),
            item("file", "/etc/alt", changed=True),
            item("file", "/etc/weg", changed=True, state="absent"),
            item("package", "nftables", changed=True),
            item("package", "telnet", changed=True, state="absent"),
            item("unit", "ssh.service", changed=False, state="started, enabled"),
            diff=[
                {"before_header": "/etc/neu (absent)", "after_header": "/etc/neu", "before": "", "after": "a\n"},
                {"before_header": "/etc/alt", "after_header": "/etc/alt", "before": "a\n", "after": "b\n"},
            ],
        )
    )
    effects = {one.name: one.effect for one in run.hosts["a"].items}
    assert effects == {
        "/etc/neu": "new",
        "/etc/alt": "changed",
        "/etc/weg": "removed",
        "nftables": "new",
        "telnet": "removed",
        "ssh.service": "unchanged",
    }
    text = shown(run)
    assert [line.split() for line in text.splitlines() if "/etc/neu" in line] == [
        ["+", "File", "/etc/neu", "new", "2021-A1-13"]
    ]
    (row,) = (line.split() for line in text.splitlines() if line.startswith("a "))
    assert row == ["a", "2", "1", "2", "1", "would", "change"]
    assert "+b" not in text
    assert "    +b" in shown(run, with_diffs=True)
    (record,) = run.as_dict()["hosts"]
    assert "diff" not in record
    assert len(run.as_dict(with_diffs=True)["hosts"][0]["diff"]) == 2


def test_what_a_module_remarks_is_told_in_the_readers_language(monkeypatch):
    note = "takes effect at the next restart; no longer asked for: as it was before the first run"
    run = run_of(
        ok("a", item("feature", "TFTP", changed=True, note=note), item("group", "S-1-5-32-544", changed=False))
    )
    assert note in " ".join(shown(run).split())
    monkeypatch.setenv("PRAXISSCHILD_LANG", "de")
    text = " ".join(shown(run).split())
    assert "gilt ab dem nächsten Neustart; nicht mehr verlangt: wie vor dem ersten Lauf" in text
    assert "1 × Gruppe" in text


def test_every_remark_of_a_module_is_known():
    folder = PROJECT / "plugins" / "module_utils"
    sources = [path.read_text() for path in folder.rglob("*") if path.suffix in {".cs", ".py"}]
    for remark in REMARKS:
        assert any(remark in text for text in sources), remark
    said = [one for text in sources for one in re.findall(r'(?:Note|Fate) = (?:ours \? )?"(.+?)"', text)]
    assert len(said) >= 5
    for one in said:
        assert any(remark in one for remark in REMARKS), one


def test_a_step_without_items_names_the_requirement_in_its_tags():
    event = {**ok("a"), "result": {"changed": True}, "tags": ["firewall", "2021-A1-11", "KVWL-02"]}
    (step,) = run_of(event).hosts["a"].items
    assert (step.kind, step.effect, step.requirements) == ("step", "changed", ("2021-A1-11", "KVWL-02"))


@pytest.mark.parametrize(
    ("said", "reason", "way_out"),
    [
        ("ssh: connect to host 10.0.0.1 port 22: Connection refused", "nicht erreichbar", "eingeschaltet"),
        ("betreuung@10.0.0.1: Permission denied (publickey).", "lehnt die Anmeldung ab", "ansible_user"),
        ("Host key verification failed.", "Schlüssel des Hosts", "Fingerabdruck"),
        ("Incorrect sudo password", "nimmt das Passwort nicht an", "vault_become_password"),
        ("'vault_backup_password' is undefined", "Tresor", "ANSIBLE_VAULT_PASSWORD_FILE"),
        ("apt-get ended with 100: E: Unable to locate package clamav", "Paket nicht installieren", "apt-get update"),
        ("write: No space left on device", "voll", "df -h"),
        (
            "firewall: x: the change was not confirmed over a new connection: Permission denied. The host has put",
            "keine neue Anmeldung",
            "praxisschild-revert",
        ),
        ("etwas ganz anderes\nzweite Zeile", "etwas ganz anderes", "--plain"),
        ("", "keinen Grund", "--plain"),
    ],
)
def test_a_failure_is_told_in_german_with_its_way_out(monkeypatch, said, reason, way_out):
    monkeypatch.setenv("PRAXISSCHILD_LANG", "de")
    found = explain(said)
    assert reason in found[0]
    assert way_out in found[1]
    text = shown(run_of(bad("failed", "a", said)), print_applied)
    assert f"a (firewall): {found[0]}" in text
    assert f"→ {found[1]}" in text


def test_lines_of_other_programs_are_no_events():
    assert parse("PLAY [x] ***") is None
    assert parse('{"event": "ok"}') is None
    assert parse("\x1e{broken") is None
    assert parse("\x1e[1]") is None
    assert parse('\x1e{"event": "stats", "hosts": {}}\n') == {"event": "stats", "hosts": {}}


def test_markup_in_names_is_text():
    assert "/etc/[red]x" in shown(run_of(ok("a", item("file", "/etc/[red]x", changed=True))))


def test_attributes_and_packages_have_differences_too():
    assert list(diff_lines({"prepared": "+ package x\n"})) == ["+ package x"]
    mode = {"before_header": "/x", "after_header": "/x", "before": {"mode": "0600"}, "after": {"mode": "0644"}}
    assert "+mode: 0644" in list(diff_lines(mode))
    assert list(diff_lines({"before_header": "/x", "after_header": "/x", "src_binary": 1})) == ["--- /x", "+++ /x"]


class Silent:
    """A follower that keeps what others say."""

    def __init__(self):
        self.said, self.roles = [], []

    def say(self, line):
        self.said.append(line)

    def update(self, run):
        self.roles += [host.role for host in run.hosts.values() if host.role and host.role not in self.roles]


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="host_batch wants a Debian to look at")
def test_a_real_run_is_followed_to_its_end(tmp_path):
    """The play forces check mode on itself, so that nothing is changed here."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    hosts = {"eins": local, "zwei": {**local, "probe_fails": True}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    follower = Silent()
    run, code = follow_playbook(tmp_path, PROJECT / "tests/data/playbook/site.yml", ("--check", "--diff"), follower)
    assert code == 1, follower.said
    assert (run.is_check, run.ended, run.roles, follower.roles) == (True, True, ["probe"], ["probe"])
    assert {name: host.status for name, host in run.hosts.items()} == {"eins": "changed", "zwei": "failed"}
    effects = {one.name: (one.effect, one.requirements) for one in run.hosts["eins"].items}
    assert effects == {
        "base-files": ("unchanged", ()),
        "praxisschild-gibt-es-nicht": ("new", ()),
        "/etc/praxisschild-probe.conf": ("new", ("2021-A1-13",)),
        "/etc/debian_version": ("changed", ()),
        "/etc/issue": ("removed" if Path("/etc/issue").exists() else "unchanged", ()),
        "/etc": ("unchanged", ()),
        "Say something with a requirement": ("changed", ("2021-A1-14",)),
    }
    assert run.hosts["zwei"].failure.reason == "the host cannot install a package"
    assert not Path("/etc/praxisschild-probe.conf").exists()


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_hosts_are_named_as_in_verify_or_as_in_ansible(monkeypatch, command):
    said = []
    monkeypatch.setattr(cli_run, "run_plainly", lambda *words: said.append(words) or 0)
    words = [command, "x", "--plain", "--host", "pc-1", "--limit", "pc-2", "--tags", "firewall"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert said[0][-4:] == ("--limit", "pc-1,pc-2", "--tags", "firewall")
