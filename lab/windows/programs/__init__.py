"""Models of the programs in System32 that our modules start: strict in what they take, German in what they say.

What a program is not modelled for ends with ``NICHT NACHGEBILDET``; a refusal of the real one with its real code.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .accounts import net
from .auditpol import auditpol
from .components import dism, sc, schtasks
from .ended import Ended
from .files import HIVE, icacls, reg
from .policy import gpupdate
from .secedit import secedit
from .wbadmin import wbadmin

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HIVE", "PROGRAMS", "Ended", "install"]

PROGRAMS: dict[str, Callable[[Path, list[str]], str]] = {
    "auditpol": auditpol,
    "dism": dism,
    "gpupdate": gpupdate,
    "icacls": icacls,
    "net": net,
    "reg": reg,
    "sc": sc,
    "schtasks": schtasks,
    "secedit": secedit,
    "wbadmin": wbadmin,
}


def install(host: Path) -> None:
    """Put the programs into the host's System32, started by this Python."""
    folder = host / "System32"
    folder.mkdir(parents=True, exist_ok=True)
    lab = Path(__file__).resolve().parents[2]
    for name in PROGRAMS:
        program = folder / f"{name}.exe"
        program.write_text(f"#!/bin/sh\nPYTHONPATH='{lab}' exec '{sys.executable}' -m windows.programs {name} \"$@\"\n")
        program.chmod(0o755)
