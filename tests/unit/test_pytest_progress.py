"""What a run of checks tells of its progress."""

from __future__ import annotations

import json
import os

from praxisschild.pytest_progress import _Progress


def test_checks_of_the_whole_practice_are_counted_under_no_name():
    reader, writer = os.pipe()
    names = [
        "a.py::test_lock[server-1]@server-1",
        "a.py::test_plan",
        "a.py::test_list",
        "a.py::test_pin[Tablet]@Tablet",
    ]
    progress = _Progress(writer)
    for _ in range(2):  # every worker collects the same
        progress.pytest_xdist_node_collection_finished(None, names)
    os.close(writer)
    with os.fdopen(reader) as told:
        events = [json.loads(line) for line in told]
    assert events == [{"event": "collected", "hosts": {"server-1": 1, "": 2, "Tablet": 1}}]
