"""`praxisschild dokumente` from the practice's folder to the files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import docx
import pytest
from typer.testing import CliRunner

from praxisschild.cli import app
from praxisschild.dokumente.texts import ORDER
from praxisschild.errors import InputError


def run(*arguments):
    return CliRunner().invoke(app, ["dokumente", *map(str, arguments)])


@pytest.fixture
def practice(project, monkeypatch):
    monkeypatch.delenv("LAB_INSTANCE", raising=False)
    return project / "inventories/musterpraxis"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The least that is a practice."""
    folder = tmp_path_factory.mktemp("inventories") / "winzig"
    (folder / "group_vars/all").mkdir(parents=True)
    (folder / "hosts.yml").write_text("all:\n  hosts:\n    pc:\n")
    (folder / "group_vars/all/praxis.yml").write_text(
        "praxis:\n  name: Praxis Winzig\n  size: praxis\n  networks:\n    praxis: 192.168.10.0/24\n"
        "    verwaltung: 192.168.10.5/32\n  wlan: {hosts: []}\n"
    )
    return folder


@pytest.mark.slow
def test_every_document_opens_again_and_bears_the_practices_name(small, tmp_path):
    done = run(small, "--output", tmp_path, "--format", "docx", "--evidence", tmp_path / "none")
    assert done.exit_code == 0, done.output
    for name in ORDER:
        opened = docx.Document(str(tmp_path / f"{name}.docx"))
        assert opened.core_properties.author == "Praxis Winzig"
        assert "Praxis Winzig" in opened.sections[0].header.paragraphs[0].text
    assert "praxis.documents.contacts.lead" in done.stdout
    assert f"fields in {small}/group_vars/all/praxis.yml" in done.stdout.replace("\n", "")
    assert f"praxisschild attest {small} --requirement 2025-A1-21" in done.stdout
    assert "No figures yet" in done.stderr
    assert json.loads((tmp_path / "dokumente.json").read_text())["files"].keys() == {f"{name}.docx" for name in ORDER}


@pytest.mark.slow
def test_a_program_learns_files_gaps_and_attestations(practice, evidence, tmp_path):
    options = ["--only", "backup-konzept,notfallkarte", "--output", tmp_path, "--evidence", evidence, "--json"]
    done = run(practice, *options)
    told = json.loads(done.stdout)
    first, card = told["documents"]
    assert [first["name"], card["name"]] == ["backup-konzept", "notfallkarte"]
    assert [path.rsplit(".", 1)[1] for path in first["files"]] == ["docx", "pdf"]
    assert {one["requirement"] for one in first["attestations"]} == set(first["requirements"])
    assert all(one["open"] and one["statement"] for one in first["attestations"])
    assert told["evidence"] == "2026-11-24T23-44-00Z"
    (gap,) = [one for one in told["gaps"] if one["field"] == "praxis.documents.contacts.insurance"]
    assert gap["documents"] == ["notfallkarte"]
    assert gap["file"].endswith("inventories/musterpraxis/group_vars/all/praxis.yml")
    entry = json.loads((tmp_path / "dokumente.json").read_text())["files"]["backup-konzept.pdf"]
    assert (entry["evidence"], entry["requirements"]) == ("2026-11-24T23-44-00Z", first["requirements"])


def test_an_edited_document_is_kept_and_the_command_says_so(practice, evidence, tmp_path):
    options = ["--only", "onboarding", "--format", "docx", "--output", tmp_path, "--evidence", evidence]
    run(practice, *options)
    edited = tmp_path / "onboarding.docx"
    document = docx.Document(str(edited))
    document.add_paragraph("Von der Praxis ergänzt")
    document.save(str(edited))
    before = edited.read_bytes()
    done = run(practice, *options)
    assert done.exit_code == 0
    assert "onboarding.docx was changed since it was written and stays; new beside it: onboarding-20" in done.stderr
    assert edited.read_bytes() == before
    listed = run(practice, *options, "--list", "--json")
    assert json.loads(listed.stdout)[0]["files"] == {"onboarding.docx": "edited", "onboarding.pdf": "missing"}


def test_the_list_names_every_document_and_writes_none(practice, evidence, tmp_path):
    done = run(practice, "--list", "--output", tmp_path / "none", "--evidence", evidence)
    assert done.exit_code == 0
    assert all(name in done.stdout for name in ORDER)
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_what_a_practice_has_not_is_left_out_unless_asked_for(small, tmp_path):
    folder = tmp_path / "ohne"
    shutil.copytree(small, folder)
    file = folder / "group_vars/all/praxis.yml"
    file.write_text(file.read_text() + "  features: {removable_media: false}\n")
    options = ["--format", "docx", "--output", tmp_path / "out", "--evidence", tmp_path / "none"]
    done = run(folder, *options)
    assert not (tmp_path / "out/regelung-wechseldatentraeger.docx").exists()
    assert "Not written: Regelung für Wechseldatenträger (the practice has none" in done.stderr
    run(folder, *options, "--only", "regelung-wechseldatentraeger")
    assert (tmp_path / "out/regelung-wechseldatentraeger.docx").exists()


def test_a_name_that_looks_like_markup_is_a_name(small, tmp_path):
    folder = tmp_path / "klammern"
    shutil.copytree(small, folder)
    file = folder / "group_vars/all/praxis.yml"
    file.write_text(file.read_text() + '  documents:\n    devices: [{kind: router, name: "[/bold] [red]r1"}]\n')
    options = ["--only", "netzdokumentation", "--format", "docx", "--output", tmp_path, "--evidence", tmp_path / "none"]
    done = run(folder, *options)
    assert done.exit_code == 0, done.exception
    assert "Adresse von [/bold] [red]r1" in done.stdout


def test_a_signed_document_is_told_as_attested(small, tmp_path):
    folder = tmp_path / "bestätigt"
    shutil.copytree(small, folder)
    (folder / "attestations").mkdir()
    (folder / "attestations/a.yml").write_text(
        "- requirement: 2025-A1-02\n  statement: Beim Weggang gehen wir nach der Liste vor.\n"
        "  role: Praxisinhaberin\n  date: 2026-11-01\n  valid_until: 2029-10-01\n"
    )
    options = ["--only", "offboarding", "--format", "docx", "--output", tmp_path, "--evidence", tmp_path / "none"]
    done = run(folder, *options)
    assert "2025-A1-02 attested until 01.10.2029" in done.stdout
    assert "--requirement 2025-A1-02" not in done.stdout


@pytest.mark.parametrize(
    ("options", "field"),
    [(["--only", "backup"], "backup"), (["--format", "odt"], "odt"), (["--format", ","], "")],
)
def test_a_slip_is_named_with_what_there_is(practice, options, field):
    done = run(practice, *options)
    assert isinstance(done.exception, InputError)
    assert done.exception.field == field
    assert "choose" in done.exception.way_out


@pytest.mark.slow
def test_a_machine_that_cannot_draw_is_told_how_it_can(tmp_path, project):
    fonts = tmp_path / "fonts.conf"
    fonts.write_text("<fontconfig></fontconfig>", encoding="utf-8")
    # fontconfig looks once per process
    command = [sys.executable, "-m", "praxisschild.cli", "dokumente", project / "inventories/musterpraxis"]
    command += ["--only", "notfallkarte", "--format", "pdf", "--output", tmp_path / "out"]
    environment = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "sudo apt-get install" in done.stderr
    assert "Traceback" not in done.stderr
