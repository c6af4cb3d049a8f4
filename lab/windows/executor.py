"""What a command line does on the host: Ansible's modules, known scripts, model programs. Anything else is an error."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from typing import TYPE_CHECKING, Any

from . import manifest, scripts, stock
from .csharp import CompilationError, Runner, environment, finish
from .log import REDACTED, redacted, without
from .manifest import digest, encoded_script
from .shim import read_shim, read_spec, secret_names
from .unmodelled import Unmodelled
from .wire import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from .log import WireLog
    from .manifest import Manifest
    from .wire import Command

# utilities without which no C# gets into a module
TOLERATED_UTILITIES = {"Ansible.ModuleUtils.AddType.psm1"}
LONGEST_IN_LOG = 20_000
# the module of a plan that only checks arguments and hands them back as the module would see them
CHECK_ARGUMENTS = [
    {
        "set": ["module"],
        "to": {
            "static": "Ansible.Basic.AnsibleModule",
            "method": "Create",
            "arguments": [{"get": ["args"]}, {"get": ["spec"]}],
        },
    },
    {"set": ["module", "Result", "parsed"], "to": {"get": ["module", "Params"]}},
    {"do": {"of": ["module"], "method": "ExitJson", "arguments": []}},
]


class HostExecutor:
    """Runs the commands of one host and writes each into its wire log."""

    def __init__(self, host: Path, cache: Path, log: WireLog) -> None:
        self._host = host
        self._runner = Runner(cache, host)
        self._log = log

    def run(self, command: Command) -> Outcome:
        """Carry out the command; what is not modelled ends with code 1 and says so on standard error."""
        started = time.monotonic()
        fields: dict[str, Any] = {"op": "exec", "shell": command.shell, "command": command.number, "user": command.user}
        try:
            outcome = self._dispatch(command, fields)
        except Unmodelled as error:
            outcome = Outcome(b"", f"{error}\r\n".encode(), 1)
        except InterruptedError:
            self._log.note(**fields, interrupted=True)
            raise
        except Exception as error:  # a fault of the stand-in must not look like one of the host's
            outcome = Outcome(b"", f"DIE NACHBILDUNG IST GESTOLPERT: {type(error).__name__}: {error}\r\n".encode(), 1)
        fields["stdin"] = {"bytes": sum(map(len, command.pieces)), "pieces": len(command.pieces)}
        answer = _answered(outcome, fields.pop("_secrets", set()), hide=fields.pop("_hidden", False))
        self._log.note(**fields, **answer, ms=_since(started))
        return outcome

    def _dispatch(self, command: Command, fields: dict[str, Any]) -> Outcome:
        script = encoded_script(command.line)
        if script is None:
            return self._program(command, fields)
        if manifest.is_bootstrap(script):
            stdin = command.read()
            return self._ansible(manifest.decode(stdin), command, fields)
        fields |= {"kind": "script", "script_sha256": scripts.key_of(script), "line": _first_line(script)}
        model = scripts.model_of(script)
        if model is None:
            raise Unmodelled(f"das PowerShell-Skript {scripts.key_of(script)}, das so beginnt: {_first_line(script)}")
        return model(self._host, command.read())

    def _program(self, command: Command, fields: dict[str, Any]) -> Outcome:
        words = shlex.split(command.line, posix=False) or [""]
        name = words[0].strip('"').replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
        fields |= {"kind": "program", "line": command.line}
        program = self._host / "System32" / f"{name}.exe"
        if not name or not program.is_file():
            raise Unmodelled(f"das Programm {words[0] or '(leere Zeile)'}")
        process = subprocess.Popen(
            [str(program), *[word.strip('"') for word in words[1:]]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._host / "tmp",
            env=environment(self._host),
            start_new_session=True,
        )
        return finish(process, command)

    def _ansible(self, sent: Manifest, command: Command, fields: dict[str, Any]) -> Outcome:
        names = [action.name for action in sent.actions]
        secrets = {str(value) for action in sent.actions for value in action.secure.values() if value}
        fields |= {"kind": "ansible", "actions": names, "_secrets": secrets}
        module = sent.module
        if module is None:
            fields["params"] = without(sent.actions[-1].params, secrets)
            raise Unmodelled(f"{names[-1]} von ansible-core")
        name = module.rpartition(".")[0].rpartition(".")[2]
        script = sent.scripts[module].decode("utf-8-sig")
        arguments = sent.arguments
        sources = sent.utilities("CSharpModules")
        fields |= {
            "kind": "module",
            "module": name,
            "sources": {one: digest(text) for one, text in {module: sent.scripts[module], **sources}.items()},
            "check": bool(arguments.get("_ansible_check_mode")),
            "args": REDACTED,
            "_hidden": bool(arguments.get("_ansible_no_log")),
        }
        try:
            if len(names) > 1:
                raise Unmodelled(f"{', '.join(names[:-1])} vor einem Modul (become, async)")
            spec, statements = _read(name, script)
            shown, hidden = redacted(_own(arguments), secret_names(spec))
            fields["_secrets"] = secrets | hidden
            if not arguments.get("_ansible_no_log"):
                fields["args"] = without(shown, secrets)
            extra = set(sent.utilities("PowerShellModules")) - TOLERATED_UTILITIES
            if extra and name not in stock.MODELS:
                raise Unmodelled(f"die PowerShell-Bibliothek {', '.join(sorted(extra))}")
            if statements is None:
                outcome = self._stock(name, spec, sources, arguments, command)
            else:
                outcome = self._runner.run(sources, statements, arguments, command)
        except Unmodelled as error:
            outcome = _failed(f"{error} (Modul {name})")
        except CompilationError as error:
            outcome = _failed(f"Failed to compile C# code:\n{error}")
        return outcome

    def _stock(
        self,
        name: str,
        spec: dict[str, Any],
        sources: dict[str, bytes],
        arguments: dict[str, Any],
        command: Command,
    ) -> Outcome:
        statements = [{"set": ["spec"], "to": _node(spec)}, *CHECK_ARGUMENTS]
        basic = {one: text for one, text in sources.items() if one.startswith("Ansible.")}
        checked = self._runner.run(basic, statements, arguments, command)
        if checked.code:
            return checked
        parsed = json.loads(checked.stdout)
        result = stock.MODELS[name](self._host, parsed["parsed"], check=bool(arguments.get("_ansible_check_mode")))
        result = {"changed": False, "invocation": parsed["invocation"], **result}
        return Outcome(json.dumps(result).encode() + b"\r\n", b"", 1 if result.get("failed") else 0)


def _read(name: str, script: str) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """The literal spec of a module, as far as it has one, and its statements; None for those with a model."""
    if name in stock.MODELS:
        return read_spec(script), None
    statements = read_shim(script)
    try:
        return read_spec(script), statements
    except Unmodelled:  # the spec is made by the C#, which marks what is secret in its rows
        return {}, statements


def _node(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"table": {key: _node(one) for key, one in value.items()}}
    if isinstance(value, list):
        return {"list": [_node(one) for one in value]}
    return {"value": value}


def _own(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if not name.startswith("_ansible_")}


def _failed(message: str) -> Outcome:
    text = json.dumps({"failed": True, "changed": False, "msg": message}, ensure_ascii=False)
    return Outcome(text.encode() + b"\r\n", b"", 1)


def _answered(outcome: Outcome, secrets: set[str], *, hide: bool) -> dict[str, Any]:
    stdout = outcome.stdout.decode("utf-8", "replace")
    answer: dict[str, Any] = {"rc": outcome.code}
    if hide:
        return {**answer, "result": REDACTED}
    try:
        answer["result"] = redacted(json.loads(stdout), set())[0]
    except ValueError:
        answer["stdout"] = stdout[:LONGEST_IN_LOG]
    if outcome.stderr:
        answer["stderr"] = outcome.stderr.decode("utf-8", "replace")[:LONGEST_IN_LOG]
    return dict(without(answer, secrets))


def _first_line(script: str) -> str:
    return next((line.strip() for line in script.splitlines() if line.strip()), "")[:120]


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
