"""Settles on a Windows host what windows_rows has collected: one call per kind, whatever the number of settings."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from ansible.plugins.action import ActionBase

from praxisschild import batches, windows_rows

FACT = "praxisschild_windows"
NOTED = ("kind", "name", "changed", "state", "requirements", "role", "note")


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """``windows_apply:`` without arguments; the rows of the fact ``praxisschild_windows`` are used up."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Apply every kind, also if another one fails; the result tells every item, in the shape of host_batch's."""
        super().run(tmp, task_vars)
        if folder := self._templar.template((task_vars or {}).get("praxisschild_rows_to")):
            return self._hand_over(folder, task_vars or {})
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
                    problems.append(f"{kind}: {str(answer.get('msg')).strip()}")
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

    @staticmethod
    def _hand_over(folder: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Nothing is connected: the rows go to a folder here, for a program that takes them elsewhere."""
        windows_rows.hand_over(folder, variables["inventory_hostname"], batches.fact(variables, FACT))
        return {"changed": False, "items": []}

    def _note_changes(self, result: dict[str, Any], variables: dict[str, Any]) -> None:
        common = {"role": "windows_settings", "task": self._task.get_name(), "check_mode": bool(self._task.check_mode)}
        folder = self._templar.template(variables.get("praxisschild_run_dir"))
        items = [{key: item[key] for key in NOTED if key in item} for item in result["items"]]
        batches.note_changes(folder, variables["inventory_hostname"], common, items)

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
