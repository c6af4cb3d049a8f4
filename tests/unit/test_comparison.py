"""What became of every number: the catalogue's answer against the table that the research left."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from praxisschild import cli
from praxisschild.comparison import compare
from praxisschild.errors import InputError

if TYPE_CHECKING:
    from praxisschild.catalogue import Bound

FACTS = Path(__file__).parents[1] / "data/facts/requirements.csv"
MERGED = {"2021-A1-02", "2021-A1-23", "2021-A1-27"}  # became part of a demand that counts as new


@pytest.fixture(scope="module")
def facts():
    with FACTS.open(encoding="utf-8") as file:
        return {row["id"]: set(row["predecessors"].split()) for row in csv.DictReader(file, delimiter=";")}


@pytest.fixture(scope="module")
def found(catalogue):
    return compare(catalogue, "2021", "2025")


def test_every_number_of_both_editions_stands_once(found, facts):
    told = [entry.id for one in found.entries for entry in (*one.before, *([one.after] if one.after else []))]
    assert sorted(told) == sorted(facts)


def test_what_was_carried_over_what_is_new_and_what_was_dropped(found, facts):
    sources = {number: set() if before & MERGED else before for number, before in facts.items() if number[:4] == "2025"}
    # the parts of the backup's demand are new beside the one that carried it over
    sources |= {f"2025-A1-{number}": set() for number in (22, 23, 24, 25)}
    assert {one.after.id: {entry.id for entry in one.before} for one in found.entries if one.after} == sources
    carried = set().union(*sources.values())
    assert found.dropped == {number for number in facts if number[:4] == "2021"} - carried
    assert len(found.dropped) == 7
    assert len(found.of("new")) == 29
    for one in (*found.of("same"), *found.of("renumbered")):
        numbers = {entry.id[5:] for entry in one.before}
        assert (one.after.id[5:] in numbers) is (one.kind == "same")
    # by the research, nothing but annex 4 and the first four of annex 5 kept its number
    assert {one.after.id[5:] for one in found.of("same")} == {f"A4-0{n}" for n in range(1, 7)} | {
        f"A5-0{n}" for n in range(1, 5)
    }


def test_what_was_merged_is_told_from_both_sides(found):
    (updates,) = [one for one in found.of("new") if one.after.id == "2025-A1-14"]
    assert set(updates.related) == MERGED
    gone = {one.before[0].id: one.related for one in found.of("dropped")}
    assert all(gone[number] == ("2025-A1-14",) for number in MERGED)
    assert gone["2021-A1-06"] == ()


def test_a_bound_is_changed_by_its_figure_and_not_by_its_note(catalogue):
    number = "2025-A1-19"
    entry = catalogue.requirements[number]

    def with_bound(bound: Bound):
        altered = entry.model_copy(update={"bounds": {**entry.bounds, "lock_after": bound}})
        other = type(catalogue)(
            catalogue.folder, catalogue.editions, catalogue.features, {**catalogue.requirements, number: altered}
        )
        return compare(other, "2021", "2025").with_bounds

    same = entry.bounds["lock_after"]
    assert with_bound(same.model_copy(update={"note": "anders begründet"})) == []
    (stricter,) = with_bound(same.model_copy(update={"at_most": 300}))
    assert stricter.after.id == number
    (change,) = stricter.bounds
    assert "höchstens 10 Minuten" in change.before
    assert "höchstens 5 Minuten" in change.after


def test_the_older_edition_comes_first(catalogue):
    for pair in (("2025", "2021"), ("2025", "2025")):
        with pytest.raises(InputError, match="older edition first"):
            compare(catalogue, *pair)


class TestCommand:
    def run(self, *arguments: str):
        return CliRunner().invoke(cli.app, ["coverage", "--compare", *arguments], env={"COLUMNS": "80"})

    def test_the_table_adds_up(self):
        lines = self.run("2021", "2025").stdout.splitlines()
        rows = {line.split()[0]: line.split()[1:] for line in lines[4:12] if line}
        for annex, numbers in rows.items():
            if annex != "Annex":
                old, same, renumbered, dropped, new, now = (0 if word == "–" else int(word) for word in numbers)
                assert same + renumbered + new == now
                # in annex 3 one number of 2021 was a repetition and went into annex 2
                assert old - same - renumbered - dropped == {"3": 1, "together": 1}.get(annex, 0)
        assert rows["together"] == ["71", "10", "53", "7", "29", "92"]
        assert all(len(line) <= 80 for line in lines[4:12])
        assert "  2021-A1-13 → 2025-A1-19  Abmelden nach Aufgabenerfüllung (title changed)" in lines
        assert (
            "  –          → 2025-A1-26  Der Zugriff auf Geräte und Software muss abgesichert werden (from 01.10.2025)"
            in lines
        )

    def test_json_holds_the_same(self, found):
        document = json.loads(self.run("2021", "2025", "--json").stdout)
        assert (document["old"], document["new"]) == ("2021", "2025")
        assert [(one["before"], one["after"]) for one in document["requirements"]] == [
            ([entry.id for entry in one.before], one.after.id if one.after else None) for one in found.entries
        ]

    def test_an_unknown_edition_is_named(self):
        assert "2021" in str(self.run("2021", "2024").exception)
