"""Starting, stopping and resetting the stand-in hosts, each a background process; standard library only.

They listen on loopback addresses of their own, 127.77.INSTANCE.x: nobody but this machine reaches a service that runs
C# which came over the wire, they need neither bridge nor podman nor root, and they keep the ports of a real Windows.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LAB = Path(__file__).resolve().parents[1]
PLACES = "places.json"
PASSWORD = "windows_password"  # noqa: S105 # a file's name
PATIENCE = 20.0


class WindowsError(Exception):
    """Something a person can act upon; the text says what."""


@dataclass(frozen=True)
class WindowsHost:
    """One stand-in: its name is its kind, ``octet`` the last number of its address."""

    name: str
    octet: int

    def address(self, instance: int) -> str:
        return f"127.77.{instance}.{self.octet}"


HOSTS = {host.name: host for host in (WindowsHost("pc-1", 41), WindowsHost("pc-2", 42), WindowsHost("winserver-1", 51))}


def python() -> str:
    """The interpreter with the locked dependencies, whichever one this runs in."""
    own = LAB.parent / ".venv/bin/python"
    return str(own) if own.exists() else sys.executable


def pid(folder: Path) -> int | None:
    """The process that serves the host of this folder; None if it is down."""
    try:
        found = int(json.loads((folder / PLACES).read_text(encoding="utf-8"))["pid"])
        line = Path(f"/proc/{found}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, KeyError):
        return None
    return found if b"windows.serve" in line and str(folder).encode() in line else None


def start(state: Path, instance: int, names: list[str]) -> list[str]:
    """Bring up the named hosts that are down, side by side; returns the names of those that were started.

    Raises:
        WindowsError: a host did not come up; the text holds what it said.
    """
    state.mkdir(parents=True, exist_ok=True)
    password = state / PASSWORD
    if not password.exists():
        password.touch(mode=0o600)
        password.write_text(f"Pz-{secrets.token_urlsafe(18)}-7\n", encoding="utf-8")
    starting = [HOSTS[name] for name in names if pid(state / name) is None]
    processes = {host.name: _launch(state / host.name, host, instance) for host in starting}
    for name, process in processes.items():
        _wait(state / name, process)
    return list(processes)


def _launch(folder: Path, host: WindowsHost, instance: int) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLACES).unlink(missing_ok=True)
    command = [python(), "-m", "windows.serve", "--host", str(folder), "--kind", host.name]
    command += ["--address", host.address(instance)]
    with (folder / "serve.log").open("wb") as output:
        return subprocess.Popen(
            command, cwd=LAB, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + PATIENCE
    while pid(folder) != process.pid:
        if process.poll() is not None or time.monotonic() > ends:
            process.kill()
            said = (folder / "serve.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise WindowsError(
                f"{folder.name} does not come up: {said[-1] if said else 'it said nothing'}. If the address is in use, "
                "another checkout has this instance: take it down there, or choose another LAB_INSTANCE here"
            )
        time.sleep(0.05)


def stop(state: Path, names: list[str]) -> None:
    """End the named hosts' processes; what they are stays on disk."""
    running = {name: found for name in names if (found := pid(state / name))}
    for found in running.values():
        os.kill(found, signal.SIGTERM)
    for name, found in running.items():
        ends = time.monotonic() + 5
        while _alive(found):
            if time.monotonic() > ends:
                os.kill(found, signal.SIGKILL)
                ends = float("inf")
            time.sleep(0.02)
        (state / name / PLACES).unlink(missing_ok=True)


def _alive(process: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, os.WNOHANG)  # one that this very program started
    return Path(f"/proc/{process}").exists()


def reset(state: Path, names: list[str]) -> None:
    """Forget what the named hosts, which are down, became: the next start is their first day."""
    for name in names:
        shutil.rmtree(state / name, ignore_errors=True)


def edit(state: Path, name: str, words: list[str]) -> int:
    """Show or change a host by hand, in the interpreter that has the dependencies; the exit code."""
    command = [python(), "-m", "windows.edit", str(state / name), *words]
    return subprocess.run(command, cwd=LAB, check=False).returncode
