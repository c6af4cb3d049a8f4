r"""Show a stand-in host, or break it by hand, as a mutation or a curious person does.

lab/lab.py windows pc-1 show security
lab/lab.py windows pc-1 set security.MinimumPasswordLength 0
lab/lab.py windows pc-1 set 'HKLM\SOFTWARE\Policies\Microsoft\Windows\Personalization\NoLockScreen' dword:0
lab/lab.py windows pc-1 unset 'users."mfa-1"'
lab/lab.py windows pc-1 set 'C:\ProgramData\Praxisschild\backup\password' 'ein anderes'
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from . import state
from .programs.files import native
from .registry import KINDS, Data, Registry, RegistryError


def show(host: Path, path: str) -> Any:
    """What JSON can say of a part of the state, of a key, of a value or of a file."""
    if _in_files(path):
        return native(host, path).read_text(encoding="utf-8")
    if not _in_registry(path):
        return state.show(state.load(host), path)
    registry = Registry(host / "registry")
    if registry.exists(path):
        values = {name or "(Standard)": _written(*found) for name, found in sorted(registry.values(path).items())}
        return {"values": values, "keys": registry.keys(path)}
    key, _, name = path.rpartition("\\")
    found = registry.get(key, name)
    if found is None:
        raise RegistryError(f"{path}: there is no such key and no such value")
    return _written(*found)


def put(host: Path, path: str, text: str) -> None:
    if _in_files(path):
        native(host, path).write_text(text, encoding="utf-8")
        return
    if not _in_registry(path):
        with state.editing(host) as current:
            state.put(current, path, text)
        return
    kind, colon, rest = text.partition(":")
    if not colon or kind not in {*KINDS, "none"}:
        raise RegistryError(f"{text}: write the kind before the data, as in dword:1; kinds are {', '.join(KINDS)}")
    key, _, name = path.rpartition("\\")
    Registry(host / "registry").set(key, name, kind, _data(kind, rest))


def drop(host: Path, path: str) -> None:
    if _in_files(path):
        native(host, path).unlink()
        return
    if not _in_registry(path):
        with state.editing(host) as current:
            state.drop(current, path)
        return
    registry = Registry(host / "registry")
    key, _, name = path.rpartition("\\")
    if not (registry.remove_key(path) if registry.exists(path) else registry.remove(key, name)):
        raise RegistryError(f"{path}: there is nothing to remove")


def _in_files(path: str) -> bool:
    return path.upper().startswith("C:\\")


def _in_registry(path: str) -> bool:
    return path.upper().startswith(("HKLM\\", "HKU\\", "HKCR\\"))


def _data(kind: str, text: str) -> Data:
    match kind:
        case "dword" | "qword":
            return int(text, 0)
        case "binary" | "none":
            return bytes.fromhex(text)
        case "multi_string":
            return text.split("|") if text else []
    return text


def _written(kind: str, data: Data) -> str:
    if isinstance(data, bytes):
        return f"{kind}:{data.hex()}"
    return f"{kind}:{'|'.join(data) if isinstance(data, list) else data}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="lab/lab.py windows HOST", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("host", type=Path, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("show", "print a part of the state as JSON"), ("set", "change it"), ("unset", "remove it")):
        sub = commands.add_parser(name, help=text)
        help_text = "as in security.MinimumPasswordLength, or a key of the registry with a value's name"
        sub.add_argument("path", nargs="?" if name == "show" else None, default="", help=help_text)
        if name == "set":
            sub.add_argument("value", help="JSON or plain text; for the registry kind:data, as in dword:1")
    found = parser.parse_args()
    try:
        match found.command:
            case "show":
                print(json.dumps(show(found.host, found.path), ensure_ascii=False, indent=1))
            case "set":
                put(found.host, found.path, found.value)
            case "unset":
                drop(found.host, found.path)
    except ValueError as error:
        print(f"windows: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
