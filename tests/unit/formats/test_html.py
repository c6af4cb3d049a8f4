from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from praxisschild.formats import html, view
from praxisschild.results import Drift, Section, Status

if TYPE_CHECKING:
    from praxisschild.results import Run

VOID = {"meta", "input", "br", "wbr", "use", "path", "circle", "rect"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str | None = None, css_class: str | None = None) -> list[Element]:
        found = [one for child in self.children for one in child.all(tag, css_class)]
        fits = (tag is None or self.tag == tag) and (css_class is None or css_class in self.classes)
        return [self, *found] if fits else found

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def words(self) -> str:
        return " ".join(f"{self.text} {' '.join(child.words for child in self.children)}".split())


class Parser(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = self.here = Element("", {}, None)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.text += data


def page(run: Run) -> Element:
    parser = Parser(html.render(run))
    assert parser.here is parser.root
    return parser.root


def test_every_requirement_is_one_row(run: Run) -> None:
    rows = page(run).all("article")
    assert Counter(one.attributes["id"] for one in rows) == Counter(one.id for one in run.requirements)
    for element, requirement in zip(
        sorted(rows, key=lambda one: one.attributes["id"]),
        sorted(run.requirements, key=lambda one: one.id),
        strict=True,
    ):
        assert element.attributes["data-status"] == requirement.status.value
        assert requirement.label in element.all("summary")[0].words
        assert requirement.demand in element.words
        assert requirement.source in element.words


def test_hostile_words_stay_words(run: Run) -> None:
    root = page(run)
    assert len(root.all("script")) == 1
    assert len(root.all("style")) == 1
    assert not root.all("img")
    assert "onerror=alert(2)" in root.all("h1")[0].words
    for element in root.all():
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"]


def test_page_is_self_contained(run: Run) -> None:
    text = html.render(run)
    root = Parser(text).root
    ids = {one.attributes["id"] for one in root.all() if "id" in one.attributes}
    for element in root.all():
        assert "src" not in element.attributes
        assert element.tag not in {"link", "iframe", "object", "base"}
        if "href" in element.attributes:
            assert element.attributes["href"].startswith("#")
            assert element.attributes["href"][1:] in ids
    assert not re.search(r"https?://|@import|url\(", text)


def test_security_policy_allows_exactly_the_inlined_style_and_script(run: Run) -> None:
    root = page(run)
    (policy,) = [
        one.attributes["content"]
        for one in root.all("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (element,) = root.all(tag)
        assert f"{tag}-src '{html._hash(element.text)}'" in policy


def test_page_works_without_script_and_with_a_keyboard(run: Run) -> None:
    root = page(run)
    assert all("open" in one.attributes for row in root.all("article") for one in row.all("details")[:1])
    (form,) = root.all("form")
    assert "hidden" in form.attributes
    labelled = {one.attributes["for"] for one in form.all("label") if "for" in one.attributes}
    wrapped = [inner for one in form.all("label") for inner in one.all("input")]
    for control in [*form.all("input"), *form.all("select")]:
        assert control.attributes.get("id") in labelled or control in wrapped
    assert [one.words for one in form.all("button")] == ["Filter zurücksetzen", "Alle aufklappen", "Alle zuklappen"]
    assert not [one for one in root.all() if int(one.attributes.get("tabindex", 0)) > 0]
    skip = root.all("a", "skip")[0]
    assert skip is root.all("a")[0]
    assert skip.attributes["href"] == "#anforderungen"


def test_page_tells_its_structure_to_a_screen_reader(run: Run) -> None:
    root = page(run)
    assert root.all("html")[0].attributes["lang"] == "de"
    assert [len(root.all(tag)) for tag in ("header", "main", "footer", "h1", "title")] == [1, 1, 1, 1, 1]
    assert all("aria-label" in one.attributes for one in root.all("nav"))
    ids = Counter(one.attributes["id"] for one in root.all() if "id" in one.attributes)
    assert max(ids.values()) == 1
    for element in root.all():
        if "aria-labelledby" in element.attributes:
            assert element.attributes["aria-labelledby"] in ids
    for table in root.all("table"):
        assert table.all("caption")[0].words
        assert all(one.attributes["scope"] in {"col", "row"} for one in table.all("th"))
    (count,) = [one for one in root.all() if "aria-live" in one.attributes]
    assert count.words.startswith(f"{len(run.requirements)} von {len(run.requirements)}")
    levels = [int(one.tag[1]) for one in root.all() if re.fullmatch("h[1-6]", one.tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_status_is_never_told_by_colour_alone(run: Run) -> None:
    for badge in [*page(run).all("span", "badge"), *page(run).all("span", "light")]:
        assert badge.words
        assert all(one.attributes["aria-hidden"] == "true" for one in badge.all("svg"))


def test_pending_part_is_seen_and_counted_apart(run: Run) -> None:
    root = page(run)
    (row,) = [one for one in root.all("article") if one.attributes["id"] == "2025-A1-22"]
    assert row.all("summary")[0].words.startswith("technisch erfüllt")
    assert "organisatorischer Teil: Bestätigung steht aus" in row.all("summary")[0].words
    tally = root.all("ul", "tally")[0].words
    assert "1 technisch erfüllt, Bestätigung offen" in tally
    assert "1 vollständig erfüllt" in tally


def test_summary_names_failures_first_and_what_was_not_reached(run: Run) -> None:
    tasks = [one.words for one in page(run).all("li", "task")]
    assert "Titel 2025-A1-19" in tasks[0]
    assert "900 s" in tasks[0]
    assert "Titel 2025-A1-45" in tasks[1]
    assert "server-1 Zeitüberschreitung" in tasks[2]


def test_only_the_edition_is_counted(run: Run) -> None:
    counted = view.tally(one for one in run.requirements if one.section is Section.DIRECTIVE)
    assert sum(number for _, _, number in counted) == 8
    assert "stellt 8 Anforderungen; 7 davon gelten" in page(run).all("p", "lead")[0].words


def test_row_shows_measurement_time_and_reason(run: Run) -> None:
    (row,) = [one for one in page(run).all("article") if one.attributes["id"] == "2025-A1-19"]
    lines = [one.words for one in row.all("tbody")[0].all("tr")]
    assert lines[0].startswith("arbeitsplatz-1 900 s")
    assert "23.11.2026, 21:52" in lines[0]
    assert "Prüfung test_locks" in lines[0]
    assert "zu lang" in lines[0]
    assert "Host nicht erreicht" in lines[1]
    assert "höchstens 10 Minuten" in row.words
    assert "2021-A1-13" in row.all("p", "source")[0].words


def test_deviations_reason_takes_the_place_of_the_checks(run: Run) -> None:
    (row,) = [one for one in page(run).all("article") if one.attributes["id"] == "2025-A1-21"]
    assert "Abweichung bis 31.12.2026" in row.all("tbody")[0].words


def test_drift_section_stands_only_after_a_drift_run(run: Run) -> None:
    assert "Berichtigt" in page(run).words
    assert "war nichts abgewichen" in page(run.model_copy(update={"drift": Drift()})).words
    assert "Was war abgewichen" not in page(run.model_copy(update={"drift": None})).words


def test_coverage_of_the_tool_is_told_apart_from_the_practice(run: Run) -> None:
    root = page(run)
    (matrix,) = root.all("table", "matrix")
    assert [line.words for line in matrix.all("tr")][1:] == [
        "Anlage 1 technisch 19 7 6 5 1",
        "organisatorisch 24 – – – –",
        "KVWL durch Proben 3 – – – –",
        "Richtlinie zusammen 43 7 6 5 1",
    ]
    assert "Rechner und Server 1 2025-A1-20" in root.all("dl", "concerns")[0].words
    assert not page(run.model_copy(update={"coverage": None})).all("table", "matrix")


def test_partial_run_says_so(run: Run) -> None:
    (notice,) = page(run).all("p", "notice")
    assert "ohne Proben" in notice.words
    assert not page(run.model_copy(update={"limits": ()})).all("p", "notice")


def test_nothing_to_do_is_said(run: Run) -> None:
    passed = tuple(one for one in run.requirements if one.status is Status.PASSED and not one.pending)
    calm = run.model_copy(update={"requirements": passed, "hosts": run.hosts[:1]})
    assert "Derzeit nichts" in page(calm).words


@pytest.mark.parametrize("text", ['a"}</style>', "a\\b\nc", "Praxis „Müller“"])
def test_text_in_the_page_header_cannot_leave_its_string(text: str) -> None:
    css = view.css_string(text)
    assert css[0] == css[-1] == '"'
    assert not re.search(r'["<>{}\n]', css[1:-1])
    assert re.sub(r"\\([0-9a-f]+) ", lambda match: chr(int(match[1], 16)), css[1:-1]) == text
