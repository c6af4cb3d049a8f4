"""What the commands share: where they print, the arguments that many of them take, and how a shell completes those."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from praxisschild.i18n import _

PROJECT = Path(__file__).resolve().parents[2]
notes = Console(stderr=True, highlight=False)
output = Console(highlight=False)
_ENTRY = re.compile(r"^\s*- id: (?P<id>\S+)\s+title: (?P<title>.+)$", re.MULTILINE)


def complete_requirement(incomplete: str) -> Iterator[tuple[str, str]]:
    """Ids of requirements and recommendations with their titles, without the second that the whole catalogue costs."""
    catalogue = PROJECT / "catalogue"
    for file in (*sorted(catalogue.glob("editions/*.yml")), catalogue / "recommendations.yml"):
        for entry in _ENTRY.finditer(file.read_text(encoding="utf-8")):
            if entry["id"].startswith(incomplete):
                yield entry["id"], entry["title"].strip("\"' ")


def complete_practice(incomplete: str) -> list[str]:
    """Folders that hold a practice: below what is written so far, and the checkout's own inventories."""
    start = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    found = [str(folder) for folder in _practices(start)] + [
        str(folder) for folder in _practices(start / "inventories")
    ]
    return [name for name in found if name.startswith(incomplete)]


def _practices(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if (path / "group_vars").is_dir())
    except OSError:
        return []


def complete_host(context: typer.Context, incomplete: str) -> list[str]:
    """Hosts of the practice that the line names already."""
    from praxisschild.errors import PraxisschildError
    from praxisschild.inventory import Inventory

    # a line that ends in an option without its value is not parsed: its words are what there is
    words = [context.params.get("practice"), *context.args]
    practice = next((Path(word) for word in words if word and Path(word).is_dir()), None)
    try:
        hosts = Inventory(practice).hosts if practice else []
    except PraxisschildError:
        return []
    return [host for host in hosts if host.startswith(incomplete)]


def print_hint(console: Console, text: str) -> None:
    """Something that lets the program go on, and is worth a look."""
    console.print(_("Hint: {text}", text=text), style="yellow", markup=False, soft_wrap=True)


PracticeArgument = Annotated[
    Path,
    typer.Argument(
        help="the practice's inventory folder, e.g. inventories/musterpraxis", autocompletion=complete_practice
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="machine-readable output")]
HostOption = Annotated[
    list[str] | None,
    typer.Option("--host", "--limit", help="only this host (repeatable)", autocompletion=complete_host),
]
RequirementOption = Annotated[
    list[str] | None, typer.Option(help="only this requirement (repeatable)", autocompletion=complete_requirement)
]
