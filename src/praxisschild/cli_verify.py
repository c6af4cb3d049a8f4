"""The commands that prove: verify a practice, find and correct its drift, and do so every day."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from praxisschild.cli_common import PROJECT, HostOption, JsonOption, PracticeArgument, RequirementOption, notes, output
from praxisschild.cli_run import run_plainly
from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.progress import TaskID

    from praxisschild.results import RequirementResult, Run

PYTEST_USAGE_ERROR = 4
ANSIBLE_UNREACHABLE = 4


def verify(
    practice: PracticeArgument,
    host: HostOption = None,
    requirement: RequirementOption = None,
    no_probes: Annotated[bool, typer.Option("--no-probes", help="configuration checks only")] = False,
    evidence: Annotated[
        Path | None, typer.Option(help="folder for the evidence", show_default="evidence/ of this checkout")
    ] = None,
    drift: Annotated[Path | None, typer.Option(help="folder of a drift run, for its report")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="judge the states kept in this bundle again; contacts no host")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove the requirements on the hosts and write results, report and snapshots.

    With --replay today's checks judge the states that an earlier run has kept. Its evidence is thrown away unless
    --evidence names a folder for it.

    Exit codes: 0 nothing failed, 1 requirements failed, 2 misuse or a mistake in the folder, 3 a host was not
    reached.
    """
    wish = Wish(tuple(host or ()), tuple(requirement or ()), no_probes=no_probes, drift=drift)
    if replay is None:
        raise typer.Exit(verified(practice, evidence or PROJECT / "evidence", wish, as_json=as_json))
    wish = replace(wish, replay=_kept_states(replay))
    if evidence is not None:
        raise typer.Exit(verified(practice, evidence, wish, as_json=as_json))
    with tempfile.TemporaryDirectory(prefix="praxisschild-replay-") as folder:
        raise typer.Exit(verified(practice, Path(folder), wish, as_json=as_json, is_kept=False))


@dataclass(frozen=True)
class Wish:
    """What of a practice is to be verified; empty: everything."""

    hosts: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    no_probes: bool = False
    drift: Path | None = None
    replay: Path | None = None


def _kept_states(bundle: Path) -> Path:
    states = bundle / "snapshots"
    if not states.is_dir():
        raise InputError(
            bundle,
            "",
            _("there are no kept states in this folder"),
            _("name a folder evidence/<practice>/<time> as a verification run wrote it"),
        )
    return states.resolve()


def verified(practice: Path, evidence: Path, wish: Wish, *, as_json: bool = False, is_kept: bool = True) -> int:
    """Run the checks, show how far they are, print what they found, and return the exit code."""
    from praxisschild.evidence import latest_bundle, load_bundle
    from praxisschild.inventory import open_practice

    opened = open_practice(practice, strict=False)
    hosts = wish.hosts or opened.inventory.hosts
    started = datetime.now(UTC)
    with tempfile.TemporaryFile() as log:
        code = _run_checks(_command(practice, evidence, wish, len(hosts)), log)
        log.seek(0)
        said = log.read().decode(errors="replace")
    if code == PYTEST_USAGE_ERROR:
        notes.print(_objection(said), style="red", markup=False, soft_wrap=True)
        return 2
    bundle = latest_bundle(evidence, opened.practice.name)
    if code not in {0, 1, 3} or bundle is None or load_bundle(bundle).ended < started:
        notes.print("\n".join(said.splitlines()[-30:]), markup=False, soft_wrap=True)
        notes.print(_("The run has left no evidence."), style="red")
        return 3
    if as_json:
        run = load_bundle(bundle)
        output.print_json(data={**run.to_record(), "bundle": str(bundle)})
    else:
        _summary(bundle, practice, is_kept=is_kept)
    return code


def _command(practice: Path, evidence: Path, wish: Wish, hosts: int) -> list[str]:
    command = [sys.executable, "-m", "pytest", str(PROJECT / "tests/compliance"), "--practice", str(practice.resolve())]
    command += ["--evidence", str(evidence.resolve()), "-q", "--tb=line", "-p", "no:cacheprovider", "-r", "fE"]
    command += ["-p", "praxisschild.pytest_progress"]
    command += [f"--host={name}" for name in wish.hosts] + [f"--requirement={name}" for name in wish.requirements]
    if wish.drift:
        command.append(f"--drift={wish.drift.resolve()}")
    if wish.replay:
        command.append(f"--replay={wish.replay}")
    elif wish.no_probes:
        command.append("--no-probes")
    elif hosts > 1:
        # experiments mostly wait: one worker per host, and all checks of a host in the same one
        command += ["-n", str(min(hosts, 8)), "--dist", "loadgroup"]
    return command


def _objection(said: str) -> str:
    """What pytest's own words for a misuse say, without its frame."""
    lines = re.findall(r"^(?:ERROR: |! _pytest\.outcomes\.Exit: )(.*?)(?: !)?$", said, re.MULTILINE)
    return "\n".join(lines) or said.strip()


def _run_checks(command: list[str], log: IO[bytes]) -> int:
    """pytest's exit code; its output goes to the log, how far it is to the terminal."""
    from praxisschild.pytest_progress import VARIABLE

    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    reading, writing = os.pipe()
    environment = {**os.environ, "PATH": path, VARIABLE: str(writing)}
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT, pass_fds=[writing]
    ) as process:
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as events:
            Checking().follow(json.loads(line) for line in events)
        return process.wait()


class Checking:
    """How far a run of checks is: a bar per host, drawn on stderr; without a terminal a line for every tenth."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.fields[host]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=notes,
            transient=True,
        )
        self._bars: dict[str, TaskID] = {}
        self._done = self._total = self._failed = 0

    def follow(self, events: Iterable[dict[str, Any]]) -> None:
        """Draw until there are no more events."""
        if notes.is_terminal:
            with self._progress:
                waiting = self._progress.add_task(_("reading the hosts"), total=None, host="")
                for event in events:
                    self._progress.update(waiting, visible=False)
                    self._draw(event)
        else:
            for event in events:
                self._tell(event)

    def _draw(self, event: dict[str, Any]) -> None:
        if event["event"] == "collected":
            for host, number in event["hosts"].items():
                self._bars[host] = self._progress.add_task("", total=number, host=host or _("practice"))
            return
        bar = self._bars.get(event["host"] or "")
        if bar is not None:
            failed = self._progress.tasks[self._progress.task_ids.index(bar)].fields.get("failed", 0)
            failed += event["status"] == "failed"
            word = _("{count} failed", count=failed) if failed else ""
            self._progress.update(bar, advance=1, failed=failed, description=word)

    def _tell(self, event: dict[str, Any]) -> None:
        if event["event"] == "collected":
            self._total = sum(event["hosts"].values())
            names = ", ".join(name or _("practice") for name in event["hosts"])
            notes.print(_("{count} checks: {names}", count=self._total, names=names), markup=False, soft_wrap=True)
            return
        self._done += 1
        self._failed += event["status"] == "failed"
        step = max(1, self._total // 10)
        if self._done % step == 0:
            notes.print(_("{done} of {all}, {failed} failed", done=self._done, all=self._total, failed=self._failed))


def _summary(bundle: Path, practice: Path, *, is_kept: bool) -> None:
    """Counts per status, what failed with its way out, and where the report is."""
    from praxisschild.evidence import load_bundle
    from praxisschild.formats.stand_ins import warning
    from praxisschild.results import Section, Status

    run = load_bundle(bundle)
    rows = [row for row in run.requirements if row.section is Section.DIRECTIVE]
    table = Table(box=None, show_header=False, pad_edge=False)
    worst_first = sorted(rows, key=lambda row: (row.status.severity, row.tally))
    for tally, count in Counter(row.tally for row in worst_first).items():
        table.add_row(str(count), tally)
    said = _(
        "{practice}, edition {edition}: {count} requirements",
        practice=run.practice.name,
        edition=run.practice.edition,
        count=len(rows),
    )
    output.print(f"\n{said}", markup=False)
    output.print(table)
    if stand_ins := warning(run):
        output.print(f"\n  {stand_ins}", style="yellow", markup=False, soft_wrap=True)
    failed = [row for row in rows if row.status in {Status.FAILED, Status.EXPIRED}]
    roles = _roles_of() if failed else {}
    for row in failed:
        output.print(f"\n  {row.id} {row.title}: {row.reason}", style="red", markup=False, soft_wrap=True)
        for text in _measured(run, row)[:3]:
            output.print(f"    {text}", markup=False, soft_wrap=True)
        output.print(f"  → {_way_out(row, practice, roles)}", markup=False, soft_wrap=True)
    for host in run.hosts:
        if not host.reached:
            output.print(f"\n  {host.name}: {host.reason}", style="red", markup=False, soft_wrap=True)
            way_out = _("is it switched on, is ansible_host its address? Then verify again with --host {host}")
            output.print(f"  → {way_out.format(host=host.name)}", markup=False, soft_wrap=True)
    if is_kept:
        output.print(_("\nReport: {file}", file=bundle / "report.html"), markup=False, soft_wrap=True)


def _measured(run: Run, row: RequirementResult) -> list[str]:
    """What the failed checks of a requirement have measured, each thing once, and on which host."""
    failed = {
        (verdict.host, check.check) for verdict in row.hosts for check in verdict.checks if check.status == "failed"
    }
    said: dict[str, list[str]] = {}
    for check in run.checks:
        if (check.host, check.check) in failed:
            for text in check.measured:
                said.setdefault(text, []).append(check.host or "")
    return [f"{text} ({', '.join(dict.fromkeys(filter(None, hosts)))})" for text, hosts in said.items()]


def _roles_of() -> dict[str, list[str]]:
    """The roles that set something for a requirement."""
    from praxisschild.traceability import settings

    found: dict[str, list[str]] = {}
    for setting in settings(PROJECT / "roles"):
        for identifier in setting.requirements:
            if setting.role not in found.setdefault(identifier, []):
                found[identifier].append(setting.role)
    return found


def _way_out(row: RequirementResult, practice: Path, roles: dict[str, list[str]]) -> str:
    from praxisschild.results import Status

    if row.status is Status.EXPIRED:
        return _("renew it: `praxisschild attest {practice}`, or the deviation's date in praxis.yml", practice=practice)
    hosts = ",".join(one.host for one in row.hosts if one.status is Status.FAILED and one.host)
    tags = ",".join(sorted({role for code in row.code_ids for role in roles.get(code, ())}))
    if hosts and tags:
        return _(
            "`praxisschild apply {practice} --limit {hosts} --tags {tags}`; what is demanded: `praxisschild show {id}`",
            practice=practice,
            hosts=hosts,
            tags=tags,
            id=row.id,
        )
    return _("no role sets this; what is demanded: `praxisschild show {id}`", id=row.id)


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
            notes.print(_("A run for {practice} is under way already; this one is left out.", practice=practice.name))
            raise typer.Exit(0) from None
        started = datetime.now(UTC)
        code = run_plainly(practice, "drift.yml", *(["--check"] if report_only else []))
        bundle = latest_bundle(PROJECT / "evidence", opened.practice.name)
        if bundle and load_bundle(bundle).ended > started:
            # a workstation that is switched off is in the report; it is no failure of the run
            raise typer.Exit(0 if code in {0, ANSIBLE_UNREACHABLE} else 1)
        if code:
            # a play that loses all its hosts ends the playbook before its last verification
            notes.print(
                _("The run broke off. What state the hosts are in is verified and kept all the same."), style="red"
            )
            verified(practice, PROJECT / "evidence", Wish(no_probes=True))
            raise typer.Exit(3)


def schedule(
    practice: PracticeArgument,
    at: Annotated[str, typer.Option(help='"12:30", or a systemd calendar: "Mon..Fri 12:30"')] = "12:30",
) -> None:
    """Correct drift every day: install a systemd timer on this control node (persistent, randomised, no overlap)."""
    from praxisschild import schedule as timers
    from praxisschild.inventory import open_practice

    open_practice(practice)
    units = timers.install(practice, at, PROJECT)
    output.print(
        _("{timer} installed; next runs: systemctl list-timers {name}", timer=units.timer, name=units.timer.name),
        soft_wrap=True,
    )


def unschedule(practice: PracticeArgument) -> None:
    """Remove the practice's timer."""
    from praxisschild import schedule as timers

    removed = timers.remove(practice)
    output.print(_("removed") if removed else _("there was no timer for this practice"))
