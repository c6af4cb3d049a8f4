"""Policies in the registry say what the policy files on Linux say: read back as the programs do, they are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from praxisschild import policy_registry
from tests.unit.test_browser_policy_names import ROWS
from tests.unit.test_office_policy_names import MAIL, OFFICE

KEY = r"HKLM\SOFTWARE\Policies\Program"


def of(browser: str) -> list[dict[str, Any]]:
    return [row for name, row in ROWS if name == browser]


def tree(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The registry as nested keys, a value as {"": {name: value}}; what is absent is not there."""
    root: dict[str, Any] = {}
    for row in rows:
        if row.get("state") == "absent":
            continue
        node = root
        for part in row["key"].removeprefix(KEY).strip("\\").split("\\"):
            node = node.setdefault(part, {}) if part else node
        if "name" in row:
            node.setdefault("", {})[row["name"]] = row["value"]
    return root


def as_mozilla_reads(node: dict[str, Any]) -> Any:
    """Values "1", "2", … are a list, several lines are JSON, everything else is an object."""
    values = {
        name: json.loads(value[0]) if isinstance(value, list) else value for name, value in node.get("", {}).items()
    }
    if "1" in values:
        return [values[str(number)] for number in range(1, len(values) + 1)]
    return values | {name: as_mozilla_reads(inner) for name, inner in node.items() if name}


def as_file(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The tree of policies.json; an empty list says as much as none."""
    root: dict[str, Any] = {}
    for row in rows:
        *parents, name = (row.get("path") or row["option"].split("."))[1:]
        node = root
        for part in parents:
            node = node.setdefault(part, {})
        if row["value"] != []:
            node[name] = row["value"]
    return root


@pytest.mark.parametrize("rows", [of("firefox"), MAIL], ids=["firefox", "thunderbird"])
def test_mozillas_programs_read_the_tree_of_the_file(rows):
    assert len(rows) > 20
    assert as_mozilla_reads(tree(policy_registry.mozilla(rows, KEY))) == as_file(rows)


@pytest.mark.parametrize("browser", ["chrome", "edge"])
def test_chromiums_family_reads_the_values_of_the_file(browser):
    rows = of(browser)
    read = tree(policy_registry.chromium(rows, KEY))
    values = read.pop("") | {
        name: [node[""][str(n)] for n in range(1, len(node[""]) + 1)] for name, node in read.items()
    }
    assert values == {row["option"]: row["value"] for row in rows if row["value"] != []}


def test_libreoffice_reads_every_option_as_final():
    rows = policy_registry.libreoffice(OFFICE, KEY)
    values = {(row["key"].removeprefix(KEY + "\\org.openoffice.Office."), row["name"]): row["value"] for row in rows}
    assert values["Common\\Security\\Scripting\\MacroSecurityLevel", "Value"] == "3"
    assert values["Common\\Security\\Scripting\\RemovePersonalInfoOnSaving", "Value"] == "true"
    assert values["Common\\Misc\\CmisServersUrls", "Value"] == ""
    assert values["Commands\\Execute\\Disabled\\praxisschild-2/#replace\\Command", "Value"] == "SaveAsRemote"
    finals = [value for (_, name), value in values.items() if name == "Final"]
    assert finals == [1] * len(OFFICE)
    assert len(rows) == 2 * len(OFFICE)


def test_folders_are_separated_by_spaces_as_in_a_list_of_the_configuration():
    row = {"path": "Common/Security/Scripting", "option": "SecureURL", "value": ["file:///C:/a%20b", "file:///D:/c"]}
    assert policy_registry.libreoffice([row], KEY)[0]["value"] == "file:///C:/a%20b file:///D:/c"


def test_a_list_holds_its_values_and_no_other_and_an_empty_one_is_no_key():
    row = {"option": "URLBlocklist", "value": ["a.example", "b.example"], "requirement": "2021-A1-05", "when": "yes"}
    key, *values = policy_registry.chromium([row], KEY)
    shared = {"key": KEY + r"\URLBlocklist", "policy": "URLBlocklist", "requirement": "2021-A1-05", "when": "yes"}
    assert key == {"only": ["1", "2"], **shared}
    assert values == [
        {"name": "1", "type": "string", "value": "a.example", **shared},
        {"name": "2", "type": "string", "value": "b.example", **shared},
    ]
    assert policy_registry.chromium([row | {"value": []}], KEY) == [{"state": "absent", **shared}]


def test_an_object_of_chromiums_is_json():
    (row,) = policy_registry.chromium([{"option": "X", "value": {"ä": [1, True]}}], KEY)
    assert (row["type"], json.loads(row["value"])) == ("string", {"ä": [1, True]})


def test_what_does_not_apply_is_not_in_the_one_value_of_all_preferences():
    rows = [
        {"path": ["policies", "Preferences", "a.b"], "value": {"Value": 1}, "requirement": "2025-A1-40"},
        {"path": ["policies", "Preferences", "c"], "value": {"Value": 2}, "requirements": ["2021-A1-05", "2021-A1-18"]},
        {"path": ["policies", "Preferences", "d"], "value": {"Value": 3}, "requirement": "2021-A1-05", "when": False},
    ]
    (row,) = policy_registry.mozilla(rows, KEY, {"2025-A1-40": "deviation", "2021-A1-18": "not here"})
    assert json.loads(row["value"][0]) == {"c": {"Value": 2}}
    assert row["requirements"] == ["2021-A1-05", "2021-A1-18"]
    assert policy_registry.mozilla(rows[:1], KEY, {"2025-A1-40": "deviation"}) == []


@pytest.mark.parametrize(
    ("form", "row"),
    [
        (policy_registry.chromium, {"option": "X", "value": 1.5}),
        (policy_registry.mozilla, {"option": "policies.X", "value": None}),
        (policy_registry.libreoffice, {"path": "Common", "option": "X", "value": {"a": 1}}),
    ],
)
def test_a_value_without_a_form_is_refused(form, row):
    with pytest.raises(ValueError, match="has no form"):
        form([row], KEY)
