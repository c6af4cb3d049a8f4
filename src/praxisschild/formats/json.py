"""The results file: the whole run for programs, in the format that `schemas/results-1.schema.json` describes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from praxisschild.errors import InputError
from praxisschild.i18n import _
from praxisschild.pydantic_words import reason_of
from praxisschild.results import Run

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_ID = "urn:praxisschild:schema:results-1"


def render(run: Run) -> str:
    """The run as JSON on one line, ended by a newline: a third of a large run would be blanks otherwise."""
    return run.model_dump_json() + "\n"


def parse(text: str | bytes, file: Path) -> Run:
    """The counterpart of `render`; `file` is named in messages.

    Raises:
        InputError: the text is no JSON, of another format version, or not as the format demands.
    """
    way_out = _("use a results.json as a verification run wrote it")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(file, "", _("this is no JSON ({error})", error=error), way_out) from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != 1:
        raise InputError(
            file, "schema_version", _("format version 1 is expected (found: {version!r})", version=version), way_out
        )
    try:
        return Run.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(file, field, reason_of(first), way_out) from None


def schema() -> dict[str, Any]:
    """The JSON Schema of the format."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **Run.model_json_schema(mode="serialization"),
    }


def render_schema() -> str:
    """The content of `schemas/results-1.schema.json`."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"
