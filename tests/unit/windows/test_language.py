"""Nothing that runs on or judges a Windows host knows a name or word that another language has another one for.

What is searched: text literals (comments aside) of the C#, the PowerShell, the roles' rows and tasks, and the checks,
for (a) names that Windows gives groups, accounts and authorities, and (b) words and headings that auditpol, sc, net,
secedit and dism print, in English. What a check tells a person is German and may name a group; a comparison may not.
``tests/windows/test_english.py`` shows that such a word fails on a German host, where this finds it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SEARCHED = sorted(
    path
    for pattern in (
        "plugins/module_utils/*.cs",
        "plugins/modules/win_*.ps1",
        "plugins/action/windows_*.py",
        "src/praxisschild/collector/windows.*",
        "src/praxisschild/snapshot/windows/*.py",
        "src/praxisschild/windows_rows.py",
        "roles/*/vars/main/windows.yml",
        "roles/*/tasks/windows.yml",
        "roles/*/files/*.cs",
        "roles/*/files/*.ps1",
        "tests/compliance/test_windows_*.py",
        "docs/*.ps1",
    )
    for path in ROOT.glob(pattern)
)
NAMES = (
    *(
        "Administrators",
        "Users",
        "Guests",
        "Guest",
        "Everyone",
        "Power Users",
        "Backup Operators",
        "Authenticated Users",
    ),
    *("Remote Desktop Users", "Remote Management Users", "Network Configuration Operators", "Event Log Readers"),
    *("Account Operators", "Server Operators", "Print Operators", "Domain Admins", "Domain Users", "Anonymous Logon"),
    *("BUILTIN", "NT AUTHORITY"),
)
PRINTED = (
    *("Success", "Failure", "Success and Failure", "No Auditing", "Inclusion Setting", "Exclusion Setting"),
    *("Subcategory", "Subcategory GUID", "Policy Target", "STATE", "START_TYPE", "RUNNING", "STOPPED", "DISPLAY_NAME"),
    *("Account active", "Local Group Memberships", "Password required", "The command completed successfully"),
    *("The task has completed successfully", "Logon/Logoff", "Account Lockout", "Security System Extension"),
)
# what a row says for people alone: the policy's official name, and beside the GUID what an audit setting is called
FOR_PEOPLE = re.compile(r"""(?<![\w.])policy: .*|(?<=subcategory: "\{.{36}\}", )name: [^,]*""")
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')
WORD = re.compile(
    rf"(?<![\w\\]){'(?:' + '|'.join(sorted(map(re.escape, (*NAMES, *PRINTED)), key=len, reverse=True)) + ')'}(?![\w-])"
)


def literals(path: Path, text: str) -> list[str]:
    """Text literals of a file; of rows and tasks all that is no comment."""
    if path.suffix == ".yml":
        lines = [line.partition(" #")[0] for line in text.splitlines() if not line.lstrip().startswith("#")]
        return [FOR_PEOPLE.sub("", line) for line in lines]
    text = re.sub(r'(?s)""".*?"""|/\*.*?\*/|<#.*?#>', "", text)
    text = re.sub(r"(?m)^\s*(?://|#).*$|\s//\s.*$|\s#\s.*$", "", text)
    return [one[1:-1] for one in LITERAL.findall(text)]


def english(path: Path, text: str) -> list[str]:
    """Literals that hold one of the words, and are neither a path of the registry nor a sentence for a person."""
    found = []
    for literal in literals(path, text):
        word = WORD.search(literal)
        if word and not (" " in literal.replace(word[0], "") and path.suffix != ".yml"):
            found.append(literal)
    return found


@pytest.mark.parametrize("path", SEARCHED, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_knows_no_word_of_one_language(path):
    assert english(path, path.read_text(encoding="utf-8-sig")) == []


def test_what_is_searched_is_there():
    kinds = {path.suffix for path in SEARCHED}
    assert kinds == {".cs", ".ps1", ".py", ".yml"}
    assert len(SEARCHED) > 25


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("x.cs", 'if (group == "Administrators") return;'),
        ("x.cs", 'bool on = row["Inclusion Setting"].Contains("Success");'),
        ("x.cs", 'return line.StartsWith("STATE");'),
        ("x.ps1", "Add-LocalGroupMember -Group 'Remote Management Users' -Member $x"),
        ("x.yml", "  - {name: SeNetworkLogonRight, value: [Administrators]}"),
        ("x.yml", "  - {subcategory: Account Lockout, success: true}"),
        ("x.yml", '  - {subcategory: "Logon/Logoff", name: x}'),
        ("test_x.py", 'assert windows.groups["Administrators"] == set()'),
        ("test_x.py", 'assert "Success and Failure" in output'),
    ],
)
def test_what_is_planted_is_found(name, planted):
    assert english(Path(name), planted)


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("x.cs", "// Administrators, whatever they are called"),
        ("x.cs", 'new Dictionary<string, object> { { "success", true } };'),
        ("x.ps1", "# Users of the domain"),
        (
            "x.yml",
            r"  - {key: HKLM\SOFTWARE\Policies\Microsoft\Windows\Users, name: A, type: dword, value: 1} # Everyone",
        ),
        ("x.yml", '  - {subcategory: "{0CCE9217-69AE-11D9-BED3-505054503030}", name: Account Lockout, success: true}'),
        ("x.yml", '    policy: "Network access: Let Everyone permissions apply to anonymous users"'),
        ("test_x.py", '"""Whoever is one of the Administrators."""'),
        ("test_x.py", 'measured("In der Gruppe der Administratoren: niemand")'),
    ],
)
def test_what_harms_nobody_is_left_alone(name, harmless):
    assert english(Path(name), harmless) == []
