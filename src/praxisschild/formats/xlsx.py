"""The run as a workbook: requirements, measurements, hosts and deviations, each a sheet that filters."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from xlsxwriter import Workbook

from praxisschild.formats import table
from praxisschild.formats.characters import xml_text
from praxisschild.formats.stand_ins import marked

if TYPE_CHECKING:
    from praxisschild.results import Run

_WIDEST = 60  # characters
_LONGEST = 32_767  # characters a cell may hold


def render(run: Run) -> bytes:
    """The workbook; the same run gives the same bytes. What a host says is text, never a formula or a link."""
    buffer = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with Workbook(buffer, plain) as book:
        title = f"{run.practice.name}, Fassung {run.practice.edition}"
        # a workbook keeps times without a zone
        book.set_properties(
            {"title": _text(title), "author": "Praxisschild", "created": run.ended.replace(tzinfo=None)}
        )
        cell = book.add_format({"text_wrap": True, "valign": "top"})
        head = book.add_format({"text_wrap": True, "valign": "top", "bold": True})
        for found in table.all_tables(marked(run)):
            sheet = book.add_worksheet(found.name)
            sheet.freeze_panes(1, 1)
            sheet.repeat_rows(0)
            sheet.set_landscape()
            sheet.fit_to_pages(1, 0)
            sheet.autofilter(0, 0, len(found.rows), len(found.headings) - 1)
            for column, heading in enumerate(found.headings):
                longest = max((len(str(row[column] or "")) for row in found.rows), default=0)
                sheet.set_column(column, column, min(max(longest, len(heading)) + 2, _WIDEST))
                sheet.write_string(0, column, heading, head)
            for number, row in enumerate(found.rows, 1):
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(number, column, _text(value), cell)
                    elif value is not None:
                        sheet.write_number(number, column, value, cell)
    return buffer.getvalue()


def _text(value: str) -> str:
    return xml_text(value)[:_LONGEST]
