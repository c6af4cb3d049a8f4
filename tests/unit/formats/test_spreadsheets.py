from __future__ import annotations

import csv as stdlib_csv
import io
import time
from typing import TYPE_CHECKING

import pytest
from openpyxl import load_workbook

from praxisschild.formats import csv, table, xlsx

if TYPE_CHECKING:
    from praxisschild.results import Run


def test_csv_has_one_line_for_every_requirement(run: Run) -> None:
    text = csv.render(run)
    assert text.startswith("\ufeff")
    rows = list(stdlib_csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert [row["Nummer"] for row in rows] == [row.id for row in run.requirements]
    assert [row["Ergebnis"] for row in rows] == [row.label for row in run.requirements]


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_nothing_that_a_host_says_becomes_a_formula(run: Run, start: str) -> None:
    hostile = run.model_copy(update={"requirements": (run.requirements[0].model_copy(update={"reason": start}),)})
    assert f"'{start}" in csv.render(hostile)
    cell = load_workbook(io.BytesIO(xlsx.render(hostile)))["Anforderungen"]["G2"]
    assert (cell.value, cell.data_type) == (start, "s")


def test_workbook_holds_everything_and_filters(run: Run) -> None:
    book = load_workbook(io.BytesIO(xlsx.render(run)))
    assert book.sheetnames == ["Anforderungen", "Messungen", "Hosts", "Abweichungen"]
    for found in table.all_tables(run):
        sheet = book[found.name]
        assert sheet.max_row == len(found.rows) + 1
        assert [cell.value for cell in sheet[1]] == list(found.headings)
        assert sheet.auto_filter.ref
        assert sheet.freeze_panes == "B2"


def test_the_same_run_gives_the_same_workbook(run: Run) -> None:
    first = xlsx.render(run)
    time.sleep(2.1)  # an archive's clock counts in steps of two seconds
    assert xlsx.render(run) == first


def test_a_control_character_breaks_no_workbook(run: Run) -> None:
    hostile = run.model_copy(
        update={"requirements": (run.requirements[0].model_copy(update={"reason": "a\x00b" * 20_000}),)}
    )
    assert load_workbook(io.BytesIO(xlsx.render(hostile)))["Anforderungen"]["G2"].value.startswith(
        "a\N{REPLACEMENT CHARACTER}b"
    )
