"""Modules of this package that travel: sent as text to a host that has nothing but Python 3.9, and run there."""

from __future__ import annotations

import ast
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = "praxisschild"
_PROGRAM = """
import sys, types
parents, sources, main = {parents!r}, {sources!r}, {main!r}
for name in parents:
    sys.modules[name] = types.ModuleType(name)
for name, source in sources.items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, "<" + name + ">", "exec"), module.__dict__)
scope = {{"__name__": "__main__"}}
scope.update((name, globals()[name]) for name in ("stdin_data",) if name in globals())
exec(compile(main[1], "<" + main[0] + ">", "exec"), scope)
"""


# Python 3.11 loses its count of recursion when two threads parse at the same time.
_parsing = threading.Lock()


@cache
def program(main: str) -> str:
    """The module as one Python program, complete with the modules of this package that it imports.

    Imports below ``if TYPE_CHECKING`` stay at home.

    Raises:
        FileNotFoundError: there is no such module.
    """
    sources: dict[str, str] = {}
    text = _read(main)
    for needed in _imported(text):
        _gather(needed, sources)
    parents = {name.rpartition(".")[0] for name in sources}
    parents |= {parent.rpartition(".")[0] for parent in parents}
    return _PROGRAM.format(parents=sorted({_PACKAGE, *parents} - {""}), sources=sources, main=(main, text))


def _gather(name: str, sources: dict[str, str]) -> None:
    """The module's source, behind those of the modules it needs itself."""
    if name not in sources:
        text = _read(name)
        for needed in _imported(text):
            _gather(needed, sources)
        sources[name] = text


def _imported(text: str) -> list[str]:
    with _parsing:
        nodes = ast.parse(text).body
    return [n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module and n.module.startswith(_PACKAGE)]


def _read(name: str) -> str:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"no module {name}")
    return Path(spec.origin).read_text(encoding="utf-8")
