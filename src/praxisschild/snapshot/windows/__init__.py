"""The effective state of one Windows host as the collector read it. One module per topic, as for Linux.

Numbers are those of Windows' own interfaces; each property names its source where they are not plain.
"""

from __future__ import annotations

from dataclasses import dataclass

from praxisschild.snapshot.windows.host import Host
from praxisschild.snapshot.windows.settings import Settings

__all__ = ["WindowsSnapshot"]


@dataclass(frozen=True)
class WindowsSnapshot(Host, Settings):
    """One Windows host's effective state. Attributes are read from the document when they are asked for."""
