"""The checks run as ``pytest tests/compliance --practice inventories/<practice>``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost


@pytest.fixture
def host(remote: RemoteHost) -> Any:
    """The host as testinfra sees it, as the operator's unprivileged account."""
    return remote.testinfra
