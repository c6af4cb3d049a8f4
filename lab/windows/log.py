"""The wire log of a host: one JSON object per line, secrets redacted, the same shape whoever wrote it (README.md)."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REDACTED = "***"
VERSION = 1
# names that hold a secret whatever a module's spec says; MinimumPasswordLength is none
_TELLING = re.compile(r"(?i)(?:^|_)(?:pass|password|passwd|passphrase|secret|token|private_key|kennwort)$")
_VALUES = {"value", "before", "after"}
# shorter texts are not looked for elsewhere: half of a log would be asterisks
_SHORTEST = 4


class WireLog:
    """Appends lines; several threads may write."""

    def __init__(self, path: Path, secrets: Iterable[str] = ()) -> None:
        self._path = path
        self._secrets = {one for one in secrets if one}
        self._lock = threading.Lock()

    def note(self, **fields: Any) -> None:
        """Write one line; what the log knows as secret is replaced wherever it stands."""
        line = {"v": VERSION, "at": datetime.now(UTC).isoformat(timespec="milliseconds"), **fields}
        text = json.dumps(without(line, self._secrets), ensure_ascii=False, default=str)
        with self._lock, self._path.open("a", encoding="utf-8") as stream:
            stream.write(text + "\n")


def redacted(arguments: Any, names: Iterable[str]) -> tuple[Any, set[str]]:
    """The arguments with every secret option replaced, and the texts that were.

    Args:
        arguments: what a module was given.
        names: options of its spec that are not to be logged, in lower case.
    """
    hidden = set(names)
    found: set[str] = set()

    def walk(value: Any, *, secret: bool) -> Any:
        if isinstance(value, dict):
            marked = value.get("secret") is True  # a row of ours that says so of its value
            return {
                key: walk(one, secret=secret or _is_secret(str(key), hidden) or (marked and key in _VALUES))
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [walk(one, secret=secret) for one in value]
        if secret and value not in {None, "", True, False}:
            if len(str(value)) >= _SHORTEST:
                found.add(str(value))
            return REDACTED
        return value

    return walk(arguments, secret=False), found


def without(value: Any, secrets: set[str]) -> Any:
    """The value with every text in ``secrets`` replaced wherever it occurs."""
    if isinstance(value, str):
        for one in secrets:
            value = value.replace(one, REDACTED)
        return value
    if isinstance(value, dict):
        return {without(key, secrets): without(one, secrets) for key, one in value.items()}
    if isinstance(value, list):
        return [without(one, secrets) for one in value]
    return value


def _is_secret(name: str, hidden: set[str]) -> bool:
    return name.lower() in hidden or bool(_TELLING.search(name))
