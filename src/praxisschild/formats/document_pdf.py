"""A document on paper: PDF/A-2a, tagged, black on white, the same bytes for the same document."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from praxisschild.dokumente.model import SHORT
from praxisschild.formats.characters import xml_text
from praxisschild.formats.paper import load_weasyprint

if TYPE_CHECKING:
    from praxisschild.dokumente.model import Document

_FOLDER = Path(__file__).parent
VARIANT = "pdf/a-2a"
_OPTIONS = {"pdf_variant": VARIANT}


CARD_SIZES = (15.0, 13.5, 12.0, 10.5, 9.0)  # points; the first at which everything is on one page


def render(document: Document) -> bytes:
    """The document as a PDF.

    Raises:
        RunError: libraries are missing on this machine (with the way to install them).
    """
    written: bytes = laid_out(document).write_pdf(**_OPTIONS)
    return written


def laid_out(document: Document) -> Any:
    """The document's pages, as WeasyPrint has set them."""
    weasyprint = load_weasyprint()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    style = weasyprint.CSS(string=(_FOLDER / "document_pdf.css").read_text(encoding="utf-8"))
    for size in CARD_SIZES:
        page = weasyprint.HTML(string=html(document, size), url_fetcher=_nothing)
        pages = page.render(stylesheets=[style], **_OPTIONS)
        if not document.card or len(pages.pages) == 1:
            break
    return pages


def html(document: Document, card_size: float = CARD_SIZES[0]) -> str:
    """The page from which the PDF is made; `card_size` in points is the size of a card's letters."""
    return _template().render(document=document, card_size=card_size, short=SHORT)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # what a macro returns is escaped and checked already, and has to stay markup
        finalize=lambda value: value if isinstance(value, Markup) or not isinstance(value, str) else xml_text(value),
    )
    environment.filters["kind"] = lambda value: type(value).__name__
    return environment.get_template("document_pdf.html.j2")


def _nothing(url: str) -> None:
    raise ValueError(f"a document fetches nothing: {url}")
