"""typer in the language of the person at the terminal: help, usage, errors and the options that every command shares.

Help is written in English where a command is defined, and looked up paragraph by paragraph when it is shown: a
new command needs nothing but entries in the catalogue of messages.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, cast

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from praxisschild.errors import InputError, PraxisschildError
from praxisschild.i18n import LANGUAGES, N_, VARIABLE, _

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INTERRUPTED = 130  # what a shell says of a program that Ctrl-C has ended
# Names of typer's module of help, which have no setting, and what is written there
_TYPERS_WORDS = {
    "ARGUMENTS_PANEL_TITLE": N_("Arguments"),
    "OPTIONS_PANEL_TITLE": N_("Options"),
    "COMMANDS_PANEL_TITLE": N_("Commands"),
    "DEFAULT_STRING": N_("[default: {}]"),
    "ENVVAR_STRING": N_("[env var: {}]"),
    "REQUIRED_LONG_STRING": N_("[required]"),
}
_PLACES = {"[OPTIONS]": N_("[OPTIONS]"), "COMMAND [ARGS]...": N_("COMMAND [ARGS]...")}
# What an option wants, by its type in Python
_KINDS = {"bool": "", "int": N_("NUMBER"), "str": N_("TEXT"), "path": N_("PATH"), "file": N_("FILE")}
# typer hands out these only as finished sentences
_SENTENCES = (
    (r"Missing command\.", N_("A command is missing.")),
    (r"No such command '(?P<name>.*?)'\.(?: Did you mean (?P<near>.*)\?)?", N_("There is no command {name!r}.")),
    (r"Got unexpected extra argument\(s\) \((?P<words>.*)\)", N_("This is too much: {words}")),
    (r"Option '(?P<option>.*?)' requires an argument\.", N_("The option {option} wants a value.")),
    (r"Option '(?P<option>.*?)' does not take a value\.", N_("The option {option} takes no value.")),
)
_SHARED = (N_("Show this message and exit."), N_("Install completion for the current shell."))
_SHOW_COMPLETION = N_("Show completion for the current shell, to copy it or customize the installation.")


def paragraphs(text: str) -> list[str]:
    """The parts of a help text that are looked up one by one; only what is set in columns keeps its line breaks."""
    parts = (part.strip() for part in text.partition("\f")[0].split("\n\n"))
    return [part if re.search(r"\S {3,}\S", part) else " ".join(part.split()) for part in parts if part]


def translated(text: str | None) -> str | None:
    """A help text in the language of the program."""
    return "\n\n".join(_(part) for part in paragraphs(text)) if text else text


def _translate(command: Command | Group) -> None:
    """Once per command, before anything of it is shown."""
    command.help, command.short_help = translated(command.help), translated(command.short_help)
    command.epilog = translated(command.epilog)
    if command.options_metavar in _PLACES:
        command.options_metavar = _(_PLACES[command.options_metavar])
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            _translate_argument(parameter)
        elif isinstance(parameter, TyperOption):
            _translate_option(parameter)


def _translate_argument(argument: TyperArgument) -> None:
    argument.help = translated(argument.help)
    argument.metavar = _(argument.metavar or argument.name.upper())
    vars(argument)["display_type_rich"] = lambda ctx: ""  # noqa: ARG005 - typer's own would name the type in Python


def _translate_option(option: TyperOption) -> None:
    option.help = translated(option.help)
    if isinstance(option.show_default, str):
        option.show_default = _(option.show_default)
    if option.metavar is not None:
        option.metavar = _(option.metavar) if option.metavar else ""
    elif option.type_descriptor.is_choice:
        option.metavar = "|".join(str(getattr(one, "value", one)) for one in option.type_descriptor.choices or ())
    else:
        kind = option.type_descriptor.path_type if option.type_descriptor.is_path else option.bare_type()
        kind = re.sub(r"^list\[(.*)\]$", r"\1", kind).removesuffix(" | None").lower()
        found = _KINDS.get(kind, N_("TEXT"))
        option.metavar = _(found) if found else ""


class _Words:
    """What a command and a group have in common."""

    _is_translated = False

    def translate(self) -> None:
        if not self._is_translated:
            self._is_translated = True
            _translate(cast("Command | Group", self))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        self.translate()
        pieces = cast("Command", self).collect_usage_pieces(ctx)
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=_("Usage: "))

    def help_option(self, option: TyperOption | None) -> TyperOption | None:
        if option is not None:
            option.help, option.metavar = _(_SHARED[0]), ""
        return option


def _prepare_help() -> None:
    from typer import rich_utils

    for name, word in _TYPERS_WORDS.items():
        setattr(rich_utils, name, _(word))


class Command(_Words, TyperCommand):
    """A command whose help speaks the language of the program."""

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        return self.help_option(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.translate()
        _prepare_help()
        super().format_help(ctx, formatter)


class Group(_Words, TyperGroup):
    """A group of commands whose help speaks the language of the program."""

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        return self.help_option(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.translate()
        _prepare_help()
        super().format_help(ctx, formatter)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if isinstance(found, Command | Group):
            found.translate()
        return found

    def translate(self) -> None:
        super().translate()
        self.subcommand_metavar = _(_PLACES.get(self.subcommand_metavar, self.subcommand_metavar))


class RootGroup(Group):
    """The program itself: takes `--lang` at any place, and says what was misused in its language."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        before = os.environ.get(VARIABLE)
        try:
            wanted = _take_language(words)
            if wanted is not None:
                os.environ[VARIABLE] = wanted  # for what this program starts, too
            self.translate()
            result = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.Abort:
            _say(_("Broken off."))
            result = INTERRUPTED
        except TyperException as error:
            if type(error).__name__ != "NoArgsIsHelpError":  # that one has shown the help
                _say_misuse(error)
            result = error.exit_code
        except PraxisschildError as error:
            is_input = isinstance(error, InputError)
            # its reader's language is known here, and no longer where the program ends
            error.add_note(_("Input: {error}", error=error) if is_input else _("Broken off: {error}", error=error))
            raise
        finally:
            if before is None:
                os.environ.pop(VARIABLE, None)
            else:
                os.environ[VARIABLE] = before
        if standalone_mode:
            sys.exit(result if isinstance(result, int) else 0)
        return result


def _take_language(words: list[str]) -> str | None:
    """Remove `--lang de` from the words, wherever it stands; None if nobody names a language.

    Raises:
        typer.BadParameter: no such language.
    """
    wanted = None
    for number, word in enumerate(words):
        if word == "--":
            break
        if word == "--lang" or word.startswith("--lang="):
            _name, is_joined, value = word.partition("=")
            length = 1 if is_joined else 2
            wanted = value if is_joined else " ".join(words[number + 1 : number + 2])
            del words[number : number + length]
            break
    if wanted is not None and wanted not in LANGUAGES:
        raise typer.BadParameter(
            _("there is no language {wanted!r}; choose one of: {known}", wanted=wanted, known=", ".join(LANGUAGES)),
            param_hint="--lang",
        )
    return wanted


def _say(text: str) -> None:
    Console(stderr=True, highlight=False).print(f"[red]{escape(text)}[/]", soft_wrap=True)


def _say_misuse(error: TyperException) -> None:
    """One sentence about what was misused, and where the help is."""
    context = getattr(error, "ctx", None)
    if context is not None:
        typer.echo(context.get_usage(), err=True)
    _say(in_words(error))
    if context is not None:
        typer.echo(_("Help: {command} --help", command=context.command_path), err=True)


def in_words(error: TyperException) -> str:
    """What typer objects to, in the language of the program."""
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return _near(_("There is no option {option}.", option=vars(error)["option_name"]), vars(error)["possibilities"])
    hint = vars(error).get("param_hint")
    if hint is None and getattr(error, "param", None) is not None:
        parameter = vars(error)["param"]
        hint = " / ".join(parameter.opts) if isinstance(parameter, TyperOption) else parameter.display_name_raw
    if kind == "MissingParameter":
        return _("{parameter} is missing.", parameter=hint or "")
    if kind == "BadParameter":
        return _("{parameter}: {reason}", parameter=hint or "", reason=_reason(error))
    for pattern, sentence in _SENTENCES:
        if found := re.fullmatch(pattern, error.message, re.DOTALL):
            said = found.groupdict()
            near = re.findall(r"'(.*?)'", said.pop("near", None) or "")
            return _near(_(sentence, **said), near)
    return error.format_message()


def _reason(error: TyperException) -> str:
    """Why a value does not do; typer leaves its judgement to pydantic."""
    from pydantic import ValidationError

    if isinstance(error.__cause__, ValidationError):
        from praxisschild.pydantic_words import reason_of

        reason = reason_of(error.__cause__.errors(include_url=False)[0])
    else:
        reason = error.message
    found = re.fullmatch(r"(?P<value>.*) is not one of (?P<known>.*)\.", reason)
    return _("{value} is none of {known}", **found.groupdict()) if found else reason


def _near(sentence: str, possibilities: Sequence[str] | None) -> str:
    if not possibilities:
        return sentence
    return _("{sentence} Did you mean {words}?", sentence=sentence, words=", ".join(sorted(possibilities)))


class Program(typer.Typer):
    """A typer application whose commands, its own and added ones, speak the language of the program."""

    def __init__(self, *, help: str) -> None:  # noqa: A002 - typer's own name
        super().__init__(
            cls=RootGroup,
            help=help,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode="rich",
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, **{"cls": Command, **settings})

    def add_typer(self, typer_instance: typer.Typer, **settings: Any) -> None:
        _adopt(typer_instance)
        super().add_typer(typer_instance, **{"cls": Group, **settings})


def _adopt(application: typer.Typer) -> None:
    """Commands that another module has registered with a plain typer application."""
    for command in application.registered_commands:
        if command.cls is None or command.cls is TyperCommand:
            command.cls = cast("Any", Command)
    for group in application.registered_groups:
        group.cls = Group
        if group.typer_instance is not None:
            _adopt(group.typer_instance)
