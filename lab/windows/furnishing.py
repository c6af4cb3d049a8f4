"""What a fresh stand-in host has beside state and registry: programs, profiles, copies of the domain's policies."""

from __future__ import annotations

import shutil
import struct
import uuid
from typing import TYPE_CHECKING, Any

from . import programs, state
from .registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
HISTORY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\History"
REGISTRY_EXTENSION = "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}"
SECURITY_EXTENSION = "{827D319E-6EAC-11D2-A4EA-00C04F79F83A}"
DOMAIN_POLICY = "Sicherheitsvorgaben für Praxis-PCs"


def furnish(host: Path) -> None:
    """Complete the folder of a host whose state and registry are there."""
    programs.install(host)
    registry = Registry(host / "registry")
    registry.set(PROFILES, "Default", "expand_string", r"%SystemDrive%\Users\Default")
    _hive(host, "Default")
    for sid in registry.keys(PROFILES):
        path = registry.get(f"{PROFILES}\\{sid}", "ProfileImagePath")
        # the hive of somebody who is logged in is part of the registry; the others lie in their profiles
        if path and not registry.exists(f"HKU\\{sid}"):
            _hive(host, str(path[1]).rpartition("\\")[2])
    drive = host / "drives" / "c"
    (drive / "ProgramData").mkdir(parents=True, exist_ok=True)
    found = state.load(host)
    for letter, name in found["drives"].items():
        (host / "drives" / letter.lower()).mkdir(exist_ok=True)
        (host / "drives" / letter.lower() / ".name").write_text(name, encoding="utf-8")
    for share in found["shares"].values():
        letter, _, path = share["path"].partition(":\\")
        if path and letter != "C":
            folder = host / "drives" / letter.lower() / path.replace("\\", "/")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "Brief.txt").write_text("Sehr geehrte Damen und Herren\n", encoding="utf-8")
    if restic := shutil.which("restic"):  # somebody has put it there
        (drive / "Program Files" / "restic").mkdir(parents=True, exist_ok=True)
        (drive / "Program Files" / "restic" / "restic.exe").symlink_to(restic)
    if found["domain"]["name"]:
        _policies(host, registry, found["domain"])


def _hive(host: Path, name: str) -> None:
    folder = host / "drives" / "c" / "Users" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "NTUSER.DAT").write_text("der Inhalt steht daneben\n")
    (folder / f"NTUSER.DAT{programs.HIVE}").mkdir(exist_ok=True)


def _policies(host: Path, registry: Registry, domain: dict[str, Any]) -> None:
    """History of the engine and its copy of one policy, in the formats of MS-GPREG and MS-GPSB."""
    number = f"{{{str(uuid.uuid5(uuid.NAMESPACE_DNS, domain['name'])).upper()}}}"
    for extension in (REGISTRY_EXTENSION, SECURITY_EXTENSION):
        local, ours = f"{HISTORY}\\{extension}\\0", f"{HISTORY}\\{extension}\\1"
        registry.set(local, "DisplayName", "string", "Richtlinien der lokalen Gruppe")
        registry.set(local, "FileSysPath", "string", r"C:\Windows\System32\GroupPolicy\Machine")
        registry.set(ours, "DisplayName", "string", DOMAIN_POLICY)
        registry.set(ours, "GPOName", "string", number)
        path = f"\\\\{domain['name']}\\SysVol\\{domain['name']}\\Policies\\{number}\\Machine"
        registry.set(ours, "FileSysPath", "string", path)
    system = host / "drives" / "c" / "WINDOWS" / "System32"
    machine = system / "GroupPolicy" / "DataStore" / "0" / "SysVol" / domain["name"] / "Policies" / number / "Machine"
    template = machine / "Microsoft" / "Windows NT" / "SecEdit" / "GptTmpl.inf"
    template.parent.mkdir(parents=True)
    lines = ["[Unicode]", "Unicode=yes", "[System Access]"]
    lines += [f"{name} = {value}" for name, value in domain["security"].items()]
    text = "\r\n".join([*lines, "[Version]", 'signature="$CHICAGO$"', "Revision=1", ""])
    template.write_bytes(text.encode("utf-16"))
    (machine / "Registry.pol").write_bytes(registry_pol(domain["registry"]))


def registry_pol(values: dict[str, int | str]) -> bytes:
    """A Registry.pol that sets these values of HKLM, named by key and value in one."""
    parts = [b"PReg" + struct.pack("<I", 1)]
    for path, value in values.items():
        key, _, name = path.removeprefix("HKLM\\").rpartition("\\")
        data = struct.pack("<I", value) if isinstance(value, int) else _text(value)
        kind = 4 if isinstance(value, int) else 1
        head = _sign("[") + _text(key) + _sign(";") + _text(name) + _sign(";")
        numbers = struct.pack("<I", kind) + _sign(";") + struct.pack("<I", len(data)) + _sign(";")
        parts.append(head + numbers + data + _sign("]"))
    return b"".join(parts)


def _text(text: str) -> bytes:
    return _sign(text) + b"\0\0"


def _sign(sign: str) -> bytes:
    return sign.encode("utf-16-le")
