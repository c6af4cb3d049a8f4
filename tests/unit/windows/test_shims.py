"""The PowerShell around our C#: so little that nothing can be wrong with it, and what there is parses cleanly."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell
import yaml

from praxisschild import windows_rows

ROOT = Path(__file__).resolve().parents[3]
SHIMS = sorted((ROOT / "plugins/modules").glob("*.ps1"))
SOURCES = sorted((ROOT / "plugins/module_utils").glob("*.cs"))
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def errors(script: bytes) -> list[int]:
    """Lines that are no PowerShell."""
    found, nodes = [], [PARSER.parse(script).root_node]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            found.append(node.start_point.row + 1)
        nodes += node.children
    return sorted(found)


@pytest.mark.parametrize("shim", SHIMS, ids=lambda path: path.stem)
def test_a_shim_parses_and_does_nothing_by_itself(shim):
    script = shim.read_bytes()
    assert errors(script) == []
    assert script.isascii(), "Windows PowerShell 5.1 reads other bytes in the code page of the machine"
    code = [line for line in script.decode().splitlines() if line and not line.startswith("#")]
    assert len(code) == 2
    assert re.fullmatch(
        r"\$module = \[Ansible\.Basic\.AnsibleModule\]::Create\(\$args, \[([\w.]+)\]::Spec\(\)\)", code[0]
    )
    assert re.fullmatch(r"\[([\w.]+)\]::Run\(\$module\)", code[1])


def test_the_collectors_script_parses_and_is_plain_text():
    script = (ROOT / "src/praxisschild/collector/windows.ps1").read_bytes()
    assert errors(script) == []
    assert script.isascii()
    # what cmd.exe takes as a line, with the script in UTF-16 and base64; 8191 less the words before it
    assert len(base64.b64encode(script.decode().encode("utf-16-le"))) < 8000


def test_the_parser_finds_what_is_wrong():
    assert errors(b"$a = @{ x = 1 }\n") == []
    assert errors(b"$a = @{ x = \nif (") != []


def test_every_kind_of_rows_has_a_shim_and_a_documentation():
    assert {shim.stem for shim in SHIMS} == {*windows_rows.MODULES.values(), "win_guard"}
    for shim in SHIMS:
        text = yaml.safe_load(shim.with_suffix(".yml").read_text())
        assert set(text) == {"DOCUMENTATION", "EXAMPLES", "RETURN"}
        assert text["DOCUMENTATION"]["module"] == shim.stem
        (task, *_) = yaml.safe_load(text["EXAMPLES"])
        assert shim.stem in task


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_namespace_is_called_like_its_file(source):
    """So Ansible finds the file that a `using` needs."""
    assert re.search(r"^namespace ([\w.]+)$", source.read_text(), re.MULTILINE)[1] == source.stem
