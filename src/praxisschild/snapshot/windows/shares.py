"""Folders that a Windows host serves to others."""

from __future__ import annotations

from dataclasses import dataclass, field

from praxisschild.snapshot.sections import Sections

EVERYBODY = {"S-1-1-0": "Jeder", "S-1-5-7": "Anonym", "S-1-5-32-546": "Gäste", "S-1-5-2": "Netzwerk"}


@dataclass(frozen=True)
class Share:
    """A share; `access` says by SID what somebody may do: full, change or read."""

    name: str
    path: str | None
    encrypted: bool
    access: dict[str, str] = field(hash=False)

    @property
    def open_to(self) -> list[str]:
        """Names of groups that hold whoever knocks, and may do something here."""
        return sorted(name for sid, name in EVERYBODY.items() if sid in self.access)


@dataclass(frozen=True)
class Shares(Sections):
    """What the SMB server offers."""

    PLATFORM = "windows"

    @property
    def shares(self) -> list[Share]:
        """Shares that somebody made; ADMIN$, C$ and IPC$ are Windows' own and for administrators."""
        return [
            Share(one["name"], one["path"], one["encrypted"], one["access"])
            for one in self._section("shares", absent=[])
            if not one["special"]
        ]
