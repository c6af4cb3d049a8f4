#!/usr/bin/env python3
"""Cut the entries that the role browser_policy sets out of a folder with the vendors' whole policy tables.

Usage: refresh.py FOLDER   (FOLDER holds browser_policies.json)
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROWS = HERE.parents[2] / "roles" / "browser_policy" / "vars" / "main" / "policies.yml"
TABLES = {
    "chrome": ("__browser_policy_chromium_family", "__browser_policy_chromium"),
    "edge": ("__browser_policy_chromium_family", "__browser_policy_edge"),
    "firefox": ("__browser_policy_firefox",),
}


def name_of(row: dict[str, object]) -> str:
    """The first part of the policy's name; the table holds properties of objects under dotted names."""
    path = row.get("path") or str(row["option"]).split(".")
    assert isinstance(path, list)
    return str(path[1] if path[0] == "policies" else path[0])


def main() -> None:
    """Write browser_policies.json beside this script."""
    whole = json.loads(Path(sys.argv[1], "browser_policies.json").read_text(encoding="utf-8"))
    settings = yaml.safe_load(ROWS.read_text(encoding="utf-8"))
    cut = {"meta": {browser: whole["meta"][browser] for browser in TABLES}}
    for browser, lists in TABLES.items():
        names = {name_of(row) for rows in lists for row in settings[rows]}
        # what is deprecated stays in, so that the test can say so; and a removed policy, to prove that it would
        cut[browser] = {
            name: entry for name, entry in whole[browser].items() if re.split(r"[.\[]", name)[0] in names
        } | {name: whole[browser][name] for name in ("SSLVersionMin",) if name in whole[browser]}
    lines = [f"{json.dumps(browser)}: {{\n{_entries(table)}\n}}" for browser, table in cut.items()]
    (HERE / "browser_policies.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _entries(table: dict[str, object]) -> str:
    return ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry, sort_keys=True)}" for name, entry in table.items())


if __name__ == "__main__":
    main()
