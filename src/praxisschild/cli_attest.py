"""The command line of attestations: ask for what is due, show what is left, write a calendar of what falls due."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from praxisschild.errors import InputError

if TYPE_CHECKING:
    from praxisschild.attestations import Due, Standing
    from praxisschild.inventory import PracticeFolder

notes = Console(stderr=True, highlight=False)
output = Console(highlight=False, soft_wrap=True)
_ANSWERS = "[b]estätigen  [t]ext ändern  [ü]berspringen  [e]nde"


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
        _list(left) if left else output.print("Es ist keine Bestätigung fällig.")
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
        output.print("Es ist keine Bestätigung fällig.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Anforderung", "", "Stand"):
        table.add_column(heading)
    for one in due:
        state = one.fault or (f"gilt noch bis {one.until:%d.%m.%Y}" if one.until else "noch keine Bestätigung")
        table.add_row(one.requirement.id, one.requirement.title, state)
    output.print(table)
    output.print(f"{len(due)} Bestätigungen offen.")


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
        statement = typer.prompt("Text") if answer == "t" else attestable.statement
        role = typer.prompt("Verantwortliche Rolle", default=role or attestable.role)
        attachment = typer.prompt("Anlage (Datei, leer für keine)", default="", show_default=False)
        try:
            _keep(one, statement, role, attachment, folder, today)
        except InputError as error:
            notes.print(f"[red]Nicht gespeichert:[/] {error}", soft_wrap=True)
            left.append(one)
    return left


def _choice() -> str:
    while True:
        answer = str(typer.prompt(_ANSWERS, default="b", show_default=False)).strip().lower()[:1]
        answer = {"u": "ü"}.get(answer, answer)
        if answer in {"b", "t", "ü", "e"}:
            return answer
        notes.print("Bitte b, t, ü oder e eingeben.")


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
    output.print(f"Gespeichert, gültig bis {said.valid_until:%d.%m.%Y}.", style="green")


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
        raise InputError(path, "", f"cannot be written ({error.strerror})", "name another file") from None
    output.print(f"{len(events)} Termine in {path}")
