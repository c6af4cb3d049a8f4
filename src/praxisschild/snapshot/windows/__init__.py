"""The effective state of one Windows host as the collector read it. One module per topic, as for Linux.

Numbers are those of Windows' own interfaces; each property names its source where they are not plain.
"""

from __future__ import annotations

from dataclasses import dataclass

from praxisschild.snapshot.windows.accounts import Accounts
from praxisschild.snapshot.windows.desk import Desk
from praxisschild.snapshot.windows.firewall import Firewall
from praxisschild.snapshot.windows.host import Host
from praxisschild.snapshot.windows.logs import Logs
from praxisschild.snapshot.windows.programs import Programs
from praxisschild.snapshot.windows.protection import Protection
from praxisschild.snapshot.windows.settings import Settings
from praxisschild.snapshot.windows.shares import Shares
from praxisschild.snapshot.windows.traffic import Traffic
from praxisschild.snapshot.windows.upkeep import Upkeep
from praxisschild.snapshot.windows.volumes import Volumes

__all__ = ["WindowsSnapshot"]


@dataclass(frozen=True)
class WindowsSnapshot(
    Accounts,
    Desk,
    Firewall,
    Logs,
    Programs,
    Protection,
    Shares,
    Traffic,
    Upkeep,
    Volumes,
    Host,
    Settings,
):
    """One Windows host's effective state. Attributes are read from the document when they are asked for."""
