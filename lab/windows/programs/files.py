"""reg.exe (hives) and icacls.exe (the folder of Praxisschild)."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from ..unmodelled import Unmodelled
from .ended import Ended

HIVE = ".hive"
USED = "FEHLER: Der Prozess kann nicht auf die Datei zugreifen, da sie von einem anderen Prozess verwendet wird."
INHERITED = "D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)"
FULL = re.compile(r"\*(S-1-5-18|S-1-5-32-544):\(OI\)\(CI\)F")
SHORT = {"S-1-5-18": "SY", "S-1-5-32-544": "BA"}


def native(host: Path, path: str) -> Path:
    """The file behind a path of Windows."""
    if not path.upper().startswith("C:\\"):
        raise Unmodelled(f"der Pfad {path}")
    return host / "drives" / "c" / path[3:].replace("\\", "/")


def reg(host: Path, words: list[str]) -> str:
    """Load a hive below HKU, and unload it. A hive is a folder beside its file, in the form of the registry itself."""
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
    raise Unmodelled(f"reg {' '.join(words)}")


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
