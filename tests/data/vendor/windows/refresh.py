#!/usr/bin/env python3
"""Cut what the roles' Windows rows use out of a folder with the vendors' whole tables, and say what they object to.

Usage: refresh.py FOLDER   (FOLDER holds admx.json, secedit_system_access.json, user_rights.json and audit_guids.json)

Writes ROLE.json beside this script for every role with rows for Windows; a role that has none any more loses its file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from tests import windows_policies as policies


def tables(folder: Path) -> dict[str, Any]:
    """The whole tables, in the words of the excerpts."""
    admx, access, rights, audit = (
        json.loads(folder.joinpath(f"{name}.json").read_text(encoding="utf-8"))
        for name in ("admx", "secedit_system_access", "user_rights", "audit_guids")
    )
    return {
        "admx": {"machine": admx["machine"] | policies.without_templates(), "user": admx["user"]},
        "security": access["system_access"],
        "rights": {*rights["logon_rights"], *rights["privileges"]},
        "audit": {guid: entry["name"] for guid, entry in audit["subcategories"].items()},
    }


def main() -> int:
    """Refresh every excerpt; 1 if a row has an objection."""
    whole = tables(Path(sys.argv[1]))
    roles, found = policies.roles(), 0
    for role in roles:
        table = policies.cut(role, whole)
        policies.EXCERPTS.joinpath(f"{role}.json").write_text(policies.written(table), encoding="utf-8")
        for kind, row in policies.rows(role):
            if objection := policies.objection(kind, row, table):
                found += 1
                hints = policies.nearest(row, whole["admx"]) if kind == "registry" and "no vendor" in objection else ()
                print(f"{role}: {policies.label(kind, row)}: {objection}", *list(hints)[:4], sep="\n    ")  # noqa: T201 - for whoever runs it
    for path in policies.EXCERPTS.glob("*.json"):
        if path.stem not in roles:
            path.unlink()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
