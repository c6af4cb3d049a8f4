from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from datetime import date

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from praxisschild.attestations import (
    append,
    attestation_of,
    due,
    keep_attachment,
    load_attestations,
    months_later,
    standing_of,
)
from praxisschild.catalogue import load_catalogue
from praxisschild.cli import app
from praxisschild.errors import InputError
from praxisschild.practice import Practice

TODAY = date(2026, 11, 24)
GOOD = {
    "requirement": "2025-A1-10",
    "statement": "Alle haben an der Schulung teilgenommen.",
    "role": "Praxisinhaberin",
    "date": date(2026, 3, 1),
    "valid_until": date(2027, 2, 28),
}
CATALOGUE = load_catalogue()


def write(folder, *entries, name="a.yml"):
    (folder / name).write_text(yaml.safe_dump(list(entries)), encoding="utf-8")


def load(folder, today=TODAY):
    return load_attestations(folder, CATALOGUE, today)


def test_a_practice_without_attestations_has_none(tmp_path):
    assert load(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("today", "fault", "expired"),
    [
        (date(2027, 2, 28), "", False),
        (date(2027, 3, 1), "Bestätigung abgelaufen seit 28.02.2027", True),
        (date(2026, 2, 28), "Bestätigung trägt ein Datum in der Zukunft (01.03.2026)", False),
    ],
)
def test_an_attestation_counts_from_its_day_to_its_last(tmp_path, today, fault, expired):
    write(tmp_path, GOOD)
    (standing,) = load(tmp_path, today)
    assert (standing.fault, standing.expired, standing.counts) == (fault, expired, not fault)


def test_an_attachment_has_to_be_as_it_was_attested(tmp_path):
    source = tmp_path / "liste.pdf"
    source.write_bytes(b"unterschrieben")
    folder = tmp_path / "attestations"
    said = attestation_of(folder, **GOOD, attachment=keep_attachment(source, folder))
    append(folder, said)
    assert load(folder)[0].counts
    assert said.attachment.sha256 == hashlib.sha256(b"unterschrieben").hexdigest()
    (folder / said.attachment.file).write_bytes(b"anders")
    assert load(folder)[0].fault == "Anlage anlagen/liste.pdf zur Bestätigung wurde verändert"
    (folder / said.attachment.file).unlink()
    assert load(folder)[0].fault == "Anlage anlagen/liste.pdf zur Bestätigung fehlt"


def test_an_attachment_outside_the_folder_does_not_count(tmp_path):
    (tmp_path / "geheim").write_bytes(b"x")
    folder = tmp_path / "attestations"
    folder.mkdir()
    write(folder, {**GOOD, "attachment": {"file": "../geheim", "sha256": hashlib.sha256(b"x").hexdigest()}})
    assert "fehlt" in load(folder)[0].fault


def test_another_document_of_the_same_name_is_kept_beside(tmp_path):
    source, folder = tmp_path / "liste.pdf", tmp_path / "attestations"
    kept = []
    for content in (b"1", b"1", b"2"):
        source.write_bytes(content)
        kept.append(keep_attachment(source, folder).file)
    assert kept[0] == kept[1] != kept[2]


def test_the_one_that_counts_speaks_before_a_later_one_that_does_not(tmp_path):
    write(tmp_path, GOOD, {**GOOD, "date": date(2026, 12, 1), "valid_until": date(2027, 11, 1)})
    assert standing_of(load(tmp_path), ["2025-A1-10"]).attestation.day == date(2026, 3, 1)
    assert standing_of(load(tmp_path), ["2025-A1-09"]) is None


@pytest.mark.parametrize(
    ("change", "field", "way_out"),
    [
        ({"requirement": "2025-A1-99"}, "entry 1 (2025-A1-99): requirement", "2025-A1"),
        ({"statement": "ja"}, "entry 1 (2025-A1-10): statement", "auditor"),
        ({"date": "24.11.2026"}, "entry 1 (2025-A1-10): date", "YYYY-MM-DD"),
        ({"valid_until": date(2026, 1, 1)}, "entry 1 (2025-A1-10)", "correct the value"),
        ({"valid_until": date(2036, 1, 1)}, "entry 1 (2025-A1-10)", "correct the value"),
        ({"name": "x"}, "entry 1 (2025-A1-10): name", "remove the field"),
        ({"attachment": {"file": "x", "sha256": "0"}}, "entry 1 (2025-A1-10): attachment.sha256", "sha256sum"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_out(tmp_path, change, field, way_out):
    write(tmp_path, {**GOOD, **change})
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert caught.value.file.endswith("a.yml")
    assert caught.value.field == field
    assert way_out in caught.value.way_out


@pytest.mark.parametrize("text", ["requirement: x", "- [", "- &a [*a]", "\x00", "- 1", "- !!python/none x"])
def test_a_file_that_is_no_list_of_attestations_is_named(tmp_path, text):
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.yml"):
        load(tmp_path)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(entry=st.fixed_dictionaries({}, optional=dict.fromkeys((*GOOD, "attachment", "other"), _values)) | _values)
def test_no_content_ends_in_anything_but_an_input_error(tmp_path_factory, entry):
    folder = tmp_path_factory.mktemp("fuzz")
    write(folder, entry)
    with contextlib.suppress(InputError):
        load(folder)
    shutil.rmtree(folder)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_no_file_ends_in_anything_but_an_input_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "a.yml").write_bytes(content)
    with contextlib.suppress(InputError):
        load(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 11, 24), 12, date(2027, 11, 24)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
    ],
)
def test_months_later(day, months, later):
    assert months_later(day, months) == later


def test_what_is_due(tmp_path):
    practice = Practice.model_validate({"name": "x", "size": "praxis", "networks": {}})

    def open_ids(today, horizon):
        found = due(CATALOGUE, practice, "2025", load(tmp_path, today), today, horizon)
        return {one.requirement.id: one.fault for one in found}

    nothing = open_ids(TODAY, 30)
    assert "2025-A1-10" in nothing
    assert all("organisational" in CATALOGUE.requirement(name).kinds for name in nothing)
    assert "2025-A3-01" not in nothing, "binds large practices only"
    # an attestation may name the requirement by any edition's number
    write(tmp_path, GOOD, {**GOOD, "requirement": "2021-A1-33"})
    assert {"2025-A1-10", "2025-A1-12"} == set(nothing) - set(open_ids(TODAY, 30))
    assert open_ids(date(2027, 2, 10), 30)["2025-A1-10"] == ""
    assert "abgelaufen" in open_ids(date(2027, 3, 10), 30)["2025-A1-10"]


@pytest.mark.parametrize("identifier", CATALOGUE.ids)
def test_every_organisational_part_has_a_text_of_its_own(identifier):
    requirement = CATALOGUE.requirement(identifier)
    if "organisational" in requirement.kinds:
        said = requirement.attestation
        assert said.statement.endswith(".")
        assert said.statement not in requirement.demand
        assert 1 <= said.months <= 36
    else:
        assert requirement.attestation is None


@pytest.fixture
def practice(project, tmp_path):
    shutil.copytree(project / "inventories/vorlage", tmp_path / "praxis")
    return tmp_path / "praxis"


def ask(practice, *arguments, answers=""):
    return CliRunner().invoke(app, ["--lang", "de", "attest", str(practice), *arguments], input=answers)


def test_questions_can_be_broken_off_and_go_on_where_they_ended(practice):
    total = len(json.loads(ask(practice, "--json").stdout))
    first = ask(practice, answers="b\n\n\nü\nx\nt\nEigener Text der Praxis.\nPraxismanagerin\n\ne\n")
    assert first.exit_code == 1
    assert f"{total - 2} Bestätigungen offen." in first.stdout
    left = json.loads(ask(practice, "--json").stdout)
    assert len(left) == total - 2
    said = [one.attestation for one in load_attestations(practice / "attestations", CATALOGUE, date.max)]
    assert [(one.requirement, one.role) for one in said] == [
        ("2025-A1-01", "Praxisinhaberin"),
        ("2025-A1-03", "Praxismanagerin"),
    ]
    assert said[1].statement == "Eigener Text der Praxis."


def test_an_attachment_that_is_not_there_keeps_the_question_open(practice):
    done = ask(practice, "--requirement", "2025-A1-10", answers="b\n\n/none.pdf\n")
    assert "Nicht gespeichert" in done.stderr
    assert "1 Bestätigung offen." in done.stdout


def test_nothing_due_ends_with_zero(practice):
    ask(practice, "--requirement", "2025-A1-10", answers="b\n\n\n")
    done = ask(practice, "--requirement", "2025-A1-10", "--list")
    assert done.exit_code == 0
    assert "keine Bestätigung fällig" in done.stdout


def test_the_calendar_names_what_falls_due(practice, tmp_path):
    ask(practice, "--requirement", "2025-A1-10", answers="b\n\n\n")
    assert ask(practice, "--calendar", str(tmp_path / "x.ics")).exit_code == 0
    text = (tmp_path / "x.ics").read_text(encoding="utf-8").replace("\r\n ", "")
    assert "SUMMARY:Bestätigung erneuern: Durchführung von Sensibilisierungen" in text
    assert "TRIGGER:-P14D" in text
    assert isinstance(ask(practice, "--calendar", "/none/x.ics").exception, InputError)
