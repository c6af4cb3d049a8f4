"""What a compliance test is written with: the requirement it proves, that requirement's bounds, and its verdicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import pytest
from _pytest.outcomes import Skipped

from praxisschild.catalogue import Bound, load_catalogue
from praxisschild.results import Status

if TYPE_CHECKING:
    from datetime import timedelta

requirement = pytest.mark.requirement
# the fixture `measured`: takes a German sentence that the report shows
Measured = Callable[[str], None]


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


def ago(age: timedelta | None) -> str:
    """How long ago something was, for `measured`; None is never."""
    if age is None:
        return "nie"
    return f"vor {age.total_seconds() / 3600:.0f} Stunden" if age.days < 3 else f"vor {age.days} Tagen"
