"""What a call over WinRM says in a log, whoever writes it: the stand-in, or the controller of a real PC.

The format is described in README.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import manifest, scripts
from .log import REDACTED, redacted, without
from .manifest import digest, encoded_script
from .shim import read_spec, secret_names
from .unmodelled import Unmodelled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .manifest import Manifest
    from .wire import Outcome

LONGEST = 20_000
# what differs between two runs of the same, or between two hosts of a kind
INCIDENTAL = {"at", "ms", "user", "stdin"}
INCIDENTAL_OF_RESULTS = {"kept", "invocation"}


@dataclass
class Call:
    """The fields of one ``exec`` line, and the texts that must not appear in it."""

    fields: dict[str, Any] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    hidden: bool = False

    def line(self, outcome: Outcome) -> dict[str, Any]:
        """All fields, with those of the answer."""
        stdout = outcome.stdout.decode("utf-8", "replace")
        answer: dict[str, Any] = {"rc": outcome.code}
        if self.hidden:
            return {**self.fields, **answer, "result": REDACTED}
        try:
            answer["result"] = redacted(json.loads(stdout), set())[0]
        except ValueError:
            answer["stdout"] = stdout[:LONGEST]
        if outcome.stderr:
            answer["stderr"] = outcome.stderr.decode("utf-8", "replace")[:LONGEST]
        return dict(without({**self.fields, **answer}, self.secrets))


def of_program(line: str) -> Call:
    return Call({"kind": "program", "line": line})


def of_script(script: str) -> Call:
    return Call({"kind": "script", "script_sha256": scripts.key_of(script), "line": first_line(script)})


def of_manifest(sent: Manifest) -> Call:
    """A call of Ansible: a module with its sources and arguments, or another script of ansible-core."""
    actions = [action.name for action in sent.actions]
    secrets = {str(value) for action in sent.actions for value in action.secure.values() if value}
    module = sent.module
    if module is None:
        params = without(sent.actions[-1].params, secrets)
        return Call({"kind": "ansible", "actions": actions, "params": params}, secrets)
    script, sources = sent.scripts[module], sent.utilities("CSharpModules")
    arguments = sent.arguments
    try:
        names = secret_names(read_spec(script.decode("utf-8-sig")))
    except Unmodelled:  # the spec is made by the C#, which marks what is secret in its rows
        names = set()
    own = {name: value for name, value in arguments.items() if not name.startswith("_ansible_")}
    shown, found = redacted(own, names)
    hidden = bool(arguments.get("_ansible_no_log")) and not _comes_from_roles(arguments.get("rows"))
    fields = {
        "kind": "module",
        "actions": actions,
        "module": module.rpartition(".")[0].rpartition(".")[2],
        "sources": {name: digest(text) for name, text in {module: script, **sources}.items()},
        "check": bool(arguments.get("_ansible_check_mode")),
        "args": REDACTED if hidden else shown,
    }
    return Call(fields, secrets | found, hidden)


def _comes_from_roles(rows: Any) -> bool:
    """Whether these are rows that roles declared: they all travel with no_log, and mark what is secret themselves."""
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) and row.get("role") for row in rows)


def of_line(line: str, stdin: bytes) -> Call:
    """A command as a client sends it, with all of its input."""
    script = encoded_script(line)
    if script is None:
        return of_program(line)
    if manifest.is_bootstrap(script):
        return of_manifest(manifest.decode(stdin))
    return of_script(script)


def first_line(script: str) -> str:
    return next((line.strip() for line in script.splitlines() if line.strip()), "")[:120]


def comparable(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of calls and faults without what is incidental; shells numbered as they come."""
    shells: dict[Any, int] = {}
    result = []
    for line in lines:
        if line["op"] not in {"exec", "fault"}:
            continue
        kept = {name: value for name, value in line.items() if name not in INCIDENTAL}
        if "shell" in kept:
            kept["shell"] = shells.setdefault(kept["shell"], len(shells) + 1)
        if isinstance(kept.get("result"), dict):
            kept["result"] = {name: one for name, one in kept["result"].items() if name not in INCIDENTAL_OF_RESULTS}
        result.append(kept)
    return result


def differences(one: Iterable[dict[str, Any]], other: Iterable[dict[str, Any]]) -> list[str]:
    """What a person reads of two logs that should say the same: call, field, both values. Empty if they do."""
    first, second = comparable(one), comparable(other)
    found = []
    for number, (left, right) in enumerate(zip(first, second, strict=False), 1):
        name = left.get("module") or left.get("line") or left["op"]
        found += [f"{number} ({name}): {path}" for path in _different(left, right, "")]
    if len(first) != len(second):
        found.append(f"{len(first)} lines against {len(second)}")
    return found


def _different(left: Any, right: Any, where: str) -> list[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        names = sorted({*left, *right})
        return [
            one for name in names for one in _different(left.get(name), right.get(name), f"{where}.{name}".strip("."))
        ]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [one for at, (a, b) in pairs for one in _different(a, b, f"{where}[{at}]")]
    return [] if left == right else [f"{where}: {left!r} against {right!r}"]
