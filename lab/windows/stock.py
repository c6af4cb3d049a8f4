"""Modules of the collection ansible.windows that something of ours sends: a model per module, and no more.

The roles need none of them; the benchmark compares with a loop over win_regedit. Arguments are checked by the real
Ansible.Basic.cs against the spec in the module's own script, both as they came over the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .registry import Data, Registry
from .unmodelled import Unmodelled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_KINDS = {
    "none": None,
    "binary": "binary",
    "dword": "dword",
    "expandstring": "expand_string",
    "multistring": "multi_string",
    "string": "string",
    "qword": "qword",
}


def win_ping(_host: Path, arguments: dict[str, Any], *, check: bool) -> dict[str, Any]:
    del check
    if arguments["data"] == "crash":
        return {"failed": True, "msg": "Unhandled exception while executing module: boom"}
    return {"changed": False, "ping": arguments["data"]}


def win_regedit(host: Path, arguments: dict[str, Any], *, check: bool) -> dict[str, Any]:
    """One value of the registry; keys as a whole and loaded hives are not modelled."""
    path, name, state = arguments["path"], arguments.get("name"), arguments.get("state", "present")
    if arguments.get("hive") or name is None:
        raise Unmodelled("win_regedit mit hive oder ohne name")
    hive, _, rest = path.replace("/", "\\").partition(":\\")
    registry, key = Registry(host / "registry"), f"{hive}\\{rest}"
    found = registry.get(key, name)
    if state == "absent":
        if found and not check:
            registry.remove(key, name)
        return {"changed": found is not None, "data_changed": False, "data_type_changed": False}
    kind = _KINDS[arguments.get("type") or "string"]
    if kind is None:
        raise Unmodelled("win_regedit mit dem Typ none")
    wanted = _data(kind, arguments.get("data"))
    if found != (kind, wanted) and not check:
        registry.set(key, name, kind, wanted)
    return {
        "changed": found != (kind, wanted),
        "data_changed": found is not None and found[1] != wanted,
        "data_type_changed": found is not None and found[0] != kind,
    }


def _data(kind: str, given: Any) -> Data:
    if kind in {"dword", "qword"}:
        number = int(str(given), 0)
        return number & (0xFFFFFFFF if kind == "dword" else 0xFFFFFFFFFFFFFFFF)
    if kind == "multi_string":
        return [str(one) for one in (given if isinstance(given, list) else [given])]
    if kind == "binary":
        return bytes.fromhex(str(given).removeprefix("hex:").replace(",", ""))
    return "" if given is None else str(given)


MODELS: dict[str, Callable[..., dict[str, Any]]] = {"win_ping": win_ping, "win_regedit": win_regedit}
