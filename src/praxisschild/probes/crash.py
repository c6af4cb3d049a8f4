"""Let a program of a temporary person crash, and look for what is left of its memory.

Prints ``{"crashed": bool, "limit": int | null, "dumps": int}``: whether the program ended by the signal that makes the
kernel write a dump, the hard limit for its size in a session of that person (null for none), and the dumps found.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from praxisschild.probes.host import ProbeError, TemporaryUser, probe, run

KEPT = ("/var/lib/systemd/coredump", "/var/crash")
CRASH = "ulimit -S -c unlimited 2>/dev/null; echo limit=$(ulimit -H -c); sh -c 'kill -SEGV $$'; echo status=$?"
SEGMENTATION_FAULT = 128 + 11


def dumps(home: str) -> set[str]:
    """Files that are, by name and place, dumps of somebody's memory."""
    here = [path for path in Path(home).iterdir() if path.name.startswith("core")]
    return {str(path) for path in [*here, *(found for folder in KEPT for found in Path(folder).glob("*"))]}


def experiment() -> dict[str, Any]:
    """The whole probe."""
    with TemporaryUser() as somebody:
        before = dumps(somebody.home)
        # sudo, through which probes come, forbids dumps itself: systemd opens a session of its own, with PAM's limits
        session = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--uid={somebody.name}"]
        options = ["--property=PAMName=su", f"--working-directory={somebody.home}"]
        said = run([*session, *options, "/bin/sh", "-s"], CRASH).stdout
        limit, status = re.search(r"limit=(\w+)", said), re.search(r"status=(\d+)", said)
        if not limit or not status:
            raise ProbeError("a session of a temporary person could not be opened")
        return {
            "crashed": int(status[1]) == SEGMENTATION_FAULT,
            "limit": int(limit[1]) if limit[1].isdigit() else None,
            "dumps": len(dumps(somebody.home) - before),
        }


if __name__ == "__main__":
    probe(experiment, 40)
