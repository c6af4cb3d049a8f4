"""Every setting for Windows is one that its vendor knows: key, name, type, value, and the policy's name.

What the vendors' tables lack says in its row why (``unlisted``). The excerpts are renewed by
``tests/data/vendor/windows/refresh.py FOLDER``, FOLDER being the one with the whole tables.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import windows_policies as policies

ROLES = policies.roles()
ROWS = [(role, kind, row) for role in ROLES for kind, row in policies.rows(role)]
REGISTRY = [(role, row) for role, kind, row in ROWS if kind == "registry"]
LISTED = [
    (role, row) for role, row in REGISTRY if not row.get("unlisted") and row.get("state") != "absent" and "name" in row
]


@pytest.mark.parametrize("role", ROLES)
def test_the_vendors_know_every_row(role: str) -> None:
    table = policies.excerpt(role)
    found = [
        f"{policies.label(kind, row)}: {objection}"
        for kind, row in policies.rows(role)
        if (objection := policies.objection(kind, row, table))
    ]
    assert not found


@pytest.mark.parametrize("role", ROLES)
def test_every_row_names_its_requirement_and_a_registry_row_its_policy(role: str) -> None:
    for kind, row in policies.rows(role):
        assert row.get("requirement") or row.get("requirements"), policies.label(kind, row)
        if kind == "registry":
            assert str(row.get("policy", "")).strip(), policies.label(kind, row)


@pytest.mark.parametrize("role", ROLES)
def test_the_excerpt_holds_what_is_used_and_nothing_else(role: str) -> None:
    table = policies.excerpt(role)
    whole = {"admx": table["registry"], **{kind: table[kind] for kind in ("security", "rights", "audit")}}
    assert json.loads(policies.written(policies.cut(role, whole))) == table


def test_every_excerpt_belongs_to_a_role() -> None:
    assert {path.stem for path in policies.EXCERPTS.glob("*.json")} == set(ROLES)


def test_a_row_is_taken_from_every_kind_of_declaration() -> None:
    """Were the roles not read any more, all of the above would be green."""
    declared = {path.parents[1].name for path in policies.ROLES.glob("*/tasks/windows.yml")}
    assert declared - {"windows_settings"} <= set(ROLES)
    assert all(policies.rows(role) for role in ROLES)


def wrong(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**row, **changes}


@pytest.mark.parametrize(("role", "row"), LISTED, ids=[policies.label("registry", row) for _, row in LISTED])
def test_one_mistake_in_any_row_is_noticed(role: str, row: dict[str, Any]) -> None:
    table = policies.excerpt(role)
    entry = policies.entry_of(row, table["registry"])
    assert entry is not None

    def said(**changes: Any) -> str:
        return policies.objection("registry", wrong(row, **changes), table) or ""

    hive = "HKCU" if row["key"].startswith("HKLM") else "HKLM"
    assert "no vendor's table" in said(key=row["key"] + "x")
    if policies.entry_of(wrong(row, key=hive + row["key"][4:]), table["registry"]) is None:
        assert "no vendor's table" in said(key=hive + row["key"][4:])
    if not entry.get("named"):
        assert "no vendor's table" in said(name=f"{row['name']}x")
    assert "type" in said(type="qword")
    assert "type" in said(type="multi_string" if "multi" not in entry["type"] else "binary")
    assert "unlisted" in said(unlisted="because I say so")
    if "values" in entry and entry["admx"] not in policies.COMMUNITY:
        assert "is none of" in said(value="anything else")
    if row["type"] == "dword":
        assert "value" in said(value=-1)
        assert "value" in said(value="on")
    if not policies.nameless(entry):
        assert "calls it" in said(policy=f"{row['policy']} 2")
    assert "policy: is missing" in said(policy=None)


TABLE = {
    "registry": {
        "machine": {
            r"software\policies\x": {
                "camera": {"admx": "X.admx", "policy": "NoCamera", "type": "dword", "values": [1]},
                "level": {"admx": "X.admx", "policy": "Level", "type": "string", "values": ["Block", "Warn"]},
                "minutes": {"admx": "X.admx", "policy": "Minutes", "type": "dword", "min": 1, "max": 60},
                "seconds": {"admx": "X.admx", "policy": "Seconds", "type": "string", "max": 900},
            },
            r"software\policies\x\list": {"*": {"admx": "X.admx", "policy": "List", "type": "list"}},
        },
        "user": {},
    },
    "missing": [r"machine\software\policies\x\known missing"],
    "security": {
        "LockoutDuration": {"type": "int", "min": 1, "max": 99999, "special": {"-1": "until unlocked"}},
        "PasswordComplexity": {"type": "bool"},
    },
    "rights": ["SeDenyNetworkLogonRight"],
    "audit": {"{0CCE9215-69AE-11D9-BED3-505054503030}": "Logon"},
}


def registry(**changes: Any) -> tuple[str, dict[str, Any]]:
    row = {"key": r"HKLM\SOFTWARE\Policies\X", "name": "Camera", "type": "dword", "value": 1, "policy": "NoCamera"}
    return "registry", wrong(row, **changes)


@pytest.mark.parametrize(
    "row",
    [
        registry(),
        registry(value=0),
        registry(name="Level", type="string", value="Block", policy="Level"),
        registry(name="Minutes", value=60, policy="Minutes"),
        registry(name="Seconds", type="string", value="900", policy="Seconds"),
        registry(key=r"HKLM\SOFTWARE\Policies\X\List", name="2", type="string", value="a", policy="List"),
        registry(name="Known missing", unlisted="only in the vendor's handbook"),
        registry(state="absent", type=None, value=None),
        ("registry", {"key": r"HKLM\SOFTWARE\Policies\X\List", "only": ["1"], "policy": "List"}),
        ("security", {"name": "PasswordComplexity", "value": 1}),
        ("security", {"name": "LockoutDuration", "value": -1}),
        ("security", {"name": "SeDenyNetworkLogonRight", "value": ["S-1-5-113"]}),
        ("audit", {"subcategory": "{0cce9215-69ae-11d9-bed3-505054503030}", "name": "Logon"}),
    ],
)
def test_what_the_vendors_know_passes(row: tuple[str, dict[str, Any]]) -> None:
    assert policies.objection(*row, TABLE) is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (registry(value=2), "none of [1]"),
        (registry(type="string", value="1"), "is dword"),
        (registry(name="Kamera"), "no vendor's table"),
        (registry(name="Kamera", unlisted="a table that nobody asked"), "refresh.py"),
        (registry(unlisted="looked in the wrong place"), "X.admx has it"),
        (registry(policy="NoKamera"), "calls it NoCamera"),
        (registry(name="Level", type="string", value="Warnung", policy="Level"), "none of"),
        (registry(name="Minutes", value=61, policy="Minutes"), "between 1 and 60"),
        (registry(name="Seconds", type="string", value="901", policy="Seconds"), "between 0 and 900"),
        (registry(name="Seconds", type="string", value="15 min", policy="Seconds"), "between 0 and 900"),
        (registry(key=r"HKLM\SOFTWARE\Policies\X\List", name="0", type="string", value="a"), "no vendor's table"),
        (registry(key=r"HKLM\SOFTWARE\Policies\X\List", name="a", type="string", value="a"), "no vendor's table"),
        (registry(name="Kamera", state="absent"), "no vendor's table"),
        (("registry", {"key": r"HKLM\SOFTWARE\Policies\X\Liste", "state": "absent"}), "no vendor's table"),
        (("security", {"name": "LockoutTime", "value": 1}), "no such name"),
        (("security", {"name": "LockoutDuration", "value": 0}), "between 1"),
        (("security", {"name": "PasswordComplexity", "value": 2}), "between 0 and 1"),
        (("security", {"name": "SeNetworkRight", "value": []}), "no such right"),
        (("security", {"name": "SeDenyNetworkLogonRight", "value": ["Gäste"]}), "no SIDs"),
        (("audit", {"subcategory": "{0CCE92FF-69AE-11D9-BED3-505054503030}"}), "no subcategory"),
        (("audit", {"subcategory": "{0CCE9215-69AE-11D9-BED3-505054503030}", "name": "Logoff"}), "is Logon"),
    ],
)
def test_a_mistake_is_told(row: tuple[str, dict[str, Any]], words: str) -> None:
    assert words in (policies.objection(*row, TABLE) or "")
