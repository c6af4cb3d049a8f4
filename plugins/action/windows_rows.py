"""Collects settings for a Windows host from the roles; windows_apply settles them all at the end of the play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action import ActionBase

from praxisschild import batches, rows, windows_rows

MODULES = Path(__file__).resolve().parents[1] / "modules"


def row_keys(kind: str) -> set[str]:
    """What the module of a kind takes in a row, according to its documentation."""
    text = (MODULES / f"{windows_rows.MODULES[kind]}.yml").read_text(encoding="utf-8")
    return set(yaml_load(text)["DOCUMENTATION"]["options"]["rows"]["suboptions"])


# read once: Ansible loads the plugin in the process that then forks for every task
KEYS = {kind: row_keys(kind) for kind in windows_rows.MODULES}


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """``windows_rows: {registry: […], security: […], audit: […], components: […]}``, on the controller only.

    Rows are those of the modules win_registry_values, win_security_policy_values, win_audit_policy and win_components,
    and may say ``when``. They become a fact of their own, which windows_apply takes up, with those that do not apply
    under ``released``: what an earlier run has set of them is given back. What a deviation leaves out is in
    ``dropped``, too.
    """

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the rows of this task as a fact."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        role = self._task._role.get_name() if self._task._role else "play"
        found = self._templar.template(batches.fact(variables, "praxisschild").get("dropped") or {})
        reasons = batches.dropped_on(found, variables.get("inventory_hostname"))
        collected: dict[str, list[windows_rows.Row]] = {}
        released: dict[str, list[windows_rows.Row]] = {}
        dropped: list[rows.Dropped] = []
        try:
            for kind, written in self._task.args.items():
                if kind not in windows_rows.MODULES:
                    raise ValueError(rows.unknown_key(str(kind), windows_rows.MODULES))
                if not isinstance(written, list):
                    raise ValueError(f"{kind}: is a list of rows")
                selection = windows_rows.select(kind, written, KEYS[kind], role, reasons)
                collected[kind] = windows_rows.merge(kind, [], selection.rows)
                released[kind] = list(selection.released)
                dropped += selection.dropped
        except ValueError as error:
            place = f"{role}: {self._task.name or self._task.action}"
            raise AnsibleActionFail(f"{place}: {error}", obj=self._task.args) from None
        number = len(windows_rows.declared(variables))
        fact = {f"{windows_rows.FACT}_{number:03}": {**collected, windows_rows.RELEASED: released}}
        result.update(changed=False, ansible_facts=fact, _ansible_facts_cacheable=False)
        result["dropped"] = [
            {"kind": one.kind, "name": one.name, "requirements": list(one.requirements), "reason": one.reason}
            for one in dropped
        ]
        return result
