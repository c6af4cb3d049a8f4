"""The command line of attestations: ask for what is due, show what is left, write a calendar of what falls due."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from praxisschild.errors import InputError
from praxisschild.i18n import N_, _, n_

if TYPE_CHECKING:
    from praxisschild.attestations import Due, Standing
    from praxisschild.inventory import PracticeFolder

notes = Console(stderr=True, highlight=False)
output = Console(highlight=False, soft_wrap=True)
# each language has its own letters; the first of each is the same for both
_ANSWERS = N_("[b] attest  [t] change the text  [s] skip  [e] end")


def attest(
    practice: Annotated[Path, typer.Argument(help="the practice's inventory folder, e.g. inventories/musterpraxis")],
    requirement: Annotated[
        list[str] | None, typer.Option(help="only this requirement, or recommendation (repeatable)")
    ] = None,
    days: Annotated[int, typer.Option(min=0, help="also what ends within so many days")] = 30,
    only_list: Annotated[
        bool, typer.Option("--list", help="show what is due and ask nothing; exit 1 if there is any")
    ] = False,
    calendar: Annotated[
        Path | None, typer.Option(help="write a calendar (.ics) of what falls due, and ask nothing")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="what is due, machine-readable")] = False,
) -> None:
    """Ask for the attestations that are due, one after another.

    Each answer is kept at once in the practice's folder of attestations, so that the questions can be broken off at any
    time; the next call goes on where this one ended. With --list, --calendar or --json nothing is asked.
    """
    from praxisschild import attestations
    from praxisschild.applicability import edition_of
    from praxisschild.inventory import open_practice

    opened = open_practice(practice, strict=False)
    today = datetime.now(UTC).date()
    folder = opened.inventory.directory / opened.practice.attestations
    standings = attestations.load_attestations(folder, opened.catalogue, today)
    edition = edition_of(opened.catalogue, opened.practice, today)
    wanted = {code for name in requirement or [] for code in _rows(opened, name, edition)}
    due = attestations.due(opened.catalogue, opened.practice, edition, standings, today, days, recommendations=wanted)
    due = [one for one in due if not wanted or one.requirement.id in wanted]
    if calendar:
        _calendar(calendar, opened, standings, today)
    elif as_json:
        output.print_json(data=[_record(one) for one in due])
    elif only_list:
        _list(due)
    else:
        left = _ask(due, folder, today)
        _list(left) if left else output.print(_("No attestation is due."))
        due = left
    raise typer.Exit(1 if due and not calendar else 0)


def _rows(opened: PracticeFolder, name: str, edition: str) -> list[str]:
    opened.catalogue.requirement(name)
    return opened.catalogue.carried_forward(name, edition) or [name]


def _record(due: Due) -> dict[str, str | None]:
    return {
        "requirement": due.requirement.id,
        "title": due.requirement.title,
        "statement": due.requirement.attestation.statement if due.requirement.attestation else None,
        "until": due.until.isoformat() if due.until else None,
        "fault": due.fault or None,
    }


def _list(due: list[Due]) -> None:
    if not due:
        output.print(_("No attestation is due."))
        return
    table = Table(box=None, pad_edge=False)
    for heading in (_("Requirement"), "", _("State")):
        table.add_column(heading)
    for one in due:
        state = one.fault or (_("valid until {day:%d.%m.%Y}", day=one.until) if one.until else _("no attestation yet"))
        table.add_row(one.requirement.id, one.requirement.title, state)
    output.print(table)
    output.print(n_("{count} attestation open.", "{count} attestations open.", len(due)))


def _ask(due: list[Due], folder: Path, today: date) -> list[Due]:
    """Ask, keep every answer at once, and return what is left."""
    left: list[Due] = []
    role = ""
    for number, one in enumerate(due, 1):
        entry, attestable = one.requirement, one.requirement.attestation
        if attestable is None:
            left.append(one)
            continue
        output.print(f"\n[bold]{number}/{len(due)}  {entry.id}  {entry.title}[/]")
        output.print(entry.demand, markup=False)
        output.print(f"\n  „{attestable.statement}“\n", markup=False, style="cyan")
        answer = _choice()
        if answer == "e":
            return left + due[number - 1 :]
        if answer == "ü":
            left.append(one)
            continue
        statement = typer.prompt(_("Text")) if answer == "t" else attestable.statement
        role = typer.prompt(_("Responsible role"), default=role or attestable.role)
        attachment = typer.prompt(_("Attachment (a file, empty for none)"), default="", show_default=False)
        try:
            _keep(one, statement, role, attachment, folder, today)
        except InputError as error:
            notes.print(_("Not kept: {error}", error=error), style="red", markup=False, soft_wrap=True)
            left.append(one)
    return left


def _choice() -> str:
    while True:
        answer = str(typer.prompt(_(_ANSWERS), default="b", show_default=False)).strip().lower()[:1]
        answer = {"u": "ü", "s": "ü"}.get(answer, answer)
        if answer in {"b", "t", "ü", "e"}:
            return answer
        notes.print(_("Please type b, t, s or e."), markup=False)


def _keep(one: Due, statement: str, role: str, attachment: str, folder: Path, today: date) -> None:
    from praxisschild import attestations

    attestable = one.requirement.attestation
    months = attestable.months if attestable else 12
    kept = attestations.keep_attachment(Path(attachment), folder) if attachment else None
    said = attestations.attestation_of(
        folder,
        requirement=one.requirement.id,
        statement=statement,
        role=role,
        date=today,
        valid_until=attestations.months_later(today, months),
        attachment=kept,
    )
    attestations.append(folder, said)
    output.print(_("Kept, valid until {day:%d.%m.%Y}.", day=said.valid_until), style="green")


def _calendar(path: Path, opened: PracticeFolder, standings: list[Standing], today: date) -> None:
    from praxisschild.formats import ics

    events = [
        ics.Event(
            uid=f"{one.attestation.requirement}@attestation",
            day=one.attestation.valid_until,
            summary=f"Bestätigung erneuern: {opened.catalogue.requirement(one.attestation.requirement).title}",
            description=f"{one.attestation.requirement}, {one.attestation.role}: {one.attestation.statement}",
        )
        for one in standings
        if one.attestation.valid_until >= today
    ]
    events += [
        ics.Event(
            uid=f"{deviation.requirement}@deviation",
            day=deviation.expires,
            summary=f"Abweichung läuft ab: {opened.catalogue.requirement(deviation.requirement).title}",
            description=f"{deviation.requirement}, genehmigt von {deviation.approved_by}: {deviation.reason}",
        )
        for deviation in opened.practice.deviations
        if deviation.expires >= today
    ]
    try:
        path.write_bytes(ics.render(opened.practice.name, events, datetime.now(UTC)))
    except OSError as error:
        raise InputError(
            path, "", _("cannot be written ({error})", error=error.strerror), _("name another file")
        ) from None
    output.print(_("{count} dates in {path}", count=len(events), path=path))
