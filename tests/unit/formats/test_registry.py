from __future__ import annotations

from pathlib import Path

import pytest

from praxisschild.formats import registry
from praxisschild.formats.registry import FORMATS, Format


def test_every_format_renders_under_its_name(run):
    for name, one in FORMATS.items():
        assert one.name == name
        assert one.label
        files = one.render(run)
        assert all(isinstance(data, bytes) and data for data in files.values())
        if one.suffix:
            assert list(files) == [one.file]
    assert len({one.file for one in FORMATS.values()}) == len(FORMATS)


def test_a_bundle_holds_what_the_table_says(run, monkeypatch):
    assert set(registry.bundled(run)) >= {"results.json", "report.html"}
    one_more = {**FORMATS, "csv": Format("csv", "Tabelle", "tabellen/anforderungen.csv")}
    monkeypatch.setattr(registry, "FORMATS", one_more)
    assert "anforderungen.csv" not in registry.bundled(run)


def test_a_format_of_several_files_is_a_folder(run, monkeypatch):
    module = type("module", (), {"render": staticmethod(lambda run: {"a.json": "{}", "b.json": b"{}"})})
    monkeypatch.setattr(registry, "import_module", lambda name: module)
    several = Format("several", "mehrere", "several", bundled=True)
    monkeypatch.setattr(registry, "FORMATS", {"several": several})
    assert several.suffix == ""
    assert registry.bundled(run) == {"several/a.json": b"{}", "several/b.json": b"{}"}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_has_its_module(name):
    assert (Path(registry.__file__).parent / f"{name}.py").is_file()
