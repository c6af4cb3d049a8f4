"""The two writers of documents: what stands in them, and that nothing a practice writes breaks them."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
import zlib
from datetime import date

import docx as reader
import pytest
from docx.oxml.ns import qn
from hypothesis import example, given, settings
from hypothesis import strategies as st

from praxisschild.dokumente.model import (
    Document,
    Form,
    Gap,
    Items,
    Paragraph,
    Place,
    Section,
    Served,
    Signatures,
    Table,
    Text,
    line,
)
from praxisschild.formats import document_pdf, docx

HOSTILE = "\"><script>alert(1)</script> & '</style> \x00\x0b\ufffe\U0001f512 ]]> {{ 7*7 }} {% raw %}"


def document(word="Praxis am Markt", rows=90, **fields):
    """One of every block, told in this word."""
    gap = Gap(word, "praxis.yml", "praxis.documents.address")
    blocks = (
        Paragraph(line(word, Text(word, strong=True), gap)),
        Paragraph(line(word), note=True),
        Items((line(word), line("zwei"))),
        Items((line("eins"), line(word)), ordered=True),
        Items((line("wieder eins"),), ordered=True),
        Items((line(word),), boxes=True),
        Table(
            ("Kopf", word),
            ((line(word), line(gap)), ((), ()), (line("über die ganze Breite"),), *[(line("x"), line("y"))] * rows),
            (1, 2),
        ),
        Form((word, "Datum")),
        Place(word, 3),
        Signatures((word, "Praxisleitung")),
    )
    values = {
        "name": "probe",
        "title": word,
        "subject": word,
        "practice": word,
        "day": date(2026, 11, 25),
        "facts": (("Praxis", line(word)),),
        "sections": (Section(word, blocks),),
        "requirements": (Served("2025-A1-21", "Regelmäßige Datensicherung"),),
    }
    return Document(**{**values, **fields})


def texts_of(written):
    """Every text of the body, tables in their place."""
    opened = reader.Document(io.BytesIO(written))
    return ["".join(one.text or "" for one in p.iter(qn("w:t"))) for p in opened.element.body.iter(qn("w:p"))]


def pages_of(one):
    """The text of every page of the PDF, running head and foot included."""
    pages = document_pdf.laid_out(one).pages
    return [" ".join(box.text for box in page._page_box.descendants() if hasattr(box, "text")) for page in pages]


def inside(written):
    """Everything in a PDF, unpacked."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", written, re.DOTALL)
    unpacked = []
    for stream in streams:
        with contextlib.suppress(zlib.error):
            unpacked.append(zlib.decompress(stream))
    return written + b"".join(unpacked)


def test_the_same_document_is_the_same_file():
    for render in (docx.render, document_pdf.render):
        assert render(document()) == render(document())
        assert render(document()) != render(document(day=date(2026, 11, 26)))


def test_no_clock_gets_into_the_archive():
    with zipfile.ZipFile(io.BytesIO(docx.render(document()))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 11, 25, 0, 0, 0)}
    properties = reader.Document(io.BytesIO(docx.render(document()))).core_properties
    assert str(properties.created).startswith("2026-11-25")
    assert properties.created == properties.modified


def test_word_finds_real_styles_lists_and_fields():
    written = docx.render(document())
    opened = reader.Document(io.BytesIO(written))
    styles = [one.style.name for one in opened.paragraphs]
    assert styles[:2] == ["Title", "Subtitle"]
    assert {"Heading 1", "List Bullet", "List Number"} <= set(styles)
    assert opened.core_properties.language == "de-DE"
    assert opened.core_properties.keywords == "2025-A1-21"
    language = opened.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    assert language.get(qn("w:val")) == "de-DE"
    footer = opened.sections[0].footer._element
    assert [one.get(qn("w:instr")) for one in footer.iter(qn("w:fldSimple"))] == ["PAGE", "NUMPAGES"]
    (table,) = [one for one in opened.tables if len(one.rows) > 90]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert table.rows[1]._tr.trPr.find(qn("w:tblHeader")) is None


def test_a_short_row_reaches_to_the_end_of_the_line():
    opened = reader.Document(io.BytesIO(docx.render(document())))
    (table,) = [one for one in opened.tables if len(one.rows) > 90]
    assert {cell.text for cell in table.rows[3].cells} == {"über die ganze Breite"}
    assert '<td colspan="2">über die ganze Breite</td>' in document_pdf.html(document())


def test_every_numbered_list_begins_with_one():
    opened = reader.Document(io.BytesIO(docx.render(document())))
    numbered = [one for one in opened.paragraphs if one.style.name == "List Number"]
    numbers = [one._p.pPr.numPr.numId.val for one in numbered]
    assert len(numbers) == 3
    assert numbers[0] == numbers[1] != numbers[2]


def test_a_gap_is_seen_in_both():
    shown = "▢ noch einzutragen: Anschrift"
    one = document("Anschrift")
    assert sum(shown in text for text in texts_of(docx.render(one))) == 2
    assert " ".join(pages_of(one)).count(shown) == 2


def test_the_pages_are_counted_and_repeat_the_head():
    pages = pages_of(document("Anschrift"))
    assert len(pages) >= 3
    for number, page in enumerate(pages, 1):
        assert f"Seite {number} von {len(pages)}" in page
        assert "Anschrift · Anschrift" in page
    assert sum("Kopf" in page for page in pages) >= 2


def test_the_pdf_says_which_standard_it_keeps_and_keeps_what_the_library_can():
    """PDF/A-2a: its own word in the metadata, tags, language, colour space; dates of the document's day."""
    content = inside(document_pdf.render(document()))
    assert re.search(rb"pdfaid:part[^0-9]*2", content)
    assert re.search(rb"pdfaid:conformance\W+A", content)
    for part in (b"/StructTreeRoot", b"/MarkInfo", b"/Lang (de)", b"/OutputIntents", b"/GTS_PDFA1", b"D:20261125"):
        assert part in content.replace(b"/Lang(", b"/Lang (")
    fonts = content.count(b"/FontDescriptor")
    assert fonts
    assert content.count(b"/FontFile") >= 1


@pytest.mark.parametrize("filled", ["", "030 23125-001, montags bis freitags von 8 bis 18 Uhr, Kundennummer 4711 " * 5])
def test_a_card_is_one_page_whatever_it_says(filled):
    rows = tuple((line(f"Stelle {number}"), line(filled) if filled else ()) for number in range(6))
    table = Table(("Wer", "Nummer"), rows, (1, 2))
    assert len(pages_of(document(card=True, sections=(Section("Anrufen", (table,)),)))) == 1


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(word=st.text(min_size=1, max_size=40))
@example(HOSTILE)
@example("\ud800")
def test_no_word_breaks_the_word_file(word):
    found = texts_of(docx.render(document(word, rows=1)))
    printable = re.sub("[^ -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", word)
    assert found[0] == printable or re.search(r"[\t\n\r]", word)


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(word=st.text(min_size=1, max_size=40))
@example(HOSTILE)
@example("\ud800")
def test_no_word_breaks_the_pdf(word):
    assert document_pdf.render(document(word, rows=1)).startswith(b"%PDF-1.7")


def test_markup_in_a_word_stays_a_word():
    shown = document_pdf.html(document(HOSTILE))
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown
    assert "49" not in shown
