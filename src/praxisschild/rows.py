"""Setting rows: which of them apply to a host, and how they read in the file that carries them."""

from __future__ import annotations

import difflib
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HEADER = "Verwaltet von Praxisschild: Änderungen hier werden überschrieben."
ROW_KEYS = ("option", "path", "value", "section", "requirement", "requirements", "when")
STYLE_KEYS = ("kind", "separator", "list_separator", "comment", "true", "false")
WORDS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


@dataclass(frozen=True)
class Style:
    """How rows become text: one option per line, sections of an INI file, or nested JSON objects."""

    kind: str = "lines"
    separator: str = " "
    list_separator: str = ","
    comment: str = "#"
    true: str = "yes"
    false: str = "no"

    @classmethod
    def parse(cls, written: Mapping[Any, Any]) -> Style:
        """The style as somebody wrote it in YAML, where an unquoted ``true`` as a key is a boolean.

        Raises:
            ValueError: unknown key or kind.
        """
        values = {{True: "true", False: "false"}.get(key, str(key)): value for key, value in written.items()}
        for key in values:
            if key not in STYLE_KEYS:
                raise ValueError(f"style: {unknown_key(key, STYLE_KEYS)}")
        kind = values.get("kind", "lines")
        if kind not in {"lines", "ini", "json"}:
            raise ValueError(f"style: kind {kind!r} is none of lines, ini, json")
        ini = {"separator": "=", "true": "true", "false": "false"} if kind == "ini" else {}
        texts = {key: str(value) for key, value in values.items() if value is not None}
        return cls(**{**ini, **texts})


@dataclass(frozen=True)
class Row:
    """One setting; `path` has one part unless the style is JSON."""

    path: tuple[str, ...]
    value: Any
    section: str | None = None
    requirements: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """Name for messages, and for styles that do not nest."""
        return ".".join(self.path)


@dataclass(frozen=True)
class Dropped:
    """Something that does not apply to this host."""

    kind: str
    name: str
    requirements: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Selection:
    """The rows of one file that are in force on one host, and those that were left out because of a requirement."""

    rows: tuple[Row, ...]
    dropped: tuple[Dropped, ...] = field(default=())

    @property
    def requirements(self) -> list[str]:
        """Every requirement that the file serves, in order of appearance."""
        return list(dict.fromkeys(itertools.chain.from_iterable(row.requirements for row in self.rows)))


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Text for a key that nobody knows, with the nearest one that exists."""
    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    return f"unknown key {key!r}; " + (f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}")


def reason_to_drop(requirements: Sequence[str], dropped: Mapping[str, str]) -> str | None:
    """Why something that serves these requirements is left out; None unless all of them are dropped."""
    if not requirements or not all(one in dropped for one in requirements):
        return None
    return "; ".join(dict.fromkeys(dropped[one] for one in requirements))


def select(written: Sequence[Mapping[str, Any]], style: Style, dropped: Mapping[str, str]) -> Selection:
    """Read rows ``{option|path, value, section?, requirement(s)?, when?}`` and leave out what does not apply.

    Raises:
        ValueError: a row cannot be used; the text says which one and why.
    """
    kept, left_out = [], []
    for number, mapping in enumerate(written, 1):
        try:
            row = _parse(mapping, style)
            wanted = truth(mapping.get("when", True))
        except ValueError as error:
            name = mapping.get("option") or mapping.get("path") or number
            raise ValueError(f"row {number} ({name}): {error}") from None
        if not wanted:
            continue
        reason = reason_to_drop(row.requirements, dropped)
        if reason is None:
            kept.append(row)
        else:
            left_out.append(Dropped("row", row.option, row.requirements, reason))
    return Selection(tuple(kept), tuple(left_out))


def render(rows: Sequence[Row], style: Style) -> str:
    """The file's text, ending with a line feed; JSON carries no comments, so there the manifest names the requirements.

    Raises:
        ValueError: a value does not fit on its line, or JSON paths contradict each other.
    """
    if style.kind == "json":
        return json.dumps(_nested(rows), indent=2, ensure_ascii=False) + "\n"
    lines = [f"{style.comment} {HEADER}"]
    if style.kind == "lines":
        lines += _groups(rows, style)
    else:
        for section in dict.fromkeys(row.section for row in rows):
            lines += ["", f"[{section}]", *_groups([row for row in rows if row.section == section], style)]
    return "\n".join(lines) + "\n"


def _parse(mapping: Mapping[str, Any], style: Style) -> Row:
    for key in mapping:
        if key not in ROW_KEYS:
            raise ValueError(unknown_key(str(key), ROW_KEYS))
    if ("option" in mapping) == ("path" in mapping):
        raise ValueError("a row names its option either by `option` or by `path`")
    option = mapping.get("option", mapping.get("path"))
    if isinstance(option, str):
        path = tuple(option.split(".")) if style.kind == "json" else (option,)
    elif style.kind == "json" and isinstance(option, list | tuple):
        path = tuple(str(part) for part in option)
    else:
        raise ValueError("an option is a text in quotes" + (" or a list of texts" if style.kind == "json" else ""))
    section = mapping.get("section")
    if (section is None) == (style.kind == "ini"):
        raise ValueError("`section` belongs to the style ini, and is needed there")
    if not path or not all(part and part.isprintable() for part in (*path, "-" if section is None else str(section))):
        raise ValueError("option and section are printable texts on one line")
    return Row(path, mapping.get("value"), section, requirements_of(mapping))


def requirements_of(mapping: Mapping[str, Any]) -> tuple[str, ...]:
    """The requirements that a row names, as one text or as a list of them."""
    written = mapping.get("requirements", mapping.get("requirement")) or ()
    return (written,) if isinstance(written, str) else tuple(str(one) for one in written)


def truth(value: Any) -> bool:
    """What a row's `when` says, also if a template has made a word of it.

    Raises:
        ValueError: it is no word for yes or no.
    """
    if isinstance(value, bool):
        return value
    word = WORDS.get(str(value).lower())
    if word is None:
        raise ValueError(f"`when` is a boolean, not {value!r}")
    return word


def _groups(rows: Sequence[Row], style: Style) -> list[str]:
    """Lines in the order of the rows, each run of rows with the same requirements under one comment."""
    lines = []
    for requirements, group in itertools.groupby(rows, key=lambda row: row.requirements):
        lines += ["", f"{style.comment} {', '.join(requirements)}"] if requirements else [""]
        lines += [_line(row, style) for row in group]
    return lines


def _line(row: Row, style: Style) -> str:
    if row.value is None:
        return row.option
    return f"{row.option}{style.separator}{_text(row, row.value, style)}".rstrip(" ")


def _text(row: Row, value: Any, style: Style) -> str:
    if isinstance(value, bool):
        return style.true if value else style.false
    if isinstance(value, list | tuple):
        return style.list_separator.join(_text(row, one, style) for one in value)
    if isinstance(value, dict):
        raise ValueError(f"{row.option}: an object has no place in a file of the style {style.kind}")
    text = str(value)
    # a line feed in a value would smuggle in an option that no requirement stands behind
    if any(ord(character) < 32 and character != "\t" for character in text):
        raise ValueError(f"{row.option}: its value holds a line break or another control character")
    return text


def _nested(rows: Sequence[Row]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    leaves: set[tuple[str, ...]] = set()
    for row in rows:
        if row.path in leaves:
            raise ValueError(f"{row.option}: stands there twice")
        node = tree
        for depth, part in enumerate(row.path[:-1], 1):
            if row.path[:depth] in leaves:
                raise ValueError(f"{row.option}: {'.'.join(row.path[:depth])} has a value of its own already")
            node = node.setdefault(part, {})
        if row.path[-1] in node:
            raise ValueError(f"{row.option}: options below it stand there already")
        node[row.path[-1]] = row.value
        leaves.add(row.path)
    return tree
