"""Shared by the unit tests: no host, no network, no installed state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from praxisschild.catalogue import Catalogue, load_catalogue
from tests.factories import LargeRun, large_run

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture(autouse=True, scope="session")
def _messages_as_written() -> Iterator[None]:
    """Tests read messages as the code writes them; what a technician reads in German has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRAXISSCHILD_LANG", "en")
        yield
