"""A document as its writers see it: a small tree without any format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date


SHORT = 6  # rows of a table that should not be divided by a page


@dataclass(frozen=True)
class Text:
    """Words in a line; `code` is never divided by a hyphen."""

    text: str
    strong: bool = False
    code: bool = False


@dataclass(frozen=True)
class Gap:
    """Something that nobody has written down yet: `what` is missing, and `field` in `file` would fill it.

    What only a measurement can fill has neither; `way_out` then says how it comes about.
    """

    what: str
    file: str = ""
    field: str = ""
    way_out: str = ""

    @property
    def text(self) -> str:
        """How the gap looks in a line."""
        return f"▢ noch einzutragen: {self.what}"

    @property
    def filled_by(self) -> str:
        """The field that fills it, or the command that does."""
        return self.field or self.way_out


Inline = Text | Gap
Line = tuple[Inline, ...]


def line(*parts: str | Inline) -> Line:
    """A line of plain words and gaps."""
    return tuple(Text(part) if isinstance(part, str) else part for part in parts)


def plain(words: Line) -> str:
    """The line as text alone."""
    return "".join(part.text for part in words)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; one that is a `note` explains and may be smaller."""

    words: Line
    note: bool = False


@dataclass(frozen=True)
class Items:
    """A list: with bullets, with numbers (`ordered`), or with boxes to tick (`boxes`)."""

    items: tuple[Line, ...]
    ordered: bool = False
    boxes: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under a heading row that repeats on every page; `widths` are shares of the line, one per column.

    A cell without words is to be filled in by hand. The last cell of a row that is shorter than the heading row reaches
    to the end of the line.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Form:
    """Labels, each with a line to write on."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A frame that is kept free for a drawing or a stamp; `height` in centimetres."""

    label: str
    height: float


@dataclass(frozen=True)
class Signatures:
    """Roles, each with space for a date and a signature."""

    roles: tuple[str, ...]


Block = Paragraph | Items | Table | Form | Place | Signatures


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Served:
    """A requirement that the document serves; `note` says why it does not bind this practice, empty if it does."""

    id: str
    title: str
    note: str = ""
    recommended: bool = False

    @property
    def binds_or_advises(self) -> bool:
        """Whether a practice can attest it: it binds, or is a recommendation, which binds nobody."""
        return self.recommended or not self.note


@dataclass(frozen=True)
class Document:
    """One document of one practice.

    `facts` stand at its beginning, a label and a line each. `requirements` are those whose attestation it supports once
    it is signed, `figures_for` those about which it only shows figures. `day` is the day on which it was made. A `card`
    is one page in big letters to hang up.
    """

    name: str
    title: str
    subject: str
    practice: str
    day: date
    facts: tuple[tuple[str, Line], ...]
    sections: tuple[Section, ...]
    requirements: tuple[Served, ...] = ()
    figures_for: tuple[Served, ...] = ()
    card: bool = False

    @property
    def lines(self) -> Iterator[Line]:
        """Every line of the document in its order, headings and labels not counted."""
        yield from (words for _, words in self.facts)
        for section in self.sections:
            for block in section.blocks:
                yield from _lines(block)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing, each thing once."""
        return tuple(dict.fromkeys(part for words in self.lines for part in words if isinstance(part, Gap)))


def _lines(block: Block) -> Iterable[Line]:
    match block:
        case Paragraph(words):
            return (words,)
        case Items(items):
            return items
        case Table(rows=rows):
            return (cell for row in rows for cell in row)
        case _:
            return ()
