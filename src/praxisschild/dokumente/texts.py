"""The words of the documents: one YAML file each in `texte/`, read and checked.

A line may name values in braces, `{backup.medium_place}`, and words in `**bold**`. Blocks of a section are a text, or a
mapping with one of `note`, `list`, `steps`, `checks`, `table` (measured, by name), `blank` (a table to write in),
`form`, `place`; `when` names what the practice must have.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from praxisschild.errors import InputError
from praxisschild.i18n import _

FOLDER = Path(__file__).parent / "texte"
ORDER = (
    "backup-konzept",
    "netzdokumentation",
    "rechte-und-rollenkonzept",
    "geraeteverzeichnis",
    "notfallplan",
    "notfallkarte",
    "onboarding",
    "offboarding",
    "fremdpersonal",
    "einweisung",
    "richtlinie-mobile-geraete",
    "richtlinie-mobiltelefon",
    "regelung-wechseldatentraeger",
    "installationsprotokoll",
)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Blank(_Model):
    """A table to write in: rows that are there already, then so many empty ones."""

    headings: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    empty: Annotated[int, Field(ge=0, le=20)] = 0

    @model_validator(mode="after")
    def _is_rectangular(self) -> Blank:
        if any(len(row) > len(self.headings) for row in self.rows) or len(self.widths) != len(self.headings):
            raise ValueError("rows and widths do not fit the headings")
        return self


class Frame(_Model):
    """A frame that is kept free."""

    label: str
    height: float


def _one_block(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class BlockText(_Model):
    """One block as it is written; exactly one of its kinds."""

    text: str | None = None
    note: str | None = None
    items: Annotated[tuple[str, ...] | None, Field(alias="list")] = None
    steps: tuple[str, ...] | None = None
    checks: tuple[str, ...] | None = None
    table: str | None = None
    blank: Blank | None = None
    form: tuple[str, ...] | None = None
    place: Frame | None = None
    when: str | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> BlockText:
        if len(self.model_dump(exclude_none=True, exclude={"when"})) != 1:
            raise ValueError("a block is of exactly one kind")
        return self


class SectionText(_Model):
    """A section as it is written."""

    heading: str
    blocks: Annotated[tuple[Annotated[BlockText, BeforeValidator(_one_block)], ...], Field(min_length=1)]
    when: str | None = None


class DocumentText(_Model):
    """A document as it is written; `needs` is the feature without which a practice has no use for it."""

    title: str
    subject: str
    requirements: tuple[str, ...] = ()
    figures_for: tuple[str, ...] = ()
    needs: str | None = None
    signatures: tuple[str, ...] = ()
    approval: str = ""
    card: bool = False
    sections: Annotated[tuple[SectionText, ...], Field(min_length=1)]


@cache
def texts() -> dict[str, DocumentText]:
    """All documents' words by name, in the order in which they are listed.

    Raises:
        InputError: a file of the installation is broken.
    """
    return {name: _read(FOLDER / f"{name}.yml") for name in ORDER}


def _read(file: Path) -> DocumentText:
    try:
        return DocumentText.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        reason = _("the file cannot be used ({error})", error=error)
        raise InputError(file, "", reason, _("restore it from the checkout")) from None
