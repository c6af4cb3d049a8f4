"""The effective state of one Windows host as the collector read it. One module per topic, as for Linux.

Numbers are those of Windows' own interfaces; each property names its source where they are not plain.
"""

from __future__ import annotations

from dataclasses import dataclass

from praxisschild.snapshot.windows.desk import Desk
from praxisschild.snapshot.windows.programs import Programs
from praxisschild.snapshot.windows.traffic import Traffic

__all__ = ["WindowsSnapshot"]


@dataclass(frozen=True)
class WindowsSnapshot(Desk, Programs, Traffic):
    """One Windows host's effective state. Attributes are read from the document when they are asked for."""
