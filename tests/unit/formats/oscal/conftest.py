"""A run told as OSCAL, NIST's schema, and a search for references that lead nowhere."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
import regex

from praxisschild.formats import oscal
from praxisschild.results import AttestationFacts, Part, Run, Status
from tests.unit.formats.conftest import row

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Path(__file__).parents[3] / "data/oscal/oscal_complete_schema.json"
Documents = dict[str, dict[str, Any]]


def _pattern(validator, pattern, instance, schema):
    # Python's own re knows no \p{L}, with which NIST writes what a token is
    if validator.is_type(instance, "string") and not regex.search(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": _pattern})


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def faults(schema):
    """What is wrong with a document by NIST's schema, as texts."""
    roots = {next(iter(one["properties"].keys() - {"$schema"})): one for one in schema["oneOf"]}

    def find(document: dict[str, Any]) -> list[str]:
        (name,) = document
        validator = Validator({**schema, "oneOf": [roots[name]]})
        errors = (inner for error in validator.iter_errors(document) for inner in [error, *(error.context or ())])
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors]

    return find


@pytest.fixture(scope="session")
def parts(project) -> oscal.Parts:
    return oscal.Parts.read(project)


@pytest.fixture
def full_run(run: Run) -> Run:
    """The run of all formats, and what only attestations say."""
    said = {"statement": "Alle sind unterwiesen.", "role": "Praxisinhaberin", "day": date(2026, 1, 15)}
    rows = (
        row("2025-A1-02", Status.ATTESTED, attestation=AttestationFacts(**said, valid_until=date(2027, 1, 14))),
        row(
            "2025-A1-03",
            Status.EXPIRED,
            reason="Bestätigung abgelaufen seit 14.07.2026",
            pending=(Part.ORGANISATIONAL,),
            attestation=AttestationFacts(**said, valid_until=date(2026, 7, 14), fault="Bestätigung abgelaufen"),
        ),
    )
    return run.model_copy(update={"requirements": (*run.requirements, *rows)})


@pytest.fixture(scope="session")
def rendered() -> dict[str, dict[str, str]]:
    """Sets by their run, so that each is put together once."""
    return {}


@pytest.fixture
def documents(full_run, catalogue, parts, rendered) -> Documents:
    """The set of `full_run`, to be changed at will."""
    key = full_run.model_dump_json()
    if key not in rendered:
        rendered[key] = oscal.documents(full_run, catalogue, parts)
    return {name: json.loads(text) for name, text in rendered[key].items()}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def prop_of(node: dict[str, Any], name: str) -> str | None:
    return next((one["value"] for one in node.get("props", ()) if one["name"] == name), None)


# a key that names something by its UUID, and the keys below which that thing must stand
_OWN = {
    "observation-uuid": "observations",
    "risk-uuid": "risks",
    "finding-uuid": "findings",
}
_IMPORTED = ("component-uuid", "subject-uuid", "actor-uuid", "party-uuid")


def _imports(document: dict[str, Any]) -> set[str]:
    (content,) = document.values()
    named = [content.get(key, {}).get("href") for key in ("import-ap", "import-ssp", "import-profile")]
    named += [one.get("href") for one in content.get("imports", ())]
    named += [node["source"] for node in nodes(content) if "implemented-requirements" in node and "source" in node]
    return {one for one in named if one}


def _seen_from(name: str, documents: Documents) -> list[dict[str, Any]]:
    """A document and all that it imports, directly or not."""
    reached, waiting = [], [name]
    while waiting:
        current = waiting.pop()
        if current in documents and current not in reached:
            reached.append(current)
            waiting += _imports(documents[current])
    return [documents[one] for one in reached]


def dangling(documents: Documents, folder: Path | None = None) -> list[str]:
    """Every reference that leads nowhere; files outside the set are looked for only if `folder` says where it lies."""
    found = []
    for name, document in documents.items():
        seen = _seen_from(name, documents)
        uuids = {node["uuid"] for one in seen for node in nodes(one) if "uuid" in node}
        everything = [node for one in seen for node in nodes(one)]
        ids = {node["id"] for node in everything if "id" in node}
        found += [f"{name}: imports {one}" for one in _imports(document) if one not in documents]
        own = {
            section: {one["uuid"] for node in nodes(document) for one in node.get(section, ()) if isinstance(one, dict)}
            for section in ("observations", "risks", "findings")
        }
        for node in nodes(document):
            for key, section in _OWN.items():
                if key in node and node[key] not in own[section]:
                    found.append(f"{name}: {key} {node[key]}")
            found += [f"{name}: {key} {node[key]}" for key in _IMPORTED if key in node and node[key] not in uuids]
            named = [node[key] for key in ("control-id", "target-id") if key in node]
            named += node.get("with-ids", [])
            named += re.findall(r"\{\{ insert: param, (\S+) \}\}", node.get("prose", ""))
            found += [f"{name}: {one}" for one in named if one not in ids]
            if "href" in node:
                found += _lost(name, node["href"], uuids | ids, documents, folder)
    return found


def _lost(name: str, href: str, known: set[str], documents: Documents, folder: Path | None) -> list[str]:
    if href.startswith("#"):
        return [] if href[1:] in known else [f"{name}: {href}"]
    if urlsplit(href).scheme == "https" or href in documents:
        return []
    there = folder is None or (folder / unquote(href)).is_file()
    return [] if there and ".." in href.split("/") else [f"{name}: {href}"]
