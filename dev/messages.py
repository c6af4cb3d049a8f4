#!/usr/bin/env python3
"""Collect every message of the program and bring the catalogues of translations up to date.

Messages are what stands in `_()`, `n_()` and `N_()`, and the help of every command, which is collected from the program
itself. `dev/messages.py` updates the catalogues and names what has no translation yet.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from babel.messages import Catalog, extract, pofile

from praxisschild.cli import app
from praxisschild.cli_program import paragraphs
from praxisschild.i18n import DOMAIN, LANGUAGES, LOCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[1]
KEYWORDS = {"_": None, "N_": None, "n_": (1, 2)}
SOURCES = ("src/praxisschild", "plugins/action", "dev")
TRANSLATED = tuple(name for name in LANGUAGES if name != "en")


def collect() -> Catalog:
    """Every message of the program, in the order of its files."""
    catalogue = Catalog(domain=DOMAIN, project="Praxisschild", fuzzy=False, header_comment="# Praxisschild's messages.")
    for folder in SOURCES:
        found = extract.extract_from_dir(
            PROJECT / folder, [("**.py", "python")], keywords=KEYWORDS, comment_tags=("Translators:",)
        )
        for name, _line, message, comments, context in sorted(found, key=lambda one: (str(one[0]), one[1])):
            catalogue.add(message, None, [(f"{folder}/{name}", 0)], auto_comments=comments, context=context)
    for text in dict.fromkeys(help_texts(typer.main.get_command(app))):
        catalogue.add(text, None, [("help", 0)])
    return catalogue


def help_texts(command: object) -> Iterator[str]:
    """What the help of a command and of those below it consists of, as written in the code."""
    for text in (command.help, command.short_help, command.epilog):
        yield from paragraphs(text or "")
    for parameter in command.params:
        yield from paragraphs(parameter.help or "")
        if isinstance(parameter.show_default, str):
            yield parameter.show_default
        if parameter.param_type_name == "argument":
            yield parameter.metavar or parameter.name.upper()
        elif parameter.metavar:
            yield parameter.metavar
    for one in getattr(command, "commands", {}).values():
        yield from help_texts(one)


def file_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    with file_of(language).open("rb") as file:
        return pofile.read_po(file, locale=language)


def write(language: str, catalogue: Catalog) -> None:
    """The file, with a header that says what a reader of the format needs, and nothing that every run changes."""
    buffer = io.BytesIO()
    pofile.write_po(buffer, catalogue, width=110, include_lineno=False, omit_header=True)
    header = (
        "# Messages of Praxisschild; dev/messages.py brings them up to date.\n"
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    file_of(language).write_text(header + buffer.getvalue().decode(), encoding="utf-8")


def without_translation(catalogue: Catalog) -> list[str]:
    """Messages that a catalogue does not translate, or only guesses."""
    found = []
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and (message.fuzzy or not all(forms)):
            found.append(message.id if isinstance(message.id, str) else message.id[0])
    return found


def main() -> int:
    """Update every catalogue; 1 if something is left to translate."""
    messages, left = collect(), 0
    for language in TRANSLATED:
        catalogue = read(language)
        catalogue.update(messages, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        catalogue.fuzzy = False
        write(language, catalogue)
        missing = without_translation(catalogue)
        print(
            f"{file_of(language).relative_to(PROJECT)}: {len(catalogue)} messages, {len(missing)} without translation"
        )
        for text in missing:
            print(f"  {text!r}")
        left += len(missing)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
