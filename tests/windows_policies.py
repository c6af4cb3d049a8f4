"""Windows rows of all roles as hosts get them, and what the vendors' tables have against a row.

The tables are excerpts in ``tests/data/vendor/windows``, one file per role, with exactly what its rows use.
"""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROJECT = Path(__file__).resolve().parents[1]
ROLES = PROJECT / "roles"
EXCERPTS = PROJECT / "tests" / "data" / "vendor" / "windows"
PRACTICE = PROJECT / "inventories" / "windowspraxis"
KINDS = ("registry", "security", "audit", "components")
HIVES = {"hklm": "machine", "hkcu": "user"}
# types of the module, and the words of the tables that allow them
TYPES = {
    "dword": {"dword"},
    "qword": {"qword"},
    "string": {"string", "list"},
    "expand_string": {"expand"},
    "multi_string": {"multi"},
    "binary": {"binary"},
}
# sets whose policies have no name by a vendor: security options go by their title, which no table has
NAMELESS = {"community", "gpttmpl", "lists", "registry.pol", "sceregvl"}
# of a community too, though its set says otherwise: names and values are what its authors like
COMMUNITY = {"Magreto-18052.admx"}
THUNDERBIRD = r"software\policies\mozilla\thunderbird"
MOZILLA_TYPES = {"boolean": "dword", "integer": "dword", "string": "string"}
BROWSERS = re.compile(
    r"software\\policies\\(google\\chrome|microsoft\\edge|mozilla\\firefox|mozilla\\thunderbird)(?=\\|$)"
)
SID = re.compile(r"\*?S-1-\d+(-\d+)+$|\{machine\}-\d+$")

Row = dict[str, Any]
Table = dict[str, Any]


def roles() -> list[str]:
    """Roles that declare something for Windows."""
    return sorted({path.parents[1].name for path in ROLES.glob("*/tasks/*.yml") if _declarations(path)})


def _declarations(path: Path) -> list[dict[str, Any]]:
    """The arguments of every ``windows_rows`` in a file of tasks, as written."""
    loader = DataLoader()
    tasks = list(loader.load_from_file(str(path), trusted_as_template=True) or [])
    found = []
    while tasks:
        task = tasks.pop(0)
        tasks = [*task.get("block", []), *tasks]
        if isinstance(task.get("windows_rows"), dict):
            found.append(task["windows_rows"])
    return found


@cache
def _practice() -> tuple[Any, list[dict[str, Any]]]:
    """A loader, and the variables of each host of the model practice."""
    init_plugin_loader()
    filter_loader.add_directory(str(PROJECT / "plugins" / "filter"))
    loader: Any = DataLoader()
    inventory: Any = InventoryManager(loader=loader, sources=[str(PRACTICE)])
    manager: Any = VariableManager(loader=loader, inventory=inventory)
    HostVars(inventory, manager, loader)  # the manager keeps it: roles look at other hosts, too
    return loader, [manager.get_vars(host=host) for host in inventory.get_hosts()]


@cache
def rows(role: str) -> tuple[tuple[str, Row], ...]:
    """Kind and row, for every host of the model practice, with the defaults and with every choice there is.

    A row counts whether or not its ``when`` holds; what several hosts get alike is one row.
    """
    loader, hosts = _practice()
    folder = ROLES / role
    variables: dict[str, Any] = {}
    for path in [folder / "defaults" / "main.yml", *sorted(folder.glob("vars/main/*.yml"))]:
        variables |= loader.load_from_file(str(path), trusted_as_template=True) or {}
    choices = loader.load_from_file(str(EXCERPTS / "choices.yml")) or {}
    found: dict[str, tuple[str, Row]] = {}
    for host in hosts:
        for chosen in ({}, choices):
            templar: Any = Templar(
                loader=loader, variables={**variables, **host, **chosen, "ansible_search_path": [str(folder)]}
            )
            for path in sorted(folder.glob("tasks/*.yml")):
                for declared in _declarations(path):
                    for kind, written in declared.items():
                        for row in templar.template(written):
                            plain = {key: value for key, value in row.items() if key != "when"}
                            found[json.dumps([kind, plain], sort_keys=True, default=str)] = (kind, plain)
    return tuple(found.values())


def place(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Hive (``machine`` or ``user``), key and name of a registry row, as the tables write them: in small letters."""
    head, _, rest = str(row["key"]).partition("\\")
    key = re.sub(
        r"(?<=\\)[^\\]+/#replace(?=\\)", "*", rest.strip("\\").lower()
    )  # a node that LibreOffice has no name for
    return HIVES[head.rstrip(":").lower()], key, str(row.get("name", "")).lower()


def excerpt(role: str) -> Table:
    """What the tables say of the role's rows."""
    table: Table = json.loads((EXCERPTS / f"{role}.json").read_text(encoding="utf-8"))
    return table


def label(kind: str, row: Mapping[str, Any]) -> str:
    """What a message calls the row."""
    if kind == "registry":
        return f"{row['key']}\\{row.get('name', '')}"
    return str(row.get("subcategory") or row.get("name"))


def objection(kind: str, row: Mapping[str, Any], table: Table) -> str | None:
    """What is wrong with a row according to the tables; None if nothing.

    ``table`` is an excerpt: ``registry`` {hive: {key: {name: entry}}}, ``missing`` places that no table has,
    ``security``, ``rights`` and ``audit`` as the vendors' tables have them.
    """
    if kind == "registry":
        return _registry(row, table)
    if kind == "security":
        return _right(row, table) if isinstance(row.get("value"), list) else _access(row, table)
    if kind == "audit":
        known = table["audit"].get(str(row["subcategory"]).upper())
        if known is None:
            return "no subcategory has this GUID"
        return None if row.get("name", known) == known else f"name: this GUID is {known}"
    return None


def _registry(row: Mapping[str, Any], table: Table) -> str | None:
    entry = entry_of(row, table["registry"])
    if entry is None:
        if row.get("unlisted"):
            known = "\\".join(place(row)) in table["missing"]
            return None if known else "is not in the excerpt; run refresh.py"
        return "no vendor's table has it; is it spelt right? If so, say in `unlisted` where it comes from"
    if row.get("unlisted"):
        return f"`unlisted`, but {entry['admx']} has it: {entry['policy']}"
    if row.get("state") == "absent" or "name" not in row:
        return _policy(row, entry)
    return _type(row, entry) or _value(row, entry) or _policy(row, entry)


def entry_of(row: Mapping[str, Any], registry: Mapping[str, Any]) -> Table | None:
    """The table's entry for a registry row; of a list policy, the one for all its members."""
    hive, key, _ = place(row)
    name = _name_in_table(row, registry)
    entry: Table | None = None if name is None else registry[hive][key][name]
    return entry


def _name_in_table(row: Mapping[str, Any], registry: Mapping[str, Any]) -> str | None:
    """Under which name the table has the row; for a row about a key, any name in it."""
    hive, key, name = place(row)
    values = registry.get(hive, {}).get(key, {})
    if "name" not in row:
        return min(values, default=None)
    if name in values:
        return name
    prefix = str(values.get("*", {}).get("prefix", "")).lower()
    member = "*" in values and (values["*"].get("named") or re.fullmatch(re.escape(prefix) + r"[1-9]\d*", name))
    return "*" if member else None


def _type(row: Mapping[str, Any], entry: Table) -> str | None:
    allowed = set(entry["type"].split("|"))
    if not allowed & TYPES.get(str(row.get("type")), set()):
        return f"type: {row.get('type')}, but {entry['policy']} is {entry['type']}"
    return None


def _value(row: Mapping[str, Any], entry: Table) -> str | None:
    value = row.get("value")
    if "values" in entry and entry["admx"] not in COMMUNITY:
        allowed = {str(one).lower() for one in entry["values"]}
        # a switch is on or off, whichever side the template spells out
        known = _text(value) in (allowed if allowed - {"0", "1"} else {"0", "1"})
        return None if known else f"value: {value!r} is none of {entry['values']}"
    if "min" in entry or "max" in entry:
        low, high = entry.get("min", 0), entry.get("max", 2**32 - 1)
        number = _text(value)
        if not number.isdigit() or not low <= int(number) <= high:
            return f"value: {value!r} is not between {low} and {high}"
    if row["type"] == "dword" and not _text(value).isdigit():
        return f"value: {value!r} is no whole number"
    if row["type"] in {"string", "expand_string"} and not isinstance(value, str):
        return f"value: {value!r} is no text"
    return None


def _text(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch("0x[0-9a-fA-F]+", value):
        return str(int(value, 16))
    return str(value).lower()


def _policy(row: Mapping[str, Any], entry: Table) -> str | None:
    given = row.get("policy")
    if not given:
        return "policy: is missing"
    if nameless(entry) or given == entry["policy"] or _browsers_name(row) == str(given).lower():
        return None
    return f"policy: {given!r}, but {entry['admx']} calls it {entry['policy']}"


def _browsers_name(row: Mapping[str, Any]) -> str | None:
    """What a browser's maker calls the policy that a row stands for, in small letters; None for others' rows.

    Chrome and Edge: the option; Mozilla: the place in policies.json.
    """
    _, key, name = place(row)
    found = BROWSERS.match(key)
    if not found:
        return None
    parts = key[found.end() + 1 :].split("\\") if key[found.end() :] else []
    return ".".join(parts if name.isdigit() or "name" not in row else [*parts, name])


def nameless(entry: Table) -> bool:
    """Whether the tables do not know what the vendor calls the policy."""
    return entry.get("set") in NAMELESS or entry["admx"] in COMMUNITY


def _access(row: Mapping[str, Any], table: Table) -> str | None:
    entry = table["security"].get(row["name"])
    if entry is None:
        return "secedit knows no such name"
    value = row["value"]
    if entry["type"] == "string":
        return None if isinstance(value, str) else f"value: {value!r} is no text"
    number = str(int(value)) if isinstance(value, bool) else str(value)
    if number in entry.get("special", {}):
        return None
    low, high = (0, 1) if entry["type"] == "bool" else (entry["min"], entry["max"])
    if not number.isdigit() or not low <= int(number) <= high:
        return f"value: {value!r} is not between {low} and {high}"
    return None


def _right(row: Mapping[str, Any], table: Table) -> str | None:
    if row["name"] not in table["rights"]:
        return "Windows knows no such right"
    wrong = [one for one in row["value"] if not SID.match(str(one))]
    return f"value: {wrong} are no SIDs" if wrong else None


def without_templates() -> Table:
    """Keys of LibreOffice and Thunderbird, which have no templates, out of what the programs themselves know."""
    known = json.loads((EXCERPTS.parent / "office_options.json").read_text(encoding="utf-8"))
    keys: Table = {}
    for path, option in known["options"].items():
        parts, policy = path.split("/"), {"admx": "LibreOffice", "policy": path}
        if option["type"].startswith("set of "):
            named = {"policy": path, "admx": "LibreOffice", "type": "string"}
            final = {"policy": path, "admx": "LibreOffice", "type": "dword", "values": [1]}
            keys[_office_key([*parts, "*", "Command"])] = {"value": named, "final": final}
            continue
        value: Table = policy | {"type": "string"}
        if option["type"] == "xs:boolean":
            value["values"] = ["true", "false"]
        elif option["type"] == "xs:int":
            value |= {"min": 0, "max": 2**31 - 1}
        keys[_office_key(parts)] = {"value": value, "final": policy | {"type": "dword", "values": [1]}}
    for path, entry in known["policies"].items():
        *parents, name = path.lower().split(".")
        if entry["type"] in MOZILLA_TYPES and "*" not in path and "[]" not in path:
            found = {"admx": "Thunderbird", "policy": path, "type": MOZILLA_TYPES[entry["type"]]}
            found |= {"values": [0, 1]} if entry["type"] == "boolean" else {}
            found |= {"values": entry["values"]} if "values" in entry else {}
            keys.setdefault("\\".join([THUNDERBIRD, *parents]), {})[name] = found
    preferences = {"admx": "Thunderbird", "policy": "Preferences", "type": "multi"}
    keys.setdefault(THUNDERBIRD, {})["preferences"] = preferences
    return keys


def _office_key(parts: Sequence[str]) -> str:
    return ("software\\policies\\libreoffice\\org.openoffice.office." + "\\".join(parts)).lower()


def cut(role: str, whole: Mapping[str, Any]) -> Table:
    """The excerpt for a role out of the whole tables (``admx``, ``security``, ``rights``, ``audit``)."""
    table: Table = {
        "registry": {"machine": {}, "user": {}},
        "missing": set(),
        "security": {},
        "rights": set(),
        "audit": {},
    }
    for kind, row in rows(role):
        name = row.get("name")
        if kind == "registry":
            hive, key, name = place(row)
            there = _name_in_table(row, whole["admx"])
            if there is None:
                table["missing"].add(f"{hive}\\{key}\\{name}")
            else:
                table["registry"][hive].setdefault(key, {})[there] = whole["admx"][hive][key][there]
        elif kind == "audit":
            guid = str(row["subcategory"]).upper()
            if guid in whole["audit"]:
                table["audit"][guid] = whole["audit"][guid]
        elif kind == "security" and name in whole["rights"]:
            table["rights"].add(name)
        elif kind == "security" and name in whole["security"]:
            table["security"][name] = whole["security"][name]
    return table | {"missing": sorted(table["missing"]), "rights": sorted(table["rights"])}


def written(table: Table) -> str:
    """The excerpt as text, an entry per line."""
    return _pretty(dict(table), 0) + "\n"


def _pretty(value: Any, depth: int) -> str:
    if isinstance(value, dict) and value and not {"admx", "type"} & value.keys():
        inner = [f"{' ' * (depth + 1)}{json.dumps(k)}: {_pretty(v, depth + 1)}" for k, v in sorted(value.items())]
        return "{\n" + ",\n".join(inner) + "\n" + " " * depth + "}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"{' ' * (depth + 1)}{json.dumps(one)}" for one in value) + "\n" + " " * depth + "]"
    return json.dumps(value, sort_keys=True)


def nearest(row: Mapping[str, Any], admx: Mapping[str, Any]) -> Iterator[str]:
    """Where a name that no table has under this key could belong, for whoever writes the row."""
    hive, key, name = place(row)
    for other, keys in admx.items():
        for one, values in keys.items():
            if name in values and (other, one) != (hive, key):
                yield f"{other}\\{one} has {name} ({values[name]['policy']})"
    for close in difflib.get_close_matches(name, admx[hive].get(key, {}), n=2, cutoff=0.6):
        yield f"this key has {close} ({admx[hive][key][close]['policy']})"
