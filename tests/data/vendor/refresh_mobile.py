#!/usr/bin/env python3
"""Cut the keys that the rows of mobile devices set out of a folder with the vendors' whole tables.

Usage: refresh_mobile.py FOLDER   (FOLDER holds apple_payloads.json and amapi_policy.json)
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROWS = HERE.parents[2] / "src" / "praxisschild" / "mdm" / "rows.yml"
# a removed and a supervised-only key that no row sets: the tests prove with them that they would notice
WITNESSES = {"com.apple.applicationaccess": ["blacklistedAppBundleIDs", "allowVideoConferencing"]}


def with_parents(names: set[str]) -> set[str]:
    """A key and the objects around it."""
    return {name[: match.start()] for name in names for match in re.finditer(r"[.\[]|$", name)} | {
        f"{name[: match.start()]}[]" for name in names for match in re.finditer(r"\[\]", name)
    }


def apple(rows: list[dict[str, Any]], whole: dict[str, Any]) -> dict[str, Any]:
    """The payloads and declarations in use, keys and the operating systems that know them."""
    cut: dict[str, Any] = {"meta": whole["meta"], "payloads": {}, "declarations": {}}
    for table, part in (("payloads", "apple"), ("declarations", "declaration")):
        names: dict[str, set[str]] = {}
        for row in rows:
            for one in row.get(part, []):
                names.setdefault(one["payload"], set()).add(one["key"])
        for kind, used in names.items():
            wanted = with_parents(used | set(WITNESSES.get(kind, [])))
            keys = {name: entry for name, entry in whole[table][kind]["keys"].items() if name in wanted}
            cut[table][kind] = {"os": whole[table][kind]["os"], "keys": keys}
    for kind in ("CommonPayloadKeys", "TopLevel"):
        cut["payloads"][kind] = {
            "os": whole["payloads"][kind]["os"],
            "keys": {
                name: entry for name, entry in whole["payloads"][kind]["keys"].items() if name.startswith("Payload")
            },
        }
    return cut


def android(rows: list[dict[str, Any]], whole: dict[str, Any]) -> dict[str, Any]:
    """The policy fields in use, those around them, and one that is deprecated."""
    names = {re.sub(r"\[[^\]]*\]", "[]", field) for row in rows for field in row.get("android", {})}
    names |= {"longSupportMessage.defaultMessage", "applications[].permissionGrants[].permission"}
    names |= {"applications[].permissionGrants[].policy", "safeBootDisabled"}
    wanted = with_parents(names)
    return {"meta": whole["meta"], "fields": {name: one for name, one in whole["fields"].items() if name in wanted}}


def main() -> None:
    """Write apple_payloads.json and amapi_policy.json beside this script."""
    rows = yaml.safe_load(ROWS.read_text(encoding="utf-8"))["rows"]
    folder = Path(sys.argv[1])
    for name, cut in (("apple_payloads.json", apple), ("amapi_policy.json", android)):
        whole = json.loads((folder / name).read_text(encoding="utf-8"))
        (HERE / name).write_text(json.dumps(cut(rows, whole), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
