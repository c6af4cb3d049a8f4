"""Writes what each task returned into the file that COLLECT_RESULTS names: {host: {task name: result}}."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: collect
type: notification
short_description: results of tasks as JSON
description: [Results of tasks as JSON, for tests.]
"""


class CallbackModule(CallbackBase):
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "collect"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, dict[str, Any]] = {}

    def _collect(self, result: Any, **more: bool) -> None:
        found = {"failed": False, "unreachable": False, **result.result, **more}
        self.results.setdefault(result.host.get_name(), {})[result.task.get_name()] = found

    def v2_runner_on_ok(self, result: Any) -> None:
        self._collect(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        del ignore_errors
        self._collect(result, failed=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._collect(result, unreachable=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        del stats
        Path(os.environ["COLLECT_RESULTS"]).write_text(json.dumps(self.results, default=str), encoding="utf-8")
