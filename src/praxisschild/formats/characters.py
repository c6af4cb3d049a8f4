"""Characters that a format cannot hold."""

from __future__ import annotations

import re

# XML 1.0 has no way to write these, escaped or not
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# a control that no font draws, or one that turns the order of what follows, and so what a reader takes it for
_UNPRINTABLE = re.compile("[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def xml_text(value: str) -> str:
    """The text with a replacement character for each that XML cannot hold."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)


def paper_text(value: str) -> str:
    """The same for each that XML cannot hold, and for each that has no shape on paper."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", xml_text(value))
