"""The task scheduler of a stand-in host: a task with a time fires when it comes, or later if the host was down."""

from __future__ import annotations

import re
import shlex
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import defusedxml.ElementTree

from . import state
from .csharp import environment

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree import ElementTree as ET

    from .log import WireLog

NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def run_due(host: Path, log: WireLog, fired: set[tuple[str, str]]) -> None:
    """Run the actions of every task whose time has come, once each; ``fired`` remembers which these were.

    Only times in UTC are understood, that is those of our own tasks; what others have comes by other triggers.
    """
    found = state.load(host)
    if found["services"]["Schedule"]["state"] != "running":
        return
    for name, task in found["tasks"].items():
        if not task["enabled"] or "<" not in task["xml"]:
            continue
        definition = defusedxml.ElementTree.fromstring(task["xml"])
        for start in definition.iterfind(f"{NAMESPACE}Triggers/{NAMESPACE}TimeTrigger/{NAMESPACE}StartBoundary"):
            due = start.text or ""
            if not due.endswith("Z") or datetime.fromisoformat(due) > datetime.now(UTC) or (name, due) in fired:
                continue
            fired.add((name, due))
            for action in definition.iterfind(f"{NAMESPACE}Actions/{NAMESPACE}Exec"):
                _carry_out(host, log, name, action)


def _carry_out(host: Path, log: WireLog, task: str, action: ET.Element) -> None:
    command = action.findtext(f"{NAMESPACE}Command") or ""
    arguments = action.findtext(f"{NAMESPACE}Arguments") or ""
    program = host / "System32" / command.rpartition("\\")[2]
    if not program.is_file():
        log.note(op="task", task=task, line=f"{command} {arguments}", rc=None, stdout="NICHT NACHGEBILDET")
        return
    # quotation marks as ours stand: around words with blanks, with doubled backslashes before the last one
    words = [re.sub(r"\\\\$", r"\\", word.strip('"')) for word in shlex.split(arguments, posix=False)]
    done = subprocess.run(
        [str(program), *words], cwd=host / "tmp", env=environment(host), capture_output=True, text=True, check=False
    )
    log.note(op="task", task=task, line=f"{command} {arguments}", rc=done.returncode, stdout=done.stdout.strip())
