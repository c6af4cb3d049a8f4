"""Settles on a Windows host what windows_rows has collected: one call per kind, whatever the number of settings."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleAuthenticationFailure, AnsibleError
from ansible.plugins.action import ActionBase

from praxisschild import batches, windows_messages, windows_rows

NOTED = ("kind", "name", "changed", "state", "requirements", "role", "note")
# of what PowerShell says about itself: enough to see why, not a screen full
SAID = 2000
GUARDED = ("registry", "security", "components")  # what is audited closes no way in
GUARD_SECONDS = 180  # a Windows under load takes its time to start PowerShell
REFUSED = "credentials were rejected"  # the connection plugin's words for a wrong password or a locked account


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """``windows_apply:``; the facts that windows_rows has made are used up.

    ``guard`` says after how many seconds the host puts back by itself what a call replaced, unless it is called off
    over a new connection; 0 for never. ``restore: latest``, or the name of a run, puts back what that run replaced.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset({"guard", "restore"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Apply every kind, also if another one fails; the result tells every item, in the shape of host_batch's."""
        super().run(tmp, task_vars)
        facts = windows_rows.declared(task_vars or {})
        try:
            collected = windows_rows.together(facts.values())
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        # arguments hold secrets
        self._variables = {**(task_vars or {}), "ansible_no_target_syslog": True}
        if folder := self._templar.template(self._variables.get("praxisschild_rows_to")):
            # nothing is connected: the rows go to a folder here, for a program that takes them elsewhere
            windows_rows.hand_over(folder, self._variables["inventory_hostname"], collected)
            return {"changed": False, "items": []}
        result = self._apply(collected)
        if not result.get("failed") and "restore" not in self._task.args:
            result.update(ansible_facts={name: {} for name in facts}, _ansible_facts_cacheable=False)
        return result

    def _apply(self, collected: dict[str, Any]) -> dict[str, Any]:
        self._guard = int(self._task.args.get("guard", GUARD_SECONDS))
        restore = self._task.args.get("restore")
        run = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        result: dict[str, Any] = {"changed": False, "items": [], "kept": {}, "diff": [], "warnings": []}
        problems = []
        calls = (
            [(kind, {"restore": str(restore)}) for kind in reversed(windows_rows.MODULES)]
            if restore
            else self._rows(collected)
        )
        try:
            for number, (kind, arguments) in enumerate(calls):
                answer = self._settle(kind, {**arguments, "run": run}, first=number == 0)
                self._add(result, kind, answer)
                if answer.get("failed"):
                    problems.append(f"{kind}: {self._problem(answer)}")
                    if "items" not in answer:  # no module came to run, and the next one would not either
                        result["module_stderr"] = str(answer.get("module_stderr") or "").strip()[:SAID]
                        break
                if answer.get("reverted"):
                    break  # what follows was meant for a host that the earlier kinds had settled
        finally:  # also when the connection is lost between two kinds
            self._note_changes(result, self._variables)
        self._warn_of_domain_policies(result, self._variables["inventory_hostname"])
        if problems:  # a failure is shown with its whole result: only what helps belongs there
            result["changed_items"] = [item["name"] for item in result["items"] if item["changed"]]
            result["items"] = [item for item in result["items"] if item.get("failed")]
            result.update(failed=True, msg="; ".join(problems))
        for key in ("kept", "diff", "warnings"):
            if not result[key]:
                del result[key]
        return result

    @staticmethod
    def _rows(collected: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Kind and arguments of each call: what is asked for, and what is not any more."""
        calls = []
        for kind in windows_rows.MODULES:
            rows, released = collected[kind], collected[windows_rows.RELEASED][kind]
            if rows or released:
                calls.append((kind, {"rows": rows, "release": released}))
        return calls

    def _call(self, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=module, module_args=arguments, task_vars=self._variables
        )
        return answer

    # The dead man's switch, seen from here

    def _settle(self, kind: str, arguments: dict[str, Any], *, first: bool) -> dict[str, Any]:
        """One kind's call; what it armed is called off over a new connection, or the host has put it back.

        Raises:
            AnsibleConnectionFailure: nothing has been sent; the host is down.
        """
        guard = self._guard if kind in GUARDED and not self._task.check_mode else 0
        started = time.monotonic()
        try:
            answer = self._call(windows_rows.MODULES[kind], {**arguments, "guard": guard})
        except (AnsibleError, OSError) as error:  # OSError: requests' own, which the connection plugin lets through
            never = first and not getattr(self._connection, "_connected", False)
            if not guard or never or self._outcome(arguments["run"]) == "nothing":
                raise
            reason, answer = f"the connection was lost: {error}", {"failed": True, "items": []}
        else:
            if not answer.get("armed"):
                return answer
            reason = self._not_confirmed_because(arguments["run"], started + guard)
            if reason is None:
                return answer
        return self._put_back(kind, answer, arguments["run"], reason, started + guard)

    def _not_confirmed_because(self, run: str, due: float) -> str | None:
        """Call the way back off through a connection that the change could not keep alive; None if that has worked."""
        while True:
            try:
                self._connection.reset()
                answer = self._call("win_guard", {"run": run})
                if not answer.get("failed"):
                    outcome = str(answer["outcome"])
                    return None if outcome == "confirmed" else f"the host says “{outcome}” instead of “confirmed”"
                return str(answer.get("msg"))
            except (AnsibleError, OSError) as error:
                # a refused password is not tried again: that would lock the account on top of everything
                refused = isinstance(error, AnsibleAuthenticationFailure) or REFUSED in str(error)
                if refused or time.monotonic() + 5 > due:
                    return str(error)
            time.sleep(min(2, self._guard / 10))

    def _outcome(self, run: str) -> str:
        """What the host says of the run over a new connection; empty if there is none."""
        try:
            self._connection.reset()
            return str(self._call("win_guard", {"run": run, "phase": "status"}).get("outcome"))
        except (AnsibleError, OSError):
            return ""

    def _put_back(self, kind: str, answer: dict[str, Any], run: str, reason: str, due: float) -> dict[str, Any]:
        """Wait until the host has put everything back, and tell what came of it."""
        host = self._variables["inventory_hostname"]
        self._display.warning(f"{host}: {kind} is not confirmed; waiting for the host to put it back by itself")
        outcome, patience = "", due + max(30, self._guard / 2)
        while outcome not in {"reverted", "nothing"} and time.monotonic() < patience:
            time.sleep(max(1, due - time.monotonic()))
            outcome = self._outcome(run)
        fate = {
            "reverted": "The host has put everything back by itself and is reachable again",
            "nothing": "The host is reachable and says that nothing waits to be put back",
        }.get(
            outcome,
            "The host puts everything back by itself, but has not said so yet; on its screen: Aufgabenplanung, "
            r"Praxisschild\Rueckweg",
        )
        for item in answer.get("items") or []:
            if item.get("changed"):
                item.update(changed=False, failed=True, state="failed", after=item.get("before"), reason="put back")
        message = (
            f"after these settings a new connection was refused ({reason.strip().rstrip('.')}). {fate}. "
            "Look for what closes the way in: firewall_management_networks, a service, a logon right"
        )
        kept = {key: value for key, value in answer.items() if key in {"items", "warnings", "kept"}}
        return {**kept, "changed": False, "failed": True, "reverted": True, "msg": message}

    # What came of it

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
