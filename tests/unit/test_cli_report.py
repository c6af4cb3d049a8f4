"""What a person types to have a kept run told again, and what becomes of it."""

from __future__ import annotations

import json
import shutil
import socket
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from praxisschild import evidence
from praxisschild.cli import app
from praxisschild.errors import InputError, RunError
from praxisschild.evidence.verify import Verifier
from praxisschild.formats import json as results_json
from tests.factories import ENDED, large_run


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """The evidence of a practice: two runs, a day apart."""
    root = tmp_path_factory.mktemp("evidence")
    for seed, days in ((1, 1), (0, 0)):
        large = large_run(3, 150, seed=seed, ended=ENDED - timedelta(days=days))
        bundle = evidence.write_bundle(root, large.run, large.snapshots)
    return bundle.parent


@pytest.fixture
def latest(chain):
    return evidence.bundle.bundles_in(chain)[-1]


@pytest.fixture
def call(monkeypatch, tmp_path):
    def no_network(*_):
        raise AssertionError("a report contacts nobody")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, ["report", *map(str, words)])


def told(result) -> dict:
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def state(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_is_told_as_it_was_written(call, latest):
    for name, kept in (("html", "report.html"), ("csv", "anforderungen.csv")):
        result = call(latest, "--format", name)
        assert result.exit_code == 0
        if name != "html":  # its trend is computed now: this bundle was written without one
            assert result.stdout_bytes == (latest / kept).read_bytes()
    assert call(latest).stdout_bytes == call(latest, "--format", "html").stdout_bytes


def test_a_practices_folder_means_its_latest_run(call, chain, latest, project, tmp_path):
    assert told(call(chain, "--format", "json"))["ended"] == "2026-11-23T20:52:10Z"
    assert told(call(chain / "latest", "--format", "json"))["ended"] == "2026-11-23T20:52:10Z"
    practice = tmp_path / "inventories/praxis"
    shutil.copytree(project / "inventories/musterpraxis", practice)
    facts = practice / "group_vars/all/praxis.yml"
    facts.write_text(facts.read_text().replace("name: Musterpraxis", "name: Große Musterpraxis"))
    assert (
        told(call(practice, "--evidence", chain.parent, "--format", "json"))["practice"]["name"] == "Große Musterpraxis"
    )
    missing = call(practice, "--evidence", tmp_path / "none").exception
    assert isinstance(missing, InputError)
    assert "praxisschild verify" in str(missing)


def test_another_edition_is_computed_and_its_trend_too(call, latest):
    run = results_json.parse(call(latest, "--edition", "2021", "--format", "json").stdout, latest)
    assert run.practice.edition == "2021"
    assert run.edition.reassessed_from == "2025"
    assert next(row.id for row in run.requirements) == "2021-A1-01"
    assert len(run.trend.runs) == 2
    assert {one.requirement[:4] for one in run.trend.changes} <= {"2021", "2025", "KVWL"}
    assert [count.number for count in run.trend.runs[-1].counts]
    assert sum(count.number for count in run.trend.runs[0].counts) == 71


def test_the_first_run_has_no_trend_and_later_bundles_do_not_count(call, chain):
    first = evidence.bundle.bundles_in(chain)[0]
    assert len(told(call(first, "--format", "json"))["trend"]["runs"]) == 1


def test_the_ending_says_the_format(call, latest, tmp_path):
    for name, begin in (
        ("a.html", b"<!DOCTYPE html>"),
        ("a.json", b'{"schema'),
        ("a.xml", b"<?xml"),
        ("a.xlsx", b"PK"),
    ):
        result = call(latest, "--output", tmp_path / name)
        assert result.exit_code == 0
        assert result.stdout.strip() == str(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begin)
    assert call(latest, "--format", "csv", "--output", tmp_path).exit_code == 0
    assert (tmp_path / "anforderungen.csv").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.html",
        "a.json",
        "a.xlsx",
        "a.xml",
        "anforderungen.csv",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "pfd"], "html"),
        (["--edition", "2030"], "2021, 2025"),
        (["--output", "report.txt"], ".html"),
        (["--output", "none/report.html"], "folder that exists"),
    ],
)
def test_misuse_names_the_way_out(call, latest, words, said):
    error = call(latest, *words).exception
    assert isinstance(error, InputError)
    assert said in str(error)


def test_what_is_no_evidence_is_told(call, chain, tmp_path):
    assert "no such folder" in str(call(tmp_path / "none").exception)
    assert "several practices" in str(call(chain.parent).exception)
    assert isinstance(call(tmp_path).exception, InputError)


@pytest.mark.parametrize(
    "where", ["{bundle}/neu.html", "{bundle}", "{chain}/latest/neu.html", "{bundle}/snapshots/neu.html"]
)
@pytest.mark.slow
def test_nothing_is_written_into_evidence(call, chain, latest, where):
    before = state(chain)
    error = call(latest, "--output", where.format(bundle=latest, chain=chain), "--format", "html").exception
    assert isinstance(error, InputError)
    assert "inside a bundle" in str(error)
    assert state(chain) == before
    call(latest, "--edition", "2021")
    assert state(chain) == before
    assert len(list(Verifier(()).folder(chain))) == 2


def test_a_changed_bundle_is_not_told(call, chain, tmp_path):
    copy = tmp_path / chain.name
    shutil.copytree(chain, copy, symlinks=True)
    bundle = evidence.bundle.bundles_in(copy)[-1]
    results = bundle / "results.json"
    results.write_text(results.read_text().replace('"failed"', '"passed"', 1))
    error = call(bundle).exception
    assert isinstance(error, RunError)
    assert "evidence verify" in str(error)


def test_a_format_of_several_files_wants_a_folder(call, latest, tmp_path, monkeypatch):
    from praxisschild import cli_report
    from praxisschild.formats import registry

    module = type("module", (), {"render": staticmethod(lambda run: {"a.json": "{}", "b.json": "{}"})})
    monkeypatch.setattr(registry, "import_module", lambda name: module)
    monkeypatch.setattr(cli_report, "FORMATS", {"several": registry.Format("several", "mehrere", "several")})
    assert "name a folder" in str(call(latest, "--format", "several").exception)
    assert call(latest, "--format", "several", "--output", tmp_path / "out").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.json", "b.json"]
