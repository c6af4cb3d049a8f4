"""A document on paper: PDF/A-2a, tagged, black on white, the same bytes for the same document."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from praxisschild.formats.characters import xml_text

if TYPE_CHECKING:
    from praxisschild.dokumente.model import Document

_FOLDER = Path(__file__).parent
VARIANT = "pdf/a-2a"


def render(document: Document) -> bytes:
    """The document as a PDF."""
    # WeasyPrint costs a second, and most commands need no paper
    from weasyprint import CSS, HTML

    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    page = HTML(string=html(document), url_fetcher=_nothing)
    style = CSS(string=(_FOLDER / "document_pdf.css").read_text(encoding="utf-8"))
    written: bytes = page.write_pdf(stylesheets=[style], pdf_variant=VARIANT, pdf_identifier=b"praxisschild")
    return written


def html(document: Document) -> str:
    """The page from which the PDF is made."""
    return _template().render(document=document)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: xml_text(value) if isinstance(value, str) else value,
    )
    environment.filters["kind"] = lambda value: type(value).__name__
    return environment.get_template("document_pdf.html.j2")


def _nothing(url: str) -> None:
    raise ValueError(f"a document fetches nothing: {url}")
