"""A page of HTML as a PDF for archives: PDF/A-3a and PDF/UA-1 at once, a file of data inside.

WeasyPrint does the work. It knows either standard, not both, and leaves out what `_finish` adds. Sources: ISO 32000-1
(PDF 1.7), ISO 19005-3 (PDF/A-3), ISO 14289-1 (PDF/UA-1).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pydyf

from praxisschild.errors import RunError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

# PDF/A wants every schema of the metadata described that it does not know itself (ISO 19005-3, 6.6.2.3)
_UNIVERSAL_ACCESS = b"""\
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that the file follows</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""
_LIBRARIES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-dejavu-core"


@dataclass(frozen=True)
class Attached:
    """A file to embed: its name, what it is (German), and its bytes, which stay as they are."""

    name: str
    description: str
    data: bytes


def to_pdf(page: str, attached: Attached, when: datetime) -> bytes:
    """Draw a page; the same arguments give the same bytes.

    Args:
        page: HTML with its style inside; nothing is fetched. Its head holds the metadata: `lang`, title, author,
            generator, description, `dcterms.created` and `dcterms.modified`.
        attached: the data that the page was made from.
        when: the time that the attachment bears.

    Raises:
        RunError: libraries are missing on this machine (with the way to install them), or no PDF came about.
    """
    weasyprint = load_weasyprint()
    attachment = weasyprint.Attachment(
        file_obj=io.BytesIO(attached.data),
        name=attached.name,
        description=attached.description,
        created=when.astimezone(UTC),
        modified=when.astimezone(UTC),
        relationship="Source",
    )
    nowhere = weasyprint.urls.URLFetcher(allowed_protocols=())
    try:
        data: bytes = weasyprint.HTML(string=page, url_fetcher=nowhere).write_pdf(
            pdf_variant="pdf/a-3a", attachments=[attachment], finisher=_finish
        )
    except Exception as error:  # whatever happens in there must not cost the evidence that waits to be written
        what = f"{type(error).__name__}: {error}"
        raise RunError(_("the PDF did not come about ({error})", error=what)) from error
    return data


def load_weasyprint() -> Any:
    """WeasyPrint, which opens Pango and its relatives when it is imported, and looks for fonts.

    Raises:
        RunError: one of them is missing on this machine (with the way to install it).
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():  # it prints advice, then raises
            # without any font Pango does not fail, it ends the process
            warnings.filterwarnings("error", ".*FontConfig", UserWarning)
            import weasyprint
    except (OSError, UserWarning) as error:
        raise RunError(
            _(
                "no PDF can be drawn here: Pango, a library it needs, or any font is missing ({error})",
                error=error,
            ),
            _("on Debian and Ubuntu, once: sudo apt-get install {libraries}", libraries=_LIBRARIES),
        ) from None
    return weasyprint


def _finish(_document: Any, pdf: Any) -> None:
    """What the library leaves out of a file that is PDF/A and PDF/UA at once."""
    catalog = pdf.catalog
    catalog["AF"][:] = dict.fromkeys(catalog["AF"])  # it names an attachment twice
    metadata = _object(pdf, catalog["Metadata"])
    metadata.stream = [part.replace(b"</rdf:RDF>", _UNIVERSAL_ACCESS + b"</rdf:RDF>") for part in metadata.stream]
    root = _object(pdf, catalog["StructTreeRoot"])
    in_tree = list(_elements(pdf, root))
    root["IDTree"] = _identifiers(in_tree)
    _mark_running_texts(pdf, root, {element.number for element in in_tree})


def _object(pdf: Any, reference: bytes) -> Any:
    return pdf.objects[int(reference.split()[0])]


def _elements(pdf: Any, element: Any) -> Iterator[Any]:
    """Every element below one in the structure tree."""
    for kid in element.get("K", ()):
        if isinstance(kid, bytes) and (found := _object(pdf, kid)).get("Type") == "/StructElem":
            yield found
            yield from _elements(pdf, found)


def _identifiers(elements: Sequence[Any]) -> Any:
    """The name tree of the elements with an identifier, without which no reader finds them (ISO 32000-1, table 322)."""
    named = sorted(((element["ID"], element) for element in elements if "ID" in element), key=lambda pair: pair[0].data)
    names = [value for identifier, element in named for value in (identifier, element.reference)]
    return pydyf.Dictionary({"Names": pydyf.Array(names)})


def _mark_running_texts(pdf: Any, root: Any, in_tree: set[int]) -> None:
    """Tell a screen reader that the head and foot of a page are no content (ISO 14289-1, 7.8).

    The library tags them and keeps their tags out of the tree, so what is not in there is head or foot.
    """
    pages = [_object(pdf, reference) for reference in pdf.page_references]
    parents = iter(_object(pdf, root["ParentTree"])["Nums"])
    for number, owners in zip(parents, parents, strict=True):
        if number >= len(pages):
            break  # links have entries of their own behind those of the pages
        running = {mcid for mcid, owner in enumerate(owners) if int(owner.split()[0]) not in in_tree}
        for mcid in running:
            owners[mcid] = "null"
        drawn = _object(pdf, pages[number]["Contents"]).stream
        for place, value in enumerate(drawn):
            if isinstance(value, dict) and value.get("MCID") in running:
                drawn[place - 1 : place + 1] = ["/Artifact", pydyf.Dictionary({"Type": "/Pagination"})]
