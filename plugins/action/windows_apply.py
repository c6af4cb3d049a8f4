"""Settles on a Windows host what windows_rows has collected: one call per kind, whatever the number of settings."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from ansible.plugins.action import ActionBase

from praxisschild import batches, windows_messages, windows_rows

FACT = "praxisschild_windows"
NOTED = ("kind", "name", "changed", "state", "requirements", "role", "note")
# of what PowerShell says about itself: enough to see why, not a screen full
SAID = 2000


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """``windows_apply:`` without arguments; the rows of the fact ``praxisschild_windows`` are used up."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Apply every kind, also if another one fails; the result tells every item, in the shape of host_batch's."""
        super().run(tmp, task_vars)
        variables = {**(task_vars or {}), "ansible_no_target_syslog": True}  # arguments hold secrets
        collected = batches.fact(variables, FACT)
        run = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        result: dict[str, Any] = {"changed": False, "items": [], "kept": {}, "diff": [], "warnings": []}
        problems = []
        try:
            for kind, module in windows_rows.MODULES.items():
                if not collected.get(kind):
                    continue
                answer = self._execute_module(
                    module_name=module, module_args={"rows": collected[kind], "run": run}, task_vars=variables
                )
                self._add(result, kind, answer)
                if answer.get("failed"):
                    problems.append(f"{kind}: {self._problem(answer)}")
                    if "items" not in answer:  # no module came to run, and the next one would not either
                        result["module_stderr"] = str(answer.get("module_stderr") or "").strip()[:SAID]
                        break
        finally:  # also when the connection is lost between two kinds
            self._note_changes(result, variables)
        self._warn_of_domain_policies(result, variables["inventory_hostname"])
        if problems:  # a failure is shown with its whole result: only what helps belongs there
            result["changed_items"] = [item["name"] for item in result["items"] if item["changed"]]
            result["items"] = [item for item in result["items"] if item.get("failed")]
            result.update(failed=True, msg="; ".join(problems))
        else:
            result.update(ansible_facts={FACT: {}}, _ansible_facts_cacheable=False)
        for key in ("kept", "diff", "warnings"):
            if not result[key]:
                del result[key]
        return result

    def _note_changes(self, result: dict[str, Any], variables: dict[str, Any]) -> None:
        common = {"role": "windows_settings", "task": self._task.get_name(), "check_mode": bool(self._task.check_mode)}
        folder = self._templar.template(variables.get("praxisschild_run_dir"))
        items = [{key: item[key] for key in NOTED if key in item} for item in result["items"]]
        batches.note_changes(folder, variables["inventory_hostname"], common, items)

    @staticmethod
    def _problem(answer: dict[str, Any]) -> str:
        """What went wrong and, where it is known, what that means and the way out."""
        said = str(answer.get("msg")).strip()
        meaning = windows_messages.meaning(f"{said}\n{answer.get('module_stderr') or ''}")
        return f"{said} ({meaning[0]}; {meaning[1]})" if meaning else said

    @staticmethod
    def _add(result: dict[str, Any], kind: str, answer: dict[str, Any]) -> None:
        result["changed"] |= bool(answer.get("changed"))
        result["items"] += answer.get("items") or []
        result["warnings"] += answer.get("warnings") or []
        if answer.get("kept"):
            result["kept"][kind] = answer["kept"]
        if answer.get("reboot_required"):
            result["reboot_required"] = True
        if answer.get("diff"):
            result["diff"].append({"before_header": kind, "after_header": kind, **answer["diff"]})

    @staticmethod
    def _warn_of_domain_policies(result: dict[str, Any], host: str) -> None:
        owners = Counter(item["gpo"] for item in result["items"] if item["state"] == "domain_policy")
        for gpo, count in owners.items():
            names = ", ".join(item["name"] for item in result["items"] if item.get("gpo") == gpo)
            result["warnings"].append(
                f"{host}: the domain policy “{gpo}” sets {count} of these otherwise, left alone: {names}. "
                "Change them in the domain."
            )
