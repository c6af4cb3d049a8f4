"""Rows of every kind with what a policy has to say instead, written by hand in data/gpo/rows.yml."""

from __future__ import annotations

import struct
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from praxisschild.gpo import backup, plan

if TYPE_CHECKING:
    from praxisschild.gpo.backup import Backup
    from praxisschild.gpo.model import Plan

DATA = Path(__file__).parent / "data/gpo/rows.yml"
DAY = date(2025, 4, 1)


class Value(NamedTuple):
    """One instruction of a Registry.pol."""

    scope: str
    key: str
    name: str
    kind: int
    data: bytes


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Every case with its kind."""
    found = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return [(kind, case) for kind, several in found.items() for case in several]


def name_of(case: tuple[str, dict[str, Any]]) -> str:
    return " ".join(str(case[1]["row"].get(key, "")) for key in ("kind", "key", "name", "subcategory")).strip()


def rows() -> dict[str, list[dict[str, Any]]]:
    """The rows as a host's hand-over has them."""
    found: dict[str, list[dict[str, Any]]] = {"registry": [], "security": [], "audit": [], "components": []}
    for kind, case in cases():
        found[kind].append({**case["row"], "role": "endpoint_hardening", "requirements": ["2021-A1-13"]})
    return found


def values() -> list[Value]:
    """What all Registry.pol together have to hold."""
    written = [one for _kind, case in cases() for one in case.get("pol", ())]
    return [Value(scope, key, name, kind, data_of(data)) for scope, key, name, kind, data in written]


def data_of(written: str) -> bytes:
    if written.startswith('"'):
        return f"{written[1:-1]}\0".encode("utf-16-le")
    return bytes.fromhex(written)


def lines() -> list[tuple[str, str]]:
    """Section and line of everything that GptTmpl.inf has to hold."""
    return [(section, line) for _kind, case in cases() for section, line in case.get("inf", ())]


def audits() -> list[tuple[str, int]]:
    return [(case["audit"][0], case["audit"][1]) for _kind, case in cases() if "audit" in case]


def planned(*without: str) -> Plan:
    """The plan for one host with all rows but those of these names."""
    kept = {kind: [row for row in several if row.get("name") not in without] for kind, several in rows().items()}
    return plan.plan({"pc-1": kept}, {})


def written(*without: str) -> Backup:
    """The one policy of these rows."""
    (gpo,) = planned(*without).gpos
    return backup.write(gpo, "Praxis am Markt", "praxis-am-markt", DAY)


def read_pol(content: bytes) -> list[tuple[str, str, int, bytes]]:
    """A reader of Registry.pol that shares nothing with the writer: key, name, type, data."""
    assert content[:8] == b"PReg\x01\0\0\0"
    found, at = [], 8

    def expect(sign: str) -> None:
        nonlocal at
        assert content[at : at + 2].decode("utf-16-le") == sign
        at += 2

    def text() -> str:
        nonlocal at
        end = at
        while content[end : end + 2] != b"\0\0":
            end += 2
            assert end < len(content)
        start, at = at, end + 2
        return content[start:end].decode("utf-16-le")

    def number() -> int:
        nonlocal at
        at += 4
        return int(struct.unpack("<I", content[at - 4 : at])[0])

    while at < len(content):
        expect("[")
        key = text()
        expect(";")
        name = text()
        expect(";")
        kind = number()
        expect(";")
        size = number()
        expect(";")
        found.append((key, name, kind, content[at : at + size]))
        at += size
        expect("]")
    return found
