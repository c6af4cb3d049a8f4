"""What a run of checks tells of its progress."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from praxisschild.pytest_progress import _Progress

if TYPE_CHECKING:
    from collections.abc import Callable


def told(work: Callable[[_Progress], object]) -> list[dict[str, Any]]:
    """The events that somebody reads while this work is done."""
    reader, writer = os.pipe()
    work(_Progress(writer))
    os.close(writer)
    with os.fdopen(reader) as lines:
        return [json.loads(line) for line in lines]


def test_checks_of_the_whole_practice_are_counted_under_no_name():
    names = [
        "a.py::test_lock[server-1]@server-1",
        "a.py::test_plan",
        "a.py::test_list",
        "a.py::test_pin[Tablet]@Tablet",
    ]

    def collect_twice(progress: _Progress) -> None:  # every worker collects the same
        for _ in range(2):
            progress.pytest_xdist_node_collection_finished(None, names)

    assert told(collect_twice) == [{"event": "collected", "hosts": {"server-1": 1, "": 2, "Tablet": 1}}]


def test_a_failure_that_a_deviation_covers_is_told_as_one():
    record = {"host": "pc-1", "status": "failed", "title": "x", "probe": False}
    report = SimpleNamespace(user_properties=[("praxisschild", record)])
    assert told(lambda progress: progress.pytest_runtest_logreport(report))[0]["status"] == "failed"
    report.wasxfail = "Abweichung bis 31.12.2026"
    assert told(lambda progress: progress.pytest_runtest_logreport(report))[0]["status"] == "deviation"
