"""The folder of a practice's documents: what was written there, and what people have changed since.

`dokumente.json` beside the documents names each file with the SHA-256 that it had when it was written. A file with
another one belongs to somebody who has worked on it, and is never replaced: the new one goes beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGISTER = "dokumente.json"


class Entry(BaseModel):
    """One file: of which document, which requirements it supports, from which data, and what it was when written.

    `evidence` is the bundle that the figures come from, None if there were none; `data` the SHA-256 of everything that
    the document says, whatever its format.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str
    title: str
    requirements: tuple[str, ...]
    created: date
    evidence: str | None
    data: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Register(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    files: dict[str, Entry] = {}


@dataclass(frozen=True)
class Written:
    """Where a file went; `kept` is the edited one that stands in its usual place."""

    path: Path
    kept: Path | None = None


def load(folder: Path) -> dict[str, Entry]:
    """The entries of a folder by file name; none without a register.

    Raises:
        InputError: the register is broken.
    """
    file = folder / REGISTER
    try:
        return dict(_Register.model_validate_json(file.read_bytes()).files) if file.exists() else {}
    except (OSError, ValueError, ValidationError) as error:
        reason = _("the register cannot be read ({error})", error=str(error).splitlines()[0])
        way_out = _("restore it from a backup, or choose another --output; nothing was written")
        raise InputError(file, "", reason, way_out) from None


def state(folder: Path, name: str, entries: Mapping[str, Entry]) -> Literal["missing", "unchanged", "edited"]:
    """How a file stands; one that the register does not name counts as somebody's own."""
    path = folder / name
    if not path.exists():
        return "missing"
    known = entries.get(name)
    return "unchanged" if known and _digest(path.read_bytes()) == known.sha256 else "edited"


class Keeper:
    """Writes documents into a folder and keeps its register.

    Raises:
        InputError: the register is broken, or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries = load(folder)

    def write(self, name: str, content: bytes, **told: object) -> Written:
        """Write a file, beside an edited one if there is one, and enter it.

        `told` are the other fields of its entry.
        """
        entry = Entry.model_validate({**told, "sha256": _digest(content)})
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            target = self._free(name, entry)
            _replace(self.folder / target, content)
            self.entries[target] = entry
            self._save()
        except OSError as error:
            reason = _("cannot be written ({error})", error=error.strerror)
            raise InputError(self.folder / name, "", reason, _("check space and permissions")) from None
        return Written(self.folder / target, None if target == name else self.folder / name)

    def _free(self, name: str, entry: Entry) -> str:
        """The first name whose file nobody has worked on: the usual one, one with the day, one with day and number."""
        stem, dot, ending = name.rpartition(".")
        dated = f"{stem}-{entry.created}"
        names = [name, f"{dated}{dot}{ending}", *(f"{dated}-{number}{dot}{ending}" for number in range(2, 100))]
        for candidate in names:
            if state(self.folder, candidate, self.entries) != "edited":
                return candidate
            if _digest((self.folder / candidate).read_bytes()) == entry.sha256:
                return candidate  # the register was lost, the file was not changed
        reason = _("a hundred edited copies stand beside it")
        raise InputError(self.folder / name, "", reason, _("move them elsewhere"))

    def _save(self) -> None:
        here = {name: entry for name, entry in sorted(self.entries.items()) if (self.folder / name).exists()}
        record = _Register(files=here).model_dump(mode="json")
        text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
        _replace(self.folder / REGISTER, text.encode())


def _replace(path: Path, content: bytes) -> None:
    """The file is the old or the new one, never half of it."""
    fresh = path.with_name(f".{path.name}-{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
