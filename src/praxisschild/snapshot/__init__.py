"""The effective state of one host as the collector read it, with the conclusions that checks draw from it.

Values keep the collector's units: durations in seconds, sizes in characters, instants as aware datetimes, modes as
octal text. Whatever the collector could not read raises `Unreadable`, so that a check ends as not tested and never as
passed. One module per topic, as in the collector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from praxisschild.snapshot.access import Access
from praxisschild.snapshot.desktop import Desktop
from praxisschild.snapshot.logs import Logs
from praxisschild.snapshot.media import Media
from praxisschild.snapshot.office import Office
from praxisschild.snapshot.protection import Protection
from praxisschild.snapshot.remote_access import RemoteAccess
from praxisschild.snapshot.retention import Retention
from praxisschild.snapshot.sections import SCHEMA_VERSION, SnapshotError, Unreadable
from praxisschild.snapshot.software import Software
from praxisschild.snapshot.storage import Storage
from praxisschild.snapshot.support import Support
from praxisschild.snapshot.system import System
from praxisschild.snapshot.transport import Transport
from praxisschild.snapshot.windows import WindowsSnapshot
from praxisschild.snapshot.wireless import Wireless

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCHEMA_VERSION", "Snapshot", "SnapshotError", "Unreadable", "WindowsSnapshot", "read_snapshot"]


@dataclass(frozen=True)
class Snapshot(
    Support,
    Access,
    Desktop,
    Logs,
    Media,
    Office,
    Protection,
    RemoteAccess,
    Retention,
    Storage,
    System,
    Transport,
    Wireless,
    Software,
):
    """One host's effective state. Attributes are read from the document when they are asked for."""


def read_snapshot(document: Mapping[str, Any]) -> Snapshot | WindowsSnapshot:
    """The snapshot in a collector's output, of the kind that the host's platform has.

    Raises:
        SnapshotError: it is none, or another version of the collector wrote it.
    """
    return (WindowsSnapshot if document.get("platform") == "windows" else Snapshot).from_json(document)
