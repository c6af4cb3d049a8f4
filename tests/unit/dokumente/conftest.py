"""Practices to write documents for: the model practice with its recorded hosts, and one of which nothing is known."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from praxisschild.dokumente.compose import compose
from praxisschild.dokumente.facts import Facts, gather
from praxisschild.dokumente.texts import ORDER
from praxisschild.evidence import write_bundle
from praxisschild.inventory import open_practice
from praxisschild.practice import Practice
from praxisschild.results import HostState, PracticeFacts, Run

TODAY = date(2026, 11, 25)
ENDED = datetime(2026, 11, 24, 23, 44, tzinfo=UTC)


@pytest.fixture(scope="session")
def snapshots(project):
    """What the collector wrote on the hardened hosts, by host."""
    files = (project / "tests/data/snapshots/hardened").glob("*.json")
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="session")
def evidence(snapshots, tmp_path_factory):
    """A folder of evidence with one bundle of the model practice, in which one more host was not reached."""
    root = tmp_path_factory.mktemp("evidence")
    states = [
        HostState(name=name, reached=True, snapshot=f"snapshots/{name}.json", snapshot_taken=found["collected_at"])
        for name, found in snapshots.items()
    ]
    run = Run(
        tool_version="0.1.0",
        practice=PracticeFacts(name="Musterpraxis", size="gross", edition="2025"),
        started=ENDED,
        ended=ENDED,
        hosts=tuple(states),
        checks=(),
        requirements=(),
    )
    write_bundle(root, run, snapshots)
    return root


@pytest.fixture(scope="session")
def windows_snapshots(project):
    """What the collector wrote on the stand-ins for Windows, by host."""
    files = (project / "tests/data/snapshots/windows").glob("*.json")
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="session")
def windowspraxis(project, windows_snapshots, tmp_path_factory):
    """The facts of the practice with Windows, from a bundle as a verification writes it: states compressed."""
    root = tmp_path_factory.mktemp("evidence-windows")
    states = [
        HostState(name=name, reached=True, snapshot=f"snapshots/{name}.json.gz", snapshot_taken=found["collected_at"])
        for name, found in windows_snapshots.items()
    ]
    run = Run(
        tool_version="0.1.0",
        practice=PracticeFacts(name="Windowspraxis", size="gross", edition="2025"),
        started=ENDED,
        ended=ENDED,
        hosts=tuple(states),
        checks=(),
        requirements=(),
    )
    write_bundle(root, run, windows_snapshots)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAB_INSTANCE", raising=False)
        return gather(open_practice(project / "inventories/windowspraxis", strict=False), root, TODAY)


@pytest.fixture(scope="session")
def musterpraxis(project, evidence):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAB_INSTANCE", raising=False)
        return gather(open_practice(project / "inventories/musterpraxis", strict=False), evidence, TODAY)


def facts_of(catalogue, edition="2025", **said):
    """A practice without hosts; `said` are fields of its inventory."""
    practice = Practice.model_validate({"name": "Praxis Leer", "size": "praxis", "networks": {}, **said})
    return Facts(practice, catalogue, edition, TODAY, "praxis.yml", "inventories/leer", (), lambda host, name: None)


@pytest.fixture(scope="session")
def empty(catalogue):
    return facts_of(catalogue)


@pytest.fixture(scope="session")
def full(musterpraxis):
    """The model practice's documents by name."""
    return {name: compose(name, musterpraxis) for name in ORDER}
