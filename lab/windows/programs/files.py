"""reg.exe (hives, and files to import) and icacls.exe (the folder of Praxisschild)."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from ..registry import Registry
from ..unmodelled import Unmodelled
from .ended import Ended

HIVE = ".hive"
USED = "FEHLER: Der Prozess kann nicht auf die Datei zugreifen, da sie von einem anderen Prozess verwendet wird."
INHERITED = "D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)"
FULL = re.compile(r"\*(S-1-5-18|S-1-5-32-544):\(OI\)\(CI\)F")
SHORT = {"S-1-5-18": "SY", "S-1-5-32-544": "BA"}


# a line of a file that is imported: a key, or a value with what it is to be
KEY = re.compile(r"\[HKEY_LOCAL_MACHINE\\(?P<key>[^\[\]]+)\]")
VALUE = re.compile(r'(?P<name>@|"(?:[^"\\]|\\.)*")=(?P<data>-|dword:[0-9a-f]{8}|hex(?:\([0-9a-f]\))?:[0-9a-f,]*)')
NUMBERS = {"(0)": "none", "(1)": "string", "(2)": "expand_string", "(7)": "multi_string", "(b)": "qword", "": "binary"}


def native(host: Path, path: str) -> Path:
    """The file behind a path of Windows."""
    if not path.upper().startswith("C:\\"):
        raise Unmodelled(f"der Pfad {path}")
    return host / "drives" / "c" / path[3:].replace("\\", "/")


def reg(host: Path, words: list[str]) -> str:
    """Load a hive below HKU, unload it, import a file.

    A hive is a folder beside its file, in the form of the registry itself.
    """
    match [words[0].lower() if words else "", *words[1:]]:
        case ["load", key, path]:
            hive, mount = native(host, path), _mount(host, key)
            if not hive.is_file():
                raise Ended(1, "FEHLER: Das System kann die angegebene Datei nicht finden.")
            content = hive.with_name(hive.name + HIVE)
            if mount.exists() or not content.is_dir():
                raise Ended(1, USED)
            mount.parent.mkdir(parents=True, exist_ok=True)
            _loaded(host, mount).write_text(str(content))
            shutil.move(content, mount)
            return "Der Vorgang wurde erfolgreich beendet."
        case ["unload", key]:
            mount = _mount(host, key)
            if not mount.exists() or not _loaded(host, mount).exists():
                raise Ended(1, "FEHLER: Der angegebene Schlüssel konnte nicht gefunden werden.")
            shutil.move(mount, _loaded(host, mount).read_text())
            _loaded(host, mount).unlink()
            return "Der Vorgang wurde erfolgreich beendet."
        case ["import", path]:
            file = native(host, path)
            if not file.is_file():
                raise Ended(1, "FEHLER: Das System kann die angegebene Datei nicht finden.")
            _import(Registry(host / "registry"), file.read_bytes())
            return "Der Vorgang wurde erfolgreich beendet."
    raise Unmodelled(f"reg {' '.join(words)}")


def _import(registry: Registry, content: bytes) -> None:
    head, *lines = content.decode("utf-16").splitlines()
    if head != "Windows Registry Editor Version 5.00":
        raise Ended(1, "FEHLER: Fehler beim Zugriff auf die Registrierung.")
    key = ""
    for line in filter(None, lines):
        if found := KEY.fullmatch(line):
            key = f"HKLM\\{found['key']}"
        elif key and (found := VALUE.fullmatch(line)):
            name = "" if found["name"] == "@" else re.sub(r"\\(.)", r"\1", found["name"][1:-1])
            _import_value(registry, key, name, found["data"])
        else:
            raise Unmodelled(f"reg import mit der Zeile {line}")


def _import_value(registry: Registry, key: str, name: str, data: str) -> None:
    if data == "-":
        registry.remove(key, name)
        return
    kind, _, text = data.partition(":")
    if kind == "dword":
        registry.set(key, name, "dword", int(text, 16))
        return
    content = bytes.fromhex(text.replace(",", ""))
    match NUMBERS[kind.removeprefix("hex")]:
        case "qword":
            registry.set(key, name, "qword", int.from_bytes(content, "little"))
        case "multi_string":
            registry.set(key, name, "multi_string", [one for one in content.decode("utf-16-le").split("\0") if one])
        case ("string" | "expand_string") as told:
            registry.set(key, name, told, content.decode("utf-16-le").removesuffix("\0"))
        case told:
            registry.set(key, name, told, content)


def _mount(host: Path, key: str) -> Path:
    hive, _, name = key.partition("\\")
    if hive.upper() not in {"HKU", "HKEY_USERS"} or not name or "\\" in name or "/" in name:
        raise Unmodelled(f"reg load nach {key}")
    return host / "registry" / "Users" / name.lower()


def _loaded(host: Path, mount: Path) -> Path:
    return host / "tmp" / f"loaded-{mount.name}"


def icacls(host: Path, words: list[str]) -> str:
    """/save, /setowner, /reset, and /inheritance:r with full rights for SYSTEM and Administrators."""
    if not words:
        raise Unmodelled("icacls ohne Datei")
    path, rest = words[0], [word for word in words[1:] if word.upper() not in {"/T", "/C", "/L", "/Q"}]
    if not native(host, path).exists():
        raise Ended(2, f"{path}: Das System kann die angegebene Datei nicht finden.")
    lists = host / "drives" / "acl.json"
    known = json.loads(lists.read_text()) if lists.exists() else {}
    match rest:
        case ["/save", file]:
            Path(file).write_text(
                f"{path.rpartition(chr(92))[2]}\n{known.get(path, INHERITED)}\n", encoding="utf-16", newline="\r\n"
            )
        case ["/setowner", "*S-1-5-32-544"]:
            pass
        case ["/reset"]:
            known.pop(path, None)
        case ["/inheritance:r", "/grant:r", *grants] if grants and all(FULL.fullmatch(one) for one in grants):
            owners = [SHORT[FULL.sub(r"\1", one)] for one in grants]
            entries = "".join(f"(A;OICI;FA;;;{owner})" for owner in owners)
            known[path] = f"D:PAI{entries}"
        case _:
            raise Unmodelled(f"icacls {' '.join(words)}")
    lists.parent.mkdir(parents=True, exist_ok=True)
    lists.write_text(json.dumps(known))
    return "1 Dateien erfolgreich verarbeitet, bei 0 Dateien ist ein Verarbeitungsfehler aufgetreten."
