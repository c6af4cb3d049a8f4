"""A document for Word and LibreOffice: real styles, lists and repeating table heads, to go on writing in.

The same document gives the same bytes: the archive bears the document's day instead of the time of writing.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import docx
from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from praxisschild.dokumente.model import SHORT, Form, Gap, Items, Paragraph, Place, Signatures, Table, Text, line, plain
from praxisschild.formats.characters import xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from praxisschild.dokumente.model import Block, Document, Line

WIDTH = 17.0  # cm between the margins
_FONT = "Arial"
_BLACK = RGBColor(0, 0, 0)
_SHADE = "E7E7E7"
_CARD_LETTERS = 700  # that fill a page at the biggest scale
_ROW = Cm(0.75)  # of rows that somebody writes into


def render(document: Document) -> bytes:
    """The document as a Word file."""
    return _Writer(document).bytes()


class _Writer:
    def __init__(self, content: Document) -> None:
        self.content = content
        self.scale = _card_scale(content) if content.card else 1.0
        self.document = docx.Document()
        self._styles()
        self._page()
        self._properties()
        self._head()
        for section in content.sections:
            self.document.add_heading(xml_text(section.heading), level=1)
            for block, after in zip_longest(section.blocks, section.blocks[1:]):
                self._block(block)
                if isinstance(block, Paragraph) and isinstance(after, Table | Form | Signatures):
                    self.document.paragraphs[-1].paragraph_format.keep_with_next = True

    def bytes(self) -> bytes:
        written = io.BytesIO()
        self.document.save(written)
        day = self.content.day
        result = io.BytesIO()
        with zipfile.ZipFile(written) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                entry = zipfile.ZipInfo(name, (max(day.year, 1980), day.month, day.day, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, source.read(name))
        return result.getvalue()

    def _styles(self) -> None:
        styles = self.document.styles
        sizes = {"Normal": 10, "Title": 20, "Subtitle": 11, "Heading 1": 13, "Header": 8, "Footer": 8, "Caption": 8.5}
        for name, size in sizes.items():
            style = styles[name]
            small = name in {"Header", "Footer", "Caption"}
            style.font.size = Pt(size * (1 if small else self.scale))
            style.font.name = _FONT
            style.font.color.rgb = _BLACK
            style.font.italic = False
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for attribute in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{attribute}"), None)
            for attribute in ("ascii", "hAnsi", "cs", "eastAsia"):
                fonts.set(qn(f"w:{attribute}"), _FONT)
        styles["Normal"].paragraph_format.space_after = Pt(5)
        styles["Caption"].font.bold = False
        styles["Title"].font.bold = True
        for name in ("Title", "Subtitle"):  # the template spaces their letters
            for spacing in list(styles[name].element.rPr.iter(qn("w:spacing"), qn("w:kern"))):
                spacing.getparent().remove(spacing)
        styles["Heading 1"].paragraph_format.space_before = Pt(13)
        styles["Heading 1"].paragraph_format.space_after = Pt(4)
        styles["Title"].paragraph_format.space_after = Pt(2)
        for border in styles["Title"].element.iter(qn("w:pBdr")):
            border.getparent().remove(border)
        language = styles.element.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}/{qn('w:lang')}")
        language.set(qn("w:val"), "de-DE")

    def _page(self) -> None:
        page = self.document.sections[0]
        page.page_width, page.page_height = Cm(21), Cm(29.7)
        page.left_margin = page.right_margin = Cm(2)
        page.top_margin, page.bottom_margin = Cm(2.2), Cm(1.8)
        page.header_distance = page.footer_distance = Cm(0.9)
        head = page.header.paragraphs[0]
        head.text = xml_text(f"{self.content.practice} · {self.content.title}")
        foot = page.footer.paragraphs[0]
        foot.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        foot.add_run(f"Stand {self.content.day:%d.%m.%Y} · Seite ")
        _add_field(foot, "PAGE")
        foot.add_run(" von ")
        _add_field(foot, "NUMPAGES")

    def _properties(self) -> None:
        properties = self.document.core_properties
        moment = datetime(self.content.day.year, self.content.day.month, self.content.day.day)
        properties.title = xml_text(self.content.title)[:255]
        properties.subject = xml_text(self.content.subject)[:255]
        properties.author = xml_text(self.content.practice)[:255]
        properties.last_modified_by = ""
        properties.comments = ""
        properties.keywords = ", ".join(one.id for one in self.content.requirements)[:255]
        properties.language = "de-DE"
        properties.created = properties.modified = moment
        properties.revision = 1

    def _head(self) -> None:
        self.document.add_paragraph(xml_text(self.content.title), style="Title")
        self.document.add_paragraph(xml_text(self.content.subject), style="Subtitle")
        if self.content.card:
            told = " · ".join(xml_text(plain(words)) for _, words in self.content.facts)
            self.document.add_paragraph(told, style="Caption")
            return
        table = self._grid(len(self.content.facts), (22, 78))
        for row, (label, words) in zip(table.rows, self.content.facts, strict=True):
            self._fill(row.cells[0], line(Text(label, strong=True)))
            _shade(row.cells[0])
            self._fill(row.cells[1], words)
        self._after_table()

    def _block(self, block: Block) -> None:
        match block:
            case Paragraph(words, note):
                self._write(self.document.add_paragraph(style="Caption" if note else "Normal"), words)
            case Items(items, ordered, boxes):
                self._items(items, ordered=ordered, boxes=boxes)
            case Table(headings, rows, widths):
                self._table(headings, rows, widths)
            case Form(labels):
                self._table((), tuple((line(label), ()) for label in labels), (40, 60))
            case Place(label, height):
                table = self._grid(1, (100,))
                table.rows[0].height = Cm(height)
                self._fill(table.rows[0].cells[0], line(label), style="Caption")
                self._after_table()
            case Signatures(roles):
                rows = tuple((line(role), (), ()) for role in roles)
                self._table(("Rolle", "Datum", "Unterschrift"), rows, (38, 18, 44), Cm(1.3))

    def _items(self, items: Iterable[Line], *, ordered: bool, boxes: bool) -> None:
        number = self._new_numbering() if ordered else None
        for words in items:
            style = "List Number" if ordered else "List" if boxes else "List Bullet"
            paragraph = self.document.add_paragraph(style=style)
            paragraph.paragraph_format.space_after = Pt(2)
            if number is not None:
                properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
                properties.get_or_add_ilvl().val = 0
                properties.get_or_add_numId().val = number
            if boxes:
                paragraph.paragraph_format.left_indent = Cm(0.65)
                paragraph.paragraph_format.first_line_indent = Cm(-0.65)
                paragraph.paragraph_format.tab_stops.add_tab_stop(Cm(0.65))
                paragraph.add_run("☐\t")
            self._write(paragraph, words)

    def _new_numbering(self) -> int:
        """A numbering that begins with 1 again; all lists of one style would count on otherwise."""
        style = self.document.styles["List Number"]
        numbering = self.document.part.numbering_part.element
        shared = numbering.num_having_numId(style.element.pPr.numPr.numId.val)
        number = numbering.add_num(shared.abstractNumId.val)
        number.add_lvlOverride(ilvl=0).add_startOverride(1)
        return int(number.numId)

    def _table(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[Line]],
        widths: Sequence[int],
        row_height: Any = _ROW,
    ) -> None:
        table = self._grid(len(rows) + bool(headings), widths)
        if headings:
            head = table.rows[0]
            mark = OxmlElement("w:tblHeader")
            head._tr.get_or_add_trPr().append(mark)
            for target, heading in zip(head.cells, headings, strict=True):
                self._fill(target, line(Text(heading, strong=True)))
                _shade(target)
        if len(rows) <= SHORT:
            self._keep_together(table)
        for number, cells in enumerate(rows, bool(headings)):
            row = table.rows[number]
            to_write = any(not words for words in cells)
            if to_write:
                row.height = Cm(row_height.cm * self.scale)
            targets = list(row.cells)
            if len(cells) < len(widths):
                targets = [*targets[: len(cells) - 1], targets[len(cells) - 1].merge(targets[-1])]
            for target, words in zip(targets, cells, strict=True):
                self._fill(target, words)
                if to_write:
                    target.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
        self._after_table()

    def _grid(self, rows: int, widths: Sequence[int]) -> Any:
        table = self.document.add_table(rows=rows, cols=len(widths), style="Table Grid")
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        total = sum(widths)
        for column, share in zip(table.columns, widths, strict=True):
            column.width = Cm(WIDTH * share / total)
        for row in table.rows:
            row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
            for target, share in zip(row.cells, widths, strict=True):
                target.width = Cm(WIDTH * share / total)
        return table

    @staticmethod
    def _keep_together(table: Any) -> None:
        for row in table.rows[:-1]:
            for target in row.cells:
                target.paragraphs[0].paragraph_format.keep_with_next = True

    def _after_table(self) -> None:
        gap = self.document.add_paragraph()
        gap.paragraph_format.space_after = Pt(2)
        gap.paragraph_format.line_spacing = Pt(5)

    def _fill(self, target: Any, words: Line, style: str | None = None) -> None:
        paragraph = target.paragraphs[0]
        space = Pt(5 if self.content.card else 1)
        paragraph.paragraph_format.space_after = paragraph.paragraph_format.space_before = space
        if style:
            paragraph.style = style
        self._write(paragraph, words, Pt(8.5 * self.scale))

    def _write(self, paragraph: Any, words: Line, size: Any = None) -> None:
        for part in words:
            run = paragraph.add_run(xml_text(part.text))
            if size is not None:
                run.font.size = size
            if isinstance(part, Gap):
                run.italic = True
                run.font.size = Pt(9) if self.content.card else run.font.size
                _shade_run(run)
            elif part.strong:
                run.bold = True


def _card_scale(content: Document) -> float:
    """How much bigger than usual a card's letters can be, so that it stays on one page: nobody lays it out here."""
    letters = sum(len(plain(words)) for words in content.lines)
    return float(min(1.6, max(1.0, 1.6 * (_CARD_LETTERS / max(letters, 1)) ** 0.5)))


def _add_field(paragraph: Any, name: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    run = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = "1"
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def _shade(target: Any) -> None:
    shade = OxmlElement("w:shd")
    shade.set(qn("w:val"), "clear")
    shade.set(qn("w:fill"), _SHADE)
    target._tc.get_or_add_tcPr().append(shade)


def _shade_run(run: Any) -> None:
    shade = OxmlElement("w:shd")
    shade.set(qn("w:val"), "clear")
    shade.set(qn("w:fill"), _SHADE)
    run._r.get_or_add_rPr().append(shade)
