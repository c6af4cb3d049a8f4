#!/usr/bin/env python3
"""Write the manual page praxisschild(1) from the program's own help: `dev/manpage.py de|en`, to standard output."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import typer

from praxisschild.cli import app
from praxisschild.cli_program import paragraphs
from praxisschild.i18n import LANGUAGES, N_, VARIABLE, _

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTIONS = {
    "name": N_("NAME"),
    "synopsis": N_("SYNOPSIS"),
    "description": N_("DESCRIPTION"),
    "options": N_("OPTIONS"),
    "commands": N_("COMMANDS"),
    "environment": N_("ENVIRONMENT"),
    "files": N_("FILES"),
    "see_also": N_("SEE ALSO"),
}
ENVIRONMENT = (
    ("PRAXISSCHILD_LANG", N_("language of messages and help: de or en")),
    ("ANSIBLE_VAULT_PASSWORD_FILE", N_("a file with the password of the practice's vault")),
    ("PRAXISSCHILD_EVIDENCE_PASSPHRASE_FILE", N_("a file with the passphrase of the key that signs evidence")),
    ("PRAXISSCHILD_EVIDENCE_PASSPHRASE", N_("the passphrase itself")),
    ("PRAXISSCHILD_KEYS", N_("folder of the keys, ~/.config/praxisschild/evidence-keys without it")),
    ("PRAXISSCHILD_CATALOGUE", N_("folder of the catalogue, that of the checkout without it")),
)
FILES = (
    ("inventories/<practice>/", N_("a practice: hosts, facts, secrets in ansible-vault, attestations")),
    ("evidence/<practice>/<time>/", N_("what one verification left behind: results, report, kept states")),
    ("catalogue/", N_("the requirements of both editions and the KVWL's recommendations")),
)


def page(language: str) -> str:
    """The manual page in roff.

    Args:
        language: one of `praxisschild.i18n.LANGUAGES`.
    """
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = language
    try:
        return "".join(f"{line}\n" for line in _lines())
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def _lines() -> Iterator[str]:
    root = typer.main.get_command(app)
    root.translate()
    context = typer.Context(root, info_name="praxisschild")
    about, *more = paragraphs(root.help)
    yield f'.TH PRAXISSCHILD 1 "" "Praxisschild {_text(version("praxisschild"))}"'
    yield _section("name")
    yield f"praxisschild \\- {_text(about.rstrip('.'))}"
    yield _section("synopsis")
    yield f".B praxisschild\n{_text(' '.join(root.collect_usage_pieces(context)))}"
    yield _section("description")
    for text in more:
        yield from _paragraph(text)
    yield _section("options")
    yield from _options(root, context)
    yield _section("commands")
    yield from _commands(root, context)
    for name, entries in (("environment", ENVIRONMENT), ("files", FILES)):
        yield _section(name)
        for word, meaning in entries:
            yield f".TP\n.B {_text(word)}\n{_text(_(meaning))}"
    yield _section("see_also")
    yield ".BR ansible-playbook (1),\n.BR ansible-vault (1),\n.BR pytest (1)"


def _section(name: str) -> str:
    return f'.SH "{_text(_(SECTIONS[name]))}"'


def _commands(group: object, context: typer.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = typer.Context(command, info_name=name, parent=context)
        pieces = " ".join(command.collect_usage_pieces(inner))
        yield f'.SS "{_text(inner.command_path.partition(" ")[2])}"'
        yield f".B {_text(inner.command_path)}\n{_text(pieces)}"
        for text in paragraphs(command.help or ""):
            yield from _paragraph(text)
        yield from _options(command, inner)
        if hasattr(command, "list_commands"):
            yield from _commands(command, inner)


def _options(command: object, context: typer.Context) -> Iterator[str]:
    for parameter in command.params:
        is_argument = parameter.param_type_name == "argument"
        names = [parameter.metavar] if is_argument else [*parameter.opts, *parameter.secondary_opts]
        value = "" if is_argument or not parameter.metavar else f" \\fI{_text(parameter.metavar)}\\fR"
        heading = ", ".join(f"\\fB{_text(name)}\\fR" for name in names)
        yield f".TP\n{heading}{value}\n{_text(parameter.help or '')}"
    yield f".TP\n\\fB{_text('--help')}\\fR\n{_text(command.get_help_option(context).help)}"


def _paragraph(text: str) -> Iterator[str]:
    yield ".PP"
    if "\n" in text or re.search(r"\S {3,}\S", text):  # set in columns
        yield ".nf"
        yield from (_text(line) for line in text.splitlines())
        yield ".fi"
    else:
        yield _text(text)


def _text(text: str) -> str:
    """Text that roff takes literally, with the program's own marks for bold; in ASCII, which every roff reads."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"\[bold\](.*?)\[/(?:bold)?\]", r"\\fB\1\\fR", text)
    text = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", text.replace('"', "\\(dq"))
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    if sys.argv[1:] not in [[name] for name in LANGUAGES]:
        sys.exit(f"usage: dev/manpage.py {'|'.join(LANGUAGES)}")
    sys.stdout.write(page(sys.argv[1]))
