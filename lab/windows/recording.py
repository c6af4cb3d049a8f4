"""The controller's own record of what it asks a Windows host, real or not, in the format of the stand-in's wire log.

``environment_for(folder, path)`` gives the variables under which Ansible records: its connection ``winrm`` is then the
installed one with a record of each command. So a run against a real PC can be compared with one against the stand-in.
"""

from __future__ import annotations

import inspect
import os
from collections import Counter
from pathlib import Path
from typing import Any

from . import transcript
from .log import WireLog
from .unmodelled import Unmodelled
from .wire import Outcome

FILE_VARIABLE = "PRAXISSCHILD_TRANSCRIPT"
PROJECT = Path(__file__).resolve().parents[2]
# Ansible reads a plugin's options out of its file, so the file holds the installed plugin as a whole
APPENDIX = f"\n\nfrom {__name__} import record\n\nrecord(Connection)\n"


def environment_for(folder: Path, path: Path) -> dict[str, str]:
    """Write the connection plugin into the folder; variables that make Ansible use it and append to ``path``."""
    from ansible.plugins.connection import winrm

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "winrm.py").write_text(inspect.getsource(winrm) + APPENDIX, encoding="utf-8")
    search = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"ANSIBLE_CONNECTION_PLUGINS": str(folder), FILE_VARIABLE: str(path), "PYTHONPATH": search}


def record(connection: type[Any]) -> None:
    """Make the class note each command, its input and what came of it.

    In place: the class names itself where it calls its parent.
    """
    run = connection._winrm_exec

    def _winrm_exec(
        self: Any, command: str, args: Any = (), from_exec: bool = False, stdin_iterator: Any = None
    ) -> tuple[int, bytes, bytes]:
        pieces: list[bytes] = []

        def heard() -> Any:
            for piece, last in stdin_iterator:
                pieces.append(piece)
                yield piece, last

        stdin = heard() if stdin_iterator else None
        code, stdout, stderr = run(self, command, args, from_exec=from_exec, stdin_iterator=stdin)
        # a connection that was reset, as after what could have closed the way in, has another shell and counts anew
        counts = self.__dict__.setdefault("_recorded", Counter())
        counts[self.shell_id] += 1
        line = " ".join([str(command), *map(str, args)])
        note(self, counts[self.shell_id], line, pieces, Outcome(stdout, stderr, code))
        return code, stdout, stderr

    connection._winrm_exec = _winrm_exec


def note(connection: Any, number: int, line: str, pieces: list[bytes], outcome: Outcome) -> None:
    """Append one ``exec`` line to the file that the environment names."""
    stdin = b"".join(pieces)
    try:
        call = transcript.of_line(line, stdin)
    except Unmodelled:  # the stand-in does not know it; the record says so without its content
        call = transcript.Call({"kind": "unknown"}, hidden=True)
    log = WireLog(Path(os.environ[FILE_VARIABLE]), [connection.get_option("remote_password") or ""])
    size = {"bytes": len(stdin), "pieces": len(pieces)}
    shell = f"{connection.get_option('remote_addr')}:{connection.get_option('port')} {connection.shell_id}"
    log.note(op="exec", shell=shell, command=number, user="", **call.line(outcome), stdin=size)
