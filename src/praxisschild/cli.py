"""The command line: every command of the program, and the options that all of them share."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from praxisschild import cli_evidence, cli_mdm
from praxisschild.cli_attest import attest
from praxisschild.cli_common import notes
from praxisschild.cli_dokumente import dokumente
from praxisschild.cli_gpo import gpo
from praxisschild.cli_init import init
from praxisschild.cli_look import check, coverage, show
from praxisschild.cli_oscal import oscal
from praxisschild.cli_program import Program
from praxisschild.cli_report import report
from praxisschild.cli_run import apply, plan
from praxisschild.cli_verify import drift, schedule, unschedule, verify
from praxisschild.errors import PraxisschildError

PASSING = {"allow_extra_args": True, "ignore_unknown_options": True}
app = Program(
    help="The KBV's IT security directive: applied, proven, reported.\n\n"
    "Exit codes: 0 in order, 1 findings, 2 misuse or a mistake in the practice's folder, 3 could not run."
)
app.command()(init)
app.command()(check)
app.command(context_settings=PASSING)(plan)
app.command(context_settings=PASSING)(apply)
app.command()(verify)
app.command()(drift)
app.command()(report)
app.command()(attest)
app.command()(dokumente)
app.add_typer(cli_mdm.app, name="mdm")
app.command()(gpo)
app.command()(oscal)
app.add_typer(cli_evidence.app, name="evidence")
app.command()(show)
app.command()(coverage)
app.command()(schedule)
app.command()(unschedule)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"praxisschild {version('praxisschild')}")
        raise typer.Exit


@app.callback()
def _shared(
    lang: Annotated[
        str, typer.Option(metavar="de|en", help="language of messages and help", envvar="PRAXISSCHILD_LANG")
    ] = "de",
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Entry point: a user's mistake ends with one message and an exit code, never with a traceback."""
    try:
        app()
    except PraxisschildError as error:
        notes.print("\n".join(error.__notes__), style="red", markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    sys.exit(0)


if __name__ == "__main__":
    main()
