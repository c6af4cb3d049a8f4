"""wbadmin.exe: an image of the whole server, which here is the note that there is one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .. import state
from ..unmodelled import Unmodelled
from .ended import Ended

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = {"-allcritical", "-systemstate", "-vssfull", "-quiet"}


def wbadmin(host: Path, words: list[str]) -> str:
    """Start backup of the whole system to a volume, get versions."""
    if not state.load(host)["features"].get("WindowsServerBackup") == "enabled":
        raise Ended(1, "FEHLER: Die Windows Server-Sicherung ist nicht installiert.")
    options = {word.partition(":")[0].lower(): word.partition(":")[2] for word in words[2:]}
    target = options.pop("-backuptarget", "")
    match [word.lower() for word in words[:2]]:
        case ["start", "backup"] if options.keys() >= WHOLE and not options.keys() - WHOLE - {"-include"}:
            items = [one for one in options.get("-include", "").split(",") if one]
            with state.editing(host) as found:
                for volume in (target, *items):
                    if volume not in found["bitlocker"]:
                        raise Ended(-3, f"FEHLER: Das Volume {volume} wurde nicht gefunden.")
                version = datetime.now(UTC).strftime("%m/%d/%Y-%H:%M")
                found["images"][version] = {"target": target, "items": ["C:", *items]}
            return "Der Sicherungsvorgang wurde erfolgreich abgeschlossen."
        case ["get", "versions"] if not options:
            versions = [version for version, one in state.load(host)["images"].items() if one["target"] == target]
            # the time of day as a German reads it, the version as wbadmin writes it everywhere
            return "\n\n".join(
                f"Sicherungszeit: {one[3:5]}.{one[:2]}.{one[6:10]} {one[11:]}\nVersions-ID: {one}" for one in versions
            )
    raise Unmodelled(f"wbadmin {' '.join(words)}")
