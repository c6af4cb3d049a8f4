"""The requirements as CSV that a German Excel opens with a double click: semicolons, and a mark for UTF-8."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from praxisschild.formats import table

if TYPE_CHECKING:
    from praxisschild.results import Run

# Excel and LibreOffice take a text that begins so for a formula, quoted or not (CWE-1236)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(run: Run) -> str:
    """One line per requirement; a text that a spreadsheet would run as a formula begins with an apostrophe."""
    found = table.requirements(run)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(found.headings)
    writer.writerows([_harmless(cell) for cell in row] for row in found.rows)
    return "\ufeff" + buffer.getvalue()


def _harmless(cell: table.Cell) -> table.Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
