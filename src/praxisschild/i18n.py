"""The language in which the program speaks to the person at the terminal: German unless told otherwise.

Messages are written in English in the code and looked up in `locale/<language>/LC_MESSAGES`. Reports, the
catalogue and what a practice wrote are German documents, whatever the program speaks.
"""

from __future__ import annotations

import contextlib
import gettext
import io
import os
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAIN = "praxisschild"
VARIABLE = "PRAXISSCHILD_LANG"
LANGUAGES = ("de", "en")
LOCALE = Path(__file__).parent / "locale"
_SOURCE_LANGUAGE = "en"
_writes_document: ContextVar[bool] = ContextVar("_writes_document", default=False)


def language() -> str:
    """What `PRAXISSCHILD_LANG` names (also in the form de_DE.UTF-8), German without it and in `german()`."""
    if _writes_document.get():
        return LANGUAGES[0]
    wanted = os.environ.get(VARIABLE, "")[:2].lower()
    return wanted if wanted in LANGUAGES else LANGUAGES[0]


@contextlib.contextmanager
def german() -> Iterator[None]:
    """Messages that come about in here are German: they go into evidence or a report, not to the terminal."""
    before = _writes_document.set(True)
    try:
        yield
    finally:
        _writes_document.reset(before)


def _(message: str, /, **values: object) -> str:
    """The message in the language of the program; `values` fill its placeholders, as `str.format` does."""
    text = _catalogue(language()).gettext(message)
    return text.format(**values) if values else text


def n_(singular: str, plural: str, count: int, /, **values: object) -> str:
    """The same for a message that counts; the number is the placeholder `count`."""
    return _catalogue(language()).ngettext(singular, plural, count).format(count=count, **values)


def N_(message: str, /) -> str:  # noqa: N802 - the name that gettext's tools and readers know
    """Mark a message that is written before the language is known and looked up when it is shown."""
    return message


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    if name == _SOURCE_LANGUAGE:
        return gettext.NullTranslations()
    source = LOCALE / name / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled = source.with_suffix(".mo")
    with contextlib.suppress(FileNotFoundError):
        if compiled.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            with compiled.open("rb") as file:
                return gettext.GNUTranslations(file)
    return gettext.GNUTranslations(io.BytesIO(_compile(source, compiled)))


def _compile(source: Path, compiled: Path) -> bytes:
    """Make the binary form anew after a change, and keep it where that is allowed."""
    from babel.messages import mofile, pofile

    with source.open("rb") as file:
        catalogue = pofile.read_po(file)
    buffer = io.BytesIO()
    mofile.write_mo(buffer, catalogue)
    fresh = compiled.with_name(f".{compiled.name}-{os.getpid()}")
    with contextlib.suppress(OSError):
        fresh.write_bytes(buffer.getvalue())
        fresh.replace(compiled)
    return buffer.getvalue()
