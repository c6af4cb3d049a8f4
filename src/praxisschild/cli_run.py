"""The commands that run Ansible: plan and apply, with progress and a summary that says what came of it.

`--plain` steps aside: then it is `ansible-playbook` alone, with its own output and exit codes.
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from praxisschild.cli_common import PROJECT, HostOption, JsonOption, PracticeArgument, notes, output, print_hint
from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress, TaskID

    from praxisschild.playbook_run import PlaybookRun

PlainOption = Annotated[bool, typer.Option("--plain", help="Ansible's own output and exit codes")]
DiffOption = Annotated[bool, typer.Option("--diff", help="show every difference line by line")]


def plan(
    practice: PracticeArgument,
    context: typer.Context,
    host: HostOption = None,
    diff: DiffOption = False,
    as_json: JsonOption = False,
    plain: PlainOption = False,
) -> None:
    """Show what applying the baseline would change, per host and file; changes nothing.

    Further options go to Ansible, for example --tags ROLE.

    Exit codes: 0 every host could be planned, 1 a host failed, 2 misuse or a mistake in the practice's folder, 3 a host
    was not reached.
    """
    if plain:
        raise typer.Exit(run_plainly(practice, "site.yml", "--check", "--diff", *_on(host), *context.args))
    run, code = _followed(practice, "--check", "--diff", *_on(host), *context.args)
    if as_json:
        output.print_json(data=run.as_dict(with_diffs=diff))
    elif run.hosts and not run.refused:
        from praxisschild.formats.playbook_text import print_plan

        print_plan(output, run, with_diffs=diff)
    raise typer.Exit(code)


def apply(
    practice: PracticeArgument,
    context: typer.Context,
    host: HostOption = None,
    diff: DiffOption = False,
    as_json: JsonOption = False,
    plain: PlainOption = False,
) -> None:
    """Apply the baseline: bring the hosts to what the directive demands.

    Further options go to Ansible, for example --tags ROLE.

    Exit codes: 0 every host is as it should be, 1 a host failed, 2 misuse or a mistake in the practice's folder, 3 a
    host was not reached.
    """
    if plain:
        raise typer.Exit(run_plainly(practice, "site.yml", *(["--diff"] if diff else []), *_on(host), *context.args))
    run, code = _followed(practice, "--diff", *_on(host), *context.args)  # a difference tells what was there before
    if as_json:
        output.print_json(data=run.as_dict(with_diffs=diff))
    elif run.hosts and not run.refused:
        from praxisschild.formats.playbook_text import print_applied

        print_applied(output, run, with_diffs=diff)
    raise typer.Exit(code)


def _on(hosts: list[str] | None) -> list[str]:
    return ["--limit", ",".join(hosts)] if hosts else []


def run_plainly(practice: Path, playbook: str, *arguments: str) -> int:
    """`ansible-playbook` with its own output; its exit code."""
    return subprocess.run(_command(practice, PROJECT / "playbooks" / playbook, arguments), cwd=PROJECT).returncode  # noqa: PLW1510 - the code is what is wanted


def _command(practice: Path, playbook: Path, arguments: tuple[str, ...]) -> list[str]:
    if not practice.is_dir():
        raise InputError(
            practice, "", _("there is no such inventory folder"), _("make one with `praxisschild init FOLDER`")
        )
    return ["ansible-playbook", "-i", str(practice.resolve()), str(playbook), *arguments]


def _followed(practice: Path, *arguments: str) -> tuple[PlaybookRun, int]:
    """Run the baseline, show how far it is, and say what preflight had to say."""
    with Follower() as follower:
        run, code = follow_playbook(practice, PROJECT / "playbooks/site.yml", arguments, follower)
    for hint in run.hints:
        print_hint(notes, hint)
    if run.refused:
        notes.print(_("Input: {error}", error=run.refused), style="red", markup=False, soft_wrap=True)
    return run, code


class Follower:
    """Progress on stderr: a bar per host that counts its roles; without a terminal a line per role."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress: Progress = Progress(
            TextColumn("{task.fields[host]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=notes,
            transient=True,
        )
        self._bars: dict[str, TaskID] = {}
        self._said = ""
        self._is_help = False

    def __enter__(self) -> Follower:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """Something that another program wrote; of Ansible's help after a wrong option, the objection alone."""
        if line.startswith("usage: ansible-playbook"):
            self._is_help = True
        elif line.startswith("ansible-playbook: error: "):
            said = _(
                "Ansible: {reason}; `ansible-playbook --help` names its options", reason=line.partition("error: ")[2]
            )
            if said != self._said:
                self._said = said
                notes.print(said, style="red", markup=False, soft_wrap=True)
        elif not self._is_help:
            self._progress.console.print(line, markup=False, soft_wrap=True)

    def update(self, run: PlaybookRun) -> None:
        """Move the bars to where the run is."""
        for host in run.hosts.values():
            if host.name not in self._bars:
                self._bars[host.name] = self._progress.add_task("", total=len(run.roles) or 1, host=host.name)
            place = run.roles.index(host.role) if host.role in run.roles else 0
            place = len(run.roles) if run.ended else place
            word = _("failed") if host.failure else host.role
            self._progress.update(self._bars[host.name], completed=place, total=len(run.roles) or 1, description=word)
        if not notes.is_terminal:
            roles = [host.role for host in run.hosts.values() if host.role]
            newest = max(roles, key=lambda role: run.roles.index(role) if role in run.roles else -1, default="")
            if newest and newest != self._said:
                self._said = newest
                place = run.roles.index(newest) + 1 if newest in run.roles else 0
                notes.print(f"{place}/{len(run.roles)} {newest}", markup=False)


def follow_playbook(
    practice: Path, playbook: Path, arguments: tuple[str, ...], follower: Follower
) -> tuple[PlaybookRun, int]:
    """Run a playbook, hand every event to the follower, and return what came of it and the exit code.

    Raises:
        InputError: there is no such practice.
    """
    from praxisschild.playbook_run import PlaybookRun, parse

    run = PlaybookRun(is_check="--check" in arguments or "-C" in arguments)
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "praxisschild_events", "PYTHONUNBUFFERED": "1"}
    command = _command(practice, playbook, arguments)
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        other = threading.Thread(target=_forward, args=(process.stderr, follower.say), daemon=True)
        other.start()
        for line in process.stdout or ():
            event = parse(line)
            if event is None:
                follower.say(line.rstrip())
                continue
            run.feed(event)
            follower.update(run)
        code = process.wait()
        other.join()
    return run, _exit_code(run, code)


def _forward(stream: IO[str] | None, say: Callable[[str], None]) -> None:
    for line in stream or ():
        if line.strip():
            say(line.rstrip())


def _exit_code(run: PlaybookRun, code: int) -> int:
    """Ours for Ansible's: its 2 and 4 tell what happened on hosts, the rest that it did not get that far."""
    if run.exit_code or code == 0:
        return run.exit_code
    if run.ended:
        return 1
    return 2 if 0 < code < 128 else 3  # 250: Ansible's own fault; from 128 on: ended by a signal
