"""The command line of the documents: write what the directive wants on paper, from the practice's own data."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from praxisschild.dokumente.facts import Facts
    from praxisschild.dokumente.model import Document, Served
    from praxisschild.dokumente.register import Written

PROJECT = Path(__file__).resolve().parents[2]
FORMATS = ("docx", "pdf")
notes = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False, soft_wrap=True)


def dokumente(
    practice: Annotated[Path, typer.Argument(help="the practice's inventory folder, e.g. inventories/musterpraxis")],
    only: Annotated[list[str] | None, typer.Option(help="only this document (repeatable; --list names them)")] = None,
    folder: Annotated[
        Path | None, typer.Option("--output", help="folder for the documents", show_default="dokumente/<practice>")
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="docx, pdf or both with a comma between")] = "docx,pdf",
    evidence: Annotated[Path, typer.Option(help="folder of the evidence that the figures come from")] = PROJECT
    / "evidence",
    only_list: Annotated[bool, typer.Option("--list", help="show the documents there are, and write none")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False,
) -> None:
    """Write the practice's documents: concepts, policies, plans and forms, filled in with its own data.

    Figures come from the latest evidence, everything else from the practice's inventory. What nobody has written down
    yet is marked in the document and listed here with the field that fills it. A document that somebody has changed
    since is never replaced: the new one goes beside it. Contacts no host.

    [bold]Examples[/]

    praxisschild dokumente inventories/musterpraxis --list

    praxisschild dokumente inventories/musterpraxis --only backup-konzept --only notfallkarte --format pdf
    """
    from praxisschild.dokumente.compose import needless
    from praxisschild.dokumente.facts import gather
    from praxisschild.dokumente.texts import texts
    from praxisschild.evidence.bundle import slug
    from praxisschild.inventory import open_practice

    wanted = _wanted_formats(formats)
    names = _wanted_documents(only or [], texts())
    opened = open_practice(practice, strict=False)
    facts = gather(opened, evidence, datetime.now(UTC).date())
    target = folder or PROJECT / "dokumente" / slug(opened.practice.name)
    if only_list:
        _list(names, facts, target, as_json=as_json)
        return
    unused = {name: why for name in names if not only and (why := needless(texts()[name], facts))}
    made = _write([name for name in names if name not in unused], facts, wanted, target)
    if as_json:
        output.print_json(data=_record(made, unused, facts, practice))
        return
    _print(made, practice, facts)
    for name, why in unused.items():
        said = _(
            "Not written: {title} ({why}). All the same: --only {name}", title=texts()[name].title, why=why, name=name
        )
        notes.print(said, markup=False)


def _wanted_formats(formats: str) -> list[str]:
    wanted = list(dict.fromkeys(word.strip().lower() for word in formats.split(",") if word.strip()))
    unknown = [word for word in wanted if word not in FORMATS]
    if unknown or not wanted:
        way_out = _("choose docx, pdf or both")
        raise InputError("--format", unknown[0] if unknown else "", _("there is no such format"), way_out)
    return wanted


def _wanted_documents(only: Sequence[str], known: Iterable[str]) -> list[str]:
    asked = [word.strip() for words in only for word in words.split(",") if word.strip()]
    for name in asked:
        if name not in known:
            way_out = _("choose one of: {words}", words=", ".join(known))
            raise InputError("--only", name, _("there is no such document"), way_out)
    return [name for name in known if not asked or name in asked]


Made = list[tuple["Document", list["Written"]]]


def _write(names: Sequence[str], facts: Facts, formats: Sequence[str], folder: Path) -> Made:
    import hashlib

    from praxisschild.dokumente.compose import compose
    from praxisschild.dokumente.register import Keeper
    from praxisschild.formats import document_pdf, docx

    writers = {"docx": docx.render, "pdf": document_pdf.render}
    keeper = Keeper(folder)
    made: Made = []
    with notes.status(_("documents are being written …")) as status:
        for number, name in enumerate(names, 1):
            document = compose(name, facts)
            status.update(f"{number}/{len(names)} {document.title}")
            written = [
                keeper.write(
                    f"{name}.{ending}",
                    writers[ending](document),
                    document=name,
                    title=document.title,
                    requirements=[one.id for one in document.requirements],
                    created=facts.today,
                    evidence=facts.bundle,
                    data=hashlib.sha256(repr(document).encode(errors="backslashreplace")).hexdigest(),
                )
                for ending in formats
            ]
            made.append((document, written))
    return made


def _print(made: Made, practice: Path, facts: Facts) -> None:
    for document, written in made:
        output.print(f"[bold]{document.title}[/]")
        for one in written:
            output.print(f"  {_shown(one.path)}", markup=False)
        output.print(f"  {', '.join(one.id for one in document.requirements)}", markup=False, style="dim")
    for _document, written in made:
        for one in written:
            if one.kept:
                said = _(
                    "{kept} was changed since it was written and stays; new beside it: {name}",
                    kept=_shown(one.kept),
                    name=one.path.name,
                )
                notes.print(said, markup=False)
    if facts.bundle is None:
        notes.print(_("No figures yet: first `praxisschild verify {practice}`.", practice=practice), markup=False)
    _print_gaps(made, practice, facts)
    _print_attestations(made, practice, facts)


def _print_gaps(made: Made, practice: Path, facts: Facts) -> None:
    gaps = _gaps(made, practice)
    if not gaps:
        output.print(_("\nEverything is written down."))
        return
    file = escape(_shown(practice / facts.file))
    output.print(_("\n[bold]Still to be written down[/] ({count}), fields in {file}:", count=len(gaps), file=file))
    table = Table(box=None, pad_edge=False, show_header=False)
    for gap in gaps:
        table.add_row(f"  {escape(gap['field'] or gap['command'])}", f"▢ {escape(gap['what'])}")
    Console(highlight=False, width=max(output.width, 100)).print(table)


def _gaps(made: Made, practice: Path) -> list[dict[str, Any]]:
    """Every gap once, with the documents that it shows in."""
    where: dict[Any, list[str]] = defaultdict(list)
    for document, _written in made:
        for gap in document.gaps:
            where[gap].append(document.name)
    return [
        {
            "what": gap.what,
            "file": str(practice / gap.file) if gap.file else None,
            "field": gap.field or None,
            "command": gap.way_out or None,
            "documents": names,
        }
        for gap, names in where.items()
    ]


def _print_attestations(made: Made, practice: Path, facts: Facts) -> None:
    output.print(_("\n[bold]Sign and attest[/]"))
    output.print(_("Print, sign, scan. The command asks for the attestation; its attachment is the scan."))
    for document, written in made:
        due = [one for one in document.requirements if _open(one, facts)]
        told = [
            _("{id} attested until {day}", id=one.id, day=until)
            for one in document.requirements
            if (until := _until(one, facts))
        ]
        paper = next((one.path.name for one in written if one.path.suffix == ".pdf"), written[0].path.name)
        if due:
            options = " ".join(f"--requirement {one.id}" for one in due)
            output.print(f"\n  {paper}:", markup=False)
            output.print(f"    praxisschild attest {practice} {options}", markup=False)
        if told:
            output.print(f"    {'; '.join(told)}", markup=False, style="dim")


def _open(one: Served, facts: Facts) -> bool:
    """Whether `attest` asks for it: it binds the practice, has a text, and nothing that counts is there."""
    entry = facts.catalogue.requirement(one.id)
    return one.binds_or_advises and entry.attestation is not None and _until(one, facts) is None


def _until(one: Served, facts: Facts) -> str | None:
    standing = facts.standing(one.id)
    return f"{standing.attestation.valid_until:%d.%m.%Y}" if standing and standing.counts else None


def _record(made: Made, unused: dict[str, str], facts: Facts, practice: Path) -> dict[str, Any]:
    return {
        "practice": facts.practice.name,
        "edition": facts.edition,
        "evidence": facts.bundle,
        "documents": [
            {
                "name": document.name,
                "title": document.title,
                "files": [str(one.path) for one in written],
                "kept": [str(one.kept) for one in written if one.kept],
                "requirements": [one.id for one in document.requirements],
                "figures_for": [one.id for one in document.figures_for],
                "attestations": [_attestation(one, facts) for one in document.requirements if _text(one, facts)],
            }
            for document, written in made
        ],
        "not_written": unused,
        "gaps": _gaps(made, practice),
    }


def _attestation(one: Served, facts: Facts) -> dict[str, Any]:
    return {"requirement": one.id, "statement": _text(one, facts), "open": _open(one, facts)}


def _text(one: Served, facts: Facts) -> str | None:
    attestable = facts.catalogue.requirement(one.id).attestation
    return attestable.statement if attestable else None


def _list(names: Sequence[str], facts: Facts, folder: Path, *, as_json: bool) -> None:
    from praxisschild.dokumente import register
    from praxisschild.dokumente.compose import compose, needless
    from praxisschild.dokumente.texts import texts

    entries = register.load(folder)
    rows: list[dict[str, Any]] = []
    for name in names:
        document = compose(name, facts)
        there = {one: register.state(folder, one, entries) for one in (f"{name}.{ending}" for ending in FORMATS)}
        created = max((entries[one].created.isoformat() for one in there if one in entries), default=None)
        rows.append(
            {
                "name": name,
                "title": document.title,
                "requirements": [one.id for one in document.requirements],
                "gaps": len(document.gaps),
                "needless": needless(texts()[name], facts) or None,
                "created": created,
                "files": there,
            }
        )
    if as_json:
        output.print_json(data=rows)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column(_("Name for --only"), no_wrap=True)
    table.add_column(_("Document"))
    table.add_column(_("Gaps"), justify="right")
    table.add_column(_("State"))
    for row in rows:
        edited = "edited" in row["files"].values()
        day = date.fromisoformat(row["created"]) if row["created"] else None
        stand = _("written on {day:%d.%m.%Y}", day=day) if day else _("not written yet")
        stand += _(", edited since") if edited else ""
        table.add_row(row["name"], row["title"], str(row["gaps"]), row["needless"] or stand)
    Console(highlight=False, width=max(output.width, 100)).print(table)


def _shown(path: Path) -> str:
    """A path as a person here would write it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
