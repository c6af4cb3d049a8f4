"""What the stand-in says of anything that it does not model: an error, never an empty success."""

from __future__ import annotations

PREFIX = "NICHT NACHGEBILDET:"


class Unmodelled(Exception):  # noqa: N818 # a statement about the stand-in, not about the host
    """The request is one that a real Windows may well fulfil; the text says what is missing here."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{PREFIX} {what}")
