"""secedit.exe: /export and /configure of the security policy and of user rights."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

from .. import state
from ..unmodelled import Unmodelled
from .ended import Ended
from .files import native

AREAS = {"SECURITYPOLICY", "USER_RIGHTS"}
TEXTS = {"NewAdministratorName", "NewGuestName"}
LOCKOUT = ("ResetLockoutCount", "LockoutDuration")
SWITCHED = {"EnableAdminAccount": "-500", "EnableGuestAccount": "-501"}
# bounds that the engine itself puts to a template
BOUNDS = {
    "MinimumPasswordAge": (0, 998),
    "MaximumPasswordAge": (-1, 999),
    "MinimumPasswordLength": (0, 14),
    "PasswordHistorySize": (0, 24),
    "LockoutBadCount": (0, 999),
    "ResetLockoutCount": (1, 99999),
    "LockoutDuration": (-1, 99999),
}
DONE = (
    "Der Vorgang wurde erfolgreich abgeschlossen.\n"
    "Weitere Informationen finden Sie in der Protokolldatei %windir%\\security\\logs\\scesrv.log."
)
USAGE = (
    "Falscher Parameter.\n\nDie Syntax des Befehls lautet:\n\n"
    "secedit [/configure | /analyze | /import | /export | /validate | /generaterollback]"
)
# accounts without an entry in the state that a template may name
WELL_KNOWN = {"jeder": "S-1-1-0", "system": "S-1-5-18", "lokaler dienst": "S-1-5-19", "netzwerkdienst": "S-1-5-20"}


def secedit(host: Path, words: list[str]) -> str:
    """Export to, or configure from, a template."""
    verb, options = _options(words)
    if verb == "/export":
        if set(options) - {"/cfg", "/areas", "/log"} or "/cfg" not in options:
            raise Unmodelled(f"secedit {' '.join(words)}")
        _file(host, options, "/cfg").write_text(_exported(state.load(host)), encoding="utf-16", newline="\r\n")
        return "" if "/quiet" in words else DONE
    if verb == "/configure":
        if set(options) - {"/db", "/cfg", "/areas", "/log"} or not {"/db", "/cfg"} <= set(options):
            raise Unmodelled(f"secedit {' '.join(words)}")
        return _configure(host, options)
    raise Unmodelled(f"secedit {' '.join(words)}")


def _options(words: list[str]) -> tuple[str, dict[str, list[str]]]:
    if not words:
        raise Unmodelled("secedit ohne Befehl")
    options: dict[str, list[str]] = {}
    current: list[str] = []
    for word in words[1:]:
        if word.lower() == "/quiet":
            continue
        # a path of the lab begins with a slash too
        if word.startswith("/") and "/" not in word[1:]:
            current = options.setdefault(word.lower(), [])
        else:
            current.append(word)
    if not all(values for values in options.values()) or not set(options.get("/areas", [])) <= AREAS:
        raise Ended(1, USAGE)
    return words[0].lower(), options


def _file(host: Path, options: dict[str, list[str]], name: str) -> Path:
    path = options[name][0]
    return native(host, path) if path.upper().startswith("C:\\") else Path(path)


def _exported(found: dict[str, Any]) -> str:
    access = dict(found["security"]) | _switches(found)
    if not access.get("LockoutBadCount"):  # as the real one does while nothing locks
        access = {name: value for name, value in access.items() if name not in LOCKOUT}
    lines = ["[Unicode]", "Unicode=yes", "[System Access]"]
    lines += [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in access.items()
    ]
    lines += ["[Event Audit]", "AuditSystemEvents = 0", "[Registry Values]"]
    lines += [r"MACHINE\System\CurrentControlSet\Control\Lsa\NoLMHash=4,1", "[Privilege Rights]"]
    for name, sids in found["rights"].items():
        lines.append(f"{name} = " + ",".join(_account(found, sid) for sid in sids))
    return "\n".join([*lines, "[Version]", 'signature="$CHICAGO$"', "Revision=1", ""])


def _account(found: dict[str, Any], sid: str) -> str:
    """Local accounts appear by their names, in German; everything else by SID."""
    user = next((name for name, one in found["users"].items() if one["sid"] == sid), None)
    return user if user is not None else f"*{sid}"


def _configure(host: Path, options: dict[str, list[str]]) -> str:
    raw = _file(host, options, "/cfg").read_bytes()
    if not raw.startswith(b"\xff\xfe"):
        raise Ended(1, "Die Daten sind unzulässig: Die Vorlage ist nicht in Unicode gespeichert.")
    template = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",), comment_prefixes=(";",))
    template.optionxform = str  # type: ignore[assignment,method-assign] # how the standard library keeps the case of keys
    try:
        template.read_string(raw.decode("utf-16"))
    except configparser.Error as error:
        raise Ended(1, f"Die Daten sind unzulässig: {error}") from None
    if set(template) - {"DEFAULT", "Unicode", "Version", "System Access", "Privilege Rights"}:
        raise Unmodelled(f"secedit /configure mit den Abschnitten {', '.join(template)}")
    if not template.has_section("Version") or template["Version"].get("signature") != '"$CHICAGO$"':
        raise Ended(1, "Die Daten sind unzulässig: Die Signatur der Vorlage fehlt.")
    with state.editing(host) as found:
        complaints = _settings(found, template) + _rights(found, template)
    log = _file(host, options, "/log") if "/log" in options else None
    if log:
        log.write_text("\n".join(["Konfigurationsmodul wurde gestartet.", *complaints]), encoding="utf-16")
    _file(host, options, "/db").write_bytes(b"")
    if complaints:
        raise Ended(3 if all("1332" in one for one in complaints) else 1, "\n".join(complaints))
    return ""


def _settings(found: dict[str, Any], template: configparser.ConfigParser) -> list[str]:
    complaints = []
    wanted = dict(template["System Access"]) if template.has_section("System Access") else {}
    fresh = dict(found["security"])
    for name, text in wanted.items():
        if name not in fresh and name not in LOCKOUT:
            complaints.append(f"Fehler 87: Falscher Parameter. {name} ist unbekannt.")
        elif name in TEXTS:
            fresh[name] = text.strip('"')
        elif (number := _number(text)) is None or not (bounds := BOUNDS.get(name, (0, 1)))[0] <= number <= bounds[1]:
            complaints.append(f"Fehler 87: Falscher Parameter. {name} = {text}")
        else:
            fresh[name] = number
    if fresh.get("LockoutBadCount"):
        for name in LOCKOUT:
            fresh.setdefault(name, 30)
        if 0 < fresh["LockoutDuration"] < fresh["ResetLockoutCount"]:
            return [
                *complaints,
                "Fehler 87: Falscher Parameter. Fehler beim Konfigurieren der Kontosperrungsrichtlinie.",
            ]
    if 0 <= fresh["MaximumPasswordAge"] <= fresh["MinimumPasswordAge"]:
        return [*complaints, "Fehler 87: Falscher Parameter. Fehler beim Konfigurieren der Kennwortrichtlinie."]
    found["security"] = fresh
    _switch(found, wanted)
    return complaints


def _switch(found: dict[str, Any], wanted: dict[str, str]) -> None:
    for name, end in SWITCHED.items():
        for user in found["users"].values():
            if name in wanted and user["sid"].endswith(end):
                user["enabled"] = bool(found["security"][name])


def _switches(found: dict[str, Any]) -> dict[str, int]:
    """What the policy says of the two built-in accounts is how they are."""
    return {
        name: int(user["enabled"])
        for name, end in SWITCHED.items()
        for user in found["users"].values()
        if user["sid"].endswith(end)
    }


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _rights(found: dict[str, Any], template: configparser.ConfigParser) -> list[str]:
    complaints = []
    for name, text in (template["Privilege Rights"] if template.has_section("Privilege Rights") else {}).items():
        sids = []
        for account in filter(None, (one.strip() for one in text.split(","))):
            sid = account[1:] if account.startswith("*S-1-") else _sid(found, account)
            if sid is None:
                complaints.append(
                    f"Fehler 1332: Zuordnungen von Kontennamen und Sicherheitskennungen fehlen. {account}"
                )
            else:
                sids.append(sid)
        found["rights"][name] = sids
        if not sids:
            del found["rights"][name]  # a right that nobody has is not exported
    return complaints


def _sid(found: dict[str, Any], account: str) -> str | None:
    return state.sid_of(found, account) or WELL_KNOWN.get(account.rpartition("\\")[2].lower())
