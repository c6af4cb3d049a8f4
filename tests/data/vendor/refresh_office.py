#!/usr/bin/env python3
"""Cut what the role office_and_mail sets out of the vendors' tables and of the installed programs.

Usage: refresh_office.py FOLDER OMNI_JA MAIN_XCD [MAIN_XCD ...]

FOLDER holds browser_policies.json, OMNI_JA is Thunderbird's (/usr/lib/thunderbird/omni.ja), MAIN_XCD LibreOffice's
(/usr/lib/libreoffice/share/registry/main.xcd), one per release: an option that only some know says so.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

HERE = Path(__file__).resolve().parent
ROWS = HERE.parents[2] / "roles" / "office_and_mail" / "vars" / "main" / "policies.yml"
OOR = "{http://openoffice.org/2001/registry}"
PREFERENCE = re.compile(r'^\s*(?:sticky_)?pref\("([^"]+)",\s*(.+?)(?:,\s*(?:sticky|locked))?\);', re.MULTILINE)
READ = re.compile(r'get(Bool|Int|Char|String)Pref\(\s*"([^"]+)"')
THUNDERBIRD = (
    "__office_and_mail_thunderbird",
    "__office_and_mail_thunderbird_linux",
    "__office_and_mail_thunderbird_windows",
)
OFFICE = (
    "__office_and_mail_metadata",
    "__office_and_mail_active",
    "__office_and_mail_cloud",
    "__office_and_mail_reports",
)


def policies(folder: Path, names: set[str]) -> dict[str, Any]:
    """The entries of Thunderbird's policies."""
    whole = json.loads(folder.joinpath("browser_policies.json").read_text(encoding="utf-8"))["thunderbird"]
    return {name: entry for name, entry in whole.items() if re.split(r"[.\[]", name)[0] in names}


def preferences(omni: Path, names: set[str]) -> dict[str, str]:
    """Types of Thunderbird's preferences, from the defaults it ships or, without one, from the code that reads them."""
    found: dict[str, str] = {}
    kinds = {"Bool": "boolean", "Int": "integer", "Char": "string", "String": "string"}
    with zipfile.ZipFile(omni) as archive:
        for member in archive.namelist():
            if member.endswith(("Message.js", "Overlay.js", "HdrView.js")):
                read = READ.findall(archive.read(member).decode("utf-8", "replace"))
                found = {name: kinds[kind] for kind, name in read if name in names} | found
            if member.endswith(".js") and ("defaults/pref" in member or member == "greprefs.js"):
                for name, value in PREFERENCE.findall(archive.read(member).decode("utf-8", "replace")):
                    if name in names:
                        kind = "boolean" if value in {"true", "false"} else "string" if value[0] in "\"'" else "integer"
                        found[name] = kind
    return found


def options(registries: list[Path], wanted: set[str]) -> dict[str, dict[str, Any]]:
    """Type of each LibreOffice option, and how many of the registries know it."""
    found: dict[str, dict[str, Any]] = {}
    for registry in registries:
        known: dict[str, str] = {}
        for schema in ElementTree.parse(registry).iter(OOR + "component-schema"):  # noqa: S314 - Debian's own
            component = schema.find("component")
            if schema.get(OOR + "package") == "org.openoffice.Office" and component is not None:
                _walk(component, str(schema.get(OOR + "name")), known)
        for path in wanted & known.keys():
            found.setdefault(path, {"type": known[path], "known_by": 0})["known_by"] += 1
    return found


def _walk(node: ElementTree.Element, path: str, known: dict[str, str]) -> None:
    for child in node:
        name = f"{path}/{child.get(OOR + 'name')}"
        if child.tag == "prop":
            known[name] = str(child.get(OOR + "type"))
        elif child.tag == "set":
            known[name] = f"set of {child.get(OOR + 'node-type')}"
        elif child.tag == "group":
            _walk(child, name, known)


def main() -> None:
    """Write office_options.json beside this script."""
    folder, omni, *registries = (Path(argument) for argument in sys.argv[1:])
    settings = yaml.safe_load(ROWS.read_text(encoding="utf-8"))
    paths = [
        row["path"][1:] if "path" in row else row["option"].split(".")[1:]
        for names in THUNDERBIRD
        for row in settings[names]
    ]
    rows = [row for name in OFFICE for row in settings[name]]
    wanted = {row["path"] if "command" in row else f"{row['path']}/{row['option']}" for row in rows}
    cut = {
        "policies": policies(folder, {path[0] for path in paths}),
        "preferences": preferences(omni, {path[1] for path in paths if path[0] == "Preferences"}),
        "options": options(registries, wanted),
    }
    text = json.dumps(cut, indent=1, sort_keys=True, ensure_ascii=False)
    HERE.joinpath("office_options.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
