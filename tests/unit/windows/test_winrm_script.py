"""Praxisschild-WinRM.ps1 as far as its text tells: it is Windows PowerShell 5.1 of any language, and can be undone.

No PowerShell runs here. What it does to a PC is for a real one; `docs/windows-einrichten.md` says how to look.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tree_sitter
import tree_sitter_powershell
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "docs/Praxisschild-WinRM.ps1"
KNOWN = yaml.safe_load((ROOT / "tests/data/windows/powershell-5.1.yml").read_text(encoding="utf-8"))
COMMANDS = {name: set(parameters) for module in KNOWN.values() for name, parameters in module.items()}
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
TEXT = SCRIPT.read_text(encoding="utf-8-sig")
# what changes a PC; New-Object and the notes to the screen do not
CHANGING = re.compile(r"^(Add|Disable|Enable|Import|Move|New|Remove|Set|Start|Stop)-")
HARMLESS = {"New-Object", "Set-StrictMode"}
# PowerShell takes these for quotation marks and hyphens, whatever a person meant
LOOKALIKES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u2013\u2014\u2015\u00a0"


@dataclass
class Function:
    """What a function runs: commands in the order of the text, those of a step's apply block apart."""

    runs: list[str] = field(default_factory=list)
    applies: list[str] = field(default_factory=list)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def tree(text: str) -> Node:
    return PARSER.parse(text.encode()).root_node


def words(node: Node) -> str:
    return node.text.decode() if node.text else ""


def errors(text: str) -> list[int]:
    return [node.start_point.row + 1 for node in nodes(tree(text)) if node.is_error or node.is_missing]


def commands(text: str) -> list[tuple[str, set[str]]]:
    """Every command with the parameters it is given."""
    found = []
    for node in nodes(tree(text)):
        if node.type == "command" and node.children[0].type == "command_name":
            given = {
                words(one).removeprefix("-")
                for child in node.children
                for one in child.children
                if one.type == "command_parameter"
            }
            found.append((words(node.children[0]), given))
    return found


def functions(text: str) -> dict[str, Function]:
    found: dict[str, Function] = {}
    for node in nodes(tree(text)):
        if node.type == "function_statement":
            name = next(words(child) for child in node.children if child.type == "function_name")
            found[name] = Function()
            _collect(node, found[name], applying=False)
    return found


def _collect(node: Node, function: Function, *, applying: bool) -> None:
    blocks = []
    if node.type == "command":
        name = words(node.children[0])
        (function.applies if applying else function.runs).append(name)
        if name == "Invoke-Step":
            blocks = [one for one in nodes(node) if one.type == "script_block_expression"]
    for child in node.children:
        if blocks and child.type == "command_elements":
            for element in child.children:
                is_apply = bool(element.children) and element.end_byte == blocks[-1].end_byte
                _collect(element, function, applying=applying or is_apply)
        else:
            _collect(child, function, applying=applying)


def reachable(start: str, known: dict[str, Function], *, applying: bool) -> set[str]:
    """Every command that comes to be run from a function on."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in known:
            todo += known[name].runs + (known[name].applies if applying else [])
    return seen - set(known)


def changing(names: set[str]) -> set[str]:
    return {name for name in names if CHANGING.match(name) and name not in HARMLESS}


def unknown_of(text: str) -> list[str]:
    """Commands and parameters that Windows PowerShell 5.1 is not known to have."""
    own = set(functions(text))
    found = []
    for name, given in commands(text):
        if name in own:
            continue
        if name not in COMMANDS:
            found.append(name)
            continue
        found += [f"{name} -{one}" for one in sorted(given - COMMANDS[name] - {"ErrorAction"})]
    return found


def without_comments(text: str) -> str:
    return re.sub(r"(?s)<#.*?#>", "", re.sub(r"(?m)^\s*#.*$", "", text))


def test_it_parses_without_an_error_and_the_parser_would_find_one():
    assert errors(TEXT) == []
    assert errors(TEXT + "\nif (") != []
    assert errors(TEXT + "\n$a = $b ?? 1") != []  # since PowerShell 7


def test_windows_powershell_reads_its_umlauts():
    """Without the mark, 5.1 takes a file for the machine's code page."""
    assert SCRIPT.read_bytes().startswith(b"\xef\xbb\xbf")
    assert TEXT.endswith("\n")
    assert not [sign for sign in LOOKALIKES if sign in TEXT]


def test_it_uses_only_what_windows_powershell_5_1_has():
    assert unknown_of(TEXT) == []
    assert unknown_of("Get-Error\nConvertFrom-Json -AsHashtable\n") == ["Get-Error", "ConvertFrom-Json -AsHashtable"]


def test_the_list_of_commands_names_nothing_else():
    used: dict[str, set[str]] = {}
    for name, given in commands(TEXT):
        used.setdefault(name, set()).update(given - {"ErrorAction"})
    assert {name: used[name] for name in COMMANDS if name in used} == COMMANDS


@pytest.mark.parametrize("newer", ["&& ", "|| ", "-Parallel", "$IsWindows", "$PSStyle", "clean {", "::new("])
def test_nothing_is_newer(newer):
    """The parser knows && and ||; 5.1 does not. ::new is in 5.1, and New-Object is what the rest of the script says."""
    assert newer not in without_comments(TEXT)


@pytest.mark.parametrize(
    "name",
    [
        "Administrators",
        "Administratoren",
        "Benutzer",
        "Users",
        "Jeder",
        "Everyone",
        "SYSTEM",
        "VORDEFINIERT",
        "BUILTIN",
    ],
)
def test_no_name_of_a_group_or_account_is_of_one_language(name):
    strings = [words(node) for node in nodes(tree(without_comments(TEXT))) if node.type == "string_literal"]
    assert len(strings) > 200
    assert not [one for one in strings if re.search(rf"\b{name}\b", one)]


def test_what_windows_says_in_words_is_not_interpreted():
    """A message of an error is shown, never compared."""
    assert not re.findall(r"Message\s*-(?:match|like|eq|notmatch|contains)", TEXT)


def test_looking_changes_nothing():
    known = functions(TEXT)
    assert changing(reachable("Invoke-Look", known, applying=False)) == set()
    assert len(changing(reachable("Invoke-Setup", known, applying=True))) > 12


def test_a_step_that_would_change_something_while_looking_is_found():
    """The same, with a step that sets something where it only reads."""
    spoilt = TEXT.replace("} { Set-Rule }", "} { Set-Rule }\n    Disable-PlainRule", 1)
    assert spoilt != TEXT
    assert changing(reachable("Invoke-Look", functions(spoilt), applying=False)) >= {"Set-NetFirewallRule"}


def test_a_step_compares_before_it_changes_and_looks_stop_there():
    body = TEXT[TEXT.index("function Invoke-Step(") :].partition("\n}\n")[0]
    order = [body.index(one) for one in ("-eq $StepWanted", "if ($Pruefen)", "& $StepApply", "-ne $StepWanted")]
    assert order == sorted(order)
    assert body.count("& $StepApply") == 1
    looking = body[body.index("if ($Pruefen)") : body.index("& $StepApply")]
    assert looking.rstrip().endswith("return\n        }")


def test_every_kind_of_change_is_noted_and_every_noted_kind_is_undone():
    noted = set(re.findall(r"Add-Undo '(\w+)'", TEXT))
    body = TEXT[TEXT.index("switch ($Step.Art)") :].partition("\nfunction ")[0]
    assert set(re.findall(r"(?m)^        '(\w+)' \{", body)) == noted
    assert noted == {
        "Dienst", "Konto", "Mitgliedschaft", "Registrierung", "Zertifikat", "Listener", "Einstellung", "Firewallregel",
    }  # fmt: skip


CHANGES_OF_ITS_OWN = changing(set(COMMANDS)) - {
    "New-Item",
    "Move-Item",
    "Set-Content",
    "Set-LocalUser",
    "Enable-LocalUser",
}


def not_noted(text: str) -> list[str]:
    """Functions and apply blocks that change a PC and note nothing for the way back."""
    known = functions(text)
    apart = {"Undo-Step", "Invoke-Undo", "Save-State", "New-Listener", "Remove-Listener", "Set-ServiceSetting"}
    missing = []
    for name, function in known.items():
        own = [
            one
            for one in function.runs + function.applies
            if one in CHANGES_OF_ITS_OWN or one in apart - {"Save-State"}
        ]
        if name not in apart and own and "Add-Undo" not in function.runs + function.applies:
            missing.append(name)
    return missing


def test_whatever_changes_the_pc_is_noted():
    """A new password and an account of ours that was disabled have no way back; files are the state itself."""
    assert not_noted(TEXT) == []
    assert not_noted(TEXT.replace("    Add-Undo 'Firewallregel' $RuleName $null\n", "")) == ["Set-Rule"]


def test_undoing_goes_backwards_and_keeps_what_it_could_not_undo():
    body = TEXT[TEXT.index("function Invoke-Undo") :].partition("\n}\n")[0]
    assert "[array]::Reverse($steps)" in body
    assert body.index("$left = @($step) + $left") < body.index("$script:State.Schritte = $left")
    assert body.index("exit 1") < body.index("Remove-Item -LiteralPath $StateFile")


def test_the_way_in_is_open_before_the_others_are_closed():
    order = [TEXT.index(f"Invoke-Step '{one}'") for one in ("Firewallregel", "HTTPS-Listener", "HTTP-Listener")]
    assert order == sorted(order)


def test_a_password_is_shown_once_and_kept_nowhere():
    assert len(re.findall(r"Write-Host .*\$text", TEXT)) == 1
    assert not re.search(r"(?i)kennwort|password", TEXT[TEXT.index("function New-State") :].partition("\n}\n")[0])
    assert "ConvertTo-SecureString" not in TEXT
    assert "AsPlainText" not in TEXT


def test_signs_of_a_password_are_chosen_evenly():
    """Six bits choose one of 64."""
    signs = re.search(r"\$signs = '([^']+)'", TEXT)
    assert signs is not None
    assert len(set(signs[1])) == len(signs[1]) == 64
    assert not set(signs[1]) & set("IOl10o")
    length = re.search(r"New-Object byte\[\] (\d+)", TEXT)
    assert length is not None
    assert int(length[1]) * 6 >= 128


def test_the_state_lies_where_only_administrators_write():
    assert "Join-Path $env:ProgramFiles " in TEXT
    assert "ProgramData" not in TEXT


def test_every_parameter_is_explained_in_german():
    head, _, rest = TEXT.partition("#>")
    declared = re.findall(r"(?m)^    \[[\w\[\]]+\] \$(\w+)", rest.partition("\n)\n")[0])
    assert len(declared) >= 14
    assert re.findall(r"(?m)^\.PARAMETER (\w+)$", head) == declared
    for section in ("SYNOPSIS", "DESCRIPTION", "EXAMPLE", "NOTES"):
        assert f"\n.{section}\n" in head


def test_lists_without_an_element_have_a_length_in_strict_mode():
    """`.Count` of what a pipeline gives is an error in strict mode, unless @( ) makes a list of it."""
    assert not re.findall(r"\$(?:script:)?\w+ = Split-List", TEXT)
    for name in set(re.findall(r"\$(?:script:)?(\w+)\.Count", TEXT)):
        assigned = re.findall(rf"\$(?:script:)?{name} = (\S+)", TEXT)
        assert assigned, name
        assert all(one.startswith(("@(", "$Text.Split", "(ConvertTo-Network")) for one in assigned), (name, assigned)


def test_errors_of_the_firewalls_commands_end_them():
    """They come from a module that does not see the script's $ErrorActionPreference."""
    for line in re.sub(r"`\n\s*", "", without_comments(TEXT)).splitlines():
        if re.search(r"\b(?:New|Set|Remove)-NetFirewallRule", line):
            assert line.rstrip(" }").endswith("-ErrorAction Stop"), line
