"""The kinds of stand-in hosts, and what one is like on its first day."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import yaml

from . import furnishing, state
from .registry import Registry

FOLDER = Path(__file__).with_name("kinds")
# what a kind is made of, the later file over the earlier
LAYERS = {
    "pc-1": ("windows", "client"),
    "pc-2": ("windows", "client", "domain"),
    "winserver-1": ("windows", "server"),
}
AUDIT_TAIL = "-69AE-11D9-BED3-505054503030"
# how the short rows of the files are told apart
_COLUMNS = {
    "audit": ("category", "name", "setting"),
    "services": ("display", "start", "state", "account"),
    "users": ("sid", "full_name", "enabled", "password_required", "password_expires", "last_logon"),
    "groups": ("sid", "members"),
    "shares": ("path", "encrypted", "access"),
}
_RULE = ("name", "enabled", "direction", "action", "protocol", "ports", "remote", "profiles", "program")


def machine_sid(name: str) -> str:
    """A computer's SID: always the same for a name, another one for another name."""
    numbers = hashlib.sha256(name.encode()).digest()
    return "S-1-5-21-" + "-".join(str(int.from_bytes(numbers[at : at + 4], "big") % 4294967295) for at in (0, 4, 8))


def first_day(kind: str, operator: str) -> dict[str, Any]:
    """The state of a fresh host, and its registry under ``registry`` by key.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in LAYERS:
        raise ValueError(f"no kind {kind}: there is {', '.join(LAYERS)}")
    merged: dict[str, Any] = {}
    for layer in LAYERS[kind]:
        text = (FOLDER / f"{layer}.yml").read_text(encoding="utf-8")
        text = text.replace("{machine}", machine_sid(kind)).replace("{operator}", operator)
        merged = _merged(merged, yaml.safe_load(text))
    merged["kind"] = kind
    merged["computer"]["name"] = kind.upper()
    for section, columns in _COLUMNS.items():
        merged[section] = {name: dict(zip(columns, row, strict=True)) for name, row in merged[section].items()}
    merged["audit"] = {f"{{{start}{AUDIT_TAIL}}}": row for start, row in merged["audit"].items()}
    for row in merged["users"].values():
        row["sid"] = f"{machine_sid(kind)}-{row['sid']}"
        row["locked"] = False
    merged["tasks"] = {name: {"enabled": enabled, "xml": ""} for name, enabled in merged["tasks"].items()}
    rules = merged["firewall"]["rules"]
    merged["firewall"]["rules"] = {name: dict(zip(_RULE, row, strict=True)) for name, row in rules.items()}
    return merged


def create(host: Path, kind: str, operator: str) -> None:
    """Make the folder of a host that was never started: state, registry, and the places that programs expect."""
    fresh = first_day(kind, operator)
    registry = Registry(host / "registry")
    for key, values in fresh.pop("registry").items():
        for name, (one, data) in values.items():
            registry.set(key, name, one, data)
    for name in ("tmp", "home", "System32"):
        (host / name).mkdir(parents=True, exist_ok=True)
    state.save(host, fresh)
    furnishing.furnish(host)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(below)
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = _merged(result[name], value)
        else:
            result[name] = copy.deepcopy(value)
    return result
