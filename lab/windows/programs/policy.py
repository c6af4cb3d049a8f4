"""gpupdate.exe: what the domain's group policy sets comes back; without a domain there is nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import state
from ..registry import Registry
from ..unmodelled import Unmodelled

if TYPE_CHECKING:
    from pathlib import Path

DONE = (
    "Die Richtlinie wird aktualisiert...\n\nDie Aktualisierung der Computerrichtlinie wurde erfolgreich abgeschlossen."
)


def gpupdate(host: Path, words: list[str]) -> str:
    """/target:computer /force, with any /wait."""
    given = {word.lower() for word in words if not word.lower().startswith("/wait:")}
    if given != {"/target:computer", "/force"}:
        raise Unmodelled(f"gpupdate {' '.join(words)}")
    registry = Registry(host / "registry")
    with state.editing(host) as found:
        found["security"].update(found["domain"]["security"])
        for path, value in found["domain"]["registry"].items():
            key, _, name = path.rpartition("\\")
            registry.set(key, name, "dword" if isinstance(value, int) else "string", value)
    return DONE
