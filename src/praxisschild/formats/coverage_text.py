"""The coverage of an edition for a terminal, in German."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table

from praxisschild.coverage import CONCERN_LABELS, CONCERNS, KIND_LABELS, summarise, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from praxisschild.catalogue import Edition
    from praxisschild.coverage import CoverageRow, Covered


def print_table(console: Console, edition: Edition, found: Sequence[Covered], *, linux_only: bool) -> None:
    """Counts per annex and kind, then what is technically open, told apart by what it concerns."""
    coverage = summarise(edition.name, found)
    scope = ", nur was einen Linux-Host betreffen kann" if linux_only else ""
    console.print(f"[bold]{edition.title}[/] ({edition.legal_basis}){scope}\n", soft_wrap=True)
    table = Table("Anlage", box=None, pad_edge=False)
    table.add_column("Art", no_wrap=True)
    for heading in ("Zahl", "Einstellung", "Prüfung", "Probe", "offen"):
        table.add_column(heading, justify="right", no_wrap=True)
    last: int | None = 0
    for row in coverage.rows:
        annex = f"{row.annex}" if row.annex else "KVWL"
        table.add_row(annex if row.annex != last else "", KIND_LABELS[row.kind], *_numbers([row]))
        last = row.annex
    table.add_section()
    for name, rows in (
        ("Richtlinie", [row for row in coverage.rows if row.annex]),
        ("KVWL", [row for row in coverage.rows if not row.annex]),
    ):
        table.add_row(f"[bold]{name}[/]", "[bold]zusammen[/]", *_numbers(rows))
    console.print(table)
    titles = ", ".join(f"{number} {annex.title}" for number, annex in edition.annexes.items())
    console.print(f"\n[dim]Anlagen: {titles}. KVWL: unverbindliche Empfehlungen.[/]", soft_wrap=True)
    console.print(
        "[dim]Gezählt sind Anforderungen mit mindestens einer Einstellung, Prüfung oder Probe. Offen: Etwas ließe sich "
        "technisch setzen oder messen, aber Einstellung oder Nachweis fehlt. Warum: --open.[/]\n",
        soft_wrap=True,
    )
    if coverage.open:
        console.print("[bold]Technisch offen, nach dem, was es betrifft[/]")
        parts = Table(box=None, show_header=False, pad_edge=False)
        for part in coverage.open:
            parts.add_row(str(len(part.requirements)), CONCERN_LABELS[part.concern], ", ".join(part.requirements))
        console.print(Padding(parts, (0, 0, 1, 0)))
    console.print(verdict(found), soft_wrap=True)


def _numbers(rows: Sequence[CoverageRow]) -> list[str]:
    counts = [sum(getattr(row, name) for row in rows) for name in ("requirements", "settings", "checks", "probes")]
    return [str(count or "–") for count in (*counts, sum(len(row.open) for row in rows))]


def print_open(console: Console, edition: Edition, found: Sequence[Covered]) -> None:
    """Every requirement without a setting or a proof: what it lacks, what it concerns, why."""
    console.print(f"[bold]{edition.title}[/]: was ohne Einstellung oder Nachweis ist, und warum", soft_wrap=True)
    lacking = [one for one in found if one.lacks]
    technical: dict[str, list[Covered]] = defaultdict(list)
    for one in lacking:
        if one.is_open:
            technical[one.main_concern].append(one)
    for concern in CONCERNS:
        if concern in technical:
            members = technical[concern]
            console.print(f"\n[bold]Technisch offen: {CONCERN_LABELS[concern]}[/] – {members[0].why}", soft_wrap=True)
            _list(console, members)
    rest: dict[str, list[Covered]] = defaultdict(list)
    for one in lacking:
        if not one.is_open:
            rest[one.why].append(one)
    for why, members in rest.items():
        console.print(f"\n[bold]Nicht technisch[/] – {why}", soft_wrap=True)
        _list(console, members)
    console.print(f"\n{verdict(found)}", soft_wrap=True)


def _list(console: Console, members: Sequence[Covered]) -> None:
    for one in members:
        more = [CONCERN_LABELS[concern] for concern in one.requirement.concerns if concern != one.main_concern]
        also = f"; betrifft auch {', '.join(more)}" if more else ""
        lacks = f" (fehlt: {', '.join(one.lacks)}{also})" if one.is_open else ""
        console.print(f"  {one.requirement.id:<10}  {one.requirement.title}{lacks}", markup=False, soft_wrap=True)
