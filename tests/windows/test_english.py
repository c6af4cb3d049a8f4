"""Whoever relies on English finds out here: the same C# with one English word in it fails on a German Windows."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import inspect
import json
import re
import threading
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.collector import windows as collector
from praxisschild.snapshot import read_snapshot
from tests.windows.conftest import MODULE_OF, ROOT, sources_of

if TYPE_CHECKING:
    from pathlib import Path

    from praxisschild.snapshot import WindowsSnapshot
    from tests.windows.conftest import Host

LOGON = "{0CCE9215-69AE-11D9-BED3-505054503030}"
REMOTE_LOGON = "SeRemoteInteractiveLogonRight"


@dataclass(frozen=True)
class Planted:
    """What a module relies on, and what somebody who knows an English Windows only would write instead."""

    kind: str
    source: str
    neutral: str
    english: str
    row: dict[str, Any]


PLANTED = {
    "an audit setting is read as a word": Planted(
        "audit",
        "Ansible.Praxisschild.DomainPolicy.cs",
        "!Int32.TryParse(fields[6], out setting)",
        '(setting = fields[4] == "Success and Failure" ? 3 : fields[4] == "Success" ? 1 : fields[4] == "Failure" ? 2 : '
        'fields[4] == "No Auditing" ? 0 : -1) < 0',
        {"subcategory": LOGON, "success": True, "failure": True},
    ),
    "an audit category is set by its name": Planted(
        "audit",
        "Ansible.Praxisschild.AuditPolicy.cs",
        'String.Join(",", guids)',
        'String.Join(",", guids.Select(guid => "Logon"))',
        {"subcategory": LOGON, "success": True, "failure": True},
    ),
    "a right is given to a group by its name": Planted(
        "security",
        "Ansible.Praxisschild.SecurityPolicy.cs",
        'Sid.IsMatch(sid) ? "*" + sid : sid',
        'sid == "S-1-5-32-544" ? "Administrators" : sid',
        {"name": REMOTE_LOGON, "value": ["S-1-5-32-544"]},
    ),
    "the state of a service is found by its heading": Planted(
        "components",
        "Ansible.Praxisschild.Components.cs",
        "Where(match => match.Success)\n                .Select(match => match.Groups[1].Value).ToList();",
        "Where(match => match.Success)\n                .Select(match => match.Groups[1].Value).ToList();\n            "
        "numbers = ran.Output.Split('\\r', '\\n').Where(line => line.TrimStart().StartsWith(\"STATE\"))"
        ".Select(line => new string(line.Where(Char.IsDigit).ToArray()))."
        'SelectMany(one => new[] { "0", one }).ToList();',
        {"kind": "service", "name": "Spooler", "start": "disabled", "state": "stopped"},
    ),
    "a feature is read without asking for English": Planted(
        "components",
        "Ansible.Praxisschild.Components.cs",
        'World.Machine.Run("dism.exe", "/English", "/Online", "/Get-Features", "/Format:Table")',
        'World.Machine.Run("dism.exe", "/Online", "/Get-Features", "/Format:Table")',
        {"kind": "feature", "name": "WindowsMediaPlayer", "state": "disabled"},
    ),
}


def came_about(pc: Host, planted: Planted) -> bool:
    """Whether the row is settled, by what the host says afterwards and not by what the module says of itself."""
    try:
        result = pc(planted.kind, [planted.row])
    except AssertionError as error:  # what the stand-in does not know is an error, too
        if "NICHT NACHGEBILDET" in str(error):
            return False
        raise
    if result.get("failed"):
        return False
    state = pc.state
    return {
        "audit": lambda: state["audit"][LOGON]["setting"] == 3,
        "security": lambda: state["rights"][REMOTE_LOGON] == ["S-1-5-32-544"],
        "components": lambda: (
            state["features"]["WindowsMediaPlayer"] == "disabled"
            if planted.row["kind"] == "feature"
            else state["services"]["Spooler"]["state"] == "stopped"
        ),
    }[planted.kind]()


@pytest.mark.parametrize("what", PLANTED)
def test_what_relies_on_english_fails_and_what_does_not_works(pc, monkeypatch, what):
    planted = PLANTED[what]
    real = sources_of(MODULE_OF[planted.kind])
    text = real[planted.source].decode()
    assert text.count(planted.neutral) == 1, "the place has changed: plant the English word anew"
    spoilt = {**real, planted.source: text.replace(planted.neutral, planted.english).encode()}
    sent = type(pc).carry_out.__globals__  # of conftest.py, under whichever name pytest has loaded it
    monkeypatch.setitem(sent, "sources_of", lambda _module: spoilt)
    assert not came_about(pc, planted)
    monkeypatch.setitem(sent, "sources_of", lambda _module: real)
    assert came_about(pc, planted)


def collected(host: Host, *change: str) -> dict[str, Any]:
    """The collector's document, with a part of its source replaced."""
    sources = gzip.decompress(base64.b64decode(collector.program())).decode().split("\0")
    if change:
        neutral, english = change
        assert sum(one.count(neutral) for one in sources) == 1, "the place has changed: plant the English word anew"
        sources = [one.replace(neutral, english) for one in sources]
    named = {re.search(r"^namespace ([\w.]+)", one, re.MULTILINE)[1] + ".cs": one.encode() for one in sources}
    call = {"static": "Ansible.Praxisschild.Snapshot.Collector", "method": "Print", "arguments": []}
    outcome = host.runner.run(named, [{"do": call}], {}, SimpleNamespace(terminated=threading.Event()))
    return dict(json.loads(outcome.stdout))


def test_a_collector_that_reads_words_reports_an_error_and_nothing_wrong(pc):
    """A section that it cannot read is missing, so that checks end as not tested and never as passed."""
    assert collected(pc)["errors"] == []
    planted = PLANTED["an audit setting is read as a word"]
    document = collected(pc, planted.neutral, planted.english)
    assert document["audit"] is None
    assert [one["section"] for one in document["errors"]] == ["audit"]


CHECKS = ROOT / "tests/compliance/test_windows_accounts.py"


def verdict(windows: WindowsSnapshot, name: str, source: str, folder: Path) -> str:
    """How a check of this source ends: passed, failed, or the error that keeps it from saying anything."""
    file = folder / f"{len(list(folder.iterdir()))}.py"
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    check = getattr(module, name)
    practice = SimpleNamespace(accounts_of=lambda _host: [SimpleNamespace(name="praxisschild", kind="admin")])
    given = {"windows": windows, "practice": practice, "host_name": "pc-1", "measured": lambda *_: None}
    try:
        check(**{one: given[one] for one in inspect.signature(check).parameters})
    except AssertionError:
        return "failed"
    except LookupError as error:
        return type(error).__name__
    return "passed"


@pytest.mark.parametrize(
    ("check", "neutral", "english"),
    [
        (
            "test_rights_over_the_whole_host_are_the_administrators",
            "- {ADMINISTRATORS}",
            '- {"Administrators"}',
        ),
        (
            "test_only_the_named_administer_windows",
            "windows.members(ADMINISTRATORS)",
            'windows.members("Administrators")',
        ),
    ],
)
def test_a_check_that_names_a_group_in_english_does_not_pass(pc, tmp_path_factory, check, neutral, english):
    windows = read_snapshot(collected(pc))
    source = CHECKS.read_text(encoding="utf-8")
    assert source.count(neutral) == 1, "the place has changed: plant the English word anew"
    folder = tmp_path_factory.mktemp("checks")
    assert verdict(windows, check, source, folder) == "passed"
    assert verdict(windows, check, source.replace(neutral, english), folder) != "passed"
