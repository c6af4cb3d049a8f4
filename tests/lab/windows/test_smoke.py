"""`make windows-smoke` end to end, with a stand-in in the place of the PC."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.lab.windows.conftest import PASSWORD, PROJECT, start

pytestmark = pytest.mark.xdist_group("windows")
PROGRAM = PROJECT / "dev/windows_smoke.py"
PC = "sprechzimmer"
# one role of each kind of settings is enough to show the way
TAGS = "endpoint_hardening,account_policy,remote_maintenance"


def call(*words: str | Path, said: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PRAXISSCHILD_LANG": "de",
    }
    command = [sys.executable, str(PROGRAM), *map(str, words)]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, input=said, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def pc(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke")
    found, process = start(folder / "lab" / "pc-1", "pc-1")
    yield found
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def practice(pc, tmp_path_factory) -> Path:
    """A practice with this PC, and another one that must be left alone."""
    folder = tmp_path_factory.mktemp("praxis") / "praxis"
    (folder / "group_vars").mkdir(parents=True)
    connection = {
        "ansible_connection": "winrm",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_server_cert_validation": "validate",
        "ansible_winrm_ca_trust_path": pc.authority,
        "ansible_host": "127.0.0.1",
        "ansible_port": pc.https,
        "ansible_user": "betreuung",
        "ansible_password": PASSWORD,
        "backup_schedule_password": "Nur-für-Tests-0815-4711",
    }
    facts = {
        "name": "Praxis im Probelauf",
        "size": "praxis",
        "networks": {"praxis": "127.0.0.0/24", "verwaltung": "127.0.0.1/32"},
        "accounts": [{"name": "betreuung", "kind": "admin", "purpose": "IT-Dienstleister"}],
        "features": {"windows": True},
    }
    (folder / "group_vars/all.yml").write_text(yaml.safe_dump({"praxis": facts, **connection}), encoding="utf-8")
    hosts = {PC: {}, "labor": {"ansible_port": 1}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def state(pc) -> dict[str, str]:
    """The PC before anything was done to it."""
    return {"security": json.dumps(pc.show("security")), "audit": json.dumps(pc.show("audit"))}


@pytest.fixture(scope="module")
def ran(pc, practice, state, tmp_path_factory):
    """The whole run, with the host's name typed."""
    output = tmp_path_factory.mktemp("output")
    before = len(pc.log()) if (pc.folder / "wire.jsonl").exists() else 0
    done = call("run", practice, "--host", PC, "--tags", TAGS, "--output", output, said=f"{PC}\n")
    (folder,) = output.iterdir()
    return done, folder, pc.log()[before:]


def test_without_its_name_typed_nothing_is_changed(pc, practice, state, tmp_path):
    for said in ("", "labor\n"):
        done = call("run", practice, "--host", PC, "--tags", TAGS, "--output", tmp_path / str(len(said)), said=said)
        assert done.returncode == 2, done.stderr
        assert "Es wurde nichts geändert" in done.stderr
    assert all(line.get("check") in {True, None} for line in pc.log())
    assert json.dumps(pc.show("security")) == state["security"]


def test_which_host_is_said_where_there_are_two(practice, tmp_path):
    done = call("run", practice, "--yes", "--output", tmp_path)
    assert done.returncode == 2
    assert f"{PC}" in done.stderr
    assert "labor" in done.stderr


def test_a_pc_that_is_off_is_told(practice, tmp_path):
    done = call("run", practice, "--yes", "--host", "labor", "--tags", TAGS, "--output", tmp_path)
    assert done.returncode == 3
    assert "über WinRM nicht erreichbar" in done.stderr
    assert "→" in done.stderr


def test_it_checks_applies_changes_nothing_more_and_verifies(ran):
    done, folder, _ = ran
    assert done.returncode == 0, done.stdout + done.stderr
    changes = {phase: int(count) for phase, count in re.findall(r"(?m)^(\w+): (\d+) Änderungen", done.stdout)}
    assert changes["check"] == changes["apply"] > 0
    assert changes["again"] == 0
    assert re.search(r"(?m)^verify: .*\d+ passed", done.stdout)
    assert list(folder.rglob("results.json"))


def test_its_transcript_says_what_the_hosts_own_log_says(ran, tmp_path):
    """The bridge between a real PC, which keeps no such log, and a stand-in, which does."""
    _, folder, log = ran
    wire = tmp_path / "wire.jsonl"
    wire.write_text("".join(json.dumps(line) + "\n" for line in log), encoding="utf-8")
    done = call("compare", folder / "transcript.jsonl", wire)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout[:2000]
    text = (folder / "transcript.jsonl").read_text(encoding="utf-8")
    assert PASSWORD not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["name"] for line in lines if line["op"] == "phase"] == ["check", "apply", "again", "verify"]
    assert {"module", "script"} <= {line.get("kind") for line in lines}


def test_a_difference_is_named_by_call_and_field(ran, tmp_path):
    _, folder, _ = ran
    lines = [json.loads(line) for line in (folder / "transcript.jsonl").read_text(encoding="utf-8").splitlines()]
    number = next(at for at, line in enumerate(lines) if line.get("module") == "win_registry_values")
    lines[number]["result"]["items"][0]["state"] = "failed"
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    done = call("compare", folder / "transcript.jsonl", other)
    assert done.returncode == 1
    assert re.fullmatch(
        r"\d+ \(win_registry_values\): result\.items\[0\]\.state: '\w+' against 'failed'\n", done.stdout
    ), done.stdout
    assert call("compare", folder / "transcript.jsonl", tmp_path / "none.jsonl").returncode == 2


def test_what_it_says_undoes_it(pc, ran, state):
    done, _, _ = ran
    commands = re.findall(r"(?m)^  (ansible -i .* -m win_\w+ -a restore=\w+)$", done.stdout)
    assert commands
    assert len(set(commands)) == len(commands)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in commands:
        subprocess.run(
            shlex.split(command), cwd=PROJECT, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
    assert json.dumps(pc.show("security")) == state["security"]
    assert json.dumps(pc.show("audit")) == state["audit"]
