"""Programs that run on a practice's host and read its effective state; they are sent there as text."""

from __future__ import annotations

from praxisschild.travelling import program


def linux_script() -> str:
    """The Linux collector as source text, to be run as root on the host."""
    return program("praxisschild.collector.linux.main")
