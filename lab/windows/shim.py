"""Reads the little PowerShell that stands around the C#: literals, static calls and assignments, and nothing else.

A shim that needs more than this has logic, and logic belongs into the C# that runs here as well as on Windows. Argument
specs of other modules (``$spec = @{…}``) are the same literals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .unmodelled import Unmodelled

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r]+|`\r?\n)
  | (?P<comment><\#.*?\#>|\#[^\n]*)
  | (?P<end>[\n;])
  | (?P<text>'(?:[^']|'')*'|"[^"$`]*")
  | (?P<number>-?\d+(?:\.\d+)?(?!\w))
  | (?P<option>-[A-Za-z]\w*)
  | (?P<static>\[[A-Za-z_][\w.]*\]::[A-Za-z_]\w*)
  | (?P<cast>\[[A-Za-z_][\w.\[\]]*\])
  | (?P<variable>\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
  | (?P<word>[A-Za-z_][\w-]*)
  | (?P<open>@\{|@\(|\()
  | (?P<close>[)}])
  | (?P<sign>[=,])
    """,
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = {"$true": True, "$false": False, "$null": None}
# what a shim may say beside its own statements; it changes nothing here
_PREAMBLE = {"$ErrorActionPreference": {"value": "Stop"}}
_ASSIGNED = re.compile(r"(?im)^\s*\$(?P<name>\w*spec)\s*=\s*(?=@\{)")


@dataclass(frozen=True)
class Token:
    """One word of the script, what kind of word, and the line it stands in."""

    kind: str
    text: str
    line: int


class _Reader:
    """Recursive descent over tokens; what it returns is JSON that the driver of the C# carries out."""

    def __init__(self, script: str, start: int = 0) -> None:
        self._tokens: list[Token] = []
        self._next = 0
        self._failed_at: str | None = None
        position, line = start, script.count("\n", 0, start) + 1
        while position < len(script):
            found = _TOKEN.match(script, position)
            if not found:
                self._failed_at = f"Zeile {line}: {script[position : position + 40].splitlines()[0]!r}"
                break
            kind = found.lastgroup or ""
            if kind not in {"space", "comment"}:
                self._tokens.append(Token(kind, found[0], line))
            line += found[0].count("\n")
            position = found.end()

    def _peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _refuse(self, found: Token | None) -> Unmodelled:
        where = f"Zeile {found.line}: {found.text!r}" if found else self._failed_at or "das Ende"
        return Unmodelled(f"PowerShell jenseits einer reinen Hülle um C# ({where})")

    def _take(self, *wanted: str) -> Token:
        found = self._peek()
        if found is None or (wanted and found.text not in wanted):
            raise self._refuse(found)
        self._next += 1
        return found

    def _newlines(self) -> None:
        while (found := self._peek()) and found.kind == "end":
            self._next += 1

    def statements(self) -> list[dict[str, Any]]:
        """Every statement of the script, in order."""
        result = []
        self._newlines()
        while self._peek():
            result.append(self._statement())
            if (found := self._peek()) and found.kind != "end":
                raise self._refuse(found)
            self._newlines()
        if self._failed_at:
            raise self._refuse(None)
        return result

    def _statement(self) -> dict[str, Any]:
        first = self._peek()
        if first and first.kind == "word" and first.text.lower() == "set-strictmode":
            while (found := self._peek()) and found.kind != "end":
                self._next += 1
            return {"nothing": True}
        after = self._tokens[self._next + 1] if self._next + 1 < len(self._tokens) else None
        if first and first.kind == "variable" and after and after.text == "=":
            self._next += 2
            value = self.expression()
            if first.text in _PREAMBLE and value == _PREAMBLE[first.text]:
                return {"nothing": True}
            return {"set": first.text[1:].split("."), "to": value}
        return {"do": self.expression()}

    def expression(self) -> dict[str, Any]:
        first = self._operand()
        if not ((found := self._peek()) and found.text == ","):
            return first
        items = [first]
        while (found := self._peek()) and found.text == ",":
            self._next += 1
            self._newlines()
            items.append(self._operand())
        return {"list": items}

    def _operand(self) -> dict[str, Any]:
        found = self._take()
        match found.kind:
            case "text":
                quoted = found.text[1:-1]
                return {"value": quoted.replace("''", "'") if found.text[0] == "'" else quoted}
            case "number":
                return {"value": float(found.text) if "." in found.text else int(found.text)}
            case "cast":
                return self._operand()
            case "static":
                return self._static(found)
            case "variable":
                return self._variable(found)
        return self._composed(found)

    def _composed(self, found: Token) -> dict[str, Any]:
        match found.text:
            case "@{":
                return self._table()
            case "@(":
                return self._array()
            case ",":  # in front of a single operand: a list of it alone
                return {"list": [self._operand()]}
        raise self._refuse(found)

    def _static(self, found: Token) -> dict[str, Any]:
        kind, _, member = found.text.partition("]::")
        if not ((after := self._peek()) and after.text == "("):
            return {"static": kind[1:], "member": member}
        return {"static": kind[1:], "method": member, "arguments": self._arguments()}

    def _variable(self, found: Token) -> dict[str, Any]:
        if found.text.lower() in _CONSTANTS:
            return {"value": _CONSTANTS[found.text.lower()]}
        path = found.text[1:].split(".")
        if (after := self._peek()) and after.text == "(" and len(path) > 1:
            return {"of": path[:-1], "method": path[-1], "arguments": self._arguments()}
        return {"get": path}

    def _arguments(self) -> list[dict[str, Any]]:
        self._take("(")
        items: list[dict[str, Any]] = []
        self._newlines()
        while (found := self._peek()) and found.text != ")":
            items.append(self._operand())
            self._newlines()
            if (after := self._peek()) and after.text == ",":
                self._next += 1
                self._newlines()
        self._take(")")
        return items

    def _table(self) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        self._newlines()
        while (found := self._peek()) and found.text != "}":
            key = self._take()
            if key.kind not in {"word", "text"}:
                raise self._refuse(key)
            self._newlines()
            self._take("=")
            self._newlines()
            entries[key.text.strip("'\"")] = self.expression()
            if (after := self._peek()) and after.kind != "end" and after.text != "}":
                raise self._refuse(after)
            self._newlines()
        self._take("}")
        return {"table": entries}

    def _array(self) -> dict[str, Any]:
        items: list[dict[str, Any]] = []
        self._newlines()
        while (found := self._peek()) and found.text != ")":
            one = self.expression()
            items += one.get("list", [one])
            self._newlines()
            if (after := self._peek()) and after.text == ",":
                self._next += 1
                self._newlines()
        self._take(")")
        return {"list": items}


def read_shim(script: str) -> list[dict[str, Any]]:
    """The statements of a shim, as JSON for the driver.

    Raises:
        Unmodelled: the script does more than a shim may; the text names the line.
    """
    return _Reader(script.lstrip("\ufeff")).statements()


def read_spec(script: str) -> dict[str, Any]:
    """The literal argument spec of a module's script.

    Raises:
        Unmodelled: there is none, or it is computed.
    """
    found = _ASSIGNED.search(script)
    if not found:
        raise Unmodelled("ein Modul ohne wörtliche $spec")
    return dict(literal(_Reader(script, found.end()).expression()))


def literal(node: dict[str, Any]) -> Any:
    """The value of an expression that computes nothing."""
    if "value" in node:
        return node["value"]
    if "list" in node:
        return [literal(one) for one in node["list"]]
    if "table" in node:
        return {key: literal(one) for key, one in node["table"].items()}
    raise Unmodelled(f"eine $spec, die gerechnet wird ({node})")


def secret_names(spec: dict[str, Any]) -> set[str]:
    """Options, at any depth, that the spec says must not be logged; their aliases too."""
    found: set[str] = set()
    for name, option in (spec.get("options") or {}).items():
        if not isinstance(option, dict):
            continue
        if option.get("no_log"):
            aliases = option.get("aliases") or []
            found |= {name, *([aliases] if isinstance(aliases, str) else aliases)}
        found |= secret_names(option)
    return {name.lower() for name in found}
