"""The registry of a stand-in host, in the files of mono's own ``Microsoft.Win32.Registry``.

One folder per key, its name in lower case; values in ``values.xml``. So the C# under test and the model programs read
and write the same registry. Hives: ``HKLM``, ``HKU`` (a subtree per account's SID, and ``.DEFAULT``).
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import shutil
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import defusedxml.ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HIVES = {
    "HKLM": "LocalMachine",
    "HKEY_LOCAL_MACHINE": "LocalMachine",
    "HKU": "Users",
    "HKEY_USERS": "Users",
    "HKCR": "ClassesRoot",
    "HKEY_CLASSES_ROOT": "ClassesRoot",
}
# mono's names of the kinds, by those of the modules
KINDS = {
    "string": "string",
    "expand_string": "expand",
    "multi_string": "string-array",
    "dword": "int",
    "qword": "qword",
    "binary": "bytearray",
}
# begins a text that stands for what mono's files would lose: .NET's kind:base64 (see mono/StandIn.cs)
_KEPT = "\ue000"
_KEPT_KINDS = {
    "None": "none",
    "Binary": "binary",
    "String": "string",
    "ExpandString": "expand_string",
    "MultiString": "multi_string",
}
_MODULE_KINDS = {mono: kind for kind, mono in KINDS.items()}
Data = str | int | list[str] | bytes


class RegistryError(ValueError):
    """No such hive or kind; the text says which."""


class Registry:
    """Keys and values below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def values(self, key: str) -> dict[str, tuple[str, Data]]:
        """Kind and data of each value of a key by name; empty for a key that is not there."""
        path = self._path(key) / "values.xml"
        if not path.exists():
            return {}
        root = defusedxml.ElementTree.fromstring(path.read_bytes())
        return {one.get("name", ""): _read(one) for one in root.iterfind("value")}

    def get(self, key: str, name: str) -> tuple[str, Data] | None:
        """Kind and data of a value, its name without regard to case; None if it is not there."""
        return next((found for one, found in self.values(key).items() if one.lower() == name.lower()), None)

    def set(self, key: str, name: str, kind: str, data: Data) -> None:
        with self._editing(key) as values:
            stored = next((one for one in values if one.lower() == name.lower()), name)
            values[stored] = (kind, data)

    def remove(self, key: str, name: str) -> bool:
        """Whether there was something to remove."""
        with self._editing(key) as values:
            stored = next((one for one in values if one.lower() == name.lower()), None)
            return stored is not None and values.pop(stored) is not None

    def remove_key(self, key: str) -> bool:
        path = self._path(key)
        there = path.exists()
        shutil.rmtree(path, ignore_errors=True)
        return there

    def keys(self, key: str) -> list[str]:
        """Names of the keys right below one, in lower case as mono keeps them."""
        path = self._path(key)
        return sorted(one.name for one in path.iterdir() if one.is_dir()) if path.is_dir() else []

    def exists(self, key: str) -> bool:
        return self._path(key).is_dir()

    def _path(self, key: str) -> Path:
        hive, _, rest = key.replace("/", "\\").strip("\\").partition("\\")
        if hive.rstrip(":").upper() not in HIVES:
            raise RegistryError(f"{hive} is no hive of the stand-in: {', '.join(HIVES)}")
        parts = [part.lower() for part in rest.split("\\") if part]
        if any(part in {".", ".."} or "/" in part for part in parts):
            raise RegistryError(f"{key} is no key")
        return self._folder.joinpath(HIVES[hive.rstrip(":").upper()], *parts)

    @contextlib.contextmanager
    def _editing(self, key: str) -> Iterator[dict[str, tuple[str, Data]]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            values = self.values(key)
            yield values
            path = self._path(key)
            path.mkdir(parents=True, exist_ok=True)
            root = ET.Element("values")
            for name, (kind, data) in values.items():
                _write(ET.SubElement(root, "value", {"name": name}), kind, data)
            temporary = path / ".values.new"
            temporary.write_bytes(ET.tostring(root, encoding="utf-8"))
            if values:
                temporary.replace(path / "values.xml")
            else:
                temporary.unlink()
                (path / "values.xml").unlink(missing_ok=True)


def _read(element: ET.Element) -> tuple[str, Data]:
    kind = _MODULE_KINDS[element.get("type", "string")]
    text = element.text or ""
    if text.startswith(_KEPT):
        return _kept(text)
    match kind:
        case "dword":
            return kind, int(text) & 0xFFFFFFFF
        case "qword":
            return kind, int(text) & 0xFFFFFFFFFFFFFFFF
        case "multi_string":
            return kind, [one.text or "" for one in element.iterfind("string")]
        case "binary":
            return kind, base64.b64decode(text)
    return kind, text


def _kept(text: str) -> tuple[str, Data]:
    name, _, data = text[1:].partition(":")
    kind, content = _KEPT_KINDS[name], base64.b64decode(data)
    if kind in {"none", "binary"}:
        return kind, content
    plain = content.decode("utf-16-le", "surrogatepass")
    return kind, (plain.split("\0") if plain else []) if kind == "multi_string" else plain


def _keep(element: ET.Element, kind: str, data: Data) -> bool:
    """Write what mono's own format would lose; whether there was something to lose."""
    if isinstance(data, bytes):
        lost = kind == "none" or not data
        content = data
    else:
        text = "\0".join(data) if isinstance(data, list) else data if isinstance(data, str) else ""
        lost = (
            data == [] or (kind == "expand_string" and not text) or any(sign < " " or sign > "\ud7ff" for sign in text)
        )
        content = text.encode("utf-16-le", "surrogatepass")
    if lost:
        name = next(net for net, ours in _KEPT_KINDS.items() if ours == kind)
        element.set("type", KINDS["string"])
        element.text = f"{_KEPT}{name}:{base64.b64encode(content).decode()}"
    return lost


def _write(element: ET.Element, kind: str, data: Data) -> None:
    if kind != "none" and kind not in KINDS:
        raise RegistryError(f"{kind} is no kind of value: {', '.join([*KINDS, 'none'])}")
    if not _fits(kind, data):
        raise RegistryError(f"{data!r} is no {kind}")
    if _keep(element, kind, data):
        return
    element.set("type", KINDS[kind])
    if isinstance(data, int):
        bits = 32 if kind == "dword" else 64
        if not 0 <= data < 1 << bits:
            raise RegistryError(f"{data} is no {kind}")
        element.text = str(data - (1 << bits) if data >> (bits - 1) else data)  # mono stores them signed
    elif isinstance(data, list):
        for one in data:
            ET.SubElement(element, "string").text = one
    else:
        element.text = base64.b64encode(data).decode() if isinstance(data, bytes) else data


def _fits(kind: str, data: Data) -> bool:
    if kind in {"dword", "qword"}:
        return isinstance(data, int) and not isinstance(data, bool)
    types = {"multi_string": list, "binary": bytes, "none": bytes}
    return isinstance(data, types.get(kind, str))
