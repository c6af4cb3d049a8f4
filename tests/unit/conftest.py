"""Shared by the unit tests: no host, no network, no installed state."""

from __future__ import annotations

from pathlib import Path

import pytest

from praxisschild.catalogue import Catalogue, load_catalogue
from tests.factories import LargeRun, large_run

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def large() -> LargeRun:
    """A run of 40 hosts with 150 checks each, for what must stay quick and small."""
    return large_run()
