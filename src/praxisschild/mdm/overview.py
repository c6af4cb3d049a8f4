"""What the files for a management set, as a German page for whoever loads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from praxisschild.catalogue import Catalogue
    from praxisschild.mdm.rows import Row, Selection

_PLATFORMS = {"ios": "iPhone und iPad", "android": "Android"}
_OWNERS = {"company": "dienstlich", "personal": "privat"}
_NEEDS = {"supervised": "nur betreut", "device": "nur dienstlich"}


@dataclass(frozen=True)
class Written:
    """One group of devices and the files that were written for it."""

    selection: Selection
    files: tuple[str, ...]


def render(practice: str, edition: str, catalogue: Catalogue, written: Sequence[Written]) -> str:
    """The page as Markdown."""
    lines = [f"# Mobilgeräte: {practice}", "", f"Nach der IT-Sicherheitsrichtlinie der KBV, Fassung {edition}.", ""]
    for one in written:
        lines += _group(one, catalogue, edition)
    lines += _unenforceable(written, catalogue, edition)
    return "\n".join(lines)


def _group(one: Written, catalogue: Catalogue, edition: str) -> list[str]:
    selection = one.selection
    platform = _PLATFORMS[selection.platform]
    lines = [
        f"## {platform}, {_OWNERS[selection.owner]}",
        "",
        f"Dateien: {', '.join(f'`{name}`' for name in one.files)}",
    ]
    if selection.platform == "ios":
        state = "nur dienstlich und betreut (supervised)" if selection.supervised else "nicht betreut"
        lines += ["", f"Gedacht für Geräte, die so eingerichtet sind: {state}."] if selection.owner == "company" else []
    lines += ["", "| Zweck | Einstellung | Anforderungen |", "|---|---|---|"]
    for row in selection.rows:
        cells = (row.name, "<br>".join(_settings(row)), numbers(row.requirements, catalogue, edition))
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    if selection.left_out:
        lines += ["", "Nicht enthalten:", ""]
        lines += [f"- {gone.name}: {gone.reason}" for gone in selection.left_out]
    return [*lines, ""]


def _settings(row: Row) -> list[str]:
    apple = [
        f"`{one.key} = {_value(one.value)}`{f' ({_NEEDS[one.needs]})' if one.needs in _NEEDS else ''}"
        for one in (*row.apple, *row.declaration)
    ]
    # an app's name stands in the brackets already
    fields = {field: value for field, value in row.android.items() if not field.endswith("].packageName")}
    return apple + [f"`{field} = {_value(value)}`" for field, value in fields.items()]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value)


def _unenforceable(written: Iterable[Written], catalogue: Catalogue, edition: str) -> list[str]:
    groups = [one.selection for one in written]
    items = {item.what: item for group in groups for item in group.unenforceable}
    if not items:
        return []
    lines = [
        "## Was keine Verwaltung durchsetzen kann",
        "",
        "| Was | Warum | Stattdessen | Anforderungen |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {item.what} ({' und '.join(_PLATFORMS[one] for one in item.platforms)}) | {item.why} | {item.way_out} "
        f"| {numbers(item.concerns, catalogue, edition)} |"
        for item in items.values()
    ]
    return [*lines, ""]


def numbers(requirements: Iterable[str], catalogue: Catalogue, edition: str) -> str:
    """Requirements in the edition's numbering; one that it does not contain keeps its own."""
    found = [new for one in requirements for new in catalogue.carried_forward(one, edition) or [one]]
    return ", ".join(dict.fromkeys(found))
