"""The collector's real C# on mono: its document against the state that the stand-in was given."""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.collector import windows as collector
from praxisschild.snapshot import read_snapshot

if TYPE_CHECKING:
    from tests.windows.conftest import Host

PRINT = {"static": "Ansible.Praxisschild.Snapshot.Collector", "method": "Print", "arguments": []}
LOGON = "{0CCE9215-69AE-11D9-BED3-505054503030}"
ADMINISTRATORS = "S-1-5-32-544"


def collected(host: Host) -> dict[str, Any]:
    sources = gzip.decompress(base64.b64decode(collector.program())).decode().split("\0")
    named = {re.search(r"^namespace ([\w.]+)", one, re.MULTILINE)[1] + ".cs": one.encode() for one in sources}
    outcome = host.runner.run(named, [{"do": PRINT}], {}, SimpleNamespace(terminated=threading.Event()))
    assert outcome.stdout.isascii()
    return dict(json.loads(outcome.stdout))


def test_everything_can_be_read_on_every_kind(pc, member):
    for host in (pc, member):
        document = collected(host)
        assert document["errors"] == []
        assert all(value is not None for value in document.values())


def test_numbers_and_sids_are_those_of_the_host(pc):
    document, state = collected(pc), pc.state
    assert {one["sid"]: one["enabled"] for one in document["accounts"]} == {
        one["sid"]: one["enabled"] for one in state["users"].values()
    }
    assert document["groups"] == {one["sid"]: one["members"] for one in state["groups"].values()}
    assert document["audit"] == {guid: one["setting"] for guid, one in state["audit"].items()}
    assert {name: set(sids) for name, sids in document["rights"].items()} == {
        name: set(sids) for name, sids in state["rights"].items()
    }
    assert document["security"] == state["security"]
    assert {name for name, one in document["services"].items() if one["running"]} == {
        name for name, one in state["services"].items() if one["state"] == "running"
    }
    assert document["services"]["BITS"] == {"start": 2, "running": True, "delayed": True, "account": "LocalSystem"}
    assert {name for name, on in document["features"].items() if on} == {
        name for name, one in state["features"].items() if one == "enabled"
    }


def test_nothing_localised_is_in_it(pc):
    """Names of services and groups as Windows shows them are different on a Windows of another language."""
    document = json.dumps(collected(pc), ensure_ascii=False)
    shown = {one["display"] for one in pc.state["services"].values()} | {
        one["name"] for one in pc.state["audit"].values()
    }
    shown |= {name for name in pc.state["groups"] if name != "IIS_IUSRS"}
    assert {one for one in shown if f'"{one}"' in document} <= {"Server"}


def test_the_registry_is_there_with_types_and_everybodys_hive(pc):
    key = r"HKLM\SOFTWARE\Policies\Praxisschild\Probe"
    for name, kind, data in (
        ("Zahl", "dword", 0xFFFFFFFF),
        ("Lang", "qword", 1 << 40),
        ("Text", "string", "Überwachung \U0001f512"),
        ("Pfad", "expand_string", "%SystemRoot%"),
        ("Liste", "multi_string", ["a", "b"]),
        ("Bytes", "binary", b"\x00\xff"),
    ):
        pc.registry.set(key, name, kind, data)
    document = collected(pc)
    keys = {name.lower(): values for name, values in document["registry"].items()}  # keys have no case
    assert keys[key.lower()] == {
        "Zahl": ["dword", 0xFFFFFFFF],
        "Lang": ["qword", 1 << 40],
        "Text": ["string", "Überwachung \U0001f512"],
        "Pfad": ["expand_string", "%SystemRoot%"],
        "Liste": ["multi_string", ["a", "b"]],
        "Bytes": ["binary", "00ff"],
    }
    people = {one["sid"] for one in pc.state["users"].values() if one["sid"].endswith(("-1001", "-1002"))}
    assert set(document["hives"]) == people | {"default"}


def test_a_section_that_cannot_be_read_is_an_error_and_the_others_are_there(pc):
    (pc.folder / "System32" / "auditpol.exe").unlink()
    document = collected(pc)
    assert document["audit"] is None
    assert [one["section"] for one in document["errors"]] == ["audit"]
    assert document["security"]
    with pytest.raises(LookupError, match="auditpol"):
        read_snapshot(document).audit(LOGON)


def test_what_the_checks_read(pc, member):
    windows = read_snapshot(collected(pc))
    assert windows.distribution == "Windows 11 Pro 25H2 (Build 26200.7171)"
    assert (windows.is_server, windows.is_member, windows.is_stand_in, windows.is_home) == (False, False, True, False)
    assert windows.registry(r"hklm\system\currentcontrolset\control\lsa", "NOLMHASH") == 1
    assert windows.audit(LOGON) == 1
    assert ADMINISTRATORS in windows.right("SeDebugPrivilege")
    assert windows.service("winrm").starts_with_windows
    assert windows.service("gibt-es-nicht") is None
    assert read_snapshot(collected(member)).is_member
