"""A stand-in host as a process of its own, on free ports, for real clients. Needs mono, no podman, no root."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from winrm.protocol import Protocol

from lab.windows import edit
from lab.windows.registry import Registry

PROJECT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
PASSWORD = "Nur-für-Tests-4711"  # noqa: S105 # nobody's
# a program of the host: echoes its input's digest, sleeps, or speaks at length; German as Windows is
PROGRAM = """#!{python}
import hashlib, os, sys, time
match sys.argv[1:]:
    case ["zaehle"]:
        data = sys.stdin.buffer.read()
        print(len(data), hashlib.sha256(data).hexdigest())
    case ["schlafe", seconds]:
        print(os.getpid(), file=open("schlaeft", "w"), flush=True)
        time.sleep(float(seconds))
        print("ausgeschlafen")
    case ["rede", number]:
        sys.stdout.write("Überwachung\\n" * int(number))
        sys.stderr.write("Fehler: keiner\\n")
    case _:
        sys.exit("Zugriff verweigert")
"""


@dataclass(frozen=True)
class StandIn:
    """Where one stand-in listens, and what lies behind it."""

    folder: Path
    https: int
    http: int

    @property
    def authority(self) -> str:
        return str(self.folder.parent / "windows-ca.pem")

    @property
    def registry(self) -> Registry:
        return Registry(self.folder / "registry")

    def url(self, *, tls: bool = True) -> str:
        return f"https://127.0.0.1:{self.https}/wsman" if tls else f"http://127.0.0.1:{self.http}/wsman"

    def pywinrm(self, *, tls: bool = True, **options: Any) -> Protocol:
        """The client that Ansible uses."""
        given = {"transport": "ntlm", "username": "betreuung", "password": PASSWORD, "ca_trust_path": self.authority}
        given |= {"operation_timeout_sec": 5, "read_timeout_sec": 10, "server_cert_validation": "validate"}
        return Protocol(self.url(tls=tls), **{**given, **options})

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_text().splitlines()]

    def log_text(self) -> str:
        return (self.folder / "wire.jsonl").read_text(encoding="utf-8")

    def set(self, path: str, value: str) -> None:
        edit.put(self.folder, path, value)

    def show(self, path: str) -> Any:
        return edit.show(self.folder, path)


def start(folder: Path, kind: str) -> tuple[StandIn, subprocess.Popen[bytes]]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    (folder.parent / "windows_password").write_text(PASSWORD, encoding="utf-8")
    command = [sys.executable, "-m", "windows.serve", "--host", str(folder), "--kind", kind, "--https", "0"]
    # what was compiled for the lab of this checkout is good enough for its tests
    command += ["--http", "0", "--cache", str(PROJECT / ".lab/csharp")]
    process = subprocess.Popen(command, cwd=PROJECT / "lab")
    places = folder / "places.json"
    ends = time.monotonic() + 30
    while not places.exists():
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.05)
    found = json.loads(places.read_text(encoding="utf-8"))
    return StandIn(folder, found["https"], found["http"]), process


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """A Windows 11 Pro on its first day; tests put back what they break."""
    found, process = start(tmp_path_factory.mktemp("windows") / "pc-1", "pc-1")
    program = found.folder / "System32/probe.exe"
    program.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    yield found
    process.terminate()
    assert process.wait(10) == 0


@dataclass(frozen=True)
class Ansible:
    """The real Ansible against the stand-in, with the modules of this folder beside the product's."""

    stand_in: StandIn
    folder: Path

    def inventory(self, **extra: Any) -> Path:
        variables = {
            "ansible_connection": "winrm",
            "ansible_winrm_transport": "ntlm",
            "ansible_winrm_server_cert_validation": "validate",
            "ansible_winrm_ca_trust_path": self.stand_in.authority,
            "ansible_host": "127.0.0.1",
            "ansible_port": self.stand_in.https,
            "ansible_user": "betreuung",
            "ansible_password": PASSWORD,
            **extra,
        }
        path = self.folder / "hosts.yml"
        path.write_text(yaml.safe_dump({"all": {"hosts": {"pc-1": variables}}}), encoding="utf-8")
        return path

    def run(self, *arguments: str, library: Path | None = None, **extra: Any) -> subprocess.CompletedProcess[str]:
        folders = [str(HERE / "library"), str(PROJECT / "plugins/modules"), *([str(library)] if library else [])]
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_LIBRARY": ":".join(folders),
            "ANSIBLE_MODULE_UTILS": f"{HERE / 'module_utils'}:{PROJECT / 'plugins/module_utils'}",
            "ANSIBLE_LOCALHOST_WARNING": "false",
        }
        command = [arguments[0], "-i", str(self.inventory(**extra)), *arguments[1:]]
        return subprocess.run(
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    def module(self, name: str, arguments: dict[str, Any] | None = None, *options: str, **more: Any) -> dict[str, Any]:
        """The result of one module as JSON, failed or not."""
        tree = self.folder / "results"
        (tree / "pc-1").unlink(missing_ok=True)
        done = self.run(
            "ansible", "all", "-m", name, "-a", json.dumps(arguments or {}), "-t", str(tree), *options, **more
        )
        assert (tree / "pc-1").exists(), done.stdout + done.stderr
        return dict(json.loads((tree / "pc-1").read_text(encoding="utf-8")))


@pytest.fixture
def ansible(stand_in, tmp_path) -> Ansible:
    return Ansible(stand_in, tmp_path)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
