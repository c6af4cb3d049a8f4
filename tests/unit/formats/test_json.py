from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from praxisschild.errors import InputError
from praxisschild.formats import json as results_json

if TYPE_CHECKING:
    from praxisschild.results import Run

SCHEMA = Path(__file__).parents[3] / "schemas/results-1.schema.json"
FILE = Path("results.json")


def test_schema_file_is_the_generated_one() -> None:
    # python -c 'from praxisschild.formats.json import render_schema; print(end=render_schema())' > schemas/...
    assert SCHEMA.read_text(encoding="utf-8") == results_json.render_schema()


def test_results_satisfy_the_schema(run: Run) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.validate(json.loads(results_json.render(run)))


def test_results_survive_the_way_to_a_file_and_back(run: Run) -> None:
    assert results_json.parse(results_json.render(run), FILE) == run


@pytest.mark.parametrize(
    ("text", "field"),
    [("{", ""), ("[]", "schema_version"), ('{"schema_version": 2}', "schema_version"), ("\xff", "")],
)
def test_foreign_file_is_refused(text: str, field: str) -> None:
    with pytest.raises(InputError) as caught:
        results_json.parse(text.encode("latin-1"), FILE)
    assert caught.value.field == field


def test_wrong_field_is_named(run: Run) -> None:
    document = json.loads(results_json.render(run))
    document["checks"][0]["status"] = "gut"
    with pytest.raises(InputError, match=r"checks\.0\.status"):
        results_json.parse(json.dumps(document), FILE)
