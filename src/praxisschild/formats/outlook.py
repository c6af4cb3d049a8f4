"""What a report says about time: then and now, what ends or begins soon, what is not in force."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisschild.results import Section, Status

if TYPE_CHECKING:
    from datetime import date

    from praxisschild.results import Change, RequirementResult, Run, Trend

DAYS = 60  # how far a report looks ahead


@dataclass(frozen=True)
class Compared:
    """One verdict of the summary: how many rows had it in the last run (None without one), and how many have it now."""

    name: str
    status: Status
    then: int | None
    now: int

    @property
    def difference(self) -> str:
        """With its sign; empty where nothing changed or there is nothing to compare with."""
        changed = self.now - self.then if self.then is not None else 0
        return f"{changed:+d}".replace("-", "−") if changed else ""


@dataclass(frozen=True)
class DueDate:
    """What ends or begins on the same day, for the same reason, with the same role; texts are German."""

    day: date
    days_left: int
    what: str
    requirements: tuple[str, ...]
    text: str = ""
    who: str = ""

    @property
    def size(self) -> int:
        """How many things that are."""
        return len(self.requirements)


def then_and_now(trend: Trend) -> list[Compared]:
    """The verdicts of this run and the one before it, worst first."""
    now = {count.name: count for count in trend.runs[-1].counts}
    then = {count.name: count for count in trend.runs[-2].counts} if len(trend.runs) > 1 else {}
    compared = [
        Compared(
            name=name,
            status=(now.get(name) or then[name]).status,
            then=(then[name].number if name in then else 0) if then else None,
            now=now[name].number if name in now else 0,
        )
        for name in dict.fromkeys([*then, *now])
    ]
    return sorted(compared, key=lambda one: (one.status.severity, not one.name.endswith("offen")))


def changes_by_direction(trend: Trend) -> list[tuple[str, list[Change]]]:
    """What got worse, what better, and what can only be told apart; with German headings, empty ones left out."""
    headings = {"worse": "Schlechter geworden", "better": "Besser geworden", "other": "Anders geworden"}
    found = [(heading, [one for one in trend.changes if one.direction == name]) for name, heading in headings.items()]
    return [(heading, changes) for heading, changes in found if changes]


def due_dates(run: Run, days: int = DAYS) -> list[DueDate]:
    """Deviations and attestations that end within so many days, and requirements that begin, the earliest first."""
    found: dict[tuple[date, str, str, str], list[str]] = defaultdict(list)
    for deviation in run.deviations:
        found[deviation.expires, "Abweichung läuft ab", deviation.reason, deviation.approved_by].append(
            deviation.requirement
        )
    for row in run.requirements:
        said = row.attestation
        if said and not said.fault:
            found[said.valid_until, "Bestätigung läuft ab", "", said.role].append(row.id)
        if row.valid_from and row.valid_from > run.day:
            found[row.valid_from, "Anforderung tritt in Kraft", "", ""].append(row.id)
    return [
        DueDate(day, (day - run.day).days, what, tuple(ids), text, who)
        for (day, what, text, who), ids in sorted(found.items())
        if 0 <= (day - run.day).days <= days
    ]


def out_of_force(run: Run) -> list[tuple[str, list[RequirementResult]]]:
    """The edition's requirements that did not bind on the day of the run, by the German words that say since when."""
    found: dict[str, list[RequirementResult]] = defaultdict(list)
    for row in run.requirements:
        if row.section is Section.DIRECTIVE and (words := row.out_of_force(run.day)):
            found[words].append(row)
    return sorted(found.items(), key=lambda item: min(row.id for row in item[1]))


def edition_note(run: Run) -> str:
    """What must be known about the edition before anything else is read (German); empty if it was in force."""
    facts = run.edition
    if facts is None or facts.is_in_force(run.day):
        return ""
    if facts.in_force_from > run.day:
        said = f"Die Fassung {facts.name} gilt erst ab {facts.in_force_from:%d.%m.%Y}."
    else:
        until = f" bis {facts.in_force_until:%d.%m.%Y}" if facts.in_force_until else ""
        said = f"Die Fassung {facts.name} war vom {facts.in_force_from:%d.%m.%Y}{until} in Kraft."
    return f"{said} Am Tag der Prüfung galt die Fassung {facts.in_force}."
