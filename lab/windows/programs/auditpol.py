"""auditpol.exe: /backup and /set by GUID."""

from __future__ import annotations

import re
from pathlib import Path

from .. import state
from ..unmodelled import Unmodelled
from .ended import Ended

HEADING = (
    "Computername,Richtlinienziel,Unterkategorie,Unterkategorie-GUID,"
    "Aufnahmeeinstellung,Ausschlusseinstellung,Einstellungswert"
)
WORDS = ("Keine Überwachung", "Erfolg", "Fehler", "Erfolg und Fehler")
OPTIONS = ("CrashOnAuditFail", "FullPrivilegeAuditing", "AuditBaseObjects", "AuditBaseDirectories")
GUID = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
WRONG = Ended(87, "Fehler 0x00000057:\nFalscher Parameter.")


def auditpol(host: Path, words: list[str]) -> str:
    """Back up the policy of the system, or set some subcategories."""
    match [words[0].lower() if words else "", *words[1:]]:
        case ["/backup", one] if one.lower().startswith("/file:"):
            return _backup(host, Path(one[6:]))
        case ["/set", *options]:
            return _set(host, options)
    raise Unmodelled(f"auditpol {' '.join(words)}")


def _backup(host: Path, file: Path) -> str:
    found = state.load(host)
    name = found["computer"]["name"]
    lines = [HEADING]
    for guid, one in found["audit"].items():
        lines.append(f'{name},System,"{one["name"]}",{guid},{WORDS[one["setting"]]},,{one["setting"]}')
        if (
            guid == "{0CCE922B-69AE-11D9-BED3-505054503030}"
        ):  # one user has a policy of his own, which is not the system's
            lines.append(f'{name},{found["computer"]["sid"]}-500,"{one["name"]}",{guid},Erfolg,,1')
    lines += [f"{name},,Option:{option},,Deaktiviert,,0" for option in OPTIONS]
    lines += [f"{name},,FileGlobalSacl,,,,", f"{name},,RegistryGlobalSacl,,,,"]
    file.write_bytes(("\r\n".join(lines) + "\r\n").encode("cp1252"))
    return "Der Befehl wurde erfolgreich ausgeführt."


def _set(host: Path, options: list[str]) -> str:
    given = dict(one.lower().split(":", 1) for one in options if ":" in one)
    if len(given) != len(options) or set(given) - {"/subcategory", "/success", "/failure"}:
        raise Unmodelled(f"auditpol /set {' '.join(options)}")
    guids = given.get("/subcategory", "").upper().split(",")
    if not all(GUID.fullmatch(guid) for guid in guids):
        raise Unmodelled("auditpol /set mit Namen statt GUIDs")
    if not {given.get("/success", "enable"), given.get("/failure", "enable")} <= {"enable", "disable"}:
        raise WRONG
    with state.editing(host) as found:
        if not all(guid in found["audit"] for guid in guids):
            raise WRONG
        for guid in guids:
            setting = found["audit"][guid]["setting"]
            for word, bit in (("/success", 1), ("/failure", 2)):
                if word in given:
                    setting = setting | bit if given[word] == "enable" else setting & ~bit
            found["audit"][guid]["setting"] = setting
    return "Der Befehl wurde erfolgreich ausgeführt."
