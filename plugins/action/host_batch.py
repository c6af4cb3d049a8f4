"""The controller's half of host_batch: check, filter, render, send once, and confirm a guarded change."""

from __future__ import annotations

import re
import runpy
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

from praxisschild import batches, rows

# module_utils are a package on the hosts only; the controller reads the same file
SPEC: dict[str, Any] = runpy.run_path(
    str(Path(__file__).resolve().parents[1] / "module_utils" / "praxisschild" / "spec.py")
)["ARGUMENTS"]
SET_HERE = ("role", "phase", "run")
CONTROLLER_KEYS = ("rows", "style", "template", "template_vars")
NEVER_CONNECTED = re.compile(r"connect to host|resolve hostname|Permission denied|Host key verification")
KEEPALIVE = "-o ServerAliveInterval=5 -o ServerAliveCountMax=3"


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """See the documentation of the module of the same name."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Settle the batch on one host; the result tells every item, and what was dropped."""
        super().run(tmp, task_vars)
        variables = dict(task_vars or {})
        self._variables = {**variables, "ansible_no_target_syslog": True}  # arguments hold whole files, secrets too
        arguments = self._checked(self._task.args)
        reasons = self._reasons(variables)
        self._dropped: list[rows.Dropped] = []
        arguments["files"] = [
            done for item in arguments["files"] if (done := self._file(item, reasons, variables)) is not None
        ]
        arguments["units"] = [unit for unit in arguments["units"] if self._applies("unit", unit["name"], unit, reasons)]
        arguments["role"] = self._role()
        guarded = arguments["guard"] and not self._task.check_mode
        result = self._guarded(arguments) if guarded else self._call(arguments)
        if not result.get("failed"):  # a failure is shown with its whole result: only what helps belongs there
            result["dropped"] = [
                {"kind": one.kind, "name": one.name, "requirements": list(one.requirements), "reason": one.reason}
                for one in self._dropped
            ]
        if not result.get("diff"):
            result.pop("diff", None)
        self._note_changes(result, variables)
        return result

    def _role(self) -> str:
        role = self._task._role
        return str(role.get_name()) if role else "play"

    def _call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name="host_batch", module_args=_without_nothing(arguments), task_vars=self._variables
        )
        return result

    def _fail(self, place: str, reason: str) -> AnsibleActionFail:
        task = f"{self._role()}: {self._task.name or self._task.action}"
        return AnsibleActionFail(f"{task}: {place}: {reason}", obj=self._task.args)

    # Arguments

    def _checked(self, written: dict[str, Any]) -> dict[str, Any]:
        """The arguments with their defaults; every mistake names the item and the key."""
        spec = {name: option for name, option in SPEC.items() if name not in SET_HERE}
        self._refuse_unknown("host_batch", written, spec)
        checked = self._valid("host_batch", {k: v for k, v in written.items() if k not in {"files", "units"}}, spec)
        for kind in ("files", "units"):
            options = SPEC[kind]["options"]
            items = written.get(kind) or []
            if not isinstance(items, list):
                raise self._fail(kind, "is a list")
            checked[kind] = [self._item(kind, number, item, options) for number, item in enumerate(items)]
        for number, handler in enumerate(written.get("handlers") or []):
            self._refuse_unknown(f"handlers[{number}] ({handler.get('name')})", handler, SPEC["handlers"]["options"])
            if bool(handler.get("unit")) == bool(handler.get("command")):
                raise self._fail(f"handlers[{number}] ({handler.get('name')})", "name either a unit or a command")
        for name in ("verify", "guard_undo"):
            if not all(isinstance(command, list) and command for command in written.get(name) or []):
                raise self._fail(name, "is a list of commands, and each command is a list of words")
        self._check_names(checked)
        return checked

    def _item(self, kind: str, number: int, item: Any, options: dict[str, Any]) -> dict[str, Any]:
        place = f"{kind}[{number}]"
        if not isinstance(item, dict):
            raise self._fail(place, "is an object with keys")
        place = f"{place} ({item.get('dest') or item.get('name') or 'without a name'})"
        self._refuse_unknown(place, item, options)
        # rows and style are read, and checked, by praxisschild.rows
        written = {key: value for key, value in item.items() if key not in {"rows", "style"}}
        if not isinstance(item.get("mode", ""), str):
            raise self._fail(place, f'write the mode in quotes, for example "0644"; YAML read a number: {item["mode"]}')
        checked = self._valid(place, written, {k: v for k, v in options.items() if k not in {"rows", "style"}})
        if kind == "files":
            checked |= {key: item[key] for key in ("rows", "style") if item.get(key) is not None}
            sources = [key for key in ("content", "rows", "template") if item.get(key) is not None]
            if len(sources) != (checked["state"] == "file"):
                raise self._fail(place, "a file comes from exactly one of content, rows and template; others from none")
            if checked["validate"] and "%s" not in checked["validate"]:
                raise self._fail(place, "validate names the staged file by %s")
        return checked

    def _check_names(self, checked: dict[str, Any]) -> None:
        handlers = [handler["name"] for handler in checked["handlers"]]
        destinations = [item["dest"] for item in checked["files"]]
        for number, item in enumerate(checked["files"]):
            place = f"files[{number}] ({item['dest']})"
            for name in item["notify"]:
                if name not in handlers:
                    raise self._fail(place, f"notify: {rows.unknown_key(name, handlers)}".replace("key", "handler"))
            if destinations.index(item["dest"]) != number:
                raise self._fail(place, "the batch names this destination twice")

    def _refuse_unknown(self, place: str, written: dict[str, Any], options: dict[str, Any]) -> None:
        known = {name for key, option in options.items() for name in (key, *option.get("aliases", ()))}
        for key in written:
            if key not in known:
                raise self._fail(place, rows.unknown_key(str(key), known))

    def _valid(self, place: str, written: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        validation = ArgumentSpecValidator(options).validate(written)
        if validation.error_messages:
            raise self._fail(place, "; ".join(validation.error_messages))
        return {key: value for key, value in validation.validated_parameters.items() if key in options}

    # What applies to this host, and how it reads

    def _reasons(self, variables: dict[str, Any]) -> dict[str, str]:
        """Requirement id -> why it does not apply to this host, as preflight found."""
        found = self._templar.template(batches.fact(variables, "praxisschild").get("dropped") or {})
        return batches.dropped_on(found, variables.get("inventory_hostname"))

    def _applies(self, kind: str, name: str, item: dict[str, Any], reasons: dict[str, str]) -> bool:
        reason = rows.reason_to_drop(item["requirements"], reasons)
        if reason is not None:
            self._dropped.append(rows.Dropped(kind, name, tuple(item["requirements"]), reason))
        return reason is None

    def _file(self, item: dict[str, Any], reasons: dict[str, str], variables: dict[str, Any]) -> dict[str, Any] | None:
        """The item as the host gets it, its content rendered; None if the host is to leave the path alone."""
        sent = {key: value for key, value in item.items() if key not in CONTROLLER_KEYS}
        applies = self._applies("file", item["dest"], item, reasons)
        if item["state"] != "file":
            return sent if applies else None
        if not applies:
            return sent | {"state": "absent", "content": None, "managed_only": True}
        if "rows" in item:
            return self._from_rows(item, sent, reasons)
        if item["template"]:
            sent["content"] = self._from_template(item, variables)
        return sent

    def _from_rows(self, item: dict[str, Any], sent: dict[str, Any], reasons: dict[str, str]) -> dict[str, Any]:
        try:
            style = rows.Style.parse(item.get("style") or {})
            selection = rows.select(item["rows"], style, reasons)
            text = rows.render(selection.rows, style)
        except ValueError as error:
            raise self._fail(item["dest"], str(error)) from None
        self._dropped += selection.dropped
        if not selection.rows:
            return sent | {"state": "absent", "managed_only": True}
        requirements = list(dict.fromkeys([*item["requirements"], *selection.requirements]))
        return sent | {"content": text, "requirements": requirements}

    def _from_template(self, item: dict[str, Any], variables: dict[str, Any]) -> str:
        try:
            source = self._find_needle("templates", item["template"])
        except AnsibleError as error:
            raise self._fail(item["dest"], str(error)) from None
        folders = [*variables.get("ansible_search_path", []), self._loader.get_basedir(), str(Path(source).parent)]
        templar = self._templar.copy_with_new_env(
            searchpath=[path for folder in folders for path in (str(Path(folder) / "templates"), folder)],
            available_variables={"ansible_managed": rows.HEADER, **variables, **(item["template_vars"] or {})},
        )
        text = trust_as_template(self._loader.get_text_file_contents(source))
        rendered = templar.template(
            text, escape_backslashes=False, overrides={"trim_blocks": True, "lstrip_blocks": False}
        )
        return "" if rendered is None else str(rendered)

    # The dead-man switch, seen from here

    def _guarded(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Apply, and confirm over a new connection whatever has been armed."""
        seconds = arguments["guard_seconds"]
        self._notice_dead_connection()
        try:
            result = self._call(arguments)
        except AnsibleConnectionFailure as error:
            if NEVER_CONNECTED.search(str(error)):
                raise
            raise self._not_confirmed(None, f"the connection was lost: {error}", seconds) from None
        if result.get("armed") and not result.get("failed"):
            self._confirm(str(result["run"]), seconds)
        return result

    def _notice_dead_connection(self) -> None:
        """Not wait until TCP gives up for the answer of a host whose firewall swallows our packets now."""
        given = [self.get_connection_option(f"ssh_{kind}args") for kind in ("", "common_", "extra_")]
        if given[0] is None or "ServerAliveInterval" in " ".join(filter(None, given)):
            return
        self._connection.set_option("ssh_extra_args", f"{given[2] or ''} {KEEPALIVE}".strip())
        self._connection.reset()  # a shared connection that is open already was made without it

    def _confirm(self, run: str, seconds: int) -> None:
        """Call the revert off through a connection and a privilege escalation that the change could not keep alive.

        Raises:
            AnsibleActionFail: impossible; the host restores itself, or has done so.
        """
        if self.get_connection_option("timeout") is not None:
            self._connection.set_option("timeout", min(10, max(3, seconds // 3)))
        deadline = time.monotonic() + seconds - min(5, seconds / 4)
        while True:
            try:
                self._connection.reset()
                answer = self._call({"phase": "confirm", "run": run})
                if not answer.get("failed"):
                    return
                reason, hopeless = str(answer.get("msg")), True
            except AnsibleError as error:
                # a refused password is not tried again: that would lock the account on top of everything
                refused = isinstance(error, AnsibleAuthenticationFailure)
                reason, hopeless = str(error), refused or not isinstance(error, AnsibleConnectionFailure)
            if hopeless or time.monotonic() + 1 > deadline:
                raise self._not_confirmed(run, reason, max(0, deadline - time.monotonic()) + min(5, seconds / 4))
            time.sleep(1)

    def _not_confirmed(self, run: str | None, reason: str, remaining: float) -> AnsibleActionFail:
        """Wait until the host must have restored itself, and tell what came of it."""
        self._display.warning(f"{self._role()}: the change is not confirmed; waiting for the host to restore itself")
        time.sleep(remaining)
        outcome, give_up = "", time.monotonic() + 20
        while not outcome and time.monotonic() < give_up:
            time.sleep(1)
            try:
                self._connection.reset()
                outcome = str(self._call({"phase": "status", "run": run, "role": self._role()}).get("outcome"))
            except AnsibleConnectionFailure:
                continue
            except AnsibleError as error:
                outcome = str(error)
            if outcome == "reverting":
                outcome = ""
        if outcome == "reverted":
            fate = "The host has put its earlier files back by itself and is reachable again"
        else:
            fate = (
                "The host restores its earlier files by itself, but has not said so yet"
                f"{f' ({outcome})' if outcome else ''}; on its console: journalctl -u praxisschild-revert"
            )
        place = "the change was not confirmed over a new connection"
        return self._fail(place, f"{reason.strip().rstrip('.: ')}. {fate}.")

    # For drift reports

    def _note_changes(self, result: dict[str, Any], variables: dict[str, Any]) -> None:
        """Append the changed items to <praxisschild_run_dir>/changes/<host>.json, a list."""
        folder = self._templar.template(variables.get("praxisschild_run_dir"))
        common = {"role": self._role(), "task": self._task.get_name(), "check_mode": bool(self._task.check_mode)}
        batches.note_changes(folder, variables["inventory_hostname"], common, result.get("items", []))


def _without_nothing(value: Any) -> Any:
    """The same without keys that were not given: for a module, given as null is not the same as not given."""
    if isinstance(value, dict):
        return {key: _without_nothing(one) for key, one in value.items() if one is not None}
    return [_without_nothing(one) for one in value] if isinstance(value, list) else value
