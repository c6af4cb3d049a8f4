"""What a shim around C# may say, and what an argument spec in PowerShell is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.windows.shim import read_shim, read_spec, secret_names
from lab.windows.unmodelled import Unmodelled

SHIM = """\
#!powershell
<# a comment
   over lines #>
#AnsibleRequires -CSharpUtil Ansible.Basic
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$spec = @{
    options = @{
        name = @{ type = 'str'; required = $true; aliases = @('n', "nom") }   # a remark
        token = @{ type = 'str'; no_log = $true; aliases = 'key' }
        inner = @{ type = 'list'; elements = 'dict'; options = @{ Pin = @{ type = 'int'; no_log = $true } } }
        level = @{ type = 'int'; default = -3; choices = 1, 2, -3 }
        'quoted' = @{ type = 'str'; default = 'it''s' }
    }
    required_together = @(, @('name', 'level'))
    supports_check_mode = [bool]$true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$found = [A.B.C]::Apply($module.Params.rows, $module.CheckMode)
$module.Result.changed = $found.changed
$module.ExitJson()
"""


def test_a_spec_is_read_as_powershell_would():
    assert read_spec(SHIM) == {
        "options": {
            "name": {"type": "str", "required": True, "aliases": ["n", "nom"]},
            "token": {"type": "str", "no_log": True, "aliases": "key"},
            "inner": {"type": "list", "elements": "dict", "options": {"Pin": {"type": "int", "no_log": True}}},
            "level": {"type": "int", "default": -3, "choices": [1, 2, -3]},
            "quoted": {"type": "str", "default": "it's"},
        },
        "required_together": [["name", "level"]],
        "supports_check_mode": True,
    }


def test_secret_options_are_found_at_any_depth_with_their_aliases():
    assert secret_names(read_spec(SHIM)) == {"token", "key", "pin"}


def test_statements_of_a_shim_in_order():
    statements = [one for one in read_shim(SHIM) if "nothing" not in one]
    assert statements[1:] == [
        {
            "set": ["module"],
            "to": {
                "static": "Ansible.Basic.AnsibleModule",
                "method": "Create",
                "arguments": [{"get": ["args"]}, {"get": ["spec"]}],
            },
        },
        {
            "set": ["found"],
            "to": {
                "static": "A.B.C",
                "method": "Apply",
                "arguments": [{"get": ["module", "Params", "rows"]}, {"get": ["module", "CheckMode"]}],
            },
        },
        {"set": ["module", "Result", "changed"], "to": {"get": ["found", "changed"]}},
        {"do": {"of": ["module"], "method": "ExitJson", "arguments": []}},
    ]


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("if ($true) { 1 }", 2),
        ("Get-Service WinRM | Stop-Service", 2),
        ("$x = $y + 1", 2),
        ('$x = "Wert $y"', 2),
        ("$x = & whoami", 2),
        ("$x = (Get-Date)", 2),
        ("foreach ($i in 1..3) { $i }", 2),
        ("$ErrorActionPreference", 2),
        ("Import-Module X", 2),
    ],
)
def test_logic_in_a_shim_is_named_with_its_line(line, number):
    if line == "$ErrorActionPreference":
        assert read_shim(f"\n{line}\n") == [{"do": {"get": ["ErrorActionPreference"]}}]
        return
    with pytest.raises(Unmodelled, match=rf"NICHT NACHGEBILDET: PowerShell jenseits .*Zeile {number}"):
        read_shim(f"\n{line}\n")


@pytest.mark.parametrize("text", ["$spec = @{", "$spec = @{ a = ", "$spec = @{ a 1 }", "$spec = @{ a = 1 b = 2 }", ""])
def test_half_a_spec_is_none(text):
    with pytest.raises(Unmodelled):
        read_spec(text)


names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
values = st.recursive(
    st.booleans()
    | st.integers(-99, 99)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12),
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=12,
)


def written(value) -> str:
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted}'"
    if isinstance(value, list):
        return f"@({', '.join(f'{written(one)}' for one in value)})"
    return "@{\n" + "\n".join(f"  {name} = {written(one)}" for name, one in value.items()) + "\n}"


@settings(max_examples=60)
@given(st.dictionaries(names, values, min_size=1, max_size=4))
def test_whatever_a_spec_holds_is_read_back(spec):
    assert read_spec(f"# before\n$spec = {written(spec)}\n$module = 1") == _flat(spec)


def _flat(value):
    """PowerShell's @() unrolls what stands in it alone; @(, @(1)) would keep a list of one list."""
    if isinstance(value, dict):
        return {name: _flat(one) for name, one in value.items()}
    if isinstance(value, list):
        return _flat(value[0]) if len(value) == 1 and isinstance(value[0], list) else [_flat(one) for one in value]
    return value


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(Unmodelled):
        read_shim(text)
