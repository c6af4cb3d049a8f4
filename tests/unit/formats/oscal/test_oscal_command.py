"""`praxisschild oscal`: a real bundle, every file that a document names, and what a mistake is told."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from praxisschild import evidence
from praxisschild.cli import app
from praxisschild.errors import InputError
from tests.unit.formats.oscal.conftest import dangling

pytestmark = pytest.mark.slow


def call(*words):
    return CliRunner().invoke(app, ["oscal", *map(str, words)])


@pytest.fixture
def bundle(full_run, tmp_path):
    plain = full_run.practice.model_copy(update={"name": "Musterpraxis"})
    run = full_run.model_copy(update={"practice": plain})
    return evidence.write_bundle(tmp_path / "evidence", run, {"arbeitsplatz-1": {"sshd": "running"}})


def _read(folder):
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.iterdir()}


@pytest.mark.parametrize("folder", ["oscal", "für die Prüfung/heute"])
def test_every_file_that_is_named_is_there_and_unchanged(bundle, tmp_path, folder):
    done = call(bundle, "--output", tmp_path / folder)
    assert done.exit_code == 0, done.output
    assert done.stdout.count(".json") == 7
    documents = _read(tmp_path / folder)
    assert dangling(documents, tmp_path / folder) == []
    resources = documents["assessment-results.json"]["assessment-results"]["back-matter"]["resources"]
    for link in (link for resource in resources for link in resource["rlinks"]):
        content = (tmp_path / folder / unquote(link["href"])).read_bytes()
        assert link["hashes"][0]["value"] == hashlib.sha256(content).hexdigest()
    assert len(resources) == 2
    (bundle / "results.json").rename(bundle / "away.json")
    assert dangling(documents, tmp_path / folder)


def test_the_same_bundle_gives_the_same_bytes(bundle, tmp_path):
    for name in ("one", "two"):
        assert call(bundle, "-o", tmp_path / name).exit_code == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_practice_means_its_newest_evidence(bundle, tmp_path, project):
    words = (
        project / "inventories/musterpraxis",
        "-o",
        tmp_path / "out",
        "--evidence",
        tmp_path / "evidence",
        "--json",
    )
    done = call(*words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["bundle"] == str(bundle)
    assert {path.rpartition("/")[2] for path in told["documents"]} == {one.name for one in (tmp_path / "out").iterdir()}


def test_misuse_names_the_way_out(bundle, tmp_path, project):
    out = tmp_path / "out"
    practice = project / "inventories/musterpraxis"
    assert "verify it first" in str(call(practice, "-o", out, "--evidence", tmp_path / "none").exception)
    assert isinstance(call(tmp_path / "nothing", "-o", out).exception, InputError)
    assert call(bundle).exit_code == 2
    (bundle / "manifest.json").write_text("{}", encoding="utf-8")
    assert "evidence verify" in str(call(bundle, "-o", out).exception)
    assert not out.exists()
    (bundle / "manifest.json").unlink()
    assert call(bundle, "-o", out).exit_code == 0  # a bundle from before there were manifests
