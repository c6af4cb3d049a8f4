"""Every browser policy that the role sets exists, takes this kind of value, and has a future."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROJECT = Path(__file__).resolve().parents[2]
ROLE = PROJECT / "roles" / "browser_policy"
VENDOR: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (PROJECT / "tests" / "data" / "vendor" / "browser_policies.json").read_text(encoding="utf-8")
)
TABLES = {
    "chrome": ("__browser_policy_chromium_family", "__browser_policy_chromium"),
    "edge": ("__browser_policy_chromium_family", "__browser_policy_edge"),
    "firefox": ("__browser_policy_firefox",),
}
NO_FUTURE = {"deprecated", "removed", "obsolete"}
KINDS: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "int-enum": (int,),
    "string": (str,),
    "string-enum": (str,),
    "list": (list,),
    "array": (list,),
    "object": (dict,),
}
# a practice that uses every choice there is
CHOICES = {
    "browser_policy_http_hosts": ["konnektor.praxis.local"],
    "browser_policy_camera_sites": ["https://sprechstunde.example"],
    "browser_policy_microphone_sites": ["https://sprechstunde.example"],
}


def rows() -> list[tuple[str, dict[str, Any]]]:
    """Browser and row as the host gets it, templates resolved."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for path in [ROLE / "defaults" / "main.yml", *sorted(ROLE.glob("vars/main/*.yml"))]:
        variables |= loader.load(trust_as_template(path.read_text(encoding="utf-8")))
    templar: Any = Templar(loader=loader, variables=variables | CHOICES)
    settings = {name: templar.template(variables[name]) for names in TABLES.values() for name in names}
    return [(browser, row) for browser, names in TABLES.items() for name in names for row in settings[name]]


ROWS = rows()


def leaves(row: Mapping[str, Any]) -> Iterator[tuple[list[str], Any]]:
    """Path without Firefox's outer object, and value; objects are taken apart."""
    path = list(row.get("path") or row["option"].split("."))
    todo = [(path[1:] if path[0] == "policies" else path, row["value"])]
    while todo:
        parts, value = todo.pop()
        if isinstance(value, dict):
            todo += [([*parts, name], inner) for name, inner in value.items()]
        else:
            yield parts, value


def entry_of(browser: str, path: list[str]) -> dict[str, Any] | None:
    """The vendor's entry; ``*`` there stands for a name of one's own."""
    table = VENDOR[browser]
    free = [path[0], "*", *path[2:]]
    return next((table[name] for name in (".".join(path), ".".join(free)) if name in table), None)


def misfit(entry: Mapping[str, Any], value: Any) -> str | None:
    """What the policy takes, if it does not take this value."""
    kinds = tuple(kind for word in entry["type"].split("|") for kind in KINDS[word])
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        return str(entry["type"])
    if "values" in entry and value not in entry["values"]:
        return f"one of {entry['values']}"
    if isinstance(value, int) and not entry.get("min", value) <= value <= entry.get("max", value):
        return f"{entry.get('min')} to {entry.get('max')}"
    return None


def objection(browser: str, path: list[str], value: Any) -> str | None:
    """What the vendor has against this setting; None if nothing."""
    name = ".".join(path)
    entry = entry_of(browser, path)
    if entry is None:
        near = difflib.get_close_matches(name, VENDOR[browser], n=1)
        return f"{browser} knows no {name}" + (f"; did you mean {near[0]}?" if near else "")
    for table in (entry, VENDOR[browser][path[0]]):
        if table.get("status") in NO_FUTURE:
            return f"{browser}: {name} is {table['status']}"
    if wanted := misfit(entry, value):
        return f"{browser}: {name} takes {wanted}, not {value!r}"
    member = [*path[:-1], f"{path[-1]}[]"]
    if not isinstance(value, list) or entry_of(browser, member) is None:
        return None
    return next((found for one in value if (found := objection(browser, member, one))), None)


@pytest.mark.parametrize(
    ("browser", "row"), ROWS, ids=[f"{browser}-{row.get('option') or row['path'][-1]}" for browser, row in ROWS]
)
def test_policy_is_one_that_the_vendor_knows_and_keeps(browser: str, row: dict[str, Any]) -> None:
    objections = [found for path, value in leaves(row) if (found := objection(browser, path, value))]
    assert not objections


@pytest.mark.parametrize(
    ("browser", "path", "value", "words"),
    [
        ("chrome", ["SyncDisable"], True, "did you mean SyncDisabled"),
        ("chrome", ["SyncDisabled"], 1, "takes boolean"),
        ("chrome", ["BrowserSignin"], False, "takes int-enum"),
        ("chrome", ["HttpsOnlyMode"], "forced", "takes one of"),
        ("chrome", ["RelaunchNotificationPeriod"], 1, "takes 3600000 to"),
        ("chrome", ["SSLVersionMin"], "tls1.2", "is removed"),
        ("edge", ["SSLVersionMin"], "tls1.2", "is obsolete"),
        ("firefox", ["Permissions", "Camera", "Blocked"], True, "knows no"),
    ],
)
def test_wrong_policy_is_noticed(browser: str, path: list[str], value: object, words: str) -> None:
    assert words in (objection(browser, path, value) or "")


@pytest.mark.parametrize("browser", TABLES)
def test_every_row_names_its_requirement(browser: str) -> None:
    assert all(row.get("requirement") for name, row in ROWS if name == browser)


def test_vendor_table_holds_nothing_that_is_not_used() -> None:
    used = {(browser, path[0]) for browser, row in ROWS for path, _ in leaves(row)} | {
        ("chrome", "SSLVersionMin"),
        ("edge", "SSLVersionMin"),
    }
    held = {(browser, name.split(".")[0].removesuffix("[]")) for browser in TABLES for name in VENDOR[browser]}
    assert held == used
