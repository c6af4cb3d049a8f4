"""One registry for both: what Python writes, the C# reads on mono, and the other way round."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest

from lab.windows import kinds
from lab.windows.csharp import Runner
from lab.windows.registry import Registry, RegistryError
from lab.windows.shim import read_shim
from tests.lab.windows.conftest import PROJECT
from tests.windows.conftest import MODULES, sources_of

pytestmark = pytest.mark.xdist_group("windows")
KEY = r"HKLM\SOFTWARE\Policies\Praxisschild\Arten"
MODULE = "win_registry_values"
# name: kind, data in Python, the value of a row
VALUES = {
    "": ("string", "der Standardwert", "der Standardwert"),
    "Zahl": ("dword", 4294967295, 4294967295),
    "Null": ("dword", 0, 0),
    "Große Zahl": ("qword", 2**63, 2**63),
    "Text": ("string", "Ä<&>\"' \\ Ende ", "Ä<&>\"' \\ Ende "),
    "Leer": ("string", "", ""),
    "Zeilen": ("string", "eins\r\nzwei\x07", "eins\r\nzwei\x07"),
    "Bild": ("string", "Gruß 🩺", "Gruß 🩺"),
    "Pfad": ("expand_string", r"%SystemRoot%\System32", r"%SystemRoot%\System32"),
    "Liste": ("multi_string", ["a", "ö|ä"], ["a", "ö|ä"]),
    "Leere Liste": ("multi_string", [], []),
    "Bytes": ("binary", b"\x00\xff", "00ff"),
    "Keine Bytes": ("binary", b"", ""),
    "Nichts": ("none", b"", ""),
}


@pytest.fixture
def host(tmp_path):
    kinds.create(tmp_path / "pc-1", "pc-1", "betreuung")
    return tmp_path / "pc-1"


def run(host, *, check):
    rows = [{"key": KEY, "name": name, "type": kind, "value": written} for name, (kind, _, written) in VALUES.items()]
    statements = read_shim((MODULES / f"{MODULE}.ps1").read_text(encoding="utf-8"))
    command = SimpleNamespace(terminated=threading.Event())
    runner = Runner(PROJECT / ".lab/csharp", host)
    outcome = runner.run(sources_of(MODULE), statements, {"rows": rows, "_ansible_check_mode": check}, command)
    result = json.loads(outcome.stdout)
    assert not result.get("failed"), result
    return {item["name"].rpartition("\\")[2]: item for item in result["items"]}


def test_what_python_writes_is_what_the_module_finds(host):
    registry = Registry(host / "registry")
    for name, (kind, data, _) in VALUES.items():
        registry.set(KEY, name, kind, data)
    items = run(host, check=True)
    assert {name: item["before"] for name, item in items.items() if item["changed"]} == {}


def test_what_the_module_writes_is_what_python_finds(host):
    run(host, check=False)
    found = Registry(host / "registry").values(KEY)
    assert found == {name: (kind, data) for name, (kind, data, _) in VALUES.items()}


def test_names_and_keys_know_no_case(host):
    registry = Registry(host / "registry")
    registry.set(KEY, "Wert", "dword", 1)
    registry.set(KEY.upper(), "WERT", "dword", 2)
    assert registry.values(KEY.lower()) == {"Wert": ("dword", 2)}
    assert registry.remove(KEY, "wert")
    assert registry.get(KEY, "Wert") is None


@pytest.mark.parametrize(
    ("key", "kind", "data"),
    [
        (r"HKXX\A", "dword", 1),
        (r"HKLM\..\A", "dword", 1),
        (KEY, "dword", 2**32),
        (KEY, "dword", -1),
        (KEY, "dword", "1"),
        (KEY, "dword", True),
        (KEY, "string", 1),
        (KEY, "multi_string", "a"),
        (KEY, "none", "x"),
        (KEY, "zahl", 1),
    ],
)
def test_what_no_registry_holds_is_refused(tmp_path, key, kind, data):
    registry = Registry(tmp_path)
    with pytest.raises(RegistryError):
        registry.set(key, "A", kind, data)
    assert registry.values(KEY) == {}
