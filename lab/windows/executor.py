"""What a command line does on the host: Ansible's modules, known scripts, model programs. Anything else is an error."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shlex
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import manifest, scripts, state, stock, transcript
from .csharp import CompilationError, Runner, environment, finish
from .log import without
from .manifest import encoded_script
from .shim import read_shim, read_spec
from .transcript import Call
from .unmodelled import Unmodelled
from .wire import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from .log import WireLog
    from .manifest import Manifest
    from .wire import Command

# How Ansible's own scripts fail where application control keeps PowerShell in Constrained Language Mode: the words are
# localised, the identifier is not. Not compared with a real host.
CONSTRAINED = """\
Die Methode kann nicht aufgerufen werden. Der Methodenaufruf wird in diesem Sprachmodus nur für Kerntypen unterstützt.\r
    + CategoryInfo          : InvalidOperation: (:) [], ParentContainsErrorRecordException\r
    + FullyQualifiedErrorId : MethodInvocationNotSupportedInConstrainedLanguage\r
"""
# the one script of ours that is more than a shim: what it does is done here
SNAPSHOT = Path(__file__).resolve().parents[2] / "src/praxisschild/collector/windows.ps1"
_NAMESPACE = re.compile(r"^namespace ([\w.]+)", re.MULTILINE)
# utilities without which no C# gets into a module
TOLERATED_UTILITIES = {"Ansible.ModuleUtils.AddType.psm1"}
# the module of a plan that only checks arguments and hands them back as the module would see them
CHECK_ARGUMENTS: list[dict[str, Any]] = [
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
        call = Call()
        try:
            call, work = self._understand(command)
            outcome = work()
        except Unmodelled as error:
            outcome = Outcome(b"", f"{error}\r\n".encode(), 1)
        except InterruptedError:
            self._log.note(**_head(command), **without(call.fields, call.secrets), interrupted=True)
            raise
        except Exception as error:  # a fault of the stand-in must not look like one of the host's
            outcome = Outcome(b"", f"DIE NACHBILDUNG IST GESTOLPERT: {type(error).__name__}: {error}\r\n".encode(), 1)
        stdin = {"bytes": sum(map(len, command.pieces)), "pieces": len(command.pieces)}
        duration = round((time.monotonic() - started) * 1000)
        self._log.note(**_head(command), **call.line(outcome), stdin=stdin, ms=duration)
        return outcome

    def close(self) -> None:
        """End what stays between commands."""
        self._runner.close()

    def _understand(self, command: Command) -> tuple[Call, Callable[[], Outcome]]:
        """What the log says of the command, and the work itself."""
        script = encoded_script(command.line)
        if script is None:
            return transcript.of_program(command.line), lambda: self._program(command)
        if manifest.is_bootstrap(script):
            sent = manifest.decode(command.read())
            return transcript.of_manifest(sent), lambda: self._ansible(sent, command)
        if manifest.flattened(script) == manifest.flattened(SNAPSHOT.read_text(encoding="utf-8")):
            return transcript.of_script(script), lambda: self._snapshot(command)
        return transcript.of_script(script), lambda: self._script(script, command)

    def _snapshot(self, command: Command) -> Outcome:
        """The collector's C#, compiled off the wire and run as the script does."""
        if state.load(self._host)["computer"]["language_mode"] == "ConstrainedLanguage":
            return Outcome(b"", CONSTRAINED.encode(), 1)
        sources = gzip.decompress(base64.b64decode(command.read())).decode().split("\0")
        named = {_NAMESPACE.search(source)[1] + ".cs": source.encode() for source in sources}  # type: ignore[index]
        start = {"static": "Ansible.Praxisschild.Snapshot.Collector", "method": "Print", "arguments": []}
        return self._runner.run(named, [{"do": start}], {}, command)

    def _script(self, script: str, command: Command) -> Outcome:
        model = scripts.model_of(script)
        if model is None:
            start = transcript.first_line(script)
            raise Unmodelled(f"das PowerShell-Skript {scripts.key_of(script)}, das so beginnt: {start}")
        return model(self._host, command.read())

    def _program(self, command: Command) -> Outcome:
        words = shlex.split(command.line, posix=False) or [""]
        name = words[0].strip('"').replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
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

    def _ansible(self, sent: Manifest, command: Command) -> Outcome:
        names = [action.name for action in sent.actions]
        if state.load(self._host)["computer"]["language_mode"] == "ConstrainedLanguage":
            return Outcome(b"", CONSTRAINED.encode(), 1)
        if sent.module is None:
            raise Unmodelled(f"{names[-1]} von ansible-core")
        name = sent.module.rpartition(".")[0].rpartition(".")[2]
        try:
            if len(names) > 1:
                raise Unmodelled(f"{', '.join(names[:-1])} vor einem Modul (become, async)")
            return self._module(name, sent.scripts[sent.module].decode("utf-8-sig"), sent, command)
        except Unmodelled as error:
            return _failed(f"{error} (Modul {name})")
        except CompilationError as error:
            return _failed(f"Failed to compile C# code:\n{error}")

    def _module(self, name: str, script: str, sent: Manifest, command: Command) -> Outcome:
        sources = sent.utilities("CSharpModules")
        if name in stock.MODELS:
            return self._stock(name, read_spec(script), sources, sent.arguments)
        if extra := set(sent.utilities("PowerShellModules")) - TOLERATED_UTILITIES:
            raise Unmodelled(f"die PowerShell-Bibliothek {', '.join(sorted(extra))}")
        return self._runner.run(sources, read_shim(script), sent.arguments, command)

    def _stock(
        self,
        name: str,
        spec: dict[str, Any],
        sources: dict[str, bytes],
        arguments: dict[str, Any],
    ) -> Outcome:
        statements = [{"set": ["spec"], "to": _node(spec)}, *CHECK_ARGUMENTS]
        basic = {one: text for one, text in sources.items() if one.startswith("Ansible.")}
        checked = self._runner.check(basic, statements, arguments)
        if checked.code:
            return checked
        parsed = json.loads(checked.stdout)
        result = stock.MODELS[name](self._host, parsed["parsed"], check=bool(arguments.get("_ansible_check_mode")))
        result = {"changed": False, "invocation": parsed["invocation"], **result}
        return Outcome(json.dumps(result).encode() + b"\r\n", b"", 1 if result.get("failed") else 0)


def _head(command: Command) -> dict[str, Any]:
    return {"op": "exec", "shell": command.shell, "command": command.number, "user": command.user}


def _node(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"table": {key: _node(one) for key, one in value.items()}}
    if isinstance(value, list):
        return {"list": [_node(one) for one in value]}
    return {"value": value}


def _failed(message: str) -> Outcome:
    text = json.dumps({"failed": True, "changed": False, "msg": message}, ensure_ascii=False)
    return Outcome(text.encode() + b"\r\n", b"", 1)
