#!/usr/bin/env python3
"""The baseline against one real Windows: check, apply, apply again, verify, and what went over the wire.

`make windows-smoke INVENTORY=inventories/<practice> HOST=<pc>` runs it. The transcript has the format of the stand-ins'
wire log (lab/windows/README.md): `dev/windows_smoke.py compare PC STAND-IN` tells line by line where they differ.

Exit codes: 0 as it should be, 1 something is not, 2 misuse or no consent, 3 the host was not reached.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from lab.windows import recording, transcript  # noqa: E402 - the lab is no installed package
from lab.windows.log import WireLog  # noqa: E402
from praxisschild.errors import InputError, PraxisschildError  # noqa: E402
from praxisschild.i18n import _  # noqa: E402
from praxisschild.inventory import open_practice  # noqa: E402

MISUSE, UNREACHABLE = 2, 3


@dataclass(frozen=True)
class Smoke:
    """One host, and where its transcript and evidence go."""

    inventory: Path
    host: str
    folder: Path
    tags: str = ""

    @property
    def transcript(self) -> Path:
        return self.folder / "transcript.jsonl"

    def praxisschild(self, phase: str, *words: str) -> tuple[int, Any]:
        """Run a command of the program with its wire recorded; its exit code and JSON."""
        WireLog(self.transcript).note(op="phase", name=phase)
        with tempfile.TemporaryDirectory() as plugins:
            recorded = recording.environment_for(Path(plugins), self.transcript)
            done = subprocess.run(
                [str(Path(sys.executable).parent / "praxisschild"), *words, "--json"],
                cwd=PROJECT,
                env={**os.environ, **recorded},
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, None

    def playbook(self, phase: str, command: str) -> tuple[int, int]:
        """Exit code and number of changes of `praxisschild plan` or `apply` on the host; a failure is told."""
        words = ["--limit", self.host, *(["--tags", self.tags] if self.tags else [])]
        code, said = self.praxisschild(phase, command, str(self.inventory), *words)
        (host,) = (said or {}).get("hosts") or [{"failure": None, "items": []}]
        if host["failure"]:
            print(f"  {host['failure']['reason']}\n  → {host['failure']['way_out']}", file=sys.stderr)
        changes = sum(item["effect"] != "unchanged" for item in host["items"])
        print(
            _("{phase}: {changes} changes of {items} settings", phase=phase, changes=changes, items=len(host["items"]))
        )
        return code, changes

    def verify(self) -> int:
        """The exit code of `praxisschild verify` for this host; a demand that is not met is no fault of the run."""
        evidence = self.folder / "evidence"
        code, _said = self.praxisschild(
            "verify", "verify", str(self.inventory), "--host", self.host, "--evidence", str(evidence)
        )
        counts: Counter[str] = Counter()
        for results in evidence.rglob("results.json"):
            checks = json.loads(results.read_text(encoding="utf-8"))["checks"]
            counts.update(check["status"] for check in checks if check["host"] == self.host)
        print("verify: " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
        return code

    def undo(self) -> list[str]:
        """Commands that bring back what the runs replaced, the latest first."""
        found: dict[str, None] = {}
        for line in reversed(read(self.transcript)):
            kept = isinstance(line.get("result"), dict) and line["result"].get("kept")
            if kept and not line.get("check"):
                run = str(kept).replace("\\", "/").rstrip("/").split("/")[-2]
                found[f"ansible -i {self.inventory} {self.host} -m {line['module']} -a restore={run}"] = None
        return list(found)


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a log.

    Raises:
        InputError: it is none.
    """
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(path, "", _("it is no transcript ({error})", error=error), _("name a .jsonl file")) from None


def chosen(inventory: Path, host: str) -> str:
    """The Windows host to run on.

    Raises:
        InputError: there is none, or it is not said which, or it is reached over a connection that is not recorded.
    """
    opened = open_practice(inventory).inventory
    known = [one for one in opened.hosts if opened.platform(one) == "windows"]
    names = ", ".join(known) or _("none")
    if host not in known and (host or len(known) != 1):
        raise InputError(inventory, "HOST", _("one Windows host has to be named"), _("one of: {names}", names=names))
    host = host or known[0]
    if opened.value(host, "ansible_connection") != "winrm":
        raise InputError(
            inventory, "ansible_connection", _("only winrm is recorded"), _("set it to winrm for this run")
        )
    return host


def consent(host: str, *, yes: bool) -> bool:
    """Whether a person wants this host to be changed; nobody is asked with ``yes``."""
    if yes:
        return True
    question = _("This changes {host}. Type its name to go on: ", host=host)
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == host


def run(arguments: argparse.Namespace) -> int:
    """Check, apply, apply again, verify; returns the exit code."""
    host = chosen(arguments.inventory, arguments.host)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = (arguments.output or PROJECT / "evidence" / "windows-smoke") / f"{host}-{stamp}"
    folder.mkdir(parents=True)
    smoke = Smoke(arguments.inventory.resolve(), host, folder, arguments.tags)
    print(_("Transcript: {file}", file=smoke.transcript))
    code, _changes = smoke.playbook("check", "plan")
    if code:
        return code
    if not consent(host, yes=arguments.yes):
        print(_("Nothing was changed."), file=sys.stderr)
        return MISUSE
    problems = []
    code, _changes = smoke.playbook("apply", "apply")
    if code == UNREACHABLE:
        return code
    if code:
        problems.append(_("apply did not get through"))
    again, changes = smoke.playbook("again", "apply")
    if again or changes:
        problems.append(_("the second run was to change nothing"))
    if smoke.verify() not in {0, 1}:
        problems.append(_("verify could not run"))
    if commands := smoke.undo():
        print(_("To undo:"))
        print("\n".join(f"  {command}" for command in commands))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def compare(arguments: argparse.Namespace) -> int:
    """What two transcripts or wire logs say differently, on standard output; 1 if they do."""
    found = transcript.differences(read(arguments.one), read(arguments.other))
    for line in found:
        print(line)
    print(_("{count} differences", count=len(found)), file=sys.stderr)
    return 1 if found else 0


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run", help="check, apply, apply again, verify one host")
    running.add_argument("inventory", type=Path)
    running.add_argument("--host", default="", help="needed where the practice has several with Windows")
    running.add_argument("--tags", default="", help="roles to apply, as in firewall,account_policy; all without it")
    running.add_argument("--yes", action="store_true", help="do not ask")
    running.add_argument("--output", type=Path, help="folder for transcript and evidence")
    running.set_defaults(work=run)
    comparing = commands.add_parser("compare", help="two transcripts, line by line")
    comparing.add_argument("one", type=Path)
    comparing.add_argument("other", type=Path)
    comparing.set_defaults(work=compare)
    arguments = parser.parse_args()
    try:
        return int(arguments.work(arguments))
    except InputError as error:
        print(error, file=sys.stderr)
        return MISUSE
    except PraxisschildError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
