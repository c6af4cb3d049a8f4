"""Setting rows become files, and what does not apply to a host is left out."""

from __future__ import annotations

import configparser
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisschild.rows import HEADER, Row, Style, reason_to_drop, render, select

NOTHING: dict[str, str] = {}
NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-_0123456789", min_size=1, max_size=12)
IDS = st.sampled_from(["2021-A1-13", "2021-A1-14", "2025-A1-25", "KVWL-04"])
WORDS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="#;=,%[]:"), min_size=1, max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | WORDS
VALUES = LEAVES | st.lists(LEAVES, max_size=4) | st.dictionaries(NAMES, LEAVES, max_size=4)
REQUIREMENTS = st.lists(IDS, max_size=3, unique=True).map(tuple)


def text_of(rows: list[dict[str, Any]], **style: Any) -> str:
    parsed = Style.parse(style)
    return render(select(rows, parsed, NOTHING).rows, parsed)


def test_lines_stand_in_order_under_the_requirements_they_serve():
    rows = [
        {"option": "MaxAuthTries", "value": 3, "requirement": "2021-A1-13"},
        {"option": "PermitRootLogin", "value": False, "requirement": "2021-A1-13"},
        {"option": "Ciphers", "value": ["a", "b"], "requirement": ["2021-A1-14", "2025-A1-25"]},
    ]
    assert text_of(rows, kind="lines", separator=" ") == (
        f"# {HEADER}\n\n# 2021-A1-13\nMaxAuthTries 3\nPermitRootLogin no\n\n# 2021-A1-14, 2025-A1-25\nCiphers a,b\n"
    )


def test_ini_rows_of_a_section_stand_together():
    rows = [
        {"section": "a", "option": "x", "value": True, "requirement": "2021-A1-13"},
        {"section": "b", "option": "y", "value": 1},
        {"section": "a", "option": "z", "value": "text", "requirement": "2021-A1-13"},
    ]
    assert text_of(rows, kind="ini") == f"# {HEADER}\n\n[a]\n\n# 2021-A1-13\nx=true\nz=text\n\n[b]\n\ny=1\n"


def test_json_nests_by_dots_or_by_list():
    rows = [
        {"option": "policies.DisableTelemetry", "value": True},
        {"option": ["policies", "a.b", "c"], "value": [1, "x"]},
        {"path": ["other"], "value": None},
    ]
    expected = {"policies": {"DisableTelemetry": True, "a.b": {"c": [1, "x"]}}, "other": None}
    assert json.loads(text_of(rows, kind="json")) == expected


def test_words_for_booleans_can_be_chosen_even_by_an_unquoted_yaml_key():
    rows = [{"option": "a", "value": True}, {"option": "b", "value": [True, False]}]
    assert text_of(rows, true="on", list_separator=" ").splitlines()[2:] == ["a on", "b on no"]
    style = Style.parse({"kind": "lines", True: "1", False: "0"})
    assert (style.true, style.false) == ("1", "0")


def test_an_option_without_value_stands_alone():
    rows = [{"option": "audit"}, {"option": "empty", "value": ""}]
    assert text_of(rows, separator=" = ").splitlines()[-2:] == ["audit", "empty ="]


def test_a_row_is_dropped_only_if_all_its_requirements_are():
    rows = [
        {"option": "kept", "value": 1, "requirement": ["A", "B"]},
        {"option": "gone", "value": 1, "requirement": ["A", "C"]},
        {"option": "always", "value": 1},
        {"option": "never", "value": 1, "when": False},
    ]
    selection = select(rows, Style(), {"A": "zu klein", "C": "Abweichung"})
    assert [row.option for row in selection.rows] == ["kept", "always"]
    assert [(one.name, one.reason) for one in selection.dropped] == [("gone", "zu klein; Abweichung")]
    assert selection.requirements == ["A", "B"]


def test_nothing_is_dropped_without_requirements():
    assert reason_to_drop([], {"A": "x"}) is None


@pytest.mark.parametrize(
    ("row", "style", "complaint"),
    [
        ({"opton": "a", "value": 1}, {}, "did you mean 'option'"),
        ({"value": 1}, {}, "either by `option` or by `path`"),
        ({"option": "a", "path": ["a"]}, {}, "either by `option` or by `path`"),
        ({"option": "a", "value": "x\nPermitRootLogin yes"}, {}, "line break"),
        ({"option": "a\nb", "value": "x"}, {}, "on one line"),
        ({"option": "a", "value": {"b": 1}}, {}, "no place"),
        ({"option": "a", "value": 1}, {"kind": "ini"}, "section"),
        ({"option": "a", "value": 1, "section": "s"}, {}, "section"),
        ({"option": 5, "value": 1}, {}, "text in quotes"),
        ({"option": "a", "value": 1, "when": "perhaps"}, {}, "boolean"),
        ({"option": "a"}, {"kind": "xml"}, "none of lines, ini, json"),
        ({"option": "a"}, {"seperator": "="}, "did you mean 'separator'"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(row, style, complaint):
    with pytest.raises(ValueError, match=complaint):
        text_of([row], **style)


@pytest.mark.parametrize("paths", [["a.b", "a.b"], ["a", "a.b"], ["a.b", "a"]])
def test_json_rows_that_contradict_each_other_are_refused(paths):
    with pytest.raises(ValueError, match=r"already|twice"):
        text_of([{"option": path, "value": {"x": 1}} for path in paths], kind="json")


@given(st.lists(st.tuples(NAMES, WORDS, REQUIREMENTS), min_size=1, max_size=20))
def test_lines_read_back_as_they_were_written(triples):
    rows = [Row((option,), value, None, ids) for option, value, ids in triples]
    lines = render(rows, Style(separator=" ")).splitlines()
    found, current = [], ()
    for line in lines[1:]:
        if line == "":
            current = ()
        elif line.startswith("# "):
            current = tuple(line[2:].split(", "))
        else:
            option, value = line.split(" ", 1)
            found.append((option, value, current))
    assert found == triples


@given(st.dictionaries(st.tuples(NAMES, NAMES), WORDS, min_size=1, max_size=20))
def test_ini_reads_back_as_it_was_written(options):
    rows = [Row((option,), value, section) for (section, option), value in options.items()]
    parser = configparser.RawConfigParser(default_section="", delimiters=("=",))
    parser.optionxform = str
    parser.read_string(render(rows, Style.parse({"kind": "ini"})))
    assert {(s, o): v for s in parser.sections() for o, v in parser.items(s)} == options


@given(st.dictionaries(st.tuples(NAMES, NAMES), VALUES, max_size=6))
def test_json_reads_back_as_it_was_written(values):
    rows = [Row(path, value) for path, value in values.items()]
    found = json.loads(render(rows, Style(kind="json")))
    assert {(a, b): value for a, inner in found.items() for b, value in inner.items()} == values
