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

    def play(
        self, plays: list[dict[str, Any]], hosts: dict[str, dict[str, Any]], **more: str
    ) -> dict[str, dict[str, Any]]:
        """Results by host and task of plays over hosts, which are all this one under different variables.

        Further arguments are environment variables.
        """
        common = {
            "ansible_connection": "winrm",
            "ansible_winrm_transport": "ntlm",
            "ansible_winrm_server_cert_validation": "validate",
            "ansible_winrm_ca_trust_path": self.stand_in.authority,
            "ansible_host": "127.0.0.1",
            "ansible_port": self.stand_in.https,
            "ansible_user": "betreuung",
            "ansible_password": PASSWORD,
        }
        inventory, playbook, results = (self.folder / name for name in ("hosts.yml", "play.yml", "results.json"))
        inventory.write_text(yaml.safe_dump({"all": {"vars": common, "hosts": hosts}}), encoding="utf-8")
        playbook.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_LIBRARY": f"{HERE / 'library'}:{PROJECT / 'plugins/modules'}",
            "ANSIBLE_MODULE_UTILS": f"{HERE / 'module_utils'}:{PROJECT / 'plugins/module_utils'}",
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "collect",
            "COLLECT_RESULTS": str(results),
            **more,
        }
        command = ["ansible-playbook", "-i", str(inventory), str(playbook)]
        done = subprocess.run(
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert results.exists(), done.stdout + done.stderr
        return dict(json.loads(results.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def ansible(stand_in, tmp_path_factory) -> Ansible:
    return Ansible(stand_in, tmp_path_factory.mktemp("ansible"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
