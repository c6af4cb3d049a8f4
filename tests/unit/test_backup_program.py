"""The program that saves and restores, without a host."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from praxisschild.inventory import PROJECT


@pytest.fixture(scope="module")
def program():
    path = PROJECT / "roles/backup_schedule/files/praxisschild_backup.py"
    spec = importlib.util.spec_from_file_location("praxisschild_backup", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Of this tree restic 0.14 and 0.18 save exactly what is listed, given the pattern.
TREE = {
    "/t/a/b/c.iso",
    "/t/a/b/d.txt",
    "/t/a/cache/x",
    "/t/cache/y",
    "/t/home/.cache",
    "/t/home/eins/.cache/z",
    "/t/home/eins/brief",
}
SAVED = {
    "cache": TREE - {"/t/a/cache/x", "/t/cache/y"},
    "*.iso": TREE - {"/t/a/b/c.iso"},
    "b/*.iso": TREE - {"/t/a/b/c.iso"},
    "a/*.iso": TREE,
    "/t/cache": TREE - {"/t/cache/y"},
    "/cache": TREE,
    "/t/home/*/.cache": TREE - {"/t/home/eins/.cache/z"},
    "/t/*": set(),
    "/t/**/.cache": TREE - {"/t/home/eins/.cache/z", "/t/home/.cache"},
    "/t/**/eins/.cache": TREE - {"/t/home/eins/.cache/z"},
    "a/**/c.iso": TREE - {"/t/a/b/c.iso"},
    "[^d].txt": TREE,
    "[^x].txt": TREE - {"/t/a/b/d.txt"},
    "CACHE": TREE,
}


@pytest.mark.parametrize("pattern", SAVED)
def test_a_restore_test_expects_no_file_that_restic_leaves_out(program, pattern):
    def kept(name: str) -> bool:
        path = Path(name)
        return not any(program.is_excluded(step, pattern) for step in (path, *path.parents[:-1]))

    assert {name for name in TREE if kept(name)} == SAVED[pattern]
