"""What a playbook run says, as JSON lines for the command line of Praxisschild; see `praxisschild.playbook_run`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

DOCUMENTATION = """
name: praxisschild_events
type: stdout
short_description: JSON text sequences for praxisschild plan and apply
description:
  - Every event is a line that begins with the record separator of RFC 7464; other lines are other programs' output.
"""
RECORD_SEPARATOR = "\x1e"
KEPT = ("msg", "changed", "items", "dropped", "settled", "diff", "rc", "stderr", "module_stderr", "censored")


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible-core ships no type information
    """One event per play, task, and result of a task on a host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "praxisschild_events"

    def v2_playbook_on_play_start(self, play: Play) -> None:
        roles = list(dict.fromkeys(str(role.get_name()) for role in play.roles))
        self._say("play", name=str(play.get_name()), roles=roles)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        self._say("no_hosts")

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:  # noqa: ARG002 - Ansible's
        self._say("task", **_task(task))

    def v2_runner_on_start(self, host: Any, task: Task) -> None:
        self._say("start", host=str(host.get_name()), **_task(task))

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        self._result("ok", result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self._result("ok" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        self._result("unreachable", result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        self._say("stats", hosts={str(host): stats.summarize(host) for host in sorted(stats.processed)})

    def _result(self, event: str, result: CallbackTaskResult) -> None:
        kept = {key: result.result[key] for key in KEPT if key in result.result}
        warnings = [str(getattr(one, "msg", one)) for one in result.result.get("warnings") or ()]
        self._say(event, host=str(result.host.get_name()), warnings=warnings, result=kept, **_task(result.task))

    def _say(self, event: str, **facts: Any) -> None:
        line = json.dumps({"event": event, **facts}, ensure_ascii=True, default=str)
        sys.stdout.write(f"{RECORD_SEPARATOR}{line}\n")
        sys.stdout.flush()


def _task(task: Task) -> dict[str, Any]:
    return {
        "role": str(task._role.get_name()) if task._role else "",
        "task": str(task.name or task.action),
        "action": str(task.action),
        "tags": [str(tag) for tag in task.tags],
    }
