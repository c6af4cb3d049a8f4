"""net.exe: an account on or off, and who is in a local group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import state
from ..unmodelled import Unmodelled
from .ended import Ended

if TYPE_CHECKING:
    from pathlib import Path

DONE = "Der Befehl wurde erfolgreich ausgeführt."
NO_ACCOUNT = (
    "Der Benutzername konnte nicht gefunden werden.\n\nSie erhalten weitere Hilfe, wenn Sie NET HELPMSG 2221 eingeben."
)
NO_GROUP = "Systemfehler 1376 aufgetreten.\n\nDie angegebene lokale Gruppe ist nicht vorhanden."
NO_MEMBER = "Es wurde kein solcher globaler Benutzer bzw. keine globale Gruppe gefunden: {}."
ALREADY = "Systemfehler 1378 aufgetreten.\n\nDer angegebene Kontoname ist bereits Mitglied der Gruppe."
NOT_THERE = "Systemfehler 1377 aufgetreten.\n\nDer angegebene Kontoname ist kein Mitglied der Gruppe."
BUILT_IN = "Systemfehler 1371 aufgetreten.\n\nDieser Vorgang ist für integrierte Konten nicht zulässig."


def net(host: Path, words: list[str]) -> str:
    """``user NAME /active:yes|no``, ``localgroup NAME MEMBER /add|/delete``; a member may be a SID here."""
    match [word.lower() if index != 1 else word for index, word in enumerate(words)]:
        case ["user", name, ("/active:yes" | "/active:no") as switch]:
            with state.editing(host) as found:
                _named(found["users"], name, NO_ACCOUNT)["enabled"] = switch.endswith("yes")
            return DONE
        case ["localgroup", name, _, ("/add" | "/delete") as verb]:
            with state.editing(host) as found:
                members = _named(found["groups"], name, NO_GROUP)["members"]
                _change(found, members, words[2], verb)
            return DONE
    raise Unmodelled(f"net {' '.join(words)}")


def _change(found: dict[str, Any], members: list[str], member: str, verb: str) -> None:
    sid = member if member.startswith("S-1-") else state.sid_of(found, member)
    if sid is None:
        raise Ended(2, NO_MEMBER.format(member))
    if verb == "/add":
        if sid in members:
            raise Ended(2, ALREADY)
        members.append(sid)
        return
    if sid not in members:
        raise Ended(2, NOT_THERE)
    if sid.endswith("-500"):
        raise Ended(2, BUILT_IN)
    members.remove(sid)


def _named(section: dict[str, dict[str, Any]], name: str, otherwise: str) -> dict[str, Any]:
    for known, one in section.items():
        if known.lower() == name.rpartition("\\")[2].lower():
            return one
    raise Ended(2, otherwise)
