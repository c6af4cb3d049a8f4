"""Every policy, preference and option of office and mail that the role sets exists and takes this kind of value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

PROJECT = Path(__file__).resolve().parents[2]
ROLE = PROJECT / "roles" / "office_and_mail"
VENDOR: dict[str, dict[str, Any]] = json.loads(
    (PROJECT / "tests" / "data" / "vendor" / "office_options.json").read_text(encoding="utf-8")
)
THUNDERBIRD = ("thunderbird", "thunderbird_linux", "thunderbird_windows")
KINDS: dict[str, type] = {
    "boolean": bool,
    "xs:boolean": bool,
    "integer": int,
    "xs:int": int,
    "string": str,
    "xs:string": str,
    "oor:string-list": list,
}
# LibreOffice 7.4 of Debian 12 passes over these
NEWER = {
    f"Common/Security/Scripting/{name}"
    for name in (
        "DisableActiveContent",
        "KeepDocPrinterSettingsOnSaving",
        "KeepDocUserInfoOnSaving",
        "KeepDocVersionInfoOnSaving",
        "KeepNoteAuthorDateInfoOnSaving",
        "KeepRedlineInfoOnSaving",
    )
}


def settings() -> dict[str, Any]:
    """The role's variables as a host gets them."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for path in [ROLE / "defaults" / "main.yml", *sorted(ROLE.glob("vars/main/*.yml"))]:
        variables |= loader.load(trust_as_template(path.read_text(encoding="utf-8")))
    templar: Any = Templar(loader=loader, variables=variables)
    names = ("metadata", "active", "cloud", "reports", *THUNDERBIRD)
    return {name: templar.template(variables[f"__office_and_mail_{name}"]) for name in names}


def fits(value: object, kind: str) -> bool:
    """Whether the value is of the vendor's kind; in Python a bool is an int, too."""
    return isinstance(value, KINDS[kind]) and (KINDS[kind] is bool) == isinstance(value, bool)


SETTINGS = settings()
MAIL = [row for name in THUNDERBIRD for row in SETTINGS[name]]
OFFICE = [row for name in ("metadata", "active", "cloud", "reports") for row in SETTINGS[name]]


@pytest.mark.parametrize("row", OFFICE, ids=lambda row: row["option"])
def test_libreoffice_knows_the_option(row: dict[str, Any]) -> None:
    path = row["path"] if "command" in row else f"{row['path']}/{row['option']}"
    entry = VENDOR["options"][path]
    assert entry["known_by"] == (1 if path in NEWER else 2)
    if "command" in row:
        assert entry["type"] == "set of CommandType"
    else:
        assert fits(row["value"], entry["type"])


@pytest.mark.parametrize("row", MAIL, ids=lambda row: row.get("option") or row["path"][-1])
def test_thunderbird_knows_the_policy(row: dict[str, Any]) -> None:
    path = (row.get("path") or row["option"].split("."))[1:]
    if path[0] == "Preferences":
        assert row["value"]["Status"] == "locked"
        assert fits(row["value"]["Value"], VENDOR["preferences"][path[1]])
    else:
        entry = VENDOR["policies"][".".join(path)]
        assert "status" not in entry
        assert fits(row["value"], entry["type"])
        assert row["value"] in entry.get("values", [row["value"]])


def test_vendor_table_holds_nothing_that_is_not_used() -> None:
    options = {row["path"] if "command" in row else f"{row['path']}/{row['option']}" for row in OFFICE}
    paths = [(row.get("path") or row["option"].split("."))[1:] for row in MAIL]
    assert set(VENDOR["options"]) == options
    assert set(VENDOR["preferences"]) == {path[1] for path in paths if path[0] == "Preferences"}
    assert {name.split(".")[0] for name in VENDOR["policies"]} == {path[0] for path in paths}
