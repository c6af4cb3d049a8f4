"""Where a requirement shows up in the project: the settings that serve it and the checks that prove it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Platform = Literal["linux", "windows"]
_KEYS = {"requirement", "requirements"}
_ID = re.compile(r"(20\d\d-A\d-\w+|KVWL-\d\d)$")
_NAMES = ("option", "dest", "name", "key", "path")


@dataclass(frozen=True)
class Setting:
    """A row, file, unit or package of a role (or of the mobile devices) that names the requirements it serves.

    `platform` is None where both systems take it.
    """

    role: str
    file: Path
    line: int
    what: str
    requirements: tuple[str, ...]
    platform: Platform | None = None


@dataclass(frozen=True)
class Check:
    """A test function that names the requirements it proves; `platform` is None for one that looks at no host."""

    file: Path
    line: int
    name: str
    reason: str
    probe: bool
    requirements: tuple[str, ...]
    platform: Platform | None = None


def settings(roles: Path) -> list[Setting]:
    """Every node of a role's data that carries a requirement id, in the order of the files."""
    found = []
    for path in sorted(roles.rglob("*.yml")):
        role, folder, *_ = path.relative_to(roles).parts
        if folder in {"vars", "tasks", "defaults"}:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
            if root is not None:
                platform = _platform_of(path)
                found += [Setting(role, path, line, what, ids, platform) for line, what, ids in _walk(root)]
    return found


def _platform_of(path: Path) -> Platform | None:
    """Rows beside those of both systems are for both, as options are; every other file is for Linux."""
    if path.stem == "windows":
        return "windows"
    shared = path.parent.name == "main" and path.stem != "linux"
    return None if shared or "defaults" in path.parts else "linux"


def mobile_settings(project: Path) -> list[Setting]:
    """The rows that a mobile device management gets; phones have no role."""
    path = project / "src/praxisschild/mdm/rows.yml"
    root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader) if path.exists() else None
    return [] if root is None else [Setting("mdm", path, line, what, ids) for line, what, ids in _walk(root)]


def _walk(node: yaml.Node) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    if isinstance(node, yaml.MappingNode):
        entries = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        ids = [one for key in _KEYS & entries.keys() for one in _scalars(entries[key]) if not one.startswith("{{")]
        # a task without rows carries its requirements as tags
        ids += [one for one in _scalars(entries["tags"]) if _ID.match(one)] if "tags" in entries else []
        if ids:
            names = [" / ".join(_scalars(entries[key])) for key in _NAMES if key in entries]
            values = [f"= {' '.join(_scalars(entries['value']))}"] if "value" in entries else []
            yield node.start_mark.line + 1, " ".join([*names, *values]), tuple(ids)
        for _, value in node.value:
            yield from _walk(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _walk(item)


def _scalars(node: yaml.Node) -> list[str]:
    if isinstance(node, yaml.ScalarNode):
        return [node.value]
    if isinstance(node, yaml.SequenceNode):
        return [text for item in node.value for text in _scalars(item)]
    return []


def checks(tests: Path) -> list[Check]:
    """Every test function below the folder that carries ``@requirement``, and the rest with no ids."""
    found = []
    for path in sorted(tests.glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        shared = _marks([n.value for n in tree.body if isinstance(n, ast.Assign) and _is_pytestmark(n)])
        tables = {
            target.id: _constants(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        fixtures = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                ids, probe = _marks(node.decorator_list)
                # a parametrised check takes the requirements of its table's rows
                names = {
                    name.id for mark in node.decorator_list for name in ast.walk(mark) if isinstance(name, ast.Name)
                }
                ids = ids or tuple(dict.fromkeys(one for name in sorted(names) for one in tables.get(name, ())))
                reason = (ast.get_docstring(node) or "").split("\n")[0]
                marks = (probe or shared[1], (*ids, *shared[0]))
                found.append(Check(path, node.lineno, node.name, reason, *marks, _platform_of_fixtures(node, fixtures)))
    return found


def _platform_of_fixtures(check: ast.FunctionDef, fixtures: Mapping[str, ast.FunctionDef]) -> Platform | None:
    """By the fixtures that the check asks for, itself or through others of its file."""
    asked: set[str] = set()
    waiting = [check]
    while waiting:
        for name in {argument.arg for argument in waiting.pop().args.args} - asked:
            asked.add(name)
            waiting += [fixtures[name]] if name in fixtures else []
    if asked & {"windows", "windows_remote"}:
        return "windows"
    return None if asked & {"mobile", "device_lists"} else "linux"


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _marks(expressions: list[ast.expr]) -> tuple[tuple[str, ...], bool]:
    ids: list[str] = []
    probe = False
    for expression in expressions:
        for node in ast.walk(expression):
            if isinstance(node, ast.Attribute) and node.attr == "probe":
                probe = True
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "requirement":
                ids += [str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
    return tuple(ids), probe


def _constants(expression: ast.expr) -> tuple[str, ...]:
    """Requirement ids among the strings of an expression."""
    strings = (node.value for node in ast.walk(expression) if isinstance(node, ast.Constant))
    return tuple(text for text in strings if isinstance(text, str) and _ID.match(text))
