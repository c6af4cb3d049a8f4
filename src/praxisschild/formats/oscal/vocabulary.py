"""What every OSCAL document of this project is made of: ids, properties, texts, and how a document is written.

Documents are put together as plain values in OSCAL's own JSON names; `rendered` holds them against compliance-trestle's
models, which also write them. A UUID is version 5, from names alone: the same run gives the same bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from praxisschild.formats.characters import xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from trestle.core.base_model import OscalBaseModel

    from praxisschild.results import Run

NAMESPACE = "urn:praxisschild:oscal"
CATALOG = "catalog.json"
PROFILE = "profile.json"
COMPONENT_DEFINITION = "component-definition.json"
SYSTEM_SECURITY_PLAN = "system-security-plan.json"
ASSESSMENT_PLAN = "assessment-plan.json"
ASSESSMENT_RESULTS = "assessment-results.json"
POAM = "plan-of-action-and-milestones.json"
# a host's words must not become emphasis, links, tags or parameters where a reader renders OSCAL's Markdown
_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\`*<[{"})
_ROOT = uuid5(NAMESPACE_URL, NAMESPACE)
Object = dict[str, Any]


def identifier(*names: str | None) -> str:
    """The UUID of what these names name, in the order from the largest to the smallest."""
    return str(uuid5(_ROOT, json.dumps(names)))


def run_names(run: Run) -> tuple[str, str, str]:
    """What tells one run from every other: the practice, and when it began and ended."""
    return run.practice.name, run.started.isoformat(), run.ended.isoformat()


def practice_party(run: Run) -> str:
    """The UUID of the practice as an organisation."""
    return identifier("party", run.practice.name)


def practice_system(run: Run) -> str:
    """The UUID of the practice's IT as one component: the subject of what is said of no single host."""
    return identifier("system", run.practice.name)


def host_item(run: Run, host: str) -> str:
    """The UUID of a host as an inventory item, the same in every run."""
    return identifier("host", run.practice.name, host)


def role_component(role: str) -> str:
    """The UUID of a role as a component, the same in every practice."""
    return identifier("role", role)


def control_id(requirement: str) -> str:
    """A requirement's id as OSCAL can hold it: a token does not begin with a digit."""
    return requirement if requirement[:1].isalpha() else f"kbv-{requirement}"


def statement_id(requirement: str) -> str:
    """The id of the part of a control that states the demand; findings are about it."""
    return f"{control_id(requirement)}_smt"


def line(text: str) -> str:
    """The text as one line without blanks at its ends; a dash where nothing is left."""
    return " ".join(xml_text(text).split()) or "–"


def prose(text: str) -> str:
    """Words from outside (a host, an inventory) as text that no Markdown reader takes for markup."""
    return xml_text(text).translate(_MARKUP)


def quoted_line(text: str) -> str:
    """Both: one line of words from outside."""
    return line(prose(text))


def prop(name: str, value: object, remarks: str = "", *, label: str | None = None) -> Object:
    """A property in this project's namespace; `label` is its class."""
    found = {"name": name, "ns": NAMESPACE, "value": line(str(value)), "class": label}
    return {**found, "remarks": remarks or None}


def props(name: str, values: Iterable[object]) -> list[Object]:
    """One property per value."""
    return [prop(name, value) for value in values]


def href(path: str) -> str:
    """A relative path as a URI reference."""
    return quote(path, safe="/")


def metadata(title: str, written: datetime, version: str, run: Run | None = None) -> Object:
    """The head of a document; with a run, the practice is its party."""
    from trestle.oscal import OSCAL_VERSION

    party = {"uuid": practice_party(run), "type": "organization", "name": line(run.practice.name)} if run else None
    return {
        "title": line(title),
        "last-modified": written,
        "version": line(version),
        "oscal-version": OSCAL_VERSION,
        "parties": [party] if party else None,
    }


def selection(controls: Iterable[str]) -> Object:
    """Which controls were looked at, by their requirements' ids."""
    return {"control-selections": [{"include-controls": [{"control-id": control_id(one)} for one in controls]}]}


def rendered(model: type[OscalBaseModel], document: Object) -> str:
    """The document as JSON, under its own name; lists without a member and values that are None are left out.

    Raises:
        pydantic.ValidationError: the document is not as OSCAL demands, which is this project's mistake.
    """
    return model.model_validate(_without_nothing(document)).oscal_serialize_json(pretty=True) + "\n"


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(inner) for key, inner in value.items() if inner is not None and inner != []}
    if isinstance(value, list):
        return [_without_nothing(inner) for inner in value]
    return value
