"""The manifest of a bundle: the SHA-256 of every file, and the link to the bundle before it.

Manifest and head are written in one exact form. What does not read back to the same bytes was changed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from praxisschild.i18n import _
from praxisschild.pydantic_words import reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
STATEMENT = "statement.dsse.json"
TIMESTAMP = "timestamp.tsr"
HEAD = "head.json"
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def render(self) -> bytes:
        """The one form in which it is written."""
        return (self.model_dump_json(indent=1) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The counterpart of `render`.

        Raises:
            ValueError: it is not what `render` writes.
        """
        try:
            found = cls.model_validate_json(data)
        except ValidationError as error:
            raise ValueError(reason_of(error.errors(include_url=False)[0])) from None
        if found.render() != data:
            raise ValueError(_("not in the form in which it is written"))
        return found


class Link(_Model):
    """A sealed bundle as its successor remembers it: its name, its place in the chain, and what sealed it."""

    bundle: str
    sequence: Annotated[int, Field(ge=1)]
    manifest: Digest
    statement: Digest | None = None
    timestamp: Digest | None = None


class Manifest(_Model):
    """What a bundle holds. `files` maps a path inside the bundle to its SHA-256; seals are not among them.

    `signer` is the id of the key whose signature must lie beside the manifest, or None with the German reason in
    `unsigned`; `stamped_by` and `unstamped` say the same of the time stamp.
    """

    schema_version: Literal[1] = 1
    practice: str
    bundle: str
    ended: AwareDatetime
    sequence: Annotated[int, Field(ge=1)]
    previous: Link | None
    files: dict[str, Digest]
    signer: str | None = None
    unsigned: str | None = None
    stamped_by: str | None = None
    unstamped: str | None = None


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """The same of a file, without reading it whole."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_to(manifest: Manifest, seals: Mapping[str, bytes]) -> Link:
    """The link that the next bundle keeps; `seals` maps the names of this module to what lies in the bundle."""
    return Link(
        bundle=manifest.bundle,
        sequence=manifest.sequence,
        manifest=digest(seals[MANIFEST]),
        statement=digest(seals[STATEMENT]) if STATEMENT in seals else None,
        timestamp=digest(seals[TIMESTAMP]) if TIMESTAMP in seals else None,
    )


def seals_of(bundle: Path) -> dict[str, bytes]:
    """What seals a bundle, by the names of this module; empty for a bundle without a manifest."""
    paths = (bundle / name for name in (MANIFEST, STATEMENT, TIMESTAMP))
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def head_of(folder: Path) -> Link | None:
    """The end of a practice's chain as the last writer left it; None if there is none yet.

    Raises:
        ValueError: the file is not what a writer left.
    """
    path = folder / HEAD
    return Link.parse(path.read_bytes()) if path.is_file() else None
