"""A pytest plugin: the checks judge several kept states of one host in one run, instead of its state today.

``pytest tests/compliance -p tests.lab.states --states FOLDER --replay FOLDER …``: every check runs once per file in the
folder, and its name ends with the file's.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from praxisschild.snapshot import Snapshot, WindowsSnapshot, read_snapshot


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--states", type=Path, metavar="FOLDER", help="snapshots of one host, all of which are judged")


def pytest_configure(config: pytest.Config) -> None:
    kept = {path.stem: path.read_text(encoding="utf-8") for path in sorted(config.option.states.glob("*.json"))}
    config.stash[STATES] = {name: read_snapshot(json.loads(text)) for name, text in kept.items()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture in {"snapshot", "windows"}.intersection(metafunc.fixturenames):
        states = metafunc.config.stash[STATES]
        # a parameter goes before the fixture of that name
        metafunc.parametrize(fixture, states.values(), ids=states.keys())


STATES = pytest.StashKey[dict[str, Snapshot | WindowsSnapshot]]()
