from __future__ import annotations

import functools
import hashlib
import io
import os
import re
import subprocess
import sys
import time
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from benchmarks.pdf_report import ENDED, large_run
from praxisschild.formats import json as results_json
from praxisschild.formats import pdf, view
from praxisschild.results import AttestationFacts, Part, Run, Status
from tests.unit.formats.conftest import HOSTILE, row

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow  # a paper takes seconds to draw
FINGERPRINT = "0123 4567 89ab cdef 0123 4567 89ab cdef"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XMP_DATES = "{http://ns.adobe.com/xap/1.0/}"
SOME_HOSTS = ["anmeldung", "arbeitsplatz-1", "arbeitsplatz-2", "arbeitsplatz-3", "arbeitsplatz-4", "pc-07", "server"]


@functools.cache
def _drawn(results: bytes) -> bytes:
    return pdf.render(Run.model_validate_json(results), results=results, fingerprint=FINGERPRINT)


def drawn(run: Run) -> PdfReader:
    return PdfReader(io.BytesIO(_drawn(results_json.render(run).encode())))


@pytest.fixture(scope="module")
def usual() -> Run:
    """Every requirement of an edition on four hosts, one of which was not reached."""
    return large_run(4, 20)


@functools.cache
def _texts(results: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(_drawn(results))).pages]


def texts(run: Run) -> list[str]:
    """The text of every page."""
    return _texts(results_json.render(run).encode())


def words(run: Run) -> str:
    """All text of the report in reading order, as one line."""
    return " ".join("\n".join(texts(run)).split())


def together(text: str) -> str:
    """The text without the spaces that a line break leaves in a long word."""
    return re.sub(r"\s", "", text)


def elements(node: Any) -> Iterator[Any]:
    """The elements of the structure tree in reading order."""
    node = node.get_object()
    if "/S" in node:
        yield node
    for kid in node.get("/K", []):
        if not isinstance(kid, int) and kid.get_object().get("/Type") == "/StructElem":
            yield from elements(kid)


def metadata(reader: PdfReader) -> ET.Element:
    packet = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    plain = re.sub(r"<\?xpacket[^>]*\?>", "", packet).strip()
    return ET.fromstring(plain)  # noqa: S314 - our own


# -- what it says ------------------------------------------------------------------------------------------------------


def test_every_requirement_stands_in_it_with_its_words(usual: Run) -> None:
    text, close = words(usual), together(words(usual))
    assert len(usual.requirements) > 130
    for requirement in usual.requirements:
        assert requirement.id in text
        for part in (requirement.title, requirement.demand, requirement.purpose, requirement.source):
            assert together(part) in close
        assert together(requirement.label) in close


def test_every_measurement_stands_in_it(usual: Run) -> None:
    close = together(words(usual))
    counted = {(judged.check, one.host) for row in usual.requirements for one in row.hosts for judged in one.checks}
    told = [check for check in usual.checks if (check.check, check.host) in counted]
    assert len(told) > 30
    for check in told:
        assert all(together(value) in close for value in check.measured)


def test_everything_that_can_occur_is_said(run: Run) -> None:
    text = words(run)
    assert "Teilprüfung: ohne Proben" in text
    assert "1 von 2 erreicht" in text
    deviation = run.deviations[0]
    assert "Gerät wird ersetzt" in text
    assert f"{deviation.expires:%d.%m.%Y}" in text
    assert "Praxisinhaberin" in text
    assert "Bildschirmsperre nach: höchstens 10 Minuten" in text
    assert "Wegen Abweichungen nicht angewendete Einstellungen" in text
    assert "Seit dem letzten Lauf verändert" in text
    assert "IT-Dienstleister" in text


def test_hostile_words_stay_words(run: Run) -> None:
    reader = drawn(run)
    close = together(words(run))
    assert together(HOSTILE.replace("\x1b", "\N{REPLACEMENT CHARACTER}")) in close
    assert not [note for page in reader.pages for note in page.get("/Annots", []) if "/A" in note.get_object()], (
        "nothing in it leads out of the file"
    )
    assert not {"/AcroForm", "/OpenAction", "/AA"} & set(reader.trailer["/Root"])
    assert not {"/JavaScript"} & set(reader.trailer["/Root"]["/Names"])


def test_any_text_is_drawn_and_in_time(run: Run) -> None:
    nasty = ["", "a" * 2700, "</style>" * 9, "{{ x }} %s \\"]
    nasty += ["\u2028\u200b\ufeff\ufffe\xad\u202e", "e\u0301\x07\x9b"]
    rows = tuple(
        row(f"2025-A1-{number:02}", status, title=text, group=text, demand=text, reason=text, pending=pending)
        for number, (status, pending, text) in enumerate(
            (status, pending, text)
            for text in [*nasty, "".join(nasty)]
            for status, pending in ((Status.NOT_TESTED, (Part.ORGANISATIONAL,)), (Status.FAILED, ()))
        )
    )
    changed = run.model_copy(update={"requirements": rows})
    started = time.process_time()
    reader = PdfReader(io.BytesIO(pdf.render(changed, results=b"{}")))
    assert time.process_time() - started < 60, "columns of a style sheet never came to an end with such words"
    text = together("".join(page.extract_text() for page in reader.pages))
    assert all(one.id in text for one in rows)


def test_a_status_is_told_by_word_and_shape(usual: Run, run: Run) -> None:
    for one in (usual, run):
        text = words(one)
        for requirement in one.requirements:
            mark = "◐" if requirement.label != requirement.status.label else pdf._MARKS[requirement.status]
            assert f"{mark} {requirement.label}" in text
    assert len(set(pdf._MARKS.values()) | {pdf._PART_MARK}) == len(Status) + 1


def test_summary_counts_each_verdict_per_annex(usual: Run) -> None:
    annexes, verdicts = pdf._matrix(usual.requirements)
    directive = [one for one in usual.requirements if one.section.value == "directive"]
    assert sum(sum(counts) for _, _, counts in verdicts) == len(directive)
    for place, annex in enumerate(annexes):
        assert sum(counts[place] for _, _, counts in verdicts) == sum(one.annex == annex for one in directive)
    for name, _, counts in verdicts:
        assert f"{name} {' '.join(str(count or '·') for count in counts)} {sum(counts)}" in words(usual)


def test_expired_attestation_is_a_task_and_one_that_soon_expires_is_named(run: Run) -> None:
    said = {"statement": "Alle wissen Bescheid.", "role": "Praxisinhaberin", "day": date(2026, 1, 1)}
    soon = AttestationFacts(**said, valid_until=date(2027, 1, 20))
    late = AttestationFacts(**said, valid_until=date(2027, 3, 1))
    gone = AttestationFacts(**said, valid_until=date(2026, 9, 1), fault="Bestätigung abgelaufen seit 01.09.2026")
    rows = (
        row("2025-A1-01", Status.ATTESTED, attestation=soon),
        row("2025-A1-02", Status.ATTESTED, attestation=late),
        row("2025-A1-03", Status.EXPIRED, attestation=gone, reason=gone.fault, pending=(Part.ORGANISATIONAL,)),
    )
    changed = run.model_copy(update={"requirements": rows, "deviations": (), "dropped": (), "drift": None})
    assert [one.id for one in pdf._due(changed)] == ["2025-A1-01"]
    assert [one.id for one in view.facts(changed)["expired"]] == ["2025-A1-03"]
    summary = words(changed).partition("Das ist zu tun")[2].partition("Anlage 1 Endgeräte")[0]
    assert "2025-A1-01 Titel 2025-A1-01 – gültig bis 20.01.2027" in summary
    assert "abgelaufen seit 01.09.2026" in summary
    assert "2025-A1-02" not in summary


def test_paper_is_tied_to_the_results(usual: Run) -> None:
    pages = texts(usual)
    digest = hashlib.sha256(results_json.render(usual).encode()).hexdigest()
    assert digest in together(pages[-1])
    assert FINGERPRINT in pages[-1]
    for number, text in enumerate(pages, 1):
        assert digest[:32] in together(text)
        assert f"Seite {number} von {len(pages)}" in text


def test_unsigned_evidence_says_so(run: Run) -> None:
    data = pdf.render(run, results=b"{}")
    assert "nicht elektronisch unterschrieben" in PdfReader(io.BytesIO(data)).pages[-1].extract_text()


# -- what many hosts share is said once --------------------------------------------------------------------------------


def expanded(text: str) -> list[str]:
    """The hosts that a text means, read as a person would."""
    if match := re.fullmatch(r"alle (\d+) Hosts", text):
        assert int(match[1]) == len(SOME_HOSTS)
        return SOME_HOSTS
    counted = re.match(r"(\d+) Hosts: ", text)
    found = []
    for part in text[counted.end() if counted else 0 :].split(", "):
        first, _, last = part.partition(" bis ")
        stem, number = first.rsplit("-", 1) if last else (first, "")
        found += [f"{stem}-{n}" for n in range(int(number), int(last.rsplit("-", 1)[1]) + 1)] if last else [first]
    assert not counted or int(counted[1]) == len(found)
    return found


@given(st.sets(st.sampled_from(SOME_HOSTS), min_size=1))
def test_hosts_are_named_so_that_each_can_be_told(hosts: set[str]) -> None:
    places = {name: number for number, name in enumerate(SOME_HOSTS)}
    assert sorted(expanded(pdf._names(hosts, places))) == sorted(hosts)


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        (["a-1", "a-2"], "a-1, a-2"),
        (["a-1", "a-2", "a-3"], "a-1 bis a-3"),
        (["a-9", "a-10", "a-11", "b"], "4 Hosts: a-9 bis a-11, b"),
        (["a-01", "a-02", "a-03"], "a-01, a-02, a-03"),
        (["a-1", "b-2", "c-3"], "a-1, b-2, c-3"),
    ],
)
def test_ranges_are_of_consecutive_numbers_only(hosts: list[str], text: str) -> None:
    assert pdf._names(hosts, {name: place for place, name in enumerate([*hosts, "z"])}) == text


def test_grouping_loses_no_check_and_no_host(usual: Run) -> None:
    lines = view.lines(usual)
    places = {host.name: number for number, host in enumerate(usual.hosts)}
    for identifier, findings in pdf._findings(usual).items():
        told = {
            (finding.status, name)
            for finding in findings
            for name in ([*places] if finding.hosts.startswith("alle") else expanded(finding.hosts))
        }
        assert told == {(line.status, line.host) for line in lines[identifier]}
    alike = large_run(40, 10, "alike")
    assert {len(findings) for findings in pdf._findings(alike).values()} <= {0, 1, 2}, "prüfungen and proben"


# -- PDF/A-3a and PDF/UA-1 ---------------------------------------------------------------------------------------------


def test_metadata_name_both_standards_and_describe_the_one_that_pdf_a_does_not_know(usual: Run) -> None:
    packet = metadata(drawn(usual))
    assert len(packet.findall(f"{RDF}RDF")) == 1
    found = {key: value for one in packet.iter(f"{RDF}Description") for key, value in one.attrib.items()}
    assert found["{http://www.aiim.org/pdfa/ns/id/}part"] == "3"
    assert found["{http://www.aiim.org/pdfa/ns/id/}conformance"] == "A"
    assert found["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
    (schema,) = packet.iter("{http://www.aiim.org/pdfa/ns/schema#}namespaceURI")
    assert schema.text == "http://www.aiim.org/pdfua/ns/id/"


def test_dates_are_those_of_the_run(usual: Run) -> None:
    reader = drawn(usual)
    assert reader.metadata.creation_date == reader.metadata.modification_date == ENDED
    for name in ("CreateDate", "ModifyDate"):
        (moment,) = metadata(reader).iter(f"{XMP_DATES}{name}")
        assert moment.text == "2026-11-23T20:52:10+00:00"
    assert usual.practice.name in reader.metadata.title


def test_results_are_inside_byte_for_byte_and_belong_to_the_whole(usual: Run) -> None:
    reader = drawn(usual)
    root = reader.trailer["/Root"]
    (file,) = root["/AF"]
    file = file.get_object()
    inside = file["/EF"]["/F"].get_object()
    assert inside.get_data() == results_json.render(usual).encode()
    assert (file["/UF"], file["/AFRelationship"]) == ("results.json", "/Source")
    assert inside["/Subtype"] == "/application/json"
    assert inside["/Params"]["/ModDate"] == "D:20261123205210Z"
    name, reference = root["/Names"]["/EmbeddedFiles"]["/Names"]
    assert name == "results.json"
    assert reference.get_object() is file


def test_a_reader_knows_language_title_and_structure(usual: Run) -> None:
    root = drawn(usual).trailer["/Root"]
    assert root["/Lang"] == "de-DE"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    found = list(elements(root["/StructTreeRoot"]["/K"][0]))
    kinds = [one["/S"] for one in found]
    levels = [int(kind[2]) for kind in kinds if re.fullmatch(r"/H[1-6]", kind)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert kinds.count("/H4") >= len(usual.requirements)
    named = root["/StructTreeRoot"]["/IDTree"]["/Names"]
    assert set(named[::2]) == {one["/ID"] for one in found if "/ID" in one}
    assert named[::2] == sorted(named[::2])


def test_cells_name_their_headers_on_every_page_of_a_table(usual: Run) -> None:
    root = drawn(usual).trailer["/Root"]
    found = list(elements(root["/StructTreeRoot"]["/K"][0]))
    known = {one["/ID"] for one in found if "/ID" in one}
    cells = [one for one in found if one["/S"] == "/TD"]
    assert len(cells) > 150
    for cell in cells:
        assert cell["/A"]["/Headers"]
        assert set(cell["/A"]["/Headers"]) <= known


def test_text_is_content_in_the_tree_or_head_and_foot(usual: Run) -> None:
    reader = drawn(usual)
    root = reader.trailer["/Root"]["/StructTreeRoot"]
    in_tree = {one.indirect_reference.idnum for one in elements(root["/K"][0])}
    numbers = root["/ParentTree"]["/Nums"]
    parents = dict(zip(numbers[::2], numbers[1::2], strict=True))
    for place, page in enumerate(reader.pages):
        drawing = page.get_contents().get_data()
        outside = re.sub(rb"/\w+\s*(<<[^>]*>>\s*BDC|BMC)(?:(?!BMC|BDC|EMC).)*EMC", b"", drawing, flags=re.DOTALL)
        assert not re.search(rb"\bT[Jj]\b", outside)
        assert drawing.count(b"/Pagination") == (2 if place == 0 else 4)
        for mcid in map(int, re.findall(rb"/MCID (\d+)", drawing)):
            assert parents[place][mcid].idnum in in_tree


def test_fonts_are_inside_and_their_text_can_be_read(usual: Run) -> None:
    fonts = {}
    for page in drawn(usual).pages:
        fonts.update(page["/Resources"]["/Font"])
    assert fonts
    for font in (value.get_object() for value in fonts.values()):
        assert "/ToUnicode" in font
        (descendant,) = font["/DescendantFonts"]
        assert {"/FontFile2", "/FontFile3"} & set(descendant.get_object()["/FontDescriptor"])
    assert "Überprüfung der Vertrauenswürdigkeit" in words(usual)
    assert "außer" in words(usual)


def test_nothing_is_locked_and_colours_have_a_profile(usual: Run) -> None:
    reader = drawn(usual)
    assert not reader.is_encrypted
    assert len(reader.trailer["/ID"]) == 2
    (intent,) = reader.trailer["/Root"]["/OutputIntents"]
    intent = intent.get_object()
    assert intent["/S"] == "/GTS_PDFA1"
    assert intent["/DestOutputProfile"].get_object().get_data()[36:40] == b"acsp"
    drawing = b"".join(page.get_contents().get_data() for page in reader.pages)
    assert not re.search(rb"\s[kK]\n", drawing), "no colours of a printing press under a profile of a screen"


def test_bookmarks_lead_to_every_requirement(usual: Run) -> None:
    def titles(entries: list[Any]) -> Iterator[str]:
        for entry in entries:
            if isinstance(entry, list):
                yield from titles(entry)
            else:
                yield entry.title

    found = list(titles(drawn(usual).outline))
    assert {"Zusammenfassung", "Geprüfte Hosts", "Wie gemessen wurde", "Unterschriften"} <= set(found)
    for requirement in usual.requirements:
        assert f"{requirement.id} {requirement.title}" in found


def test_same_run_gives_the_same_bytes_anywhere(run: Run, tmp_path) -> None:
    results = results_json.render(run).encode()
    (tmp_path / "results.json").write_bytes(results)
    program = (
        "import sys; from praxisschild.formats import pdf; from praxisschild.results import Run\n"
        "data = open(sys.argv[1], 'rb').read(); run = Run.model_validate_json(data)\n"
        f"sys.stdout.buffer.write(pdf.render(run, results=data, fingerprint={FINGERPRINT!r}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "results.json"], env=environment, capture_output=True, check=True
    )
    assert done.stdout == _drawn(results)


# -- a machine that cannot draw ----------------------------------------------------------------------------------------

WRITES = """
import sys
from pathlib import Path
from praxisschild.evidence import write_bundle
from benchmarks.pdf_report import large_run
{before}
bundle = write_bundle(Path(sys.argv[1]), large_run(1, 2), {{}}, no_pdf=lambda why: print(why, file=sys.stderr))
print(*sorted(path.name for path in bundle.iterdir()))
"""
NO_PANGO = """
import cffi
opened = cffi.FFI.dlopen
def without_pango(self, name, flags=0):
    if "pango" in name:
        raise OSError(f"cannot load library '{name}'")
    return opened(self, name, flags)
cffi.FFI.dlopen = without_pango
"""
NO_FONT = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>{0}/none</dir>
<cachedir>{0}/cache</cachedir></fontconfig>
"""


@pytest.mark.parametrize("lacks", ["pango", "font"])
def test_without_what_draws_the_rest_is_written_and_the_way_out_is_told(project, tmp_path, lacks: str) -> None:
    fonts = tmp_path / "fonts.conf"
    fonts.write_text(NO_FONT.format(tmp_path), encoding="utf-8")
    environment = {**os.environ, **({"FONTCONFIG_FILE": str(fonts)} if lacks == "font" else {})}
    program = WRITES.format(before=NO_PANGO if lacks == "pango" else "")
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"results.json", "report.html", "manifest.json"} <= set(done.stdout.split())
    assert "report.pdf" not in done.stdout
    assert "no PDF can be drawn here" in done.stderr
    assert "sudo apt-get install libpango-1.0-0" in done.stderr
    assert "Traceback" not in done.stderr
