"""Settings that roles declare for Windows, collected on the controller until one call per kind applies them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.rows import Dropped, reason_to_drop, requirements_of, truth, unknown_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# kind → module that applies its rows, in this order: a service may start with what the registry says
MODULES = {
    "registry": "win_registry_values",
    "security": "win_security_policy_values",
    "audit": "win_audit_policy",
    "components": "win_components",
}
# what tells rows of a kind apart, without regard to case
IDENTITY = {
    "registry": ("key", "name", "view"),
    "security": ("name",),
    "audit": ("subcategory",),
    "components": ("kind", "name"),
}
DEFAULTS = {"view": "64", "state": "present", "mode": "exact"}
READ_HERE = {"requirement", "when", "unlisted"}
# facts of one host: what each task of a role has declared, numbered in their order. One fact that grew from task to
# task would be handed from process to process as a whole every time
FACT = "praxisschild_windows"
RELEASED = "released"  # beside the kinds: settings that an earlier run may have set and nobody asks for now
SET_HERE = ("role", "requirements")
SECRETS = {"value", "xml", "content"}  # what `secret` hides
Row = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """Rows in the words of the module, with role and requirements; and those left out because of a requirement.

    ``released`` says of every row that does not apply which setting it is about.
    """

    rows: tuple[Row, ...]
    dropped: tuple[Dropped, ...] = ()
    released: tuple[Row, ...] = ()


def select(
    kind: str, written: Sequence[Mapping[str, Any]], keys: Iterable[str], role: str, dropped: Mapping[str, str]
) -> Selection:
    """Read one role's rows of a kind and leave out what does not apply to the host.

    ``keys`` are those that the kind's module takes in a row; ``requirement`` and ``when`` are read here. ``unlisted``
    says for people and tests why no vendor's table has the setting.

    Raises:
        ValueError: a row cannot be used; the text says which one and why.
    """
    known = {*keys, *READ_HERE, "requirements"} - {"role"}
    kept, left_out, released = [], [], []
    for number, mapping in enumerate(written, 1):
        try:
            if not isinstance(mapping, dict):
                raise ValueError("is an object with keys")
            for key in mapping:
                if key not in known:
                    raise ValueError(unknown_key(str(key), known))
            applies, name = truth(mapping.get("when", True)), name_of(kind, mapping)
        except ValueError as error:
            raise ValueError(f"{kind} row {number} ({_hint(kind, mapping)}): {error}") from None
        requirements = requirements_of(mapping)
        reason = reason_to_drop(requirements, dropped)
        if not applies or reason is not None:
            keys = {key: mapping[key] for key in IDENTITY[kind] if mapping.get(key) is not None}
            released.append(keys | {"requirements": list(requirements), "role": role})
            if applies and reason is not None:
                left_out.append(Dropped(kind, name, requirements, reason))
            continue
        row = {key: value for key, value in mapping.items() if key not in READ_HERE and value is not None}
        kept.append(row | {"requirements": list(requirements), "role": role})
    return Selection(tuple(kept), tuple(left_out), tuple(released))


def name_of(kind: str, row: Mapping[str, Any]) -> str:
    """What messages call the row's setting.

    Raises:
        ValueError: a key is missing without which nobody knows what the row is about.
    """
    needed = [key for key in IDENTITY[kind] if key not in DEFAULTS and not (kind == "registry" and key == "name")]
    for key in needed:
        if not isinstance(row.get(key), str):
            raise ValueError(f"`{key}` is a text, and is needed")
    if kind == "registry":
        name = row.get("name")
        return str(row["key"]) + ("" if name is None else f"\\{name or '(default)'}")
    return str(row.get("name") or row[IDENTITY[kind][-1]])


def merge(kind: str, collected: Sequence[Row], new: Iterable[Row]) -> list[Row]:
    """Add rows to those that other roles have declared; what two of them want alike is one row for both.

    Raises:
        ValueError: two rows want different things of one setting; the text names both roles.
    """
    rows = [dict(row) for row in collected]
    known = {identity(kind, row): row for row in rows}
    for row in new:
        there = known.get(identity(kind, row))
        if there is None:
            rows.append(dict(row))
            known[identity(kind, row)] = rows[-1]
        elif wanted(there) != wanted(row):
            raise ValueError(
                f"{name_of(kind, row)}: role {row['role']} wants {_shown(row)}, role {there['role']} {_shown(there)}; "
                "let one of them declare it"
            )
        else:
            there["requirements"] = list(dict.fromkeys([*there["requirements"], *row["requirements"]]))
            if row["role"] not in there["role"].split(", "):
                there["role"] = f"{there['role']}, {row['role']}"
    return rows


def declared(variables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The facts of a host that hold rows, by their names, in the order of the tasks that declared them."""
    facts = variables.get("ansible_facts") or {}
    return {name: facts[name] for name in sorted(facts) if name.startswith(FACT)}


def together(facts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What all tasks have declared: kind → rows, and under RELEASED kind → settings that nobody asks for.

    Raises:
        ValueError: two roles want different things of one setting.
    """
    facts = list(facts)
    found: dict[str, Any] = {}
    for kind in MODULES:
        rows: list[Row] = []
        for fact in facts:
            rows = merge(kind, rows, fact.get(kind) or ())
        found[kind] = rows
    released = [fact.get(RELEASED) or {} for fact in facts]
    found[RELEASED] = {
        kind: nobodys(kind, (row for one in released for row in one.get(kind) or ()), found[kind]) for kind in MODULES
    }
    return found


def nobodys(kind: str, released: Iterable[Row], rows: Iterable[Row]) -> list[Row]:
    """Of the settings that some role does not ask for, those that no other role asks for; each once.

    What a key may hold at all is up to the row that lists it with ``only``.
    """
    asked, lists = set(), set()
    for row in rows:
        asked.add(identity(kind, row))
        if row.get("only") is not None:
            lists.add(identity(kind, row)[0])
    found = {identity(kind, row): row for row in released}
    return [row for key, row in found.items() if key not in asked and key[0] not in lists]


def hand_over(folder: str, host: str, collected: Mapping[str, Sequence[Row]]) -> None:
    """Keep a host's rows as ``<folder>/<host>.json`` for a program that takes them elsewhere; no secret value."""
    rows = {kind: [_without_secret(row) for row in collected.get(kind) or ()] for kind in MODULES}
    path = Path(folder) / f"{host}.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def handed_over(folder: Path, host: str) -> dict[str, list[Row]]:
    """What hand_over kept, kind → rows; nothing of a host that has no rows."""
    path = folder / f"{host}.json"
    found: dict[str, list[Row]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def identity(kind: str, row: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What two rows have in common that are about the same setting, however it is spelt."""
    values = [row.get(key, DEFAULTS.get(key)) for key in IDENTITY[kind]]
    return tuple(None if value is None else str(value).lower().replace(":\\", "\\").strip("{}") for value in values)


def wanted(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row asks for, without what only says who asks and how the setting is spelt."""
    aside = {*SET_HERE, "policy", "key", "name", "subcategory", "view", "kind"}
    return {**{key: DEFAULTS[key] for key in ("state", "mode")}, **{k: v for k, v in row.items() if k not in aside}}


def _without_secret(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in SECRETS} if truth(row.get("secret", False)) else row


def _hint(kind: str, mapping: Any) -> str:
    if not isinstance(mapping, dict):
        return "no object"
    return str(next((mapping[key] for key in reversed(IDENTITY[kind]) if mapping.get(key)), "without a name"))


def _shown(row: Mapping[str, Any]) -> str:
    if row.get("secret"):
        return "another value"
    return ", ".join(f"{key} {value!r}" for key, value in wanted(row).items() if DEFAULTS.get(key) != value)
