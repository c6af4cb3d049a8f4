"""A pytest plugin that tells how far a run of checks is, for a command line that draws it.

Active with ``-p praxisschild.pytest_progress`` and a descriptor in ``PRAXISSCHILD_PROGRESS``; it writes a line of JSON
per event there: `collected` with the number of checks per host or phone (the practice's own under no name), `check`
with host, status and title.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "PRAXISSCHILD_PROGRESS"
_RECORD = "praxisschild"  # under which a report carries the result of its check


def pytest_configure(config: pytest.Config) -> None:
    """Tell from the process that sees all results; workers of xdist have nobody to tell."""
    descriptor = os.environ.get(VARIABLE, "")
    if descriptor.isdigit() and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Progress(int(descriptor)), "praxisschild-progress-of-this-run")


class _Progress:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._has_told_number = False

    def _tell(self, event: str, **facts: Any) -> None:
        os.write(self._descriptor, f"{json.dumps({'event': event, **facts}, ensure_ascii=False)}\n".encode())

    def _number(self, hosts: Iterable[str]) -> None:
        counts = Counter(hosts)
        if counts and not self._has_told_number:  # every worker of xdist collects the same
            self._has_told_number = True
            self._tell("collected", hosts=counts)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._number(_host(item) for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:  # noqa: ARG002 - xdist's own
        # xdist marks a check's group in its name; what concerns the whole practice has none
        self._number(group if mark else "" for _, mark, group in (name.rpartition("@") for name in ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, record in report.user_properties:
            if name == _RECORD and isinstance(record, dict):
                facts = {key: record[key] for key in ("host", "status", "title", "probe")}
                if hasattr(report, "wasxfail"):  # a deviation covers it: nothing that somebody has to do
                    facts["status"] = "deviation"
                self._tell("check", **facts)


def _host(item: pytest.Item) -> str:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return str(parameters.get("host_name") or parameters.get("mobile_name") or "")
