"""The C# is what Windows PowerShell 5.1 compiles: version 5, no warnings, no newer API; its options are documented."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import ansible
import pytest
import yaml

from lab.windows.csharp import MONO
from tests.windows.conftest import MODULE_OF, MODULES, ROOT, Host, sources_of

BASIC = Path(ansible.__file__).parent / "module_utils" / "csharp" / "Ansible.Basic.cs"
SOURCES = sorted((ROOT / "plugins" / "module_utils").glob("*.cs"))
REFERENCES = ("System.dll", "System.Core.dll", "System.Management.dll", "System.Web.Extensions.dll", "System.Xml.dll")
# reference assemblies of .NET Framework 4.5: `lab/setup windows` unpacks them there
FRAMEWORK = ROOT / ".lab" / "dotnet-4.5"
PROGRAM = r"""
using System; using Ansible.Praxisschild.Windows;
static class Program { static void Main(string[] words) { Console.Write(WindowsMachine.CommandLine(words)); } }
"""


def compiled(*arguments: str | Path) -> str:
    done = subprocess.run(
        ["mcs", "-langversion:5", "-target:library", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture(scope="module")
def basic(cache, tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("basic") / "Basic.dll"
    said = compiled(
        f"-out:{made}", "-nowarn:219,414,649", "-r:System.Web.Extensions.dll", MONO / "PowerShell.cs", BASIC
    )
    assert said == ""
    return made


def test_it_compiles_without_a_warning(basic, tmp_path):
    references = [f"-r:{one}" for one in REFERENCES]
    said = compiled(f"-out:{tmp_path / 'x.dll'}", "-warnaserror", "-warn:4", *references, f"-r:{basic}", *SOURCES)
    assert said == ""


def test_it_uses_nothing_that_net_framework_4_5_lacks(basic, tmp_path):
    if not FRAMEWORK.is_dir():
        pytest.fail(f"{FRAMEWORK} is missing; `lab/setup windows` unpacks the reference assemblies there")
    references = [f"-r:{FRAMEWORK / one}" for one in ("mscorlib.dll", *REFERENCES)]
    arguments = ["-nostdlib", "-noconfig", *references]
    newer = tmp_path / "newer.cs"
    newer.write_text("class X { object y = System.Array.Empty<int>(); }")  # since 4.6
    assert "Empty" in compiled(*arguments, f"-out:{tmp_path / 'newer.dll'}", newer)
    everything = [MONO / "PowerShell.cs", BASIC, *SOURCES]
    assert compiled(*arguments, "-nowarn:219,414,649", f"-out:{tmp_path / 'x.dll'}", *everything) == ""


@pytest.mark.parametrize(
    "newer", ['string a = $"{1}";', "int a => 1;", "string a = nameof(Int32);", "int A { get; } = 1;"]
)
def test_the_compiler_knows_what_is_newer(cache, tmp_path, newer):
    (tmp_path / "x.cs").write_text(f"using System; class X {{ {newer} }}")
    assert "error" in compiled(f"-out:{tmp_path / 'x.dll'}", tmp_path / "x.cs")


@pytest.mark.parametrize("kind", MODULE_OF)
def test_only_what_a_module_needs_travels_with_it(kind):
    names = set(sources_of(MODULE_OF[kind]))
    assert {"Ansible.Basic.cs", "Ansible.Praxisschild.Batch.cs", "Ansible.Praxisschild.Windows.cs"} < names
    assert len([name for name in names if name.startswith("Ansible.Praxisschild.")]) <= 7


def spec_of(pc: Host, kind: str) -> dict[str, Any]:
    """The argument spec as the C# gives it to Ansible.Basic."""
    name = {
        "registry": "RegistryValues",
        "security": "SecurityPolicy",
        "audit": "AuditPolicy",
        "components": "Components",
    }[kind]
    create = {"static": "Ansible.Basic.AnsibleModule", "method": "Create"}
    spec = {"static": f"Ansible.Praxisschild.{name}.{name}Batch", "method": "Spec", "arguments": []}
    statements = [
        {"set": ["module"], "to": {**create, "arguments": [{"get": ["args"]}, {"table": {}}]}},
        {"set": ["module", "Result", "spec"], "to": spec},
        {"do": {"of": ["module"], "method": "ExitJson", "arguments": []}},
    ]
    return dict(pc.carry_out(MODULE_OF[kind], statements, {})["spec"])


def documented(options: dict[str, Any]) -> dict[str, Any]:
    """What the sidecar says of options, in the words of a spec."""
    aside = {"description", "suboptions"}
    found = {}
    for name, option in options.items():
        found[name] = {key: value for key, value in option.items() if key not in aside}
        if "suboptions" in option:
            found[name]["options"] = documented(option["suboptions"])
    return found


@pytest.mark.parametrize("kind", MODULE_OF)
def test_the_documentation_is_what_the_module_takes(pc, kind):
    text = yaml.safe_load((MODULES / f"{MODULE_OF[kind]}.yml").read_text(encoding="utf-8"))
    spec = spec_of(pc, kind)
    assert documented(text["DOCUMENTATION"]["options"]) == spec["options"]
    assert spec["supports_check_mode"] is True


def read_as_windows_does(line: str) -> list[str]:
    """Microsoft's rules for argv: backslashes count before a quotation mark only, in pairs."""
    words, word, quoted, there = [], "", False, False
    for slashes, sign in re.findall(r"(\\*)([^\\]|$)", line):
        if sign == '"':
            word += "\\" * (len(slashes) // 2)
            there = True
            if len(slashes) % 2:
                word += '"'
            else:
                quoted = not quoted
            continue
        word += slashes
        there = there or bool(slashes)
        if sign in {" ", "\t", ""} and not (quoted and sign):
            words += [word] if there else []
            word, there = "", False
        else:
            word, there = word + sign, True
    return words


@pytest.mark.parametrize(
    "words",
    [["/export", "C:\\Program Files\\x"], ["", 'a"b', "c\\", 'd\\"e', "f g\\"], ["ü ß", "\\\\server\\share\\", "x\ty"]],
)
def test_arguments_are_quoted_as_windows_reads_them(cache, basic, tmp_path, words):
    (tmp_path / "program.cs").write_text(PROGRAM)
    program = tmp_path / "program.exe"
    windows = next(source for source in SOURCES if source.stem.endswith(".Windows"))
    subprocess.run(["mcs", f"-out:{program}", tmp_path / "program.cs", windows], check=True)
    said = subprocess.run(["mono", program, *words], capture_output=True, text=True, check=True).stdout
    assert read_as_windows_does(said) == words
