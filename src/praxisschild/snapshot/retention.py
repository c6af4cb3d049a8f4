"""How long things stay, and who is told about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from praxisschild.snapshot.notation import seconds
from praxisschild.snapshot.sections import Sections


@dataclass(frozen=True)
class Retention(Sections):
    """Trash, temporary files and crash dumps."""

    def temporary_age(self, folder: str) -> timedelta | None:
        """After which time unused files in ``/tmp`` or ``/var/tmp`` are removed; None if they stay."""
        age = self._section("retention")["ages"][folder]
        length = seconds(age) if age else None
        return None if length is None else timedelta(seconds=length)

    @property
    def oldest_trash(self) -> timedelta:
        """How long the oldest thing has been lying in anybody's trash; nothing if all are empty."""
        return timedelta(seconds=self._section("retention")["oldest_trash"] or 0)

    @property
    def checks_connectivity(self) -> bool | None:
        """Whether NetworkManager tells a server in the Internet that this host is on; None without NetworkManager."""
        found: bool | None = self._section("retention")["connectivity_check"]
        return found

    @property
    def crash_dumps(self) -> dict[str, Any]:
        """`storage` of systemd-coredump, the `services` limit in bytes as text, and the number of those `kept`."""
        return dict(self._section("crash_dumps"))
