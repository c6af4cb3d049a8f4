"""Ansible callback: wall seconds per role, from the start of each task to the start of the next, as a JSON file."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: role_seconds
type: aggregate
short_description: wall seconds per role
description: Writes them to the file that the environment names in ROLE_SECONDS; "" holds what belongs to no role.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible-core ships no type information
    """One clock: what has passed when the next task begins was spent by the task before it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "role_seconds"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._seconds: dict[str, float] = defaultdict(float)
        self._role = ""
        self._since = time.monotonic()

    def _turn_to(self, role: str) -> None:
        now = time.monotonic()
        self._seconds[self._role] += now - self._since
        self._role, self._since = role, now

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002 - Ansible's interface
        self._turn_to(task._role.get_name() if task._role else "")

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002 - Ansible's interface
        self._turn_to("")
        if path := os.environ.get("ROLE_SECONDS"):
            Path(path).write_text(json.dumps(self._seconds), encoding="utf-8")
