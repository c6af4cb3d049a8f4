"""sc.exe, dism.exe and schtasks.exe: services, optional features, scheduled tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import defusedxml.ElementTree

from .. import state
from ..unmodelled import Unmodelled
from .ended import Ended
from .scheduled import carry_out

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
STARTS = {"auto": "auto", "delayed-auto": "delayed", "demand": "manual", "disabled": "disabled"}
# what may be missing from an image until it is fetched
PAYLOAD_GONE = -2146498529
DENIED = "Zugriff verweigert"
NOT_THERE = "Der angegebene Dienst ist kein installierter Dienst."


def sc(host: Path, words: list[str]) -> str:
    """query, config (start type), start and stop of one service."""
    match words:
        case ["query", name]:
            return _query(*_service(state.load(host), name, "EnumQueryServicesStatus:OpenService"))
        case ["config", name, "start=", start]:
            if start not in STARTS:
                raise Ended(1639, "Ungültiges Befehlszeilenargument.")
            with state.editing(host) as found:
                known, service = _service(found, name, "OpenService")
                _refuse_protected(found, known, "OpenService")
                service["start"] = STARTS[start]
            return "[SC] ChangeServiceConfig ERFOLG"
        case ["start" | "stop" as verb, name]:
            with state.editing(host) as found:
                known, service = _service(found, name, f"{'Start' if verb == 'start' else 'Open'}Service:OpenService")
                _refuse_protected(found, known, "OpenService")
                _switch(known, service, verb)
            return _query(known, service)
    raise Unmodelled(f"sc {' '.join(words)}")


def _service(found: dict[str, Any], name: str, where: str) -> tuple[str, dict[str, Any]]:
    for known, service in found["services"].items():
        if known.lower() == name.lower():
            return known, service
    raise Ended(1060, f"[SC] {where} FEHLER 1060:\n\n{NOT_THERE}\n")


def _refuse_protected(found: dict[str, Any], name: str, where: str) -> None:
    if name == "WinDefend" and found["defender"]["tamper_protected"]:
        raise Ended(5, f"[SC] {where} FEHLER 5:\n\n{DENIED}\n")


def _switch(name: str, service: dict[str, Any], verb: str) -> None:
    if verb == "start" and service["start"] == "disabled":
        raise Ended(
            1058,
            "[SC] StartService FEHLER 1058:\n\nDer angegebene Dienst ist deaktiviert.\n",
        )
    wanted = "running" if verb == "start" else "stopped"
    if service["state"] == wanted:
        code = 1056 if verb == "start" else 1062
        call = "StartService" if verb == "start" else "ControlService"
        raise Ended(code, f"[SC] {call} FEHLER {code}:\n\nDer Dienst {name} ist schon so.\n")
    service["state"] = wanted


def _query(name: str, service: dict[str, Any]) -> str:
    number, word = (4, "RUNNING") if service["state"] == "running" else (1, "STOPPED")
    return (
        f"\nDIENSTNAME: {name}\n        TYP                : 20  WIN32_SHARE_PROCESS\n"
        f"        STATUS             : {number}  {word}\n"
        "                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)\n"
        "        WIN32_BEENDEN_CODE : 0  (0x0)\n        DIENST_BEENDEN_CODE: 0  (0x0)\n"
        "        PRÜFPUNKT          : 0x0\n        WARTEHINWEIS       : 0x0"
    )


def dism(host: Path, words: list[str]) -> str:
    """/Get-Features as a table, /Enable-Feature and /Disable-Feature of the running system."""
    given = [word.lower() for word in words]
    english = "/english" in given
    if "/online" not in given:
        raise Unmodelled(f"dism {' '.join(words)}")
    rest = [word for word, low in zip(words, given, strict=True) if low not in {"/english", "/online"}]
    match [word.lower() for word in rest]:
        case ["/get-features", "/format:table"]:
            return _features(state.load(host), english=english)
        case ["/norestart", "/enable-feature", name, "/all"] if name.startswith("/featurename:"):
            return _set_feature(host, rest[2][13:], "enabled")
        case ["/norestart", "/disable-feature", name] if name.startswith("/featurename:"):
            return _set_feature(host, rest[2][13:], "disabled")
    raise Unmodelled(f"dism {' '.join(words)}")


def _features(found: dict[str, Any], *, english: bool) -> str:
    words = {"enabled": "Enabled", "disabled": "Disabled", "removed": "Disabled with Payload Removed"}
    heading, end = ("Feature Name", "State"), "The operation completed successfully."
    if not english:
        words = {"enabled": "Aktiviert", "disabled": "Deaktiviert", "removed": "Deaktiviert, Nutzlast entfernt"}
        heading, end = ("Featurename", "Status"), "Der Vorgang wurde erfolgreich beendet."
    line = f"{'-' * 44} | {'-' * 8}"
    rows = [f"{name:<44} | {words[one]}" for name, one in found["features"].items()]
    start = (
        "Deployment Image Servicing and Management tool"
        if english
        else "Tool zur Imageverwaltung für die Bereitstellung"
    )
    return "\n".join(
        ["", start, "Version: 10.0.26100.1150", "", line, f"{heading[0]:<44} | {heading[1]}", line, *rows, "", end]
    )


def _set_feature(host: Path, name: str, wanted: str) -> str:
    with state.editing(host) as found:
        known = next((one for one in found["features"] if one.lower() == name.lower()), None)
        if known is None:
            raise Ended(-2146498548, f"Error: 0x800f080c\n\nFeature name {name} is unknown.")
        if found["features"][known] == "removed" and wanted == "enabled":
            raise Ended(PAYLOAD_GONE, "Error: 0x800f081f\n\nThe source files could not be found.")
        found["features"][known] = wanted
        found["updates"]["pending_reboot"] = True
    raise Ended(3010, "The operation completed successfully.\nRestart Windows to complete this operation.")


def schtasks(host: Path, words: list[str]) -> str:
    """/Create from XML, /Change to enabled or disabled, /Delete, /Run."""
    match [word if index % 2 == 0 and index else word.upper() for index, word in enumerate(words)]:
        case ["/CREATE", "/TN", *_] if len(words) == 6 and words[3].upper() == "/XML" and words[5].upper() == "/F":
            return _create(host, words[2], Path(words[4]))
        case ["/CHANGE", "/TN", *_] if len(words) == 4 and words[3].upper() in {"/ENABLE", "/DISABLE"}:
            with state.editing(host) as found:
                _task(found, words[2])["enabled"] = words[3].upper() == "/ENABLE"
            return f'ERFOLGREICH: Die Parameter der geplanten Aufgabe "{words[2]}" wurden geändert.'
        case ["/DELETE", "/TN", *_] if len(words) == 4 and words[3].upper() == "/F":
            with state.editing(host) as found:
                gone = _task(found, words[2])
                found["tasks"] = {name: one for name, one in found["tasks"].items() if one is not gone}
            return f'ERFOLGREICH: Die geplante Aufgabe "{words[2]}" wurde erfolgreich gelöscht.'
        case ["/RUN", "/TN", name]:
            carry_out(host, defusedxml.ElementTree.fromstring(_task(state.load(host), name)["xml"]))
            return f'ERFOLGREICH: Es wurde versucht, die geplante Aufgabe "{name}" auszuführen.'
    raise Unmodelled(f"schtasks {' '.join(words)}")


def _task(found: dict[str, dict[str, dict[str, Any]]], name: str) -> dict[str, Any]:
    for known, task in found["tasks"].items():
        if known.lower() == name.lower():
            return task
    raise Ended(1, "FEHLER: Das System kann die angegebene Datei nicht finden.")


def _create(host: Path, name: str, file: Path) -> str:
    ET.register_namespace("", NAMESPACE)
    try:
        task = defusedxml.ElementTree.fromstring(file.read_text(encoding="utf-16").partition("?>")[2])
    except ET.ParseError as error:
        raise Ended(1, f"FEHLER: Die Aufgaben-XML ist falsch formatiert. {error}") from None
    if task.tag != f"{{{NAMESPACE}}}Task" or not len(_part(task, "Actions")):
        raise Ended(1, "FEHLER: Die Aufgaben-XML enthält keine Aktion.")
    with state.editing(host) as found:
        _as_windows_keeps_it(found, task, name)
        enabled = (task.findtext(f"{{{NAMESPACE}}}Settings/{{{NAMESPACE}}}Enabled") or "true") != "false"
        known = next((one for one in found["tasks"] if one.lower() == name.lower()), name)
        found["tasks"][known] = {"enabled": enabled, "xml": ET.tostring(task, encoding="unicode")}
    if enabled and task.find(f"{{{NAMESPACE}}}Triggers/{{{NAMESPACE}}}RegistrationTrigger") is not None:
        carry_out(host, task)  # at once, whatever its delay
    return f'ERFOLGREICH: Die geplante Aufgabe "{name}" wurde erfolgreich erstellt.'


def _part(parent: ET.Element, name: str) -> ET.Element:
    found = parent.find(f"{{{NAMESPACE}}}{name}")
    return found if found is not None else ET.SubElement(parent, f"{{{NAMESPACE}}}{name}")


def _as_windows_keeps_it(found: dict[str, Any], task: ET.Element, name: str) -> None:
    """Windows adds where a task is, what it assumed, and writes accounts as SIDs; defaults may go missing."""
    _part(_part(task, "RegistrationInfo"), "URI").text = name
    settings = _part(task, "Settings")
    if settings.find(f"{{{NAMESPACE}}}IdleSettings") is None:
        _part(_part(settings, "IdleSettings"), "StopOnIdleEnd").text = "true"
        _part(_part(settings, "IdleSettings"), "RestartOnIdle").text = "false"
    _part(settings, "UseUnifiedSchedulingEngine").text = "true"
    hidden = settings.find(f"{{{NAMESPACE}}}Hidden")
    if hidden is not None and hidden.text == "false":
        settings.remove(hidden)
    for user in task.iter(f"{{{NAMESPACE}}}UserId"):
        text = user.text or ""
        if text.upper().endswith("SYSTEM"):
            user.text = "S-1-5-18"
        elif not text.startswith("S-1-"):
            user.text = state.sid_of(found, text)
            if user.text is None:
                raise Ended(
                    1, "FEHLER: Zuordnungen von Kontennamen und Sicherheitskennungen wurden nicht durchgeführt."
                )
