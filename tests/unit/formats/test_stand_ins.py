"""No figure of a stand-in looks like one of a practice's own computer."""

from __future__ import annotations

import io
import json
import re
from zipfile import ZipFile

import pytest

from praxisschild.formats import html, junit, pdf, registry, xlsx
from praxisschild.formats import json as results_json
from praxisschild.formats.stand_ins import warning

HOST = "arbeitsplatz-1"
MARK = f"{HOST} (Nachbildung)"


@pytest.fixture
def of_a_stand_in(run):
    first, *others = run.hosts
    return run.model_copy(update={"hosts": (first.model_copy(update={"stand_in": True}), *others)})


def names_alone(text: str) -> list[str]:
    """Places where the host's name stands without the mark, as a whole word; "bis" is of the PDF's own example."""
    return re.findall(rf"(?<![\w/\[-]){HOST}(?! \(Nachbildung\)| bis )(?![\w.\]-]).{{0,40}}", text)


def shown(run) -> dict[str, str]:
    """What a person sees of each format that names hosts."""
    page = re.sub(r"<(style|script).*?</\1>", "", html.render(run), flags=re.DOTALL)
    with ZipFile(io.BytesIO(xlsx.render(run))) as book:
        cells = book.read("xl/sharedStrings.xml").decode()
    paper = pdf._html(run, results_json.render(run).encode(), None)
    return {"html": page, "xlsx": cells, "junit": junit.render(run), "pdf": paper}


@pytest.mark.parametrize("name", ["html", "xlsx", "junit", "pdf"])
def test_every_figure_of_a_stand_in_is_marked(run, of_a_stand_in, name):
    assert names_alone(shown(run)[name])  # so the search finds what it looks for
    text = shown(of_a_stand_in)[name]
    assert MARK in text
    assert names_alone(text.replace(warning(of_a_stand_in), "")) == []


def test_the_reports_say_at_their_head_what_that_means(run, of_a_stand_in):
    for name in ("html", "pdf"):
        assert "kein echtes Windows" in shown(of_a_stand_in)[name]
        assert "kein echtes Windows" not in shown(run)[name]


def test_the_results_keep_the_names_and_say_which_hosts_are_none(of_a_stand_in):
    kept = json.loads(registry.FORMATS["json"].render(of_a_stand_in)["results.json"])
    assert {one["name"]: one["stand_in"] for one in kept["hosts"]} == {HOST: True, "server-1": False}
    assert {one["host"] for one in kept["checks"]} == {HOST, None}
