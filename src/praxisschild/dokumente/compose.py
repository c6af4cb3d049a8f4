"""From the words and the facts to the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from string import Formatter
from typing import TYPE_CHECKING

from praxisschild.dokumente import backup, devices, german, network, rights
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
    Table,
    Text,
)
from praxisschild.dokumente.texts import BlockText, DocumentText, SectionText, texts
from praxisschild.errors import InputError
from praxisschild.results import size_label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from praxisschild.dokumente.facts import Facts

TABLES: Mapping[str, Callable[[Facts], Table]] = {**backup.TABLES, **network.TABLES, **rights.TABLES, **devices.TABLES}
VALUES: Mapping[str, Callable[[Facts], str]] = {
    "practice.name": lambda facts: facts.practice.name,
    "practice.size": lambda facts: size_label(facts.practice.size),
    "day": lambda facts: german.day(facts.today),
    **backup.VALUES,
    **network.VALUES,
    **rights.VALUES,
    **devices.VALUES,
}
FLAGS: Mapping[str, Callable[[Facts], bool]] = {
    "wlan.hosts": lambda facts: bool(facts.practice.wlan and facts.practice.wlan.hosts),
    "remote_maintenance": lambda facts: facts.practice.remote_maintenance is not None,
    "separated_hosts": lambda facts: bool(facts.practice.separated_hosts),
    "log_host": lambda facts: facts.practice.log_host is not None,
    "cloud.c5": lambda facts: bool(facts.practice.cloud_services_until(facts.today)),
    "backup.target": lambda facts: bool(backup.target_of(facts)),
}
_STRONG = re.compile(r"\*\*(.+?)\*\*")


def compose(name: str, facts: Facts) -> Document:
    """The document of that name, filled in.

    Raises:
        InputError: there is no document of that name.
    """
    found = texts()
    if name not in found:
        raise InputError("--only", name, "there is no such document", f"choose from: {', '.join(found)}")
    return fill(name, found[name], facts)


def fill(name: str, words: DocumentText, facts: Facts) -> Document:
    """A document from its words.

    Raises:
        KeyError: the words name a value, a table or a condition that does not exist.
    """
    return Document(
        name=name,
        title=words.title,
        subject=words.subject,
        practice=facts.practice.name,
        edition=facts.edition,
        day=facts.today,
        sections=tuple(_section(one, facts) for one in words.sections if _holds(one.when, facts)),
        requirements=facts.served(words.requirements),
        figures_for=facts.served(words.figures_for),
        signatures=words.signatures,
        approval=words.approval,
        bundle=facts.bundle if _shows_figures(words) else None,
        measured=facts.measured if _shows_figures(words) else None,
        card=words.card,
    )


def needless(words: DocumentText, facts: Facts) -> str:
    """Why a practice has no use for a document (German); empty if it has."""
    if words.needs is None or facts.has(words.needs):
        return ""
    return f"in der Praxis nicht vorhanden: {facts.catalogue.features[words.needs].label}"


def _shows_figures(words: DocumentText) -> bool:
    return any(block.table in MEASURED for section in words.sections for block in section.blocks)


MEASURED = frozenset().union(backup.MEASURED, network.MEASURED, rights.MEASURED, devices.MEASURED)


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
    for literal, name, _, _ in Formatter().parse(" ".join(words.split())):
        for number, piece in enumerate(_STRONG.split(literal)):
            if piece:
                yield Text(piece, strong=number % 2 == 1)
        if name is not None:
            yield Text(VALUES[name](facts)) if name in VALUES else facts.said(name)
