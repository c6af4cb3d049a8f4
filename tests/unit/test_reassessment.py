"""A kept run by another edition's numbering says what a run by that edition would have said of the measurements."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisschild.errors import InputError, PraxisschildError
from praxisschild.formats import json as results_json
from praxisschild.formats.registry import FORMATS
from praxisschild.reassessment import in_edition
from praxisschild.results import Run, Section, Status
from tests.factories import large_run

KEPT = ("requirements", "deviations", "checks", "hosts", "attestations")


@pytest.fixture(scope="module")
def kept() -> Run:
    """As it comes back from a bundle."""
    return results_json.parse(results_json.render(large_run(4).run), "results.json")


def test_the_same_measurements_by_2021_are_what_a_run_by_2021_said(kept, catalogue):
    told, direct = in_edition(kept, catalogue, "2021"), large_run(4, edition="2021").run
    for part in KEPT:
        assert getattr(told, part) == getattr(direct, part), part
    assert told.practice.edition == "2021"
    assert told.coverage == direct.coverage


def test_there_and_back_is_where_it_began(kept, catalogue):
    back = in_edition(in_edition(kept, catalogue, "2021"), catalogue, "2025")
    for part in KEPT:
        assert getattr(back, part) == getattr(kept, part), part
    assert back.edition.reassessed_from == "2025"


def test_the_edition_of_the_run_is_told_as_it_was_kept(kept, catalogue):
    altered = kept.model_copy(update={"requirements": kept.requirements[:3]})
    assert in_edition(altered, catalogue, "2025") == altered


def test_the_report_says_that_it_came_later_and_what_was_in_force(kept, catalogue):
    facts = in_edition(kept, catalogue, "2021").edition
    assert (facts.name, facts.in_force, facts.reassessed_from) == ("2021", "2025", "2025")
    assert not facts.is_in_force(kept.day)


def test_rows_keep_the_measurements_of_all_their_numbers(kept, catalogue):
    told = {row.id: row for row in in_edition(kept, catalogue, "2021").requirements}
    row = told["2021-A1-13"]
    assert row.code_ids == ("2021-A1-13", "2025-A1-19")
    measured = {(one.check, one.host) for one in kept.checks if "2021-A1-13" in one.requirements}
    assert measured
    assert {(one.check, verdict.host) for verdict in row.hosts for one in verdict.checks} == measured
    # what was checked and is no demand of 2021 stands apart, once
    assert told["2025-A1-26"].section is Section.ADDITIONAL
    assert "2025-A1-19" not in told


def test_what_the_practice_attested_by_the_new_number_counts_for_the_old_one(kept, catalogue):
    new = {row.id: row for row in kept.requirements}
    old = {row.id: row for row in in_edition(kept, catalogue, "2021").requirements}
    said = {one.requirement for one in kept.attestations if not one.fault}
    pairs = [
        (row, next(iter(set(row.code_ids) - {row.id})))
        for row in new.values()
        if row.id in said and len(row.code_ids) == 2
    ]
    assert pairs
    for row, number in pairs:
        assert old[number].attestation == row.attestation
        assert old[number].status is row.status


def test_a_merged_demand_says_nothing_of_its_parts(catalogue):
    assert catalogue.carried_back("2025-A1-19", "2021") == "2021-A1-13"
    assert catalogue.carried_back("2025-A2-05", "2021") is None, "two demands of 2021 became one"
    assert catalogue.carried_back("2025-A1-14", "2021") is None, "it is new"
    assert catalogue.carried_back("2021-A1-13", "2021") is None
    assert catalogue.carried_back("KVWL-04", "2021") is None


def test_what_was_not_kept_is_not_tested_and_says_so(kept, catalogue):
    without = kept.model_copy(update={"attestations": None})
    rows = {row.id: row for row in in_edition(without, catalogue, "2021").requirements}
    for row in rows.values():
        assert row.status is not Status.ATTESTED
        assert row.attestation is None
    # only people can meet it, and what they said is not there
    assert rows["2021-A1-29"].status is Status.NOT_TESTED
    assert "nicht aufbewahrt" in rows["2021-A1-29"].reason
    assert "noch keine Bestätigung" not in json.dumps([row.reason for row in rows.values()], ensure_ascii=False)


def test_a_check_that_did_not_run_leaves_its_row_not_tested(kept, catalogue):
    without = kept.model_copy(
        update={"checks": tuple(one for one in kept.checks if "2021-A1-13" not in one.requirements)}
    )
    (row,) = [one for one in in_edition(without, catalogue, "2021").requirements if one.id == "2021-A1-13"]
    assert (row.status, row.hosts) == (Status.NOT_TESTED, ())
    assert row.reason.startswith("in diesem Lauf nicht geprüft")


def test_an_unknown_edition_is_named_with_those_there_are(kept, catalogue):
    with pytest.raises(InputError, match="2021, 2025"):
        in_edition(kept, catalogue, "2030")


SMALL = json.loads(results_json.render(large_run(2, 12).run))
STRANGE = ["9999-12-31", "0001-01-01", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+05:00", "not_tested", "2021-A1-13"]
TREND = {"runs": [{"ended": "2026-11-23T20:52:10Z", "counts": []}], "changes": []}
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(STRANGE)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["2021", "2025"]))
def test_results_that_somebody_damaged_are_told_or_refused_and_never_break(catalogue, data, edition):
    document = json.loads(json.dumps({**SMALL, "trend": TREND}))
    for _ in range(data.draw(st.integers(1, 3))):
        place = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or not data.draw(st.booleans()):
                place[key] = data.draw(values)
                break
            place = place[key]
    try:
        run = in_edition(results_json.parse(json.dumps(document), "results.json"), catalogue, edition)
    except PraxisschildError:
        return
    for one in FORMATS.values():
        one.render(run)
