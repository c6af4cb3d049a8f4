"""The command line: check, plan and apply a practice's baseline, prove it, and tell a requirement's story."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from praxisschild import cli_evidence, cli_mdm
from praxisschild.cli_attest import attest
from praxisschild.cli_compare import print_comparison
from praxisschild.cli_dokumente import dokumente
from praxisschild.cli_oscal import oscal
from praxisschild.cli_report import report
from praxisschild.errors import InputError, PraxisschildError

if TYPE_CHECKING:
    from praxisschild.catalogue import Catalogue

app = typer.Typer(
    help="IT-Sicherheitsrichtlinie der KBV: anwenden, nachweisen, berichten.\n\n"
    "Exit codes: 0 in order, 1 findings, 2 misuse, 3 could not run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(cli_evidence.app, name="evidence")
app.add_typer(cli_mdm.app, name="mdm")
app.command()(attest)
app.command()(report)
app.command()(oscal)
app.command()(dokumente)
PROJECT = Path(__file__).resolve().parents[2]
PYTEST_USAGE_ERROR = 4
ANSIBLE_UNREACHABLE = 4
notes = Console(stderr=True, highlight=False)
output = Console(highlight=False)

PracticeArgument = Annotated[
    Path, typer.Argument(help="the practice's inventory folder, e.g. inventories/musterpraxis")
]
JsonOption = Annotated[bool, typer.Option("--json", help="machine-readable output")]


def _ansible(practice: Path, playbook: str, *arguments: str) -> int:
    if not practice.is_dir():
        raise InputError(practice, "", "there is no such inventory folder", "copy inventories/vorlage to it")
    command = ["ansible-playbook", "-i", str(practice.resolve()), f"playbooks/{playbook}", *arguments]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


@app.command()
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
        hosts = ", ".join(opened.inventory.hosts)
        output.print(
            f"{facts['practice']}: Größe {facts['size']}, Fassung {facts['edition']}, Hosts {hosts}: in Ordnung"
        )
        for hint in opened.hints:
            output.print("[yellow]Hinweis:[/] ", end="")
            output.print(str(hint), markup=False, soft_wrap=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def plan(practice: PracticeArgument, context: typer.Context) -> None:
    """Show what applying the baseline would change, file by file; changes nothing.

    Further options go to Ansible, for example --limit HOST or --tags ROLE. Ends as ansible-playbook does: 2 when the
    inventory is wrong or a host failed, 4 when a host was not reached.
    """
    raise typer.Exit(_ansible(practice, "site.yml", "--check", "--diff", *context.args))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def apply(practice: PracticeArgument, context: typer.Context) -> None:
    """Apply the baseline: bring the hosts to what the directive demands.

    Further options go to Ansible, for example --limit HOST or --tags ROLE. Ends as ansible-playbook does: 2 when the
    inventory is wrong or a host failed, 4 when a host was not reached.
    """
    raise typer.Exit(_ansible(practice, "site.yml", *context.args))


@app.command()
def verify(
    practice: PracticeArgument,
    host: Annotated[list[str] | None, typer.Option(help="only this host (repeatable)")] = None,
    requirement: Annotated[list[str] | None, typer.Option(help="only this requirement (repeatable)")] = None,
    no_probes: Annotated[bool, typer.Option("--no-probes", help="configuration checks only")] = False,
    evidence: Annotated[Path, typer.Option(help="folder for the evidence")] = PROJECT / "evidence",
    drift: Annotated[Path | None, typer.Option(help="folder of a drift run, for its report")] = None,
) -> None:
    """Prove the requirements on the hosts and write results, report and snapshots."""
    code = _verified(practice, host, requirement, no_probes=no_probes, evidence=evidence, drift=drift)
    raise typer.Exit(code)


def _verified(
    practice: Path,
    hosts: list[str] | None = None,
    requirements: list[str] | None = None,
    *,
    no_probes: bool = False,
    evidence: Path = PROJECT / "evidence",
    drift: Path | None = None,
) -> int:
    """Run the checks, print what they found, and return the exit code."""
    from praxisschild.evidence import latest_bundle, load_bundle
    from praxisschild.inventory import open_practice

    opened = open_practice(practice, strict=False)
    command = [sys.executable, "-m", "pytest", str(PROJECT / "tests/compliance"), "--practice", str(practice.resolve())]
    command += ["--evidence", str(evidence.resolve()), "-q", "--tb=line", "-p", "no:cacheprovider", "-r", "fE"]
    command += [f"--host={name}" for name in hosts or []] + [f"--requirement={name}" for name in requirements or []]
    if drift:
        command.append(f"--drift={drift.resolve()}")
    if no_probes:
        command.append("--no-probes")
    elif len(hosts or opened.inventory.hosts) > 1:
        # experiments mostly wait: one worker per host, and all checks of a host in the same one
        command += ["-n", str(min(len(hosts or opened.inventory.hosts), 8)), "--dist", "loadgroup"]
    started = datetime.now(UTC)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    code = subprocess.run(command, cwd=PROJECT, env=environment, check=False, stdout=sys.stderr).returncode
    if code not in {0, 1, 3}:
        return 2 if code == PYTEST_USAGE_ERROR else 3
    bundle = latest_bundle(evidence, opened.practice.name)
    if bundle is None or load_bundle(bundle).ended < started:
        notes.print("[red]Die Prüfung hat keinen Nachweis hinterlassen.[/]")
        return 3
    _summary(bundle)
    return code


def _summary(bundle: Path) -> None:
    """Counts per status, what failed, and where the report is."""
    from praxisschild.evidence import load_bundle
    from praxisschild.results import Section, Status

    run = load_bundle(bundle)
    rows = [row for row in run.requirements if row.section is Section.DIRECTIVE]
    table = Table(box=None, show_header=False, pad_edge=False)
    worst_first = sorted(rows, key=lambda row: (row.status.severity, row.tally))
    for tally, count in Counter(row.tally for row in worst_first).items():
        table.add_row(str(count), tally)
    output.print(f"\n{run.practice.name}, Fassung {run.practice.edition}: {len(rows)} Anforderungen")
    output.print(table)
    for row in rows:
        if row.status in {Status.FAILED, Status.EXPIRED}:
            output.print(f"  {row.id} {row.title}: {row.reason}", style="red", soft_wrap=True)
    output.print(f"\nBericht: {bundle / 'report.html'}", soft_wrap=True)


@app.command()
def drift(
    practice: PracticeArgument,
    report_only: Annotated[bool, typer.Option("--report-only", help="find and report, correct nothing")] = False,
) -> None:
    """Find what is no longer as the last run left it, put it right, and leave one bundle about it."""
    import fcntl

    from praxisschild.evidence import latest_bundle, load_bundle
    from praxisschild.inventory import open_practice

    opened = open_practice(practice)
    lock = PROJECT / "evidence" / f".{practice.resolve().name}.lock"
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            notes.print(f"Für {practice.name} läuft bereits eine Prüfung; dieser Lauf entfällt.")
            raise typer.Exit(0) from None
        started = datetime.now(UTC)
        code = _ansible(practice, "drift.yml", *(["--check"] if report_only else []))
        bundle = latest_bundle(PROJECT / "evidence", opened.practice.name)
        if bundle and load_bundle(bundle).ended > started:
            # a workstation that is switched off is in the report; it is no failure of the run
            raise typer.Exit(0 if code in {0, ANSIBLE_UNREACHABLE} else 1)
        if code:
            # a play that loses all its hosts ends the playbook before its last verification
            notes.print("[red]Der Lauf ist abgebrochen.[/] Der Stand der Hosts wird trotzdem geprüft und festgehalten.")
            _verified(practice, no_probes=True)
            raise typer.Exit(3)


@app.command()
def schedule(
    practice: PracticeArgument,
    at: Annotated[str, typer.Option(help='"12:30", or a systemd calendar: "Mon..Fri 12:30"')] = "12:30",
) -> None:
    """Correct drift every day: install a systemd timer on this control node (persistent, randomised, no overlap)."""
    from praxisschild import schedule as timers
    from praxisschild.inventory import open_practice

    open_practice(practice)
    units = timers.install(practice, at, PROJECT)
    output.print(f"{units.timer} installed; next runs: systemctl list-timers {units.timer.name}", soft_wrap=True)


@app.command()
def unschedule(practice: PracticeArgument) -> None:
    """Remove the practice's timer."""
    from praxisschild import schedule as timers

    removed = timers.remove(practice)
    output.print("removed" if removed else "there was no timer for this practice")


@app.command()
def show(
    requirement: Annotated[str, typer.Argument(help="requirement in any edition's numbering, e.g. 2021-A1-13")],
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


@app.command()
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

    [bold]Einstellung[/]  a role sets something for it
    [bold]Prüfung[/]      a check reads the host's effective state
    [bold]Probe[/]        an experiment: what configuration alone proves little of
    [bold]offen[/]        technical means could do more than they do

    What people do, and what an MDM would do, is not counted as technically open.

    [bold]Examples[/]

    praxisschild coverage                            the edition in force

    praxisschild coverage --platform linux --open    what is left for Linux hosts, one by one

    praxisschild coverage --edition all --json       both editions, for a program

    praxisschild coverage --compare 2021 2025        what the newer edition changed

    praxisschild show 2025-A1-20                     one requirement's whole story
    """
    if compare:
        print_comparison(*compare, as_json=as_json)
        return
    from praxisschild.catalogue import load_catalogue
    from praxisschild.coverage import Project, summarise, verdict
    from praxisschild.formats.coverage_text import print_open, print_table

    catalogue = load_catalogue()
    names = list(catalogue.editions) if edition == "all" else [edition or _edition_today(catalogue)]
    project = Project(catalogue, PROJECT)
    linux_only = platform is PlatformChoice.LINUX
    found = {name: project.covered(name, linux_only=linux_only) for name in names}
    if as_json:
        documents = [
            {
                **summarise(name, entries).model_dump(mode="json"),
                "platform": platform,
                "verdict": verdict(entries),
                "requirements": [entry.as_dict() for entry in entries if entry.lacks or not show_open],
            }
            for name, entries in found.items()
        ]
        output.print_json(json.dumps(documents, ensure_ascii=False))
        return
    for number, (name, entries) in enumerate(found.items()):
        output.print("\n" if number else "", end="")
        if show_open:
            print_open(output, catalogue.editions[name], entries)
        else:
            print_table(output, catalogue.editions[name], entries, linux_only=linux_only)


def _edition_today(catalogue: Catalogue) -> str:
    return catalogue.edition_in_force(datetime.now(UTC).date())


def main() -> NoReturn:
    """Entry point: a user's mistake ends with one message and an exit code, never with a traceback."""
    try:
        app(standalone_mode=True)
    except PraxisschildError as error:
        notes.print(f"[red]{'Eingabe' if isinstance(error, InputError) else 'Abbruch'}:[/] ", end="")
        notes.print(str(error), markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    sys.exit(0)


if __name__ == "__main__":
    main()
