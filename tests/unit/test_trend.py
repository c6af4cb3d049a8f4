from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisschild.evidence import write_bundle
from praxisschild.results import HostVerdict, Part, PracticeFacts, RequirementResult, Run, Section, Status
from praxisschild.trend import earlier_runs, trend_of

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


def row(identifier: str, status: Status, *, reason: str = "", pending=(), failed_on=(), **fields) -> RequirementResult:
    return RequirementResult(
        id=identifier,
        code_ids=(identifier,),
        section=fields.get("section", Section.DIRECTIVE),
        group="Endgeräte",
        annex=1,
        title="Titel",
        demand="Forderung",
        purpose="Zweck",
        source="Quelle",
        confidence="confirmed",
        status=status,
        reason=reason,
        pending=pending,
        hosts=tuple(HostVerdict(host=host, status=Status.FAILED) for host in failed_on),
    )


def run(*rows: RequirementResult, days_ago: int = 0, limits=(), edition: str = "2025") -> Run:
    return Run(
        tool_version="0.1.0",
        practice=PracticeFacts(name="Praxis", size="praxis", edition=edition),
        started=NOW - timedelta(days=days_ago, minutes=1),
        ended=NOW - timedelta(days=days_ago),
        limits=limits,
        hosts=(),
        checks=(),
        requirements=rows,
    )


def one_change(before: RequirementResult, after: RequirementResult):
    (change,) = trend_of(run(after), [run(before, days_ago=1)]).changes
    return change


def test_the_first_run_has_nothing_to_compare():
    trend = trend_of(run(row("2025-A1-19", Status.FAILED)), [])
    assert [one.ended for one in trend.runs] == [NOW]
    assert trend.changes == ()


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (Status.PASSED, Status.FAILED, "worse"),
        (Status.FAILED, Status.PASSED, "better"),
        (Status.FAILED, Status.DEVIATION, "better"),
        (Status.DEVIATION, Status.EXPIRED, "worse"),
        (Status.ATTESTED, Status.EXPIRED, "worse"),
        (Status.EXPIRED, Status.ATTESTED, "better"),
        (Status.ATTESTED, Status.PASSED, "other"),
        # what is no longer proven is worse; that a broken thing was not looked at is no improvement
        (Status.PASSED, Status.NOT_TESTED, "worse"),
        (Status.DEVIATION, Status.NOT_TESTED, "worse"),
        (Status.FAILED, Status.NOT_TESTED, "other"),
        (Status.EXPIRED, Status.NOT_TESTED, "other"),
        (Status.NOT_TESTED, Status.PASSED, "better"),
        (Status.NOT_TESTED, Status.ATTESTED, "better"),
        (Status.NOT_TESTED, Status.FAILED, "worse"),
        (Status.NOT_TESTED, Status.EXPIRED, "worse"),
        (Status.NOT_APPLICABLE, Status.FAILED, "other"),
        (Status.FAILED, Status.NOT_APPLICABLE, "other"),
    ],
)
def test_a_change_has_a_direction_and_both_reasons(before, after, direction):
    change = one_change(row("2025-A1-19", before, reason="damals"), row("2025-A1-19", after, reason="heute"))
    assert (change.direction, change.before_status, change.after_status) == (direction, before, after)
    assert (change.before_reason, change.after_reason) == ("damals", "heute")


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_nothing_gets_better_both_ways(one, other):
    if one is not other:
        there = one_change(row("2025-A1-19", one), row("2025-A1-19", other)).direction
        back = one_change(row("2025-A1-19", other), row("2025-A1-19", one)).direction
        assert {there, back} in ({"better", "worse"}, {"other"}, {"other", "worse"})
        assert not (there == back == "better")


def test_an_open_part_is_less_than_fulfilled():
    part = row("2025-A1-19", Status.PASSED, pending=(Part.ORGANISATIONAL,))
    change = one_change(row("2025-A1-19", Status.PASSED), part)
    assert (change.direction, change.after) == ("worse", "technisch erfüllt, Bestätigung offen")
    assert change.after_reason == "organisatorischer Teil: Bestätigung steht aus"
    assert one_change(row("2025-A1-19", Status.FAILED), part).direction == "better"


@pytest.mark.parametrize(
    ("then", "now", "direction"),
    [(["a"], ["a", "b"], "worse"), (["a", "b"], ["b"], "better"), (["a"], ["b"], "other")],
)
def test_a_failure_on_other_hosts_is_a_change(then, now, direction):
    before, after = (row("2025-A1-19", Status.FAILED, failed_on=hosts) for hosts in (then, now))
    assert one_change(before, after).direction == direction


def test_what_is_the_same_and_what_is_new_is_no_change_and_the_worst_comes_first():
    before = run(row("A", Status.PASSED), row("B", Status.FAILED), row("C", Status.PASSED, reason="x"), days_ago=1)
    after = run(row("B", Status.PASSED), row("A", Status.FAILED), row("C", Status.PASSED), row("D", Status.FAILED))
    assert [one.requirement for one in trend_of(after, [before]).changes] == ["A", "B"]


def test_counts_are_those_of_the_edition():
    rows = (row("A", Status.FAILED), row("B", Status.FAILED), row("C", Status.PASSED))
    told = trend_of(run(*rows, row("KVWL-04", Status.FAILED, section=Section.RECOMMENDATION)), []).runs[0]
    assert [(one.name, one.status, one.number) for one in told.counts] == [
        ("nicht erfüllt", Status.FAILED, 2),
        ("vollständig erfüllt", Status.PASSED, 1),
    ]


def test_only_runs_of_the_same_extent_and_edition_are_compared():
    now = run(row("A", Status.FAILED))
    partial = run(row("A", Status.NOT_TESTED), days_ago=1, limits=("ohne Proben",))
    other = run(row("A", Status.ATTESTED), days_ago=2, edition="2021")
    full = run(row("A", Status.PASSED), days_ago=3)
    trend = trend_of(now, [partial, other, full])
    assert [one.ended for one in trend.runs] == [full.ended, now.ended]
    assert trend.changes[0].before_status is Status.PASSED


def test_a_trend_ends_after_twelve_runs_and_reads_no_more():
    read = []

    def earlier():
        for day in range(1, 40):
            read.append(day)
            yield run(row("A", Status.PASSED), days_ago=day)

    trend = trend_of(run(row("A", Status.PASSED)), earlier())
    assert len(trend.runs) == 12
    assert len(read) == 11
    assert [one.ended for one in trend.runs] == sorted(one.ended for one in trend.runs)


def test_a_bundle_that_cannot_be_read_is_passed_over(tmp_path, catalogue):
    good = write_bundle(tmp_path, run(row("2025-A1-19", Status.PASSED), days_ago=2), {})
    bad = write_bundle(tmp_path, run(row("2025-A1-19", Status.PASSED), days_ago=1), {})
    (bad / "results.json").write_text("{")
    found = list(earlier_runs([bad, good], catalogue, "2025"))
    assert [one.ended for one in found] == [NOW - timedelta(days=2)]
