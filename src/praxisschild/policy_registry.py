"""Policies of browsers, mail and office programs in the registry of Windows, from the rows that Linux gets as files.

The forms are the vendors' own: Chromium's family reads lists from numbered values and objects as JSON; Mozilla's
programs read the tree of policies.json as keys, and what has names of one's own as JSON (mozilla/policy-templates);
LibreOffice reads a key per option with ``Value`` and ``Final`` (configmgr's reader of the Windows registry).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from praxisschild.rows import reason_to_drop, requirements_of, truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row = dict[str, Any]
# policies of Mozilla's that hold names of one's own, which may hold dots and slashes
MOZILLA_JSON = {"ExtensionSettings", "Preferences"}
_KEPT = ("requirement", "requirements", "when")


def chromium(rows: Iterable[Mapping[str, Any]], key: str) -> list[Row]:
    """Rows ``{option, value}`` as registry rows below the key of Chrome, Chromium or Edge.

    Raises:
        ValueError: a value that the registry has no form for.
    """
    found = []
    for row in rows:
        name, value = str(row["option"]), plain(row["value"])
        shared = {"policy": name} | _kept(row)
        if isinstance(value, list):
            found += _list(f"{key}\\{name}", [_text(one) for one in value], shared)
        else:
            found.append(
                {"key": key, "name": name, **_data(_text(value) if isinstance(value, dict) else value), **shared}
            )
    return found


def mozilla(rows: Iterable[Mapping[str, Any]], key: str, dropped: Mapping[str, str] | None = None) -> list[Row]:
    """Rows ``{option|path, value}`` of a policies.json as registry rows below the key of Firefox or Thunderbird.

    Policies with names of one's own become one value each, of all rows that apply: ``dropped`` are the requirements
    that do not apply to the host.

    Raises:
        ValueError: a value that the registry has no form for.
    """
    found: list[Row] = []
    whole: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for row in rows:
        path = [str(part) for part in row.get("path") or str(row["option"]).split(".")]
        path = path[1:] if path[0] == "policies" else path
        if path[0] not in MOZILLA_JSON:
            found += _branch(key, path, plain(row["value"]), {"policy": ".".join(path)} | _kept(row))
            continue
        requirements = requirements_of(row)
        if truth(row.get("when", True)) and reason_to_drop(requirements, dropped or {}) is None:
            tree, served = whole.setdefault(path[0], ({}, []))
            _put(tree, path[1:], plain(row["value"]))
            served += [one for one in requirements if one not in served]
    for name, (tree, served) in whole.items():
        value = [json.dumps(tree, ensure_ascii=False, sort_keys=True)]
        data = {"type": "multi_string", "value": value, "policy": name, "requirements": served}
        found.append({"key": key, "name": name, **data})
    return found


def libreoffice(rows: Iterable[Mapping[str, Any]], key: str) -> list[Row]:
    """Rows ``{path, option, value}``, or ``{path, option, command}`` for a command that is off, as registry rows.

    Every option is final: a person's own setting is without effect.

    Raises:
        ValueError: a value that LibreOffice has no form for.
    """
    found = []
    for row in rows:
        path = f"{row['path']}/{row['option']}"
        place, text = path.replace("/", "\\"), row.get("command")
        if text is None:
            text = _office_text(plain(row["value"]))
        else:
            place, path = f"{place}/#replace\\Command", str(row["path"])
        values = {"Value": {"type": "string", "value": text}, "Final": {"type": "dword", "value": 1}}
        found += [
            {"key": f"{key}\\org.openoffice.Office.{place}", "name": name, **data, "policy": path, **_kept(row)}
            for name, data in values.items()
        ]
    return found


def plain(value: Any) -> Any:
    """The value without what Ansible wraps containers in: JSON's writer would pass their templates by."""
    if isinstance(value, dict):
        return {str(name): plain(value[name]) for name in value}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def _kept(row: Mapping[str, Any]) -> Row:
    return {name: row[name] for name in _KEPT if name in row}


def _data(value: Any) -> Row:
    if isinstance(value, bool | int):
        return {"type": "dword", "value": int(value)}
    if isinstance(value, str):
        return {"type": "string", "value": str(value)}
    raise ValueError(f"{value!r} has no form in the registry")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _list(key: str, texts: Sequence[str], shared: Row) -> list[Row]:
    """Values "1", "2", … and no other; none: no key."""
    if not texts:
        return [{"key": key, "state": "absent", **shared}]
    numbers = [str(number) for number in range(1, len(texts) + 1)]
    values = [
        {"key": key, "name": n, "type": "string", "value": text, **shared}
        for n, text in zip(numbers, texts, strict=True)
    ]
    return [{"key": key, "only": numbers, **shared}, *values]


def _branch(key: str, path: Sequence[str], value: Any, shared: Row) -> list[Row]:
    below = "\\".join([key, *path])
    if isinstance(value, list):
        return _list(below, [_text(one) for one in value], shared)
    if isinstance(value, dict):
        branches = [
            _branch(key, [*path, name], inner, shared | {"policy": ".".join([*path, name])})
            for name, inner in value.items()
        ]
        return [row for rows in branches for row in rows]
    return [{"key": "\\".join([key, *path[:-1]]), "name": path[-1], **_data(value), **shared}]


def _put(tree: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value


def _office_text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_office_text(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | str):
        return str(value)
    raise ValueError(f"{value!r} has no form in LibreOffice's configuration")
