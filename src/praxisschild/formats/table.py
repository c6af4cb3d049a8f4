"""The run as rows, for people who live in spreadsheets; `csv` and `xlsx` write the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from praxisschild.results import Run

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """One sheet: a German name, headings, and rows as long as these."""

    name: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]


def requirements(run: Run) -> Table:
    """One row per requirement, in the report's order."""
    headings = (
        "Nummer", "Titel", "Bereich", "Anlage", "Gruppe", "Ergebnis", "Grund", "Offen", "Bestätigt von", "Bestätigt am",
        "Gültig bis", "Gefordert", "Grenzwerte", "In Kraft ab", "In Kraft bis", "Quelle",
    )  # fmt: skip
    rows = []
    for row in run.requirements:
        said = row.attestation
        rows.append(
            (
                row.id,
                row.title,
                row.section.label,
                row.annex,
                row.group,
                row.label,
                row.reason,
                "; ".join(part.label for part in row.pending),
                said.role if said else "",
                said.day.isoformat() if said else "",
                said.valid_until.isoformat() if said else "",
                row.demand,
                "; ".join(row.bounds),
                row.valid_from.isoformat() if row.valid_from else "",
                row.valid_until.isoformat() if row.valid_until else "",
                row.source,
            )
        )
    return Table("Anforderungen", headings, rows)


def checks(run: Run) -> Table:
    """One row per check and host."""
    headings = ("Host", "Prüfung", "Art", "Anforderungen", "Ergebnis", "Gemessen", "Grund", "Zeit (UTC)", "Dauer in s")
    rows = [
        (
            check.host or "Praxis",
            check.check,
            "Probe" if check.probe else "Prüfung",
            ", ".join(check.requirements),
            check.status.label,
            "; ".join(check.measured),
            check.reason or "",
            check.started.strftime("%Y-%m-%d %H:%M:%S"),
            round(check.duration, 3),
        )
        for check in run.checks
    ]
    return Table("Messungen", headings, rows)


def hosts(run: Run) -> Table:
    """One row per host."""
    rows = [
        (host.name, host.address or "", host.platform or "", "ja" if host.reached else "nein", host.reason or "")
        for host in run.hosts
    ]
    return Table("Hosts", ("Host", "Adresse", "System", "Erreicht", "Grund"), rows)


def deviations(run: Run) -> Table:
    """One row per deviation."""
    headings = (
        "Anforderung", "Hosts", "Begründung", "Stattdessen", "Risiko", "Genehmigt von", "Genehmigt am", "Gültig bis",
        "Abgelaufen", "Noch nötig",
    )  # fmt: skip
    needed = {True: "ja", False: "nein", None: "nicht geprüft"}
    rows = [
        (
            one.requirement,
            "alle" if one.hosts == "all" else ", ".join(one.hosts),
            one.reason,
            one.compensation,
            one.risk,
            one.approved_by,
            one.approved_on.isoformat() if one.approved_on else "",
            one.expires.isoformat(),
            "ja" if one.expired else "nein",
            needed[one.needed],
        )
        for one in run.deviations
    ]
    return Table("Abweichungen", headings, rows)


def all_tables(run: Run) -> list[Table]:
    """Every sheet, the requirements first."""
    return [requirements(run), checks(run), hosts(run), deviations(run)]
