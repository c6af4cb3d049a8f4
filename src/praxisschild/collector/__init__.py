"""Programs that run on a practice's host and read its effective state; each is one file, sent as text."""

from __future__ import annotations

from importlib.resources import files


def linux_script() -> str:
    """The Linux collector as source text, to be run as root on the host."""
    return files(__name__).joinpath("linux.py").read_text(encoding="utf-8")
