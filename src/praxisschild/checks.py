"""What a compliance test is written with: the requirement it proves, that requirement's bounds, and its verdicts."""

from __future__ import annotations

from typing import NoReturn

import pytest
from _pytest.outcomes import Skipped

from praxisschild.catalogue import Bound, load_catalogue
from praxisschild.results import Status

requirement = pytest.mark.requirement


class Verdict(Skipped):
    """Ends a check with a status of its own; the reason reaches the report."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def bound(identifier: str, name: str) -> Bound:
    """The catalogue's bound of a requirement, for example ``bound("2021-A1-13", "lock_after").at_most``."""
    return load_catalogue().bound(identifier, name)


def not_applicable(reason: str) -> NoReturn:
    """End the check: what was measured on the host shows that the requirement has no object there (German reason)."""
    raise Verdict(Status.NOT_APPLICABLE, reason)


def not_tested(reason: str) -> NoReturn:
    """End the check without a verdict on the host (German reason)."""
    raise Verdict(Status.NOT_TESTED, reason)
