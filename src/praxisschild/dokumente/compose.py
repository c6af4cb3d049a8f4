"""From the words and the facts to the document."""

from __future__ import annotations

import re
from dataclasses import replace
from string import Formatter
from typing import TYPE_CHECKING

from praxisschild import german
from praxisschild.dokumente import backup, devices, network, rights
from praxisschild.dokumente.model import (
    Block,
    Document,
    Form,
    Inline,
    Items,
    Line,
    Paragraph,
    Place,
    Section,
    Served,
    Signatures,
    Table,
    Text,
    line,
)
from praxisschild.dokumente.texts import BlockText, DocumentText, SectionText, texts
from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from praxisschild.dokumente.facts import Facts

TABLES: Mapping[str, Callable[[Facts], Table]] = {**backup.TABLES, **network.TABLES, **rights.TABLES, **devices.TABLES}
VALUES: Mapping[str, Callable[[Facts], str]] = {
    "practice.name": lambda facts: facts.practice.name,
    **backup.VALUES,
    **network.VALUES,
    **devices.VALUES,
}
FLAGS: Mapping[str, Callable[[Facts], bool]] = {
    "wlan.hosts": lambda facts: bool(facts.practice.wlan and facts.practice.wlan.hosts),
    "remote_maintenance": lambda facts: facts.practice.remote_maintenance is not None,
    "separated_hosts": lambda facts: bool(facts.practice.separated_hosts),
    "size.gross": lambda facts: facts.practice.size == "gross",
    "backup.target": lambda facts: bool(backup.target_of(facts)),
}
MEASURED = frozenset().union(backup.MEASURED, network.MEASURED, rights.MEASURED, devices.MEASURED)
_STRONG = re.compile(r"\*\*(.+?)\*\*")


def compose(name: str, facts: Facts) -> Document:
    """The document of that name, filled in.

    Raises:
        InputError: there is no document of that name.
    """
    found = texts()
    if name not in found:
        way_out = _("choose one of: {words}", words=", ".join(found))
        raise InputError("--only", name, _("there is no such document"), way_out)
    return fill(name, found[name], facts)


def fill(name: str, words: DocumentText, facts: Facts) -> Document:
    """A document from its words.

    Raises:
        KeyError: the words name a value, a table or a condition that does not exist.
    """
    served = facts.served(words.requirements)
    requirements = tuple(one for one in served if facts.is_organisational(one.id))
    shown = tuple(one for one in served if one not in requirements) + facts.served(words.figures_for)
    document = Document(
        name=name,
        title=words.title,
        subject=words.subject,
        practice=facts.practice.name,
        day=facts.today,
        facts=_facts(words, facts, requirements),
        sections=tuple(_section(one, facts) for one in words.sections if _holds(one.when, facts)),
        requirements=requirements,
        figures_for=shown,
        card=words.card,
    )
    closing = () if words.card else tuple(_closing(words, document))
    return replace(document, sections=(*document.sections, *closing))


def _facts(words: DocumentText, facts: Facts, served: tuple[Served, ...]) -> tuple[tuple[str, Line], ...]:
    stand = german.day(facts.today)
    numbers = german.listed([one.id for one in served])
    found = [
        ("Praxis", line(facts.practice.name)),
        ("Stand", line(f"{stand}, Praxisakte und Fassung {facts.edition} der Richtlinie")),
    ]
    if not words.card:
        found.insert(1, ("Anschrift", line(facts.said("address"))))
    if _shows_figures(words):
        bundle = f"aus dem Nachweis {facts.bundle}" if facts.bundle else "noch keine: es wurde noch nicht gemessen"
        taken = f", gemessen ab {german.moment(facts.measured)}" if facts.measured else ""
        found.append(("Messwerte", line(f"{bundle}{taken}")))
    return (*found, ("Anforderungen", line(numbers)))


def _closing(words: DocumentText, document: Document) -> Iterable[Section]:
    """What stands at the end of every document."""
    served = [(one, "Anlage zur Bestätigung") for one in document.requirements]
    served += [(one, "zeigt Angaben dazu") for one in document.figures_for]
    if served:
        rows = tuple((line(one.id), line(one.title), line(role), line(one.note or "gilt")) for one, role in served)
        headings = ("Nummer", "Anforderung", "dieses Dokument", "für diese Praxis")
        yield Section("Anforderungen und Empfehlungen", (Table(headings, rows, (14, 40, 23, 23)),))
    if document.gaps:
        missing = tuple((line(gap.what), line(Text(gap.filled_by, code=True))) for gap in document.gaps)
        files = german.listed(sorted({gap.file for gap in document.gaps if gap.file}))
        told = f"Felder stehen in {files}. " if files != "–" else ""
        text = f"Diese Angaben fehlen noch. {told}Danach wird das Dokument neu erzeugt."
        table = Table(("Was fehlt", "Feld oder Befehl, der es füllt"), missing, (56, 44))
        yield Section("Noch offen", (Paragraph(line(text)), table))
    if words.signatures:
        yield Section("Freigabe", (Paragraph(line(words.approval)), Signatures(words.signatures)))


def needless(words: DocumentText, facts: Facts) -> str:
    """Why a practice has no use for a document; empty if it has."""
    if words.needs is None or facts.has(words.needs):
        return ""
    return _("the practice has none: {what}", what=facts.catalogue.features[words.needs].label)


def _shows_figures(words: DocumentText) -> bool:
    return any(block.table in MEASURED for section in words.sections for block in section.blocks)


def _holds(condition: str | None, facts: Facts) -> bool:
    """Whether the practice has a feature or is as a flag says; with ``not `` before it, whether not."""
    if condition is None:
        return True
    name = condition.removeprefix("not ")
    held = FLAGS[name](facts) if name in FLAGS else facts.has(name)
    return held is not condition.startswith("not ")


def _section(words: SectionText, facts: Facts) -> Section:
    blocks = tuple(_block(one, facts) for one in words.blocks if _holds(one.when, facts))
    return Section(words.heading, blocks)


def _block(words: BlockText, facts: Facts) -> Block:
    if words.table:
        return TABLES[words.table](facts)
    if words.blank:
        columns = len(words.blank.headings)
        rows = [tuple(filled(cell, facts) for cell in row) for row in words.blank.rows]
        padded = [(*row, *[()] * (columns - len(row))) for row in rows]
        return Table(words.blank.headings, (*padded, *[((),) * columns] * words.blank.empty), words.blank.widths)
    if words.form:
        return Form(words.form)
    if words.place:
        return Place(words.place.label, words.place.height)
    for items, ordered, boxes in (
        (words.items, False, False),
        (words.steps, True, False),
        (words.checks, False, True),
    ):
        if items:
            return Items(tuple(filled(item, facts) for item in items), ordered, boxes)
    return Paragraph(filled(words.text or words.note or "", facts), note=words.note is not None)


def filled(words: str, facts: Facts) -> Line:
    """A line with its values; what a practice wrote is never read as markup.

    Raises:
        KeyError: it names a value that does not exist.
    """
    return tuple(_parts(words, facts))


def _parts(words: str, facts: Facts) -> Iterable[Inline]:
    for literal, name, _spec, _conversion in Formatter().parse(" ".join(words.split())):
        for number, piece in enumerate(_STRONG.split(literal)):
            if piece:
                yield Text(piece, strong=number % 2 == 1)
        if name is not None:
            yield Text(VALUES[name](facts)) if name in VALUES else facts.said(name)
