"""Every requirement that binds a practice has a row that says something, whatever its size and what it has.

What binds it is computed from `tests/data/facts`, which knows nothing of the catalogue.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from praxisschild.assessment import assess
from praxisschild.attestations import Standing, attestation_of
from praxisschild.formats import html
from praxisschild.inventory import Inventory
from praxisschild.practice import Deviation, Practice
from praxisschild.results import CheckResult, HostState, PracticeFacts, RequirementResult, Run, Section, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from praxisschild.catalogue import Catalogue

FACTS = Path(__file__).parents[1] / "data/facts/requirements.csv"
TODAY = date(2026, 11, 23)
IN_FORCE = {"2021": date(2024, 6, 1), "2025": TODAY}  # a day on which everything of the edition binds
SIZES = ("praxis", "mittel", "gross")
# what is assumed where an inventory is silent: most practices have these
USUAL = {"ti", "cloud", "windows", "mobile_devices", "mobile_phones", "removable_media", "wlan", "printer", "fax"}
EVERYTHING = USUAL | {
    "hosted_konnektor", "ti_gateway", "medical_devices", "own_web_server", "own_mail_server", "mdm",
}  # fmt: skip
HAS = {
    "everything": EVERYTHING,
    "nothing": set(),
    "usual": USUAL,
    **{f"without {name}": EVERYTHING - {name} for name in sorted(EVERYTHING)},
    **{f"only {name}": {name} for name in sorted(EVERYTHING)},
}


@dataclass(frozen=True)
class Fact:
    id: str
    annex: int
    sizes: set[str]
    needs: set[str]
    valid_from: date


def _facts() -> list[Fact]:
    with FACTS.open(encoding="utf-8") as file:
        return [
            Fact(
                row["id"],
                int(row["annex"]),
                set(row["sizes"].split()),
                set(row["needs"].split()),
                date.fromisoformat(row["valid_from"]),
            )
            for row in csv.DictReader(file, delimiter=";")
        ]


FACT_ROWS = _facts()


def binding(edition: str, size: str, has: set[str], day: date) -> set[str]:
    """The numbers that bind such a practice on that day, by the facts alone."""
    return {
        fact.id
        for fact in FACT_ROWS
        if fact.id.startswith(edition) and size in fact.sizes and fact.needs <= has and fact.valid_from <= day
    }


@pytest.fixture(scope="module")
def musterpraxis(project: Path) -> Practice:
    inventory = Inventory(project / "inventories/musterpraxis")
    return Practice.model_validate(inventory.value(inventory.hosts[0], "praxis"))


def variant(practice: Practice, edition: str, size: str, has: set[str] | None) -> Practice:
    features = {} if has is None else {name: name in has for name in EVERYTHING}
    return practice.model_copy(update={"edition": edition, "size": size, "features": features})


def applicable(rows: tuple[RequirementResult, ...]) -> set[str]:
    return {row.id for row in rows if row.section is Section.DIRECTIVE and row.status is not Status.NOT_APPLICABLE}


def blank(row: RequirementResult) -> str:
    """What a reader would miss in a row; empty if nothing."""
    for name in ("title", "demand", "purpose", "source", "group"):
        if not getattr(row, name).strip():
            return f"{row.id}: {name}"
    if row.status is Status.PASSED:
        return "" if row.hosts else f"{row.id}: passed by nothing"
    if row.status is Status.ATTESTED:
        return "" if row.attestation and row.attestation.statement else f"{row.id}: attested by nobody"
    return "" if row.reason.strip() else f"{row.id}: no reason for {row.status}"


@pytest.mark.parametrize("has", HAS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("edition", ["2021", "2025"])
def test_rows_are_those_that_bind_the_practice(
    catalogue: Catalogue, musterpraxis: Practice, edition: str, size: str, has: str
) -> None:
    day = IN_FORCE[edition]
    found = assess(catalogue, variant(musterpraxis, edition, size, HAS[has]), (), (), day).requirements
    directive = [row.id for row in found if row.section is Section.DIRECTIVE]
    assert sorted(directive) == sorted(fact.id for fact in FACT_ROWS if fact.id.startswith(edition))
    expected = binding(edition, size, HAS[has], day)
    assert applicable(found) == expected
    assert len(applicable(found)) == len(expected)
    assert [blank(row) for row in found if blank(row)] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("edition", ["2021", "2025"])
def test_a_silent_inventory_has_what_is_usual(
    catalogue: Catalogue, musterpraxis: Practice, edition: str, size: str
) -> None:
    day = IN_FORCE[edition]
    found = assess(catalogue, variant(musterpraxis, edition, size, None), (), (), day).requirements
    assert applicable(found) == binding(edition, size, USUAL, day)


@pytest.mark.parametrize(
    ("edition", "size", "numbers"),
    [
        ("2021", "praxis", 34 + 6 + 7),
        ("2021", "mittel", 34 + 11 + 6 + 7),
        ("2021", "gross", 34 + 11 + 13 + 6 + 7),
        ("2025", "praxis", 50 + 6 + 9),
        ("2025", "mittel", 50 + 10 + 6 + 9),
        ("2025", "gross", 50 + 10 + 17 + 6 + 9),
    ],
)
def test_a_practice_that_has_everything_has_its_annexes(
    catalogue: Catalogue, musterpraxis: Practice, edition: str, size: str, numbers: int
) -> None:
    whole = variant(musterpraxis, edition, size, EVERYTHING)
    assert len(applicable(assess(catalogue, whole, (), (), IN_FORCE[edition]).requirements)) == numbers


@pytest.mark.parametrize(
    ("edition", "day", "numbers"),
    [
        ("2025", date(2025, 3, 31), 0),
        ("2025", date(2025, 4, 1), 63),  # what is new binds half a year later
        ("2025", date(2025, 9, 30), 63),
        ("2025", date(2025, 10, 1), 92),
        ("2021", date(2021, 3, 31), 1),
        ("2021", date(2021, 4, 1), 1 + 22),
        ("2021", date(2022, 1, 1), 1 + 22 + 3 + 39),
        ("2021", date(2022, 7, 10), 71),
    ],
)
def test_what_is_not_yet_in_force_says_from_when(
    catalogue: Catalogue, musterpraxis: Practice, edition: str, day: date, numbers: int
) -> None:
    whole = variant(musterpraxis, edition, "gross", EVERYTHING)
    found = assess(catalogue, whole, (), (), day).requirements
    assert applicable(found) == binding(edition, "gross", EVERYTHING, day)
    assert len(applicable(found)) == numbers
    begins = {fact.id: fact.valid_from for fact in FACT_ROWS}
    for row in found:
        if row.section is Section.DIRECTIVE and row.status is Status.NOT_APPLICABLE:
            assert row.reason == row.out_of_force(day) == f"gilt erst ab {begins[row.id]:%d.%m.%Y}"


def test_what_is_no_longer_in_force_says_since_when(catalogue: Catalogue, musterpraxis: Practice) -> None:
    whole = variant(musterpraxis, "2021", "gross", EVERYTHING)
    last = date(2025, 3, 31)
    for day, ended in ((last, False), (last + timedelta(days=1), True), (TODAY, True)):
        for row in assess(catalogue, whole, (), (), day).requirements:
            if row.section is Section.DIRECTIVE:
                begun = next(fact.valid_from for fact in FACT_ROWS if fact.id == row.id)
                words = f"nicht mehr in Kraft: galt vom {begun:%d.%m.%Y} bis 31.03.2025"
                assert row.out_of_force(day) == (words if ended else "")
            if row.section is Section.RECOMMENDATION:
                assert row.out_of_force(day) == ""


# -- every status, and no row blank whatever was measured -------------------------------------------------------------

HOSTS = (HostState(name="arbeitsplatz-1", reached=True), HostState(name="server-1", reached=True))


def check(code: str, status: Status, host: str | None = "arbeitsplatz-1") -> CheckResult:
    return CheckResult(
        check=f"test_{code}[{host}]",
        requirements=(code,),
        host=host,
        status=status,
        reason="" if status is Status.PASSED else "Grund",
        started=datetime.combine(TODAY, time(12), tzinfo=UTC),
    )


def deviation(code: str, expires: date) -> Deviation:
    return Deviation.model_validate(
        {
            "requirement": code,
            "reason": "Das Gerät wird ersetzt.",
            "compensation": "Sicherung von Hand",
            "risk": "mittel",
            "approved_by": "Praxisinhaberin",
            "approved_on": expires - timedelta(days=300),
            "expires": expires,
        }
    )


def attested(code: str, valid_until: date) -> Standing:
    said = attestation_of(
        FACTS,
        requirement=code,
        statement="So ist es geregelt.",
        role="Praxisinhaberin",
        date=valid_until - timedelta(days=300),
        valid_until=valid_until,
    )
    gone = valid_until < TODAY
    return Standing(said, FACTS, f"Bestätigung abgelaufen seit {valid_until:%d.%m.%Y}" if gone else "", gone)


@dataclass(frozen=True)
class Case:
    row: str
    checks: tuple[CheckResult, ...] = ()
    hosts: tuple[HostState, ...] = HOSTS
    deviations: tuple[Deviation, ...] = ()
    attestations: tuple[Standing, ...] = ()
    has: set[str] = field(default_factory=lambda: USUAL)


TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
UNREACHED = HostState(name="server-1", reached=False, reason="ausgeschaltet")
FAILED = check("2021-A1-15", Status.FAILED)
CASES: dict[Status, list[Case]] = {
    Status.FAILED: [Case("2025-A1-20", (check("2021-A1-15", Status.PASSED, "server-1"), FAILED))],
    Status.NOT_TESTED: [
        Case("2025-A1-20"),
        Case("2025-A1-20", (check("2021-A1-15", Status.PASSED),), hosts=(HOSTS[0], UNREACHED)),
        Case("2025-A1-01"),
        Case("2025-A1-42"),
    ],
    Status.EXPIRED: [
        Case("2025-A1-20", (FAILED,), deviations=(deviation("2021-A1-15", YESTERDAY),)),
        Case("2025-A1-01", attestations=(attested("2025-A1-01", YESTERDAY),)),
    ],
    Status.DEVIATION: [Case("2025-A1-20", (FAILED,), deviations=(deviation("2021-A1-15", TODAY),))],
    Status.ATTESTED: [Case("2025-A1-01", attestations=(attested("2025-A1-01", TODAY),))],
    Status.PASSED: [Case("2025-A1-20", (check("2021-A1-15", Status.PASSED),))],
    Status.NOT_APPLICABLE: [
        Case("2025-A4-06", (check("2025-A4-06", Status.FAILED),)),
        Case("2025-A1-20", (check("2021-A1-15", Status.NOT_APPLICABLE),)),
    ],
}


def run_of(catalogue: Catalogue, practice: Practice, case: Case) -> Run:
    practice = practice.model_copy(update={"deviations": list(case.deviations)})
    found = assess(catalogue, practice, case.checks, case.hosts, TODAY, case.attestations)
    moment = datetime.combine(TODAY, time(12), tzinfo=UTC)
    return Run(
        tool_version="0.1.0",
        practice=PracticeFacts(name=practice.name, size=practice.size, edition=found.edition),
        started=moment,
        ended=moment,
        hosts=case.hosts,
        checks=case.checks,
        requirements=found.requirements,
        deviations=found.deviations,
    )


def test_there_is_a_case_of_every_status() -> None:
    assert set(CASES) == set(Status)


@pytest.mark.parametrize(
    ("status", "case"),
    [(status, case) for status, cases in CASES.items() for case in cases],
    ids=lambda one: str(one)[:24],
)
def test_every_status_is_reached_and_explained(
    catalogue: Catalogue, musterpraxis: Practice, status: Status, case: Case
) -> None:
    run = run_of(catalogue, variant(musterpraxis, "2025", "gross", case.has), case)
    (row,) = [one for one in run.requirements if one.id == case.row]
    assert row.status is status
    assert blank(row) == ""
    (article,) = [part for part in html.render(run).split("<article ")[1:] if f'id="{case.row}"' in part]
    assert f'data-status="{status.value}"' in article
    assert status.label in article or (status is Status.EXPIRED and "abgelaufen" in article)


@pytest.mark.parametrize("seed", range(12))
def test_no_row_is_blank_whatever_was_measured(catalogue: Catalogue, musterpraxis: Practice, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret depends on it
    ids = list(catalogue.ids)
    outcomes: list[Callable[[str], CheckResult]] = [
        lambda code, status=status: check(code, status, dice.choice([None, "arbeitsplatz-1", "server-1"]))
        for status in (Status.FAILED, Status.NOT_TESTED, Status.PASSED, Status.NOT_APPLICABLE)
    ]
    case = Case(
        row="",
        checks=tuple(dice.choice(outcomes)(code) for code in dice.sample(ids, 120)),
        hosts=(HOSTS[0], dice.choice([HOSTS[1], UNREACHED])),
        deviations=tuple(deviation(code, dice.choice([YESTERDAY, TODAY])) for code in dice.sample(ids, 40)),
        attestations=tuple(attested(code, dice.choice([YESTERDAY, TODAY])) for code in dice.sample(ids, 60)),
    )
    has = {name for name in EVERYTHING if dice.random() < 0.7}
    edition, size = dice.choice(["2021", "2025"]), dice.choice(SIZES)
    run = run_of(catalogue, variant(musterpraxis, edition, size, has), case)
    assert [blank(row) for row in run.requirements if blank(row)] == []
    assert applicable(run.requirements) <= binding(edition, size, has, TODAY)
