"""Verifying kept states: how far it is, what failed with its way out, and what a program reads."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pexpect
import pytest
from typer.testing import CliRunner

from praxisschild.cli import app
from praxisschild.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(sys.executable).parent / "praxisschild")
ONE = ("--requirement", "2021-A1-14", "--requirement", "2025-A1-19")


@pytest.fixture(scope="module")
def practice(tmp_path_factory):
    """The model practice without the lab's secrets, which a replay has to do without."""
    folder = tmp_path_factory.mktemp("verify") / "musterpraxis"
    source = PROJECT / "inventories/musterpraxis"
    (folder / "group_vars/all").mkdir(parents=True)
    text = (source / "group_vars/all/praxis.yml").read_text(encoding="utf-8").replace("{{ lab_instance }}", "0")
    (folder / "group_vars/all/praxis.yml").write_text(text, encoding="utf-8")
    shutil.copy(source / "hosts.yml", folder)
    return folder


@pytest.fixture(scope="module")
def bundle(practice):
    shutil.copytree(PROJECT / "tests/data/snapshots/fresh", practice.parent / "bundle/snapshots")
    return practice.parent / "bundle"


def verify(practice, bundle, *words, **environment):
    return CliRunner().invoke(app, ["verify", str(practice), "--replay", str(bundle), *words], env=environment)


@pytest.mark.slow
def test_what_failed_is_told_with_what_was_measured_and_the_way_out(practice, bundle):
    done = verify(practice, bundle, *ONE, PRAXISSCHILD_LANG="de")
    assert done.exit_code == 1, done.output
    assert "Musterpraxis, Fassung 2025: " in done.stdout
    assert "Textsitzungen enden nie von selbst (arbeitsplatz-1, arbeitsplatz-2, server-1)" in done.stdout
    hosts = "arbeitsplatz-1,arbeitsplatz-2,server-1"
    way_out = f"→ `praxisschild apply {practice} --limit {hosts} --tags endpoint_hardening`; was verlangt ist: "
    assert f"{way_out}`praxisschild show 2025-A1-19`" in done.stdout
    assert "report.html" not in done.stdout, "the evidence of a replay is thrown away"
    counted = re.search(r"(\d+) Prüfungen: arbeitsplatz-1, arbeitsplatz-2, server-1$", done.stderr, re.MULTILINE)
    last = re.findall(r"(\d+) von (\d+), (\d+) nicht erfüllt", done.stderr)[-1]
    assert last[1] == counted[1]
    assert int(last[0]) > int(last[1]) * 0.8
    assert not re.search(r"^[.Fs]{3}|passed|short test summary", done.stderr, re.MULTILINE), "pytest's own words"


@pytest.mark.slow
def test_a_program_reads_the_run_and_finds_the_evidence(practice, bundle, tmp_path):
    done = verify(practice, bundle, *ONE, "--json", "--evidence", str(tmp_path / "evidence"), "--host", "server-1")
    assert done.exit_code == 1
    run = json.loads(done.stdout)
    assert [host["name"] for host in run["hosts"]] == ["server-1"]
    assert {check["host"] for check in run["checks"]} == {"server-1"}
    assert "aus aufbewahrten Zustandsaufnahmen" in run["limits"]
    kept = json.loads((Path(run["bundle"]) / "results.json").read_text(encoding="utf-8"))
    assert kept["checks"] == run["checks"]


@pytest.mark.slow
def test_a_host_without_a_kept_state_is_not_tested_and_says_so(practice, bundle, tmp_path):
    (tmp_path / "snapshots").mkdir()
    done = verify(practice, tmp_path, *ONE, "--host", "server-1", PRAXISSCHILD_LANG="de")
    assert done.exit_code == 3
    assert "server-1: kein aufbewahrter Zustand dieses Hosts" in done.stdout
    assert "→ ist er eingeschaltet" in done.stdout


@pytest.mark.parametrize(("words", "said"), [(["--host", "nix"], "no host 'nix'"), (["--requirement", "X-1"], "'X-1'")])
@pytest.mark.slow
def test_misuse_is_one_sentence(practice, bundle, words, said):
    done = verify(practice, bundle, *words)
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr


def test_a_folder_without_kept_states_is_refused(practice, tmp_path):
    done = verify(practice, tmp_path)
    assert isinstance(done.exception, InputError)
    assert "no kept states" in done.exception.reason


@pytest.mark.slow
def test_a_terminal_sees_a_bar_per_host(practice, bundle):
    environment = {**os.environ, "PRAXISSCHILD_LANG": "de", "TERM": "xterm", "COLUMNS": "110"}
    words = ["verify", str(practice), "--replay", str(bundle), *ONE]
    child = pexpect.spawn(PROGRAM, words, encoding="utf-8", dimensions=(40, 110), timeout=90, env=environment)
    child.expect_exact("die Hosts werden gelesen")
    for host in ("arbeitsplatz-1", "arbeitsplatz-2", "server-1"):
        child.expect(rf"{host} .*\d+/\d+")
    child.expect(r"[1-9]\d* nicht erfüllt")
    child.expect_exact("Anforderungen")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
