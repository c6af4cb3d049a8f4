"""End to end on the lab's hosts: a practice brought up fresh, hardened once, and taken down at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from praxisschild.catalogue import Catalogue, load_catalogue
from praxisschild.connection import RemoteHost
from praxisschild.inventory import Inventory
from praxisschild.results import CheckResult, Run
from tests.lab.mutations import SHARES, choice

PROJECT = Path(__file__).resolve().parents[2]
MUSTERPRAXIS = PROJECT / "inventories/musterpraxis"
HAUSBESUCH = PROJECT / "inventories/hausbesuch"


@dataclass(frozen=True)
class Lab:
    """One set of lab hosts, and the commands a technician types."""

    instance: int
    practice: Path = MUSTERPRAXIS

    @property
    def environment(self) -> dict[str, str]:
        scripts = str(Path(sys.executable).parent)
        environment = {**os.environ, "LAB_INSTANCE": str(self.instance), "PATH": f"{scripts}:{os.environ['PATH']}"}
        # the inner runs are processes of their own, not workers of this one
        return {name: value for name, value in environment.items() if not name.startswith(("PYTEST", "MAKE", "MFLAGS"))}

    def run(self, *command: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout; code None accepts any exit code."""
        done = subprocess.run(
            command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=False, timeout=1500
        )
        if code is not None:
            assert done.returncode == code, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done

    def hosts(self, verb: str, *names: str) -> None:
        self.run("lab/lab.py", verb, *names)

    def apply(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        return self.run("ansible-playbook", "-i", str(self.practice), "playbooks/site.yml", *arguments, code=code)

    def verify(self, evidence: Path, *arguments: str) -> Run:
        """The results of one verification, whatever it found."""
        self.run("praxisschild", "verify", str(self.practice), "--evidence", str(evidence), *arguments, code=None)
        return _newest(evidence)

    def judge(self, evidence: Path, *arguments: str) -> Run:
        """The same through pytest, which takes files and expressions too, and a second less."""
        options = ["--practice", str(self.practice), "--evidence", str(evidence), "-q", "-p", "no:cacheprovider"]
        done = self.run(sys.executable, "-m", "pytest", *options, *arguments, code=None)
        assert done.returncode in {0, 1, 3}, done.stdout[-4000:] + done.stderr[-2000:]
        return _newest(evidence)

    def connect(self, host: str) -> RemoteHost:
        """A connection for several commands; who asks closes it."""
        os.environ["LAB_INSTANCE"] = str(self.instance)
        return RemoteHost(Inventory(self.practice).connection(host))

    def root(self, host: str, script: str) -> object:
        """Run Python as root on a host; prints JSON."""
        remote = self.connect(host)
        try:
            return remote.python_as_root(script)
        finally:
            remote.close()

    def shell(self, host: str, command: str) -> str:
        """Run a shell command as root on a host; its output."""
        return str(
            self.root(
                host,
                f"import subprocess; r = subprocess.run({command!r}, shell=True, capture_output=True, text=True); "
                "print(json.dumps(r.stdout + r.stderr))",
            )
        )


def _newest(evidence: Path) -> Run:
    newest = max(evidence.glob("*/*/results.json"), key=lambda path: path.stat().st_mtime)
    return Run.model_validate(json.loads(newest.read_text(encoding="utf-8")))


def recap(output: str) -> dict[str, dict[str, int]]:
    """Ansible's play recap: counts per host."""
    counts = {}
    for line in output.rpartition("PLAY RECAP")[2].splitlines():
        host, separator, rest = line.partition(" : ")
        if separator:
            counts[host.strip()] = {key: int(value) for key, value in (pair.split("=") for pair in rest.split())}
    return counts


def name_of(check: CheckResult) -> str:
    """The test function's own name, without file and parameters."""
    return check.check.rpartition("::")[2].partition("[")[0]


def pytest_configure(config: pytest.Config) -> None:
    """Choose the mutations once: the workers inherit it, and midnight may come between them."""
    try:
        os.environ["MUTATIONS"] = choice()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_header() -> str:
    asked = os.environ["MUTATIONS"]
    share = "all" if asked == "all" else f"third {asked} of 0 to {SHARES - 1}, another one tomorrow"
    return f"mutations: {share} (choose with MUTATIONS=all, third, or a number)"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def lab():
    """The practice's own instance, empty at the start and at the end."""
    found = Lab(1)
    found.hosts("down")
    yield found
    found.hosts("down")


@pytest.fixture(scope="session")
def notebook():
    """The virtual machine on its first day, booted once: for tests of the xdist group "notebook"."""
    found = Lab(4, HAUSBESUCH)
    found.hosts("fresh", "notebook-1")
    yield found
    found.hosts("down")


@pytest.fixture(scope="session")
def untouched(lab, tmp_path_factory) -> Run:
    """What the checks say of hosts on their first day."""
    lab.hosts("up")
    return lab.verify(tmp_path_factory.mktemp("untouched"))


@pytest.fixture(scope="session")
def scenarios(lab, untouched) -> dict[str, subprocess.CompletedProcess[str]]:
    """Molecule's sequence over the untouched hosts: server first, then the workstations that back up to it."""
    return {
        name: lab.run("molecule", "test", "--scenario-name", name, "--destroy", "never", code=None)
        for name in ("server", "arbeitsplaetze")
    }


@pytest.fixture(scope="session")
def hardened(lab, scenarios) -> Lab:
    """The practice after the baseline was applied."""
    failed = [name for name, done in scenarios.items() if done.returncode]
    if failed:
        pytest.fail(f"the baseline was not applied: see the scenario {failed[0]}")
    return lab
