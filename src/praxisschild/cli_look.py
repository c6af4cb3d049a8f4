"""Commands that contact no host: validate a practice's folder, tell a requirement's story, count what is covered."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer

from praxisschild.cli_common import PROJECT, JsonOption, PracticeArgument, complete_requirement, output, print_hint
from praxisschild.i18n import _

if TYPE_CHECKING:
    from praxisschild.catalogue import Catalogue
    from praxisschild.traceability import Platform


def check(practice: PracticeArgument, as_json: JsonOption = False) -> None:
    """Validate a practice's folder; contacts no host."""
    from praxisschild.applicability import edition_of
    from praxisschild.inventory import open_practice

    opened = open_practice(practice)
    facts = {
        "practice": opened.practice.name,
        "size": opened.practice.size,
        "edition": edition_of(opened.catalogue, opened.practice, datetime.now(UTC).date()),
        "hosts": opened.inventory.hosts,
        "deviations": len(opened.practice.deviations),
        "hints": [str(hint) for hint in opened.hints],
    }
    if as_json:
        output.print_json(data=facts)
    else:
        output.print(
            _(
                "{practice}: size {size}, edition {edition}, hosts {hosts}: in order",
                practice=facts["practice"],
                size=facts["size"],
                edition=facts["edition"],
                hosts=", ".join(opened.inventory.hosts),
            ),
            markup=False,
            soft_wrap=True,
        )
        for hint in opened.hints:
            print_hint(output, str(hint))


def show(
    requirement: Annotated[
        str,
        typer.Argument(
            help="requirement in any edition's numbering, e.g. 2021-A1-13", autocompletion=complete_requirement
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Tell a requirement's whole story: text, bounds, settings, checks, last result, number in the other edition."""
    from praxisschild.story import story_of

    story = story_of(requirement, PROJECT)
    if as_json:
        output.print_json(json.dumps(story.as_dict(), ensure_ascii=False, default=str))
    else:
        story.print(output)


class PlatformChoice(StrEnum):
    """Platforms that have roles today."""

    LINUX = "linux"
    WINDOWS = "windows"


def coverage(
    edition: Annotated[
        str | None, typer.Option(help="2021, 2025 or all", show_default="the edition in force today")
    ] = None,
    platform: Annotated[
        PlatformChoice | None, typer.Option(help="only requirements that a host with this system can meet")
    ] = None,
    show_open: Annotated[bool, typer.Option("--open", help="name those without, what they concern, and why")] = False,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="OLD NEW", help="two editions: what stayed, changed, went, came")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how much of the directive this version sets and proves; contacts no host and reads no practice.

    Counted per annex and kind, straight from the roles and tests of this checkout. A requirement is counted once,
    under the kind that is its primary way of being met.

    [bold]setting[/]  a role sets something for it
    [bold]check[/]    a check reads the host's effective state
    [bold]probe[/]    an experiment: what configuration alone proves little of
    [bold]open[/]     technical means could do more than they do

    What people do, and what an MDM would do, is not counted as technically open.

    [bold]Examples[/]

    praxisschild coverage                            the edition in force

    praxisschild coverage --platform linux --open    what is left for Linux hosts, one by one

    praxisschild coverage --platform windows         what is set and proven on Windows hosts

    praxisschild coverage --edition all --json       both editions, for a program

    praxisschild coverage --compare 2021 2025        what the newer edition changed

    praxisschild show 2025-A1-20                     one requirement's whole story
    """
    if compare:
        from praxisschild.cli_compare import print_comparison

        print_comparison(*compare, as_json=as_json)
        return
    from praxisschild.catalogue import load_catalogue
    from praxisschild.coverage import PLATFORM_LABELS, Project, summarise, verdict
    from praxisschild.formats.coverage_text import print_open, print_table

    catalogue = load_catalogue()
    names = list(catalogue.editions) if edition == "all" else [edition or _edition_today(catalogue)]
    project = Project(catalogue, PROJECT)
    system = cast("Platform | None", platform and platform.value)
    found = {name: project.covered(name, system) for name in names}
    verdicts = {
        name: [verdict(project.covered(name, one), one) for one in (PLATFORM_LABELS if system is None else (system,))]
        for name in names
    }
    if as_json:
        documents = [
            {
                **summarise(name, entries).model_dump(mode="json"),
                "platform": platform,
                "verdict": " ".join(verdicts[name]),
                "requirements": [entry.as_dict() for entry in entries if entry.lacks or not show_open],
            }
            for name, entries in found.items()
        ]
        output.print_json(json.dumps(documents, ensure_ascii=False))
        return
    for number, (name, entries) in enumerate(found.items()):
        output.print("\n" if number else "", end="")
        if show_open:
            print_open(output, catalogue.editions[name], entries, verdicts[name])
        else:
            print_table(output, catalogue.editions[name], entries, system, verdicts[name])


def _edition_today(catalogue: Catalogue) -> str:
    return catalogue.edition_in_force(datetime.now(UTC).date())
