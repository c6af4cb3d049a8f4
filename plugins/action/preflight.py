"""Validate the practice's inventory once per run, before any host is touched."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from praxisschild.applicability import dropped_requirements, edition_of
from praxisschild.errors import PraxisschildError
from praxisschild.inventory import open_practice, practice_folder


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Runs on the controller only; its facts tell every host which settings do not apply to it."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return ``ansible_facts.praxisschild``: edition, and per host the dropped requirement ids with the reason."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        sources = (task_vars or {}).get("ansible_inventory_sources") or []
        try:
            opened = open_practice(practice_folder([str(source) for source in sources]), loader=self._loader)
        except PraxisschildError as error:
            raise AnsibleActionFail(str(error)) from None
        today = datetime.now(UTC).date()
        arguments = (opened.catalogue, opened.practice)
        facts = {
            "edition": edition_of(*arguments, today),
            "dropped": dropped_requirements(*arguments, opened.inventory.hosts, today),
        }
        if opened.hints:
            result["warnings"] = [str(hint) for hint in opened.hints]
        result.update(changed=False, ansible_facts={"praxisschild": facts}, _ansible_facts_cacheable=False)
        return result
