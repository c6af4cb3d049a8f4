"""Two editions side by side for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from praxisschild.comparison import FIELD_LABELS, KIND_LABELS, KINDS
from praxisschild.i18n import _

if TYPE_CHECKING:
    from rich.console import Console

    from praxisschild.catalogue import Catalogue
    from praxisschild.comparison import Compared, Comparison


def print_comparison(console: Console, catalogue: Catalogue, found: Comparison) -> None:
    """Counts per annex, then every requirement under what became of it."""
    old, new = catalogue.editions[found.old], catalogue.editions[found.new]
    console.print(_("[bold]Edition {old} and edition {new}[/]", old=old.name, new=new.name), soft_wrap=True)
    for edition in (old, new):
        if edition.in_force_until:
            words = _(
                "in force from {start:%d.%m.%Y} until {end:%d.%m.%Y}",
                start=edition.in_force_from,
                end=edition.in_force_until,
            )
        else:
            words = _("in force since {start:%d.%m.%Y}", start=edition.in_force_from)
        console.print(f"[dim]{edition.name}: {edition.legal_basis}, {words}[/]", soft_wrap=True)
    console.print()
    console.print(_counts(found))
    sections = [(_(KIND_LABELS[kind]), found.of(kind)) for kind in KINDS]
    sections.insert(2, (_("another bound"), found.with_bounds))
    for heading, members in sections:
        console.print(f"\n[bold]{heading[0].upper()}{heading[1:]}[/] ({len(members)})")
        for one in members:
            _print_one(console, one, found.dropped)
        if not members:
            console.print(_("  none"))


def _counts(found: Comparison) -> Table:
    table = Table(_("Annex"), box=None, pad_edge=False)
    for heading in (found.old, *(_(KIND_LABELS[kind]) for kind in KINDS), found.new):
        table.add_column(heading, justify="right")
    annexes = sorted({entry.annex or 0 for one in found.entries for entry in (*one.before, one.after) if entry})
    for annex in annexes:
        table.add_row(str(annex), *_numbers(found, annex))
    table.add_section()
    table.add_row(_("[bold]together[/]"), *(f"[bold]{number}[/]" for number in _numbers(found, None)))
    return table


def _numbers(found: Comparison, annex: int | None) -> list[str]:
    """What the columns count: the numbers of the older edition, what became of them, the numbers of the newer."""
    before = {entry.id for one in found.entries for entry in one.before if annex in {None, entry.annex}}
    after = {one.after.id for one in found.entries if one.after and annex in {None, one.after.annex}}
    kinds = [
        sum(annex in {None, (one.after or one.before[0]).annex} for one in found.entries if one.kind == kind)
        for kind in KINDS
    ]
    return [str(number or "–") for number in (len(before), *kinds, len(after))]


def _print_one(console: Console, one: Compared, dropped: set[str]) -> None:
    before, after = one.before[0].id if one.before else "–", one.after.id if one.after else "–"
    said = [_("also {id}", id=entry.id) for entry in one.before[1:]]
    if one.changed:
        said.append(_("{fields} changed", fields=", ".join(_(FIELD_LABELS[name]) for name in one.changed)))
    if one.kind == "new" and one.after:
        said.append(_("from {day:%d.%m.%Y}", day=one.after.valid_from))
    if one.related:
        ids = ", ".join(one.related)
        if one.kind == "dropped":
            said.append(_("merged into {ids}", ids=ids))
        elif dropped.issuperset(one.related):
            said.append(_("takes in {ids}", ids=ids))
        else:
            said.append(_("adds to {ids}", ids=ids))
    text = f"  {before:<10} → {after:<10}  {one.title}" + (f" ({'; '.join(said)})" if said else "")
    console.print(text, markup=False, soft_wrap=True)
    nothing = _("no demand")
    for change in one.bounds:
        console.print(f"      {change.before or nothing}", markup=False, soft_wrap=True)
        console.print(f"    → {change.after or nothing}", markup=False, soft_wrap=True)
