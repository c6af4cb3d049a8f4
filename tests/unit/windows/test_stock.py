"""The few stock modules that have a model, as the benchmark's loop uses them."""

from __future__ import annotations

import pytest

from lab.windows import stock
from lab.windows.registry import Registry
from lab.windows.unmodelled import Unmodelled

KEY = r"HKLM\SOFTWARE\Policies\X"


def regedit(host, *, check=False, **arguments):
    return stock.win_regedit(host, {"path": r"HKLM:\SOFTWARE\Policies\X", "name": "a", **arguments}, check=check)


@pytest.mark.parametrize(
    ("kind", "data", "stored"),
    [
        ("dword", 7, ("dword", 7)),
        ("dword", "0x10", ("dword", 16)),
        ("dword", "-1", ("dword", 4294967295)),
        ("qword", "5", ("qword", 5)),
        ("string", "ä", ("string", "ä")),
        ("expandstring", "%x%", ("expand_string", "%x%")),
        ("multistring", ["a", "b"], ("multi_string", ["a", "b"])),
        ("binary", "hex:be,ef", ("binary", b"\xbe\xef")),
    ],
)
def test_a_value_is_set_once_in_every_kind(tmp_path, kind, data, stored):
    assert regedit(tmp_path, type=kind, data=data, check=True)["changed"]
    registry = Registry(tmp_path / "registry")
    assert registry.get(KEY, "a") is None
    assert regedit(tmp_path, type=kind, data=data)["changed"]
    assert registry.get(KEY, "a") == stored
    assert not regedit(tmp_path, type=kind, data=data)["changed"]


def test_a_value_is_removed_once(tmp_path):
    regedit(tmp_path, type="dword", data=1)
    assert regedit(tmp_path, state="absent", check=True)["changed"]
    assert regedit(tmp_path, state="absent")["changed"]
    assert not regedit(tmp_path, state="absent")["changed"]


@pytest.mark.parametrize("arguments", [{"name": None}, {"hive": r"C:\x.dat"}, {"type": "none", "data": ""}])
def test_what_the_benchmark_does_not_use_is_an_error(tmp_path, arguments):
    with pytest.raises(Unmodelled):
        regedit(tmp_path, **arguments)
