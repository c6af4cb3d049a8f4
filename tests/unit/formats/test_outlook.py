from __future__ import annotations

from datetime import date, timedelta

import pytest

from praxisschild.formats import html, outlook
from praxisschild.results import AttestationFacts, Change, Count, EditionFacts, PastRun, Status, Trend
from tests.unit.formats.conftest import ENDED, HOSTILE, row
from tests.unit.formats.test_html import page

DAY = ENDED.date()


def past(days_ago: int, **counts: int) -> PastRun:
    return PastRun(
        ended=ENDED - timedelta(days=days_ago),
        counts=tuple(
            Count(name=Status[key].label, status=Status[key], number=number) for key, number in counts.items()
        ),
    )


@pytest.fixture
def trend() -> Trend:
    change = Change(
        requirement="2025-A1-19",
        before="vollständig erfüllt",
        before_status=Status.PASSED,
        after="nicht erfüllt",
        after_status=Status.FAILED,
        after_reason=f"server-1: {HOSTILE}",
        direction="worse",
    )
    same = change.model_copy(update={"before": "nicht erfüllt", "before_status": Status.FAILED})
    better = same.model_copy(
        update={"requirement": "2025-A1-20", "direction": "better", "before_reason": "zuvor kaputt"}
    )
    return Trend(
        runs=(past(2, PASSED=9), past(1, FAILED=1, PASSED=8), past(0, FAILED=3, NOT_TESTED=2, PASSED=4)),
        changes=(change, better),
    )


def edition(name: str, begins: date, ends: date | None, in_force: str, **fields: str) -> EditionFacts:
    return EditionFacts(
        name=name, title=name, legal_basis="§", in_force_from=begins, in_force_until=ends, in_force=in_force, **fields
    )


def test_then_and_now_holds_what_was_and_what_is(trend):
    told = {one.status: (one.then, one.now, one.difference) for one in outlook.then_and_now(trend)}
    assert told == {
        Status.FAILED: (1, 3, "+2"),
        Status.NOT_TESTED: (0, 2, "+2"),
        Status.PASSED: (8, 4, "−4"),
    }
    assert list(told) == sorted(told, key=lambda status: status.severity)
    (alone,) = outlook.then_and_now(Trend(runs=(past(0, FAILED=1),)))
    assert (alone.then, alone.difference) == (None, "")


def test_page_tells_the_trend_with_reasons(run, trend):
    root = page(run.model_copy(update={"trend": trend}))
    (section,) = [one for one in root.all("section") if one.attributes["id"] == "verlauf"]
    assert "nicht erfüllt 1 3 +2" in section.words
    (worse, better) = section.all("ul", "changes")
    assert "Titel 2025-A1-19" in worse.words
    assert "vollständig erfüllt" in worse.words
    assert "server-1" in worse.words
    assert "auf weniger Hosts als zuletzt nicht erfüllt" in better.words
    assert "zuvor: zuvor kaputt" in better.words
    assert [one.words for one in section.all("h3")] == [
        "Schlechter geworden 1",
        "Besser geworden 1",
        "Die letzten 3 Prüfungen",
    ]
    runs = section.all("table", "runs")[0].all("tbody")[0].all("tr")
    assert [one.all("th")[0].words for one in runs] == ["23.11.2026, 21:52", "22.11.2026, 21:52", "21.11.2026, 21:52"]
    assert "nicht erfüllt · nicht geprüft · erfüllt" in runs[0].words
    assert [one.words for one in runs[0].all("b")] == ["3", "2", "4"]
    widths = [float(one.attributes["width"]) for one in runs[0].all("rect")]
    assert sum(widths) == pytest.approx(100, abs=0.01)
    assert "onerror" not in [name for one in root.all() for name in one.attributes]


def test_first_run_says_that_there_is_nothing_to_compare(run):
    assert "#verlauf" not in html.render(run)
    root = page(run.model_copy(update={"trend": Trend(runs=(past(0, FAILED=1),))}))
    (section,) = [one for one in root.all("section") if one.attributes["id"] == "verlauf"]
    assert "erste aufbewahrte Prüfung" in section.words
    assert not section.all("table")


def attested(until: date, fault: str = "") -> AttestationFacts:
    return AttestationFacts(statement="So ist es.", role="Praxisinhaberin", day=DAY, valid_until=until, fault=fault)


def test_what_falls_due_is_what_ends_or_begins_within_sixty_days(run):
    last = DAY + timedelta(days=60)
    (deviation,) = run.deviations
    rows = (
        row("2025-A1-01", Status.ATTESTED, attestation=attested(last)),
        row("2025-A1-02", Status.ATTESTED, attestation=attested(last)),
        row("2025-A1-03", Status.ATTESTED, attestation=attested(last + timedelta(days=1))),
        row("2025-A1-04", Status.EXPIRED, attestation=attested(DAY - timedelta(days=1), "abgelaufen")),
        row("2025-A1-05", Status.NOT_TESTED, attestation=attested(last, "Anlage fehlt")),
        row("2025-A1-44", Status.NOT_APPLICABLE, valid_from=date(2027, 1, 1)),
        row("2025-A1-45", Status.PASSED, valid_from=DAY),
    )
    ends = [DAY - timedelta(days=1), DAY, last, last + timedelta(days=1)]
    deviations = tuple(
        deviation.model_copy(update={"expires": day, "requirement": f"2025-A1-1{number}"})
        for number, day in enumerate(ends)
    )
    due = outlook.due_dates(run.model_copy(update={"requirements": rows, "deviations": deviations}))
    assert [(one.day, one.days_left, one.what, one.requirements) for one in due] == [
        (DAY, 0, "Abweichung läuft ab", ("2025-A1-11",)),
        (date(2027, 1, 1), 39, "Anforderung tritt in Kraft", ("2025-A1-44",)),
        (last, 60, "Abweichung läuft ab", ("2025-A1-12",)),
        (last, 60, "Bestätigung läuft ab", ("2025-A1-01", "2025-A1-02")),
    ]


def test_summary_leads_to_what_changed_and_what_falls_due(run, trend):
    root = page(run.model_copy(update={"trend": trend}))
    (summary,) = [one for one in root.all("section") if one.attributes["id"] == "zusammenfassung"]
    links = {one.words: one.attributes["href"] for one in summary.all("a")}
    assert links["1 schlechter geworden"] == links["1 besser geworden"] == "#verlauf"
    assert links["wird 1 Punkt fällig"] == "#fristen"


def test_page_tells_what_falls_due(run):
    (section,) = [one for one in page(run).all("section") if one.attributes["id"] == "fristen"]
    assert "31.12.2026 in 38 Tagen" in section.words
    assert "Abweichung läuft ab" in section.words
    root = page(run.model_copy(update={"deviations": ()}))
    (empty,) = [one for one in root.all("section") if one.attributes["id"] == "fristen"]
    assert "Nichts:" in empty.words


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (edition("2025", date(2025, 4, 1), None, "2025"), ""),
        (edition("2021", date(2021, 1, 23), DAY, "2021"), ""),
        (
            edition("2021", date(2021, 1, 23), date(2025, 3, 31), "2025"),
            "Die Fassung 2021 war vom 23.01.2021 bis 31.03.2025 in Kraft. Am Tag der Prüfung galt die Fassung 2025.",
        ),
        (
            edition("2030", date(2030, 1, 1), None, "2025"),
            "Die Fassung 2030 gilt erst ab 01.01.2030. Am Tag der Prüfung galt die Fassung 2025.",
        ),
    ],
)
def test_an_edition_that_is_not_in_force_is_said_first(run, facts, said):
    told = run.model_copy(update={"edition": facts})
    assert outlook.edition_note(told) == said
    notices = " ".join(one.words for one in page(told).all("p", "notice"))
    assert said in notices
    assert ("Nicht in Kraft" in notices) is bool(said)


def test_a_later_assessment_says_so(run):
    facts = edition("2021", date(2021, 1, 23), date(2025, 3, 31), "2025", reassessed_from="2025")
    notices = " ".join(one.words for one in page(run.model_copy(update={"edition": facts})).all("p", "notice"))
    assert "Berichtet wurde dieser Lauf nach der Fassung 2025" in notices
    assert "Bestätigungen der Praxis nicht aufbewahrt" in notices
    kept = page(run.model_copy(update={"edition": facts, "attestations": ()}))
    assert "nicht aufbewahrt" not in " ".join(one.words for one in kept.all("p", "notice"))


def test_rows_that_are_not_in_force_say_since_when(run):
    rows = (
        row("2021-A1-13", Status.PASSED, valid_from=date(2021, 4, 1), valid_until=date(2025, 3, 31)),
        row("2021-A1-14", Status.FAILED, valid_from=date(2021, 4, 1), valid_until=DAY),
        row("2025-A1-44", Status.NOT_APPLICABLE, reason="gilt erst ab 01.01.2027", valid_from=date(2027, 1, 1)),
    )
    root = page(run.model_copy(update={"requirements": rows, "trend": None}))
    words = "nicht mehr in Kraft: galt vom 01.04.2021 bis 31.03.2025"
    articles = {one.attributes["id"]: one.all("summary")[0].words for one in root.all("article")}
    assert words in articles["2021-A1-13"]
    assert "in Kraft" not in articles["2021-A1-14"]
    assert articles["2025-A1-44"].count("gilt erst ab 01.01.2027") == 1
    (section,) = [one for one in root.all("section") if one.attributes["id"] == "geltung"]
    assert f"{words} 1 2021-A1-13" in section.words
    assert "gilt erst ab 01.01.2027 1 2025-A1-44" in section.words
    assert "2021-A1-14" not in section.words
