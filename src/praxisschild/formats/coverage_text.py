"""The coverage of an edition for a terminal."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table

from praxisschild.coverage import CONCERN_LABELS, CONCERNS, KIND_LABELS, PLATFORM_LABELS, summarise
from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from praxisschild.catalogue import Edition
    from praxisschild.coverage import CoverageRow, Covered
    from praxisschild.traceability import Platform

_HEADINGS = (N_("number"), N_("setting"), N_("check"), N_("probe"), N_("open"))


def print_table(
    console: Console, edition: Edition, found: Sequence[Covered], platform: Platform | None, verdicts: Sequence[str]
) -> None:
    """Counts per annex and kind, then what is technically open, told apart by what it concerns."""
    coverage = summarise(edition.name, found)
    scope = _(", only what can concern a {system} host", system=PLATFORM_LABELS[platform]) if platform else ""
    console.print(f"[bold]{edition.title}[/] ({edition.legal_basis}){scope}\n", soft_wrap=True)
    table = Table(_("Annex"), box=None, pad_edge=False)
    table.add_column(_("Kind"), no_wrap=True)
    for heading in _HEADINGS:
        table.add_column(_(heading), justify="right", no_wrap=True)
    last: int | None = 0
    for row in coverage.rows:
        annex = f"{row.annex}" if row.annex else "KVWL"
        table.add_row(annex if row.annex != last else "", _(KIND_LABELS[row.kind]), *_numbers([row]))
        last = row.annex
    table.add_section()
    together = _("[bold]together[/]")
    for name, rows in (
        (_("directive"), [row for row in coverage.rows if row.annex]),
        ("KVWL", [row for row in coverage.rows if not row.annex]),
    ):
        table.add_row(f"[bold]{name}[/]", together, *_numbers(rows))
    console.print(table)
    titles = ", ".join(f"{number} {annex.title}" for number, annex in edition.annexes.items())
    explained = (
        _("Annexes: {titles}. KVWL: recommendations that bind nobody.", titles=titles),
        _(
            "What is counted are requirements with at least one setting, check or probe. Open: something could be set "
            "or measured by technical means, and the setting or the proof is missing. Why: --open."
        ),
    )
    console.print()
    for text in explained:
        console.print(text, style="dim", soft_wrap=True)
    console.print()
    if coverage.open:
        console.print(_("[bold]Technically open, by what it concerns[/]"))
        parts = Table(box=None, show_header=False, pad_edge=False)
        for part in coverage.open:
            parts.add_row(str(len(part.requirements)), _(CONCERN_LABELS[part.concern]), ", ".join(part.requirements))
        console.print(Padding(parts, (0, 0, 1, 0)))
    console.print("\n".join(verdicts), soft_wrap=True)


def _numbers(rows: Sequence[CoverageRow]) -> list[str]:
    counts = [sum(getattr(row, name) for row in rows) for name in ("requirements", "settings", "checks", "probes")]
    return [str(count or "–") for count in (*counts, sum(len(row.open) for row in rows))]


def print_open(console: Console, edition: Edition, found: Sequence[Covered], verdicts: Sequence[str]) -> None:
    """Every requirement without a setting or a proof: what it lacks, what it concerns, why."""
    console.print(
        _("[bold]{edition}[/]: what is without a setting or a proof, and why", edition=edition.title), soft_wrap=True
    )
    lacking = [one for one in found if one.lacks]
    technical: dict[str, list[Covered]] = defaultdict(list)
    for one in lacking:
        if one.is_open:
            technical[one.main_concern].append(one)
    for concern in CONCERNS:
        if concern in technical:
            members = technical[concern]
            heading = _("Technically open: {concern}", concern=_(CONCERN_LABELS[concern]))
            console.print(f"\n[bold]{heading}[/] – {members[0].why}", soft_wrap=True)
            _list(console, members)
    rest: dict[str, list[Covered]] = defaultdict(list)
    for one in lacking:
        if not one.is_open:
            rest[one.why].append(one)
    for why, members in rest.items():
        console.print(_("\n[bold]Not technical[/] – {why}", why=why), soft_wrap=True)
        _list(console, members)
    console.print("\n" + "\n".join(verdicts), soft_wrap=True)


def _list(console: Console, members: Sequence[Covered]) -> None:
    for one in members:
        more = [_(CONCERN_LABELS[concern]) for concern in one.requirement.concerns if concern != one.main_concern]
        also = _("; concerns {concerns}, too", concerns=", ".join(more)) if more else ""
        missing = ", ".join(_(word) for word in one.lacks)
        lacks = _(" (missing: {missing}{also})", missing=missing, also=also) if one.is_open else ""
        console.print(f"  {one.requirement.id:<10}  {one.requirement.title}{lacks}", markup=False, soft_wrap=True)
