"""C# that came over the wire, compiled in the version that Windows PowerShell's compiler takes (5), and run on mono."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .unmodelled import Unmodelled
from .wire import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .wire import Command

MONO = Path(__file__).with_name("mono")
OWN = ("PowerShell.cs", "Driver.cs")
# what asks one of these for machine, accounts or CIM gets those of the host
SEAMS = {
    "Ansible.Praxisschild.Windows.cs": ("StandIn.cs", "StandInFirewall.cs"),
    "Ansible.Praxisschild.Accounts.cs": ("StandInAccounts.cs",),
    "Ansible.Praxisschild.Cim.cs": ("StandInCim.cs",),
    "Ansible.Praxisschild.Upkeep.cs": ("StandInUpkeep.cs",),
}
# unused variables and fields of the sources, and "the type exists twice" of the stub
QUIET = "-nowarn:168,169,219,414,436,649"
REFERENCES = (
    *("System.Web.Extensions.dll", "System.Core.dll", "System.Xml.dll", "System.Xml.Linq.dll"),
    "System.Management.dll",
)


class CompilationError(Exception):
    """The compiler refused; the text holds what it said."""


class Runner:
    """Compiles once per set of sources and runs it for one host."""

    def __init__(self, cache: Path, host: Path) -> None:
        self._cache = cache
        self._host = host
        self._lock = threading.Lock()
        self._residents: dict[Path, subprocess.Popen[bytes]] = {}

    def run(
        self,
        sources: Mapping[str, bytes],
        statements: list[dict[str, Any]],
        arguments: dict[str, Any],
        command: Command,
    ) -> Outcome:
        """Carry out the statements of a shim with the arguments of a module.

        Raises:
            CompilationError: the C# is none that Windows PowerShell 5.1 would take.
            InterruptedError: the client ended the command first.
        """
        program = self.compiled(sources)
        with tempfile.TemporaryDirectory(prefix="modul-", dir=self._host / "tmp") as folder:
            plan, data = _written(Path(folder), statements, arguments)
            process = subprocess.Popen(
                ["mono", str(program), str(plan), str(data)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment(self._host),
                start_new_session=True,
            )
            return finish(process, command)

    def check(
        self, sources: Mapping[str, bytes], statements: list[dict[str, Any]], arguments: dict[str, Any]
    ) -> Outcome:
        """The same in a process that stays for the next call: for what reads arguments and touches nothing."""
        program = self.compiled(sources)
        with self._lock, tempfile.TemporaryDirectory(prefix="pruefung-", dir=self._host / "tmp") as folder:
            plan, data = _written(Path(folder), statements, arguments)
            for _ in range(2):  # one that somebody ended is started again
                resident = self._resident(program)
                if not resident.stdin or not resident.stdout:
                    break
                with contextlib.suppress(OSError):
                    resident.stdin.write(f"{plan}\t{data}\n".encode())
                    resident.stdin.flush()
                if line := resident.stdout.readline():
                    answer = json.loads(line)
                    return Outcome(answer["output"].encode() + b"\r\n", b"", answer["code"])
                resident.wait()
        raise RuntimeError(f"{program} does not answer")

    def close(self) -> None:
        """End the processes that stay."""
        with self._lock:
            for resident in self._residents.values():
                resident.kill()
                resident.wait()
            self._residents.clear()

    def _resident(self, program: Path) -> subprocess.Popen[bytes]:
        found = self._residents.get(program)
        if found is None or found.poll() is not None:
            # it ends with its standard input, that is with this process
            found = self._residents[program] = subprocess.Popen(
                ["mono", str(program)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=self._host / "tmp",
                env=environment(self._host),
            )
        return found

    def compiled(self, sources: Mapping[str, bytes]) -> Path:
        """The program made of these sources and the driver; from the cache if it was made before."""
        names = {Path(name).name: source for name, source in sources.items()}
        own = [*OWN, *(name for seam, stand_ins in SEAMS.items() if seam in names for name in stand_ins)]
        together = {**names, **{name: (MONO / name).read_bytes() for name in own}}
        recipe = hashlib.sha256(QUIET.encode())
        for name, source in sorted(together.items()):
            recipe.update(f"{name}\0{len(source)}\0".encode() + source)
        program = self._cache / f"{recipe.hexdigest()[:24]}.exe"
        if program.exists():
            return program
        if not shutil.which("mcs"):
            raise Unmodelled("C# ohne den Compiler mcs: `make setup` installiert ihn")
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="mcs-", dir=self._cache) as folder:
            for name, source in together.items():
                Path(folder, name).write_bytes(source)
            made = Path(folder, "made.exe")
            done = subprocess.run(
                ["mcs", "-langversion:5", "-warnaserror-", QUIET, f"-out:{made}"]
                + [f"-r:{reference}" for reference in REFERENCES if _has(reference)]
                + sorted(together),
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise CompilationError((done.stdout + done.stderr).strip()[-4000:])
            made.replace(program)  # another host may have been faster: same content
        return program


def _feed(stdin: IO[bytes], command: Command) -> None:
    with contextlib.suppress(OSError, InterruptedError), stdin:  # a program need not read to the end
        for piece in command.stream():
            stdin.write(piece)
            stdin.flush()


def _has(reference: str) -> bool:
    return any(Path("/usr/lib/mono/4.5").glob(reference)) or any(Path("/usr/lib/mono/4.5-api").glob(reference))


def _written(folder: Path, statements: list[dict[str, Any]], arguments: dict[str, Any]) -> tuple[Path, Path]:
    plan, data = folder / "plan.json", folder / "args.json"
    plan.write_text(json.dumps({"statements": statements}), encoding="utf-8")
    data.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), encoding="utf-8")
    return plan, data


def environment(host: Path) -> dict[str, str]:
    """What a program of the host finds around it: its own registry, folders and programs, and German habits.

    ``PRAXISSCHILD_WINDOWS_STATE`` names the folder with state.json and registry.
    """
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(host / "home"),
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "de_DE.UTF-8",
        "MONO_REGISTRY_PATH": str(host / "registry"),
        "PRAXISSCHILD_WINDOWS_STATE": str(host),
        "SystemRoot": str(host),
        "windir": str(host),
        "TEMP": str(host / "tmp"),
        "TMPDIR": str(host / "tmp"),
    }


def finish(process: subprocess.Popen[bytes], command: Command) -> Outcome:
    """Wait for a program of the host and hand it its input; a client that ends its command ends the program."""
    if process.stdin:
        threading.Thread(target=_feed, args=(process.stdin, command), daemon=True).start()
        process.stdin = None  # not communicate's to close
    while True:
        try:
            stdout, stderr = process.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            if command.terminated.is_set():
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                raise InterruptedError from None
        else:
            # mono ends with the same notice for a locale that this machine lacks
            return Outcome(stdout, re.sub(rb"(?m)^.*setlocale.*\n", b"", stderr), process.returncode)
