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


def recorded(project, state):
    """What the collector wrote, by host."""
    files = (project / "tests/data/snapshots" / state).glob("*.json")
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def write_evidence(root, practice, snapshots):
    """One bundle of the practice as a verification writes it, with its states compressed."""
    states = [
        HostState(name=name, reached=True, snapshot=f"snapshots/{name}.json.gz", snapshot_taken=found["collected_at"])
        for name, found in snapshots.items()
    ]
    run = Run(
        tool_version="0.1.0",
        practice=PracticeFacts(name=practice, size="gross", edition="2025"),
        started=ENDED,
        ended=ENDED,
        hosts=tuple(states),
        checks=(),
        requirements=(),
    )
    write_bundle(root, run, snapshots)
    return root


def facts_from(project, folder, evidence):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAB_INSTANCE", raising=False)
        return gather(open_practice(project / "inventories" / folder, strict=False), evidence, TODAY)


@pytest.fixture(scope="session")
def snapshots(project):
    """The hardened hosts of the model practice."""
    return recorded(project, "hardened")


@pytest.fixture(scope="session")
def evidence(snapshots, tmp_path_factory):
    """A folder of evidence with one bundle of the model practice."""
    return write_evidence(tmp_path_factory.mktemp("evidence"), "Musterpraxis", snapshots)


@pytest.fixture(scope="session")
def windows_snapshots(project):
    """The hardened stand-ins for Windows."""
    return recorded(project, "windows")


@pytest.fixture(scope="session")
def windowspraxis(project, windows_snapshots, tmp_path_factory):
    """The facts of the practice with Windows."""
    evidence = write_evidence(tmp_path_factory.mktemp("evidence-windows"), "Windowspraxis", windows_snapshots)
    return facts_from(project, "windowspraxis", evidence)


@pytest.fixture(scope="session")
def musterpraxis(project, evidence):
    return facts_from(project, "musterpraxis", evidence)


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
