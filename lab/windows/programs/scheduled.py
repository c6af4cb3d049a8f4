"""What a scheduled task does when it is due: the one program of ours that tasks start, run to its end."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ..csharp import MONO, environment
from ..unmodelled import Unmodelled
from .files import native

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

# PowerShell is not modelled; these few words of it are carried out instead
COMMAND = re.compile(
    r"-NoProfile -NonInteractive -ExecutionPolicy Bypass -Command \"Add-Type -IgnoreWarnings "
    r"-ReferencedAssemblies System\.Core,System\.Web\.Extensions -LiteralPath (?P<source>C:\\\S+\.cs); "
    r"exit \[Praxisschild\.Backup\]::Run\('(?P<job>[a-z-]+)'\)\""
)


def carry_out(host: Path, task: ET.Element) -> int:
    """Compile the backup program of the host, as PowerShell would, and run the job; its exit code."""
    action = {part.tag.rpartition("}")[2]: (part.text or "").strip() for part in task.iter()}
    found = COMMAND.fullmatch(action.get("Arguments", ""))
    if found is None or not action["Command"].lower().endswith("\\powershell.exe"):
        raise Unmodelled(f"eine Aufgabe, die {action.get('Command')} startet")
    program = _compiled(host, native(host, found["source"]).read_bytes())
    done = subprocess.run(["mono", str(program), found["job"]], env=environment(host), check=False, capture_output=True)
    return done.returncode


def _compiled(host: Path, source: bytes) -> Path:
    place = (MONO / "BackupPlace.cs").read_bytes()
    program = host / "tmp" / f"{hashlib.sha256(source + place).hexdigest()[:24]}.exe"
    if not program.exists():
        file = program.with_suffix(".cs")
        file.write_bytes(source)
        words = ["mcs", "-langversion:5", "-nowarn:649", "-r:System.Web.Extensions.dll", f"-out:{program}.new"]
        done = subprocess.run([*words, file, MONO / "BackupPlace.cs"], check=False, capture_output=True, text=True)
        if done.returncode:
            raise Unmodelled(f"das Sicherungsprogramm lässt sich nicht übersetzen: {done.stdout + done.stderr}")
        Path(f"{program}.new").replace(program)
    return program
