#!/usr/bin/python
# Copyright: Praxisschild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_batch
short_description: Settle the packages, files and units of a role in one call
description:
  - Brings packages, files, directories and systemd units of one role to a Linux host in one module call.
  - Files are compared, staged beside their destination, all validated and then all switched by rename, so that each
    is always whole, the old one or the new. What is replaced is kept below O(state_dir) with a script to put it back.
  - A command of O(verify), a handler, a unit or a removal that fails puts all files of the batch back at once.
  - With O(guard=true) an automatic revert is armed before the first file is switched. The action plugin calls it off
    over a new connection with privilege escalation; otherwise the host restores itself.
  - "Order: packages present, stage and validate, arm, switch, verify, handlers, units, packages absent, confirm."
  - Rows, files and units whose requirements are all listed for the host in the fact C(praxisschild.dropped) are left
    out by the action plugin.
options:
  packages:
    description: Packages by their real names; compared with one C(dpkg-query), each list settled in one transaction.
    type: dict
    suboptions:
      present:
        description: Installed without recommended packages before any file is staged. Not taken back by a revert.
        type: list
        elements: str
        default: []
      absent:
        description: Removed last; their configuration stays. Not taken back by a revert.
        type: list
        elements: str
        default: []
  files:
    description:
      - Files and directories. Missing parent directories are created as C(root:root 0755).
      - A destination is refused if somebody else than root may write to a directory above it, unless that directory is
        itself an item of the batch. A symbolic link at a destination is replaced, never followed.
    type: list
    elements: dict
    default: []
    suboptions:
      dest:
        description: Absolute path.
        type: path
        required: true
      state:
        description: V(absent) removes files, links and empty directories.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description: The text. Exactly one of O(files[].content), O(files[].rows) and O(files[].template) makes a file.
        type: str
      rows:
        description:
          - Setting rows, rendered on the controller by O(files[].style), under a comment with their requirements.
          - The file is removed, if this module put it there, when no row is left.
        type: list
        elements: dict
        suboptions:
          option:
            description: Name of the option; for V(json) a path split at dots, or a list.
            type: raw
          path:
            description: For V(json), the path as a list, instead of O(files[].rows[].option).
            type: list
            elements: str
          value:
            description: Value. Lists are joined, booleans become the words of the style; null leaves the option alone.
            type: raw
          section:
            description: For V(ini), the section.
            type: str
          requirements:
            description: Requirements that the row serves.
            type: list
            elements: str
            default: []
            aliases: [requirement]
          when:
            description: Whether the row counts.
            type: bool
            default: true
      style:
        description: How rows become text.
        type: dict
        suboptions:
          kind:
            description: One option per line, sections, or nested objects.
            type: str
            choices: [lines, ini, json]
            default: lines
          separator:
            description: Between option and value; a space for V(lines) and C(=) for V(ini) by default.
            type: str
          list_separator:
            description: Between the members of a list.
            type: str
            default: ","
          comment:
            description: What begins a comment.
            type: str
            default: "#"
          "true":
            description: Word for true; V(yes) for V(lines) and V(true) for V(ini) by default.
            type: str
          "false":
            description: Word for false; V(no) for V(lines) and V(false) for V(ini) by default.
            type: str
      template:
        description: Name of a template in the role's C(templates) directory, rendered on the controller.
        type: str
      template_vars:
        description: Variables for this template alone, over those of the host.
        type: dict
      owner:
        description: Owner, by name or number.
        type: str
        default: root
      group:
        description: Group, by name or number.
        type: str
        default: root
      mode:
        description: Octal permissions in quotes; C(0644) for files and C(0755) for directories by default.
        type: str
      validate:
        description: Command that judges the staged file, named by C(%s), before anything is switched.
        type: str
      notify:
        description: Names of O(handlers) to run if the path changes.
        type: list
        elements: str
        default: []
      no_diff:
        description: Whether the content is secret; it is then shown neither in diffs nor in errors.
        type: bool
        default: false
      managed_only:
        description: Whether V(absent) removes the file only if this module put it there. Set by the action plugin.
        type: bool
        default: false
      requirements:
        description: Requirements that the file serves.
        type: list
        elements: str
        default: []
        aliases: [requirement]
  handlers:
    description:
      - Run inside the call in this order, if a changed path notifies them or a killed run left them due.
      - C(systemctl daemon-reload) needs no handler, it follows from changed unit files.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What O(files[].notify) says.
        type: str
        required: true
      unit:
        description: The unit that O(handlers[].action) is done to.
        type: str
      action:
        description: Verb of C(systemctl).
        type: str
        choices: [reload, reload-or-restart, restart, start, stop, try-reload-or-restart, try-restart]
        default: reload-or-restart
      command:
        description: A command instead of a unit.
        type: list
        elements: str
  verify:
    description: Commands, each a list, that must succeed after the switch and before the handlers.
    type: list
    elements: list
    default: []
  units:
    description: systemd units; read in one call, changed in one call per verb.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name with its suffix.
        type: str
        required: true
      state:
        description: Whether it runs.
        type: str
        choices: [started, stopped]
      enabled:
        description: Whether it starts with the host. Static units count as enabled.
        type: bool
      masked:
        description: Whether it is masked; V(true) stops it too, V(false) unmasks it.
        type: bool
      requirements:
        description: Requirements that the unit serves.
        type: list
        elements: str
        default: []
        aliases: [requirement]
  guard:
    description: Whether the change could lock everybody out and is to be reverted unless confirmed.
    type: bool
    default: false
  guard_keep:
    description: Further files that the handlers change, to be restored by the revert.
    type: list
    elements: path
    default: []
  guard_undo:
    description: Commands, each a list, that the revert runs at its end.
    type: list
    elements: list
    default: []
  guard_seconds:
    description: Seconds from the last step on the host until the revert fires.
    type: int
    default: 60
  role:
    description: Whose batch it is. Set by the action plugin.
    type: str
    default: play
  phase:
    description: What the call does. Set by the action plugin.
    type: str
    choices: [apply, confirm, status]
    default: apply
  run:
    description: The run to confirm or to tell about. Set by the action plugin.
    type: str
  state_dir:
    description: Where the host keeps manifest, replaced versions and pending handlers.
    type: path
    default: /var/lib/praxisschild
attributes:
  check_mode:
    support: full
    description: Exact from a fresh host; what waits for a package of the same batch is reported as deferred.
  diff_mode:
    support: full
  platform:
    platforms: debian
    support: full
author: Praxisschild contributors
"""

EXAMPLES = r"""
- name: linux | Settle packages, files and units
  host_batch:
    packages: {present: [openssh-server]}
    files:
      - dest: /etc/ssh/sshd_config.d/10-praxisschild.conf
        rows:
          - {option: MaxAuthTries, value: 3, requirement: 2021-A1-13}
          - {option: PermitRootLogin, value: false, requirement: [2021-A1-13, 2021-A1-14]}
        style: {kind: lines, separator: " "}
        mode: "0600"
        validate: sshd -t -f %s
        notify: [Reload sshd]
      - dest: /usr/local/sbin/praxis-backup
        template: praxis-backup.sh.j2
        mode: "0755"
        requirements: [2021-A1-14]
    verify: [[sshd, -t]]
    handlers:
      - {name: Reload sshd, unit: ssh.service, action: reload-or-restart}
    units:
      - {name: ssh.service, state: started, enabled: true}
    guard: true
"""

RETURN = r"""
items:
  description: One entry per package, file, unit and handler.
  returned: success
  type: list
  elements: dict
  contains:
    kind: {description: "package, file, unit or handler", type: str}
    name: {description: Package, path, unit or handler, type: str}
    changed: {description: Whether it was changed (in check mode whether it would be), type: bool}
    state: {description: What it is now, type: str}
    requirements: {description: Requirements that it serves, type: list}
    note: {description: "What else was put right, for example a foreign owner", type: str}
    deferred: {description: Why check mode cannot judge it yet, type: str}
  sample: [{kind: file, name: /etc/issue.net, changed: true, state: present, requirements: [2021-A1-13]}]
dropped:
  description: Rows, files and units that do not apply to this host, with the reason.
  returned: success
  type: list
  elements: dict
  sample: [{kind: unit, name: rpcbind.socket, requirements: [2021-A1-13], reason: "gilt nicht für die Größe „Praxis“"}]
armed:
  description: Whether an automatic revert was armed; it has been called off when the task succeeds.
  returned: success
  type: bool
run:
  description: Folder name of the kept versions below C(runs) in O(state_dir).
  returned: changed
  type: str
  sample: 20261123T205501Z-endpoint_hardening
settled:
  description: Earlier run whose change was never confirmed and has been put back first.
  returned: when there was one
  type: str
diff:
  description: Unified differences per file, package list and unit.
  returned: with --diff
  type: list
  elements: dict
"""

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.praxisschild import packages as apt
from ansible.module_utils.praxisschild import units as systemd
from ansible.module_utils.praxisschild.files import (
    UNIT_FOLDERS,
    BatchError,
    Change,
    Comparison,
    Folders,
    Staging,
    difference,
    switch,
    sync_folders,
    validate_all,
    validate_pretended,
)
from ansible.module_utils.praxisschild.guard import DeadMan, KeptRun, State, confirm, write
from ansible.module_utils.praxisschild.spec import ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable


class Batch:
    """One call: compares everything first, then does only what differs."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.state = State(self.params["state_dir"], self.params["role"])
        self.result: dict[str, Any] = {"changed": False, "armed": False, "diff": []}
        self.package_items: list[dict[str, Any]] = []
        self.handler_items: list[dict[str, Any]] = []
        self.install: list[str] = []
        self.remove: list[str] = []

    def run(self, command: list[str], timeout: int = 300) -> tuple[int, str]:
        """Exit code and merged output; a command that hangs is ended, so that the way back stays open."""
        code, out, err = self.module.run_command(
            ["timeout", "--kill-after=5", str(timeout), *command], handle_exceptions=False, expand_user_and_vars=False
        )
        if code == 124:
            err += f"\nno answer within {timeout} s"
        return code, out + err

    def apply(self) -> dict[str, Any]:
        """Compare and, outside check mode, settle."""
        if self.module.check_mode:
            if self.state.armed():
                self.module.warn("an earlier change on this host is not confirmed; a real run puts it back first")
            return self._apply()
        with self.state.lock():
            settled = self.state.settle(self.run)
            if settled:
                self.result["settled"] = settled
                self.module.warn(f"{settled} was never confirmed: its change has been put back before this run")
            return self._apply()

    def _apply(self) -> dict[str, Any]:
        self._compare_packages()
        if self.install and not self.module.check_mode:
            apt.install(self.install, self.run)
        comparison = Comparison(Folders(self.params["files"]), set(self.state.manifest()), self.module.check_mode)
        for item in self.params["files"]:
            comparison.add(item)
        changes = comparison.changes
        units = systemd.plan(self.params["units"], self.run)
        pending = self.state.pending()
        handlers = self._due_handlers(changes, pending)
        items = [*self.package_items, *comparison.items, *units.items, *self.handler_items]
        self.result.update(items=items, changed=any(item["changed"] for item in items))
        if self.module._diff:
            self.result["diff"] += [*map(difference, changes), *units.diff]
        if self.module.check_mode:
            by_dest = {item["name"]: item for item in comparison.items}
            validate_pretended(changes, by_dest, self.run, pretended=bool(self.install))
            return self.result
        entries = _entries(self.params["files"], comparison, self.params["role"])
        if changes or units.needed or pending or self.remove:
            self._settle(changes, units, handlers, pending, entries)
        else:
            self.state.record(entries)
        return self.result

    def _compare_packages(self) -> None:
        wanted = self.params["packages"]
        found = apt.installed([*wanted["present"], *wanted["absent"]], self.run)
        self.install = [name for name in wanted["present"] if name not in found]
        self.remove = [name for name in wanted["absent"] if name in found]
        for state in ("present", "absent"):
            differing = self.install if state == "present" else self.remove
            self.package_items += [
                {"kind": "package", "name": name, "changed": name in differing, "requirements": [], "state": state}
                for name in wanted[state]
            ]
        if self.module._diff and (self.install or self.remove):
            along = apt.removed_along(self.remove, self.run) if self.remove else []
            lines = [f"+ package {name}" for name in self.install] + [f"- package {name}" for name in self.remove]
            lines += [f"- package {name} (needs one of these)" for name in along]
            self.result["diff"].append({"prepared": "\n".join(lines) + "\n"})

    def _due_handlers(self, changes: list[Change], pending: dict[str, Any]) -> list[dict[str, Any]]:
        notified = {name for change in changes for name in change.notify}
        known = {handler["name"]: handler for handler in self.params["handlers"]}
        unknown = notified - set(known)
        if unknown:
            raise BatchError(f"notify names no handler of this batch: {', '.join(sorted(unknown))}")
        left = {handler["name"]: handler for handler in pending.get("handlers", [])}
        due = [handler for name, handler in {**left, **known}.items() if name in notified or name in left]
        names = {handler["name"] for handler in due}
        self.handler_items = [
            {
                "kind": "handler",
                "name": name,
                "changed": name in names,
                "requirements": [],
                "state": ("due from an earlier run" if name in left else "ran") if name in names else "not needed",
            }
            for name in {**left, **known}
        ]
        return due

    def _settle(
        self,
        changes: list[Change],
        units: systemd.Plan,
        handlers: list[dict[str, Any]],
        pending: dict[str, Any],
        entries: dict[str, Any],
    ) -> None:
        reload_units = pending.get("daemon_reload", False) or any(one.dest.startswith(UNIT_FOLDERS) for one in changes)
        commands = [["systemctl", "daemon-reload"]] if reload_units else []
        commands += [_command(handler) for handler in handlers]
        with Staging(self.module) as staging:
            staging.prepare(changes)
            validate_all(changes, self.run)
            kept, dead_man = self._prepare_way_back(changes, staging, units, commands, entries)
            try:
                write(self.state.pending_path, json.dumps({"handlers": handlers, "daemon_reload": reload_units}))
                if dead_man:
                    dead_man.arm()
                self._switch(changes, units, commands, dead_man.sign_of_life if dead_man else lambda: None)
                os.unlink(self.state.pending_path)
            except (BatchError, OSError) as error:
                raise BatchError(f"{error}; {kept.revert(self.run, armed=dead_man is not None)}") from error
        self.result.update(changed=True, armed=dead_man is not None, run=kept.name)
        if not dead_man:
            self.state.record(entries)
        self.state.prune()

    def _prepare_way_back(
        self,
        changes: list[Change],
        staging: Staging,
        units: systemd.Plan,
        commands: list[list[str]],
        entries: dict[str, Any],
    ) -> tuple[KeptRun, DeadMan | None]:
        guard = self.params["guard"]
        kept = KeptRun(self.state)
        try:
            kept.keep(changes, staging.created_folders, self.params["guard_keep"] if guard else [])
            undo = self.params["guard_undo"] if guard else []
            # a unit that failed too often would refuse to start with its old files too
            handled = _units_of(commands)
            forgotten = [["systemctl", "reset-failed", *handled]] if handled else []
            kept.write_script([*units.undo_before(), *forgotten], [*commands, *units.undo_after(), *undo])
            write(os.path.join(kept.folder, "entries.json"), json.dumps(entries))
        except (BatchError, OSError) as error:
            kept.discard()
            reason = f"{kept.folder}: {error.strerror}" if isinstance(error, OSError) else str(error)
            raise BatchError(f"{reason}; no file was changed") from error
        return kept, DeadMan(kept, self.params["guard_seconds"], self.run) if guard else None

    def _switch(
        self, changes: list[Change], units: systemd.Plan, commands: list[list[str]], sign_of_life: Callable[[], None]
    ) -> None:
        going = [change.dest for change in changes if change.state == "absent" and change.dest.startswith(UNIT_FOLDERS)]
        units.retire({os.path.basename(dest) for dest in going}, self.run)
        for change in changes:
            try:
                switch(change)
            except OSError as error:
                raise BatchError(f"{change.dest}: {error.strerror}") from error
        sync_folders(changes)
        for command in [*self.params["verify"], *commands]:
            sign_of_life()
            code, output = self.run(command)
            if code:
                why = systemd.explain(_units_of([command]), self.run)
                raise BatchError(why or f"{' '.join(command)} ended with {code}: {output.strip()}")
        units.apply(self.run, sign_of_life)
        # `try-restart` leaves a unit alone that did not run before
        systemd.prove([*_units_of(commands, tried=False), *units.verbs["start"]], self.run)
        if self.remove:
            sign_of_life()
            apt.remove(self.remove, self.run)
        sign_of_life()

    def confirm(self) -> dict[str, Any]:
        """Call the revert off."""
        with self.state.lock():
            confirm(self.state, self.params["run"], self.run)
        return {"changed": True}

    def status(self) -> dict[str, Any]:
        """Tell what became of a run."""
        folder = os.path.join(self.state.runs, self.params["run"] or self.state.newest_run())
        outcomes = [
            word for word in ("confirmed", "reverted", "reverting") if os.path.exists(os.path.join(folder, word))
        ]
        return {"changed": False, "outcome": outcomes[0] if outcomes else "unknown"}


def _command(handler: dict[str, Any]) -> list[str]:
    if handler["command"]:
        return list(handler["command"])
    if not handler["unit"]:
        raise BatchError(f"handler {handler['name']}: name a unit or a command")
    return ["systemctl", handler["action"], handler["unit"]]


def _units_of(commands: list[list[str]], *, tried: bool = True) -> list[str]:
    """Units that commands of the batch start, restart or reload; those that they only try to, if `tried`."""
    verbs = ("start", "restart", "reload", *(["try-re"] if tried else []))
    return [
        command[2]
        for command in commands
        if command[0] == "systemctl" and len(command) == 3 and command[1].startswith(verbs)
    ]


def _entries(items: list[dict[str, Any]], comparison: Comparison, role: str) -> dict[str, Any]:
    """What the manifest says of the batch's files; None removes an entry."""
    entries: dict[str, Any] = {}
    for item in items:
        if item["state"] == "file":
            digest = hashlib.sha256((item["content"] or "").encode()).hexdigest()
            entries[item["dest"]] = {"sha256": digest, "requirements": item["requirements"], "role": role}
        elif item["state"] == "absent":
            entries[item["dest"]] = None
    if len({one["name"] for one in comparison.items}) < len(comparison.items):
        raise BatchError("the batch names a destination twice")
    return entries


def main() -> None:
    """Run the phase that the action plugin asks for."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.run_command_environ_update = {
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
        "APT_LISTCHANGES_FRONTEND": "none",
        "NEEDRESTART_MODE": "l",
    }
    os.environ["PATH"] = module.run_command_environ_update["PATH"]
    batch = Batch(module)
    # the arguments hold whole files, secrets among them: they are not echoed
    invocation = {"module_args": {key: module.params[key] for key in ("role", "phase", "guard", "run")}}
    try:
        result = getattr(batch, module.params["phase"])()
    except (BatchError, OSError) as error:
        module.fail_json(
            msg=str(error), invocation=invocation, **{k: v for k, v in batch.result.items() if k == "settled"}
        )
    module.exit_json(**result, invocation=invocation)


if __name__ == "__main__":
    main()
