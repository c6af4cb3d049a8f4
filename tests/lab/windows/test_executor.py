"""What the executor makes of manifests that the real Ansible writes, without a wire."""

from __future__ import annotations

import base64
import json

import pytest
from ansible.executor.powershell import module_manifest
from ansible.plugins.shell.powershell import ShellModule

from lab.windows import kinds, scripts, state
from lab.windows.executor import HostExecutor
from lab.windows.log import WireLog
from lab.windows.wire import Command, Outcome
from tests.lab.windows.conftest import HERE, PROJECT

pytestmark = pytest.mark.xdist_group("windows")
BOOTSTRAP = module_manifest._get_powershell_script("bootstrap_wrapper.ps1").decode()


@pytest.fixture
def host(tmp_path):
    kinds.create(tmp_path / "pc-1", "pc-1", "betreuung")
    return tmp_path / "pc-1"


@pytest.fixture
def run(host):
    """Answer of the host to a script with standard input."""
    executor = HostExecutor(host, PROJECT / ".lab/csharp", WireLog(host / "wire.jsonl"))

    def answer(script: str, stdin: bytes = b"") -> Outcome:
        line = ShellModule()._encode_script(script, as_list=False, strict_mode=False, preserve_rc=False)
        command = Command(1, 1, line, "betreuung", console_input=False, skip_cmd=False, id="1")
        command.take(stdin, last=True)
        return executor.run(command)

    return answer


def manifest_of(name: str, text: str | None = None, **options) -> bytes:
    path = HERE / "library" / f"{name}.ps1"
    given = {
        "name": f"ansible.legacy.{name}",
        "module_data": text.encode() if text else path.read_bytes(),
        "module_path": str(path),
        "module_args": {"_ansible_check_mode": False},
        "environment": {},
        "async_timeout": 0,
        "become_plugin": None,
        "substyle": "powershell",
        "task_vars": {},
        "profile": "legacy",
    }
    return module_manifest._create_powershell_wrapper(**{**given, **options})


def test_a_manifest_of_the_real_ansible_runs(run):
    outcome = run(BOOTSTRAP, manifest_of("win_ping"))
    assert outcome.code == 0, outcome
    assert json.loads(outcome.stdout)["ping"] == "pong"


def test_a_changed_word_in_ansibles_own_scripts_is_an_error(run):
    boot, separator, rest = manifest_of("win_ping").partition(b"\n\0\0\0\0\n")
    changed = json.loads(boot)
    changed["script"] += "\n# ein Wort"
    outcome = run(BOOTSTRAP, json.dumps(changed).encode() + separator + rest)
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert "NICHT NACHGEBILDET: ein exec_wrapper.ps1" in outcome.stderr.decode()
    assert "NICHT NACHGEBILDET: das PowerShell-Skript" in run(BOOTSTRAP + "\n# ein Wort").stderr.decode()


@pytest.mark.parametrize(
    "stdin", [b"", b"{}", b"{}\n\0\0\0\0\n{}", b'{}\n\0\0\0\0\n{"scripts": {}, "actions": []}', b"\xff"]
)
def test_half_a_manifest_is_an_error(run, stdin):
    outcome = run(BOOTSTRAP, stdin)
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert outcome.stderr.decode().startswith("NICHT NACHGEBILDET:")


def test_a_module_that_needs_a_powershell_library_is_an_error(run):
    text = (HERE / "library/win_sample.ps1").read_text(encoding="utf-8")
    library = "#AnsibleRequires -PowerShell Ansible.ModuleUtils.SID\n"
    text = text.replace("#AnsibleRequires -CSharpUtil Ansible.Praxisschild.Sample\n", library)
    outcome = run(BOOTSTRAP, manifest_of("win_sample", text))
    assert "die PowerShell-Bibliothek Ansible.ModuleUtils.SID.psm1" in json.loads(outcome.stdout)["msg"]


def test_constrained_language_mode_fails_as_ansibles_scripts_do_there(run, host):
    with state.editing(host) as found:
        found["computer"]["language_mode"] = "ConstrainedLanguage"
    outcome = run(BOOTSTRAP, manifest_of("win_ping"))
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert "MethodInvocationNotSupportedInConstrainedLanguage" in outcome.stderr.decode()


def test_a_known_script_is_answered_whoever_sends_it_and_a_changed_one_is_not(run, host):
    script = "$ErrorActionPreference = 'Stop'\n\n    Get-Something |\n        ConvertTo-Json\n"
    scripts.known(script, lambda folder, stdin: Outcome(f"{folder.name}:{stdin.decode()}".encode(), b"", 0))
    assert run(script, b"Eingabe").stdout == b"pc-1:Eingabe"
    assert run("\n".join(line.strip() for line in script.splitlines() if line.strip())).stdout == b"pc-1:"
    assert run(script.replace("Something", "Anything")).code == 1


def test_a_fault_of_the_stand_in_is_none_of_the_host(run):
    script = "Get-Broken"
    scripts.known(script, lambda *_: 1 / 0)
    outcome = run(script)
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert outcome.stderr.decode().startswith("DIE NACHBILDUNG IST GESTOLPERT: ZeroDivisionError")


def test_what_is_written_is_base64_of_utf_16():
    line = ShellModule()._encode_script("Grüß", as_list=False, strict_mode=False, preserve_rc=False)
    assert base64.b64decode(line.split()[-1]).decode("utf-16-le") == "Grüß"
