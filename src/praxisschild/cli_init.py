"""The command that makes a new practice's folder from questions or options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from praxisschild.cli_common import PROJECT, output, print_hint
from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from praxisschild.new_practice import Answers

TEMPLATE = PROJECT / "inventories/vorlage"


def init(
    folder: Annotated[Path, typer.Argument(help="the folder to make, e.g. inventories/praxis-am-markt")],
    name: Annotated[str | None, typer.Option(help="name of the practice, as the report writes it")] = None,
    people: Annotated[
        int | None, typer.Option(min=1, help="people who regularly process data; the size follows from it")
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="name=…,address=…,role=…,os=…",
            help="a host (repeatable); role: arbeitsplatz or server; os: debian, ubuntu or windows",
        ),
    ] = None,
    network: Annotated[str | None, typer.Option(help="the practice's network, e.g. 192.168.10.0/24")] = None,
    control: Annotated[
        str | None, typer.Option(help="address or network of this control node: only it may reach SSH")
    ] = None,
    admin: Annotated[str | None, typer.Option(help="login of the operator on the hosts")] = None,
    ssh_key: Annotated[str | None, typer.Option(help="file with the operator's private SSH key")] = None,
    person: Annotated[list[str] | None, typer.Option(help="login of one person (repeatable)")] = None,
    feature: Annotated[
        list[str] | None, typer.Option(metavar="NAME=yes|no", help="what the practice has or has not (repeatable)")
    ] = None,
    file_server: Annotated[str | None, typer.Option(help="host that offers file shares")] = None,
    backup_target: Annotated[str | None, typer.Option(help="host that keeps the backups of the others")] = None,
    medium: Annotated[
        str | None, typer.Option(metavar="HOST:DEVICE", help="removable backup medium and where it is plugged in")
    ] = None,
    log_host: Annotated[str | None, typer.Option(help="host that keeps the logs of the others")] = None,
    alarm_mail: Annotated[str | None, typer.Option(help="mail address that alarms go to")] = None,
    smtp_host: Annotated[str | None, typer.Option(help="mail server for alarms")] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="ask nothing; what is needed and not given is named")
    ] = False,
) -> None:
    """Make a practice's folder from questions or options; overwrites nothing.

    Whoever breaks off goes on with the same command where they stopped. Passwords are not asked for: they belong into
    ansible-vault, and the commands for that are shown at the end.
    """
    from praxisschild.interview import Interview
    from praxisschild.new_practice import already_there, make_practice

    if folder.exists():
        raise already_there(folder)
    given = {
        "name": name,
        "people": None if people is None else str(people),
        "hosts": host,
        "network": network,
        "control": control,
        "admin": admin,
        "ssh_key": ssh_key,
        "persons": person,
        "features": feature,
        "file_server": file_server,
        "backup_target": backup_target,
        "medium": medium,
        "log_host": log_host,
        "alarm_mail": alarm_mail,
        "smtp_host": smtp_host,
    }
    interview = Interview(folder, {key: value for key, value in given.items() if value is not None})
    answers = interview.answers(asks=not non_interactive)
    make_practice(folder, answers, TEMPLATE)
    interview.forget()
    raise typer.Exit(_tell(folder, answers))


def _tell(folder: Path, answers: Answers) -> int:
    """What came of it, what is still missing, and the next commands; the exit code."""
    from praxisschild.inventory import open_practice

    said = _("{folder} is there: {name}, size {size}.", folder=folder, name=answers.name, size=answers.size)
    output.print(f"[green]{said}[/]", soft_wrap=True)
    code = 0
    try:
        hints = open_practice(folder).hints
    except InputError as error:
        output.print(_("\nThis still needs a value:"), style="yellow")
        output.print(f"  {error}", markup=False, soft_wrap=True)
        hints, code = (), 1
    for hint in hints:
        print_hint(output, str(hint))
    output.print(_("\nNext:"))
    for command, purpose in _next_commands(folder, has_windows=answers.has_windows):
        output.print(f"  {command}", markup=False, soft_wrap=True, highlight=False)
        output.print(f"      {purpose}", style="dim", markup=False, soft_wrap=True)
    return code


def _next_commands(folder: Path, *, has_windows: bool) -> tuple[tuple[str, str], ...]:
    vault = f"{folder}/group_vars/all/vault.yml"
    secrets = _("with the lines vault_become_password: … and vault_backup_password: …")
    windows: tuple[tuple[str, str], ...] = ()
    if has_windows:
        secrets = _("with the lines vault_become_password: …, vault_backup_password: … and vault_windows_password: …")
        way = _("once on each Windows PC, as docs/windows-einrichten.md (German) says")
        windows = (("Praxisschild-WinRM.ps1 -Verwaltungsnetz …", way),)
    return (
        *windows,
        (f"ansible-vault create {vault}", secrets),
        ("export ANSIBLE_VAULT_PASSWORD_FILE=…", _("a file with the vault's password, readable by you alone")),
        (f"praxisschild check {folder}", _("is everything written down?")),
        (f"praxisschild plan {folder}", _("what would change on the hosts?")),
        (f"praxisschild apply {folder}", _("apply it")),
        (f"praxisschild verify {folder}", _("prove it, and write the report")),
    )
