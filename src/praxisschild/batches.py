"""What every batch of settings shares on the controller: what does not apply to a host, and what a run has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def fact(variables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A fact that a task of ours has set, whether or not Ansible injects facts as variables; empty if there is none."""
    return variables.get(name) or (variables.get("ansible_facts") or {}).get(name) or {}


def dropped_on(dropped: Mapping[str, Mapping[str, str]], host: str | None) -> dict[str, str]:
    """Requirement id → why it does not apply to this host, from what preflight found for all hosts."""
    return {str(key): str(value) for key, value in (dropped.get(host or "") or {}).items()}


def note_changes(folder: str | None, host: str, common: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> None:
    """Append the changed items to ``<folder>/changes/<host>.json``, a list that drift reports read (see drift.py).

    ``common`` goes to every item that does not say otherwise: role, task, check_mode. No folder, no note.
    """
    changed = [item for item in items if item["changed"]]
    if not folder or not changed:
        return
    path = Path(folder) / "changes" / f"{host}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    noted = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    noted += [{**common, **item} for item in changed]
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(noted, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)
