"""What every topic of a snapshot reads from: the collector's document, section by section."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Self

SCHEMA_VERSION = 1


class SnapshotError(ValueError):
    """A document is no snapshot that this version understands."""


class Unreadable(LookupError):  # noqa: N818 - a state of the host, not a fault of the program
    """A section could not be read on the host; the text is a reason in German for the report."""


@dataclass(frozen=True)
class Sections:
    """The collector's document; a section that could not be read raises `Unreadable`."""

    PLATFORM: ClassVar[str] = "linux"

    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | str | bytes) -> Self:
        """The snapshot in a collector's output, as text or already parsed.

        Raises:
            SnapshotError: it is none, or another version of the collector wrote it.
        """
        if isinstance(document, str | bytes):
            try:
                document = json.loads(document)
            except ValueError as error:
                raise SnapshotError(f"no JSON document: {error}") from None
        if not isinstance(document, Mapping) or "schema_version" not in document:
            raise SnapshotError("no snapshot: the document has no schema_version")
        if document["schema_version"] != SCHEMA_VERSION:
            raise SnapshotError(
                f"snapshot has schema version {document['schema_version']}, this program reads {SCHEMA_VERSION}: "
                "take a new snapshot, or judge it with the version that took it"
            )
        return cls(document)

    def _section(self, name: str, *, absent: Any = None) -> Any:
        """A section of the document; `absent` is returned if the host has nothing to read there."""
        if self.document.get("platform", "linux") != self.PLATFORM:
            raise Unreadable(f"Zustand „{name}“ gibt es auf diesem Betriebssystem nicht")
        found = self.document.get(name)
        if found is not None:
            return found
        if name in self.document and absent is not None and not self._errors_of(name):
            return absent
        raise Unreadable(
            f"Zustand „{name}“ konnte auf dem Host nicht gelesen werden: {self._errors_of(name) or 'fehlt'}"
        )

    def _errors_of(self, name: str) -> str:
        tools = {"nftables": "nft", "sudo": "cvtsudoers", "network": "ip "}
        wanted = (name, tools.get(name, name))
        return "; ".join(error["message"] for error in self.errors if error["section"].startswith(wanted))

    @property
    def collected_at(self) -> datetime:
        """When the state was read (UTC)."""
        return datetime.fromisoformat(self.document["collected_at"])

    @property
    def today(self) -> date:
        """The day of the snapshot, by which dates in it are judged."""
        return self.collected_at.date()

    @property
    def errors(self) -> list[dict[str, str]]:
        """What could not be read: `section` and `message`."""
        return list(self.document["errors"])
