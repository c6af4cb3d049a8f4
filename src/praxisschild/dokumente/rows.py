"""Rows of measured tables, one or more per host."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from praxisschild.dokumente.model import Inline, Line, Table, line
from praxisschild.snapshot import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from praxisschild.dokumente.facts import Facts, HostFacts
    from praxisschild.snapshot import Snapshot, WindowsSnapshot

T = TypeVar("T")
Cells = tuple[str | Inline | Line, ...]
NOTHING = "–"


def measured_table(
    facts: Facts,
    headings: tuple[str, ...],
    widths: tuple[int, ...],
    ask: Callable[[HostFacts, Snapshot], Iterable[Cells]],
    none: str = NOTHING,
    windows: Callable[[HostFacts, WindowsSnapshot], Iterable[Cells]] | None = None,
) -> Table:
    """A table with the host in the first column and the time of the measurement in the last.

    `ask` yields the cells between the two, `windows` those of a host with Windows. A host that was not measured, or
    whose state cannot be told, has one row with the gap alone; one with nothing to tell has the word `none`.
    """
    rows: list[tuple[Line, ...]] = []
    for host in facts.hosts:
        try:
            of_windows = partial(_all, windows, host) if windows else None
            found = host.ask(partial(_all, ask, host), of_windows) or [(none, *[NOTHING] * (len(headings) - 1))]
        except Unreadable as unknown:
            rows.append((cell(host.label), cell(facts.unmeasured(host, str(unknown)))))
            continue
        # on every row: a table that goes on over the page has to be readable there, too
        rows += [(cell(host.label), *map(cell, cells), host.measured_on) for cells in found]
    return Table(("Rechner", *headings, "gemessen am"), tuple(rows), (*widths,))


def _all(ask: Callable[[HostFacts, T], Iterable[Cells]], host: HostFacts, snapshot: T) -> list[Cells]:
    return list(ask(host, snapshot))


def cell(words: str | Inline | Line) -> Line:
    """A cell's line."""
    return words if isinstance(words, tuple) else line(words)
