"""The requirements of every edition as an OSCAL catalogue: a group per edition, in it one per annex."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.bound_words import BASES, BOUND_NAMES, admitted_in_words
from praxisschild.formats.oscal.vocabulary import (
    NAMESPACE,
    control_id,
    identifier,
    line,
    metadata,
    prop,
    props,
    rendered,
    statement_id,
)

if TYPE_CHECKING:
    from datetime import datetime

    from praxisschild.catalogue import Attestable, Bound, Catalogue, Edition, Requirement
    from praxisschild.formats.oscal.vocabulary import Object

RECOMMENDATIONS = "kvwl"
_GRUNDSCHUTZ = identifier("resource", "grundschutz++")
_GRUNDSCHUTZ_FILE = (
    "https://github.com/BSI-Bund/Stand-der-Technik-Bibliothek/blob/main/control_layer/Grundschutz%2B%2B/sources/"
    "catalogs/Kernel/BSI-Stand-der-Technik-Kernel-catalog.json"
)
_GRUNDSCHUTZ_BASIS = "own-mapping"


def render(catalogue: Catalogue, written: datetime, version: str) -> str:
    """The catalogue of both editions and the recommendations; `version` is this project's.

    A control's id is the requirement's with `kbv-` before a digit; its label is the requirement's own id.
    """
    from trestle.oscal.catalog import Catalog

    document = {
        "uuid": identifier("catalog", version, written.isoformat()),
        "metadata": metadata("IT-Sicherheitsrichtlinie der KBV: Anforderungen aller Fassungen", written, version),
        "groups": [
            *(_edition(catalogue, edition) for edition in catalogue.editions.values()),
            {
                "id": RECOMMENDATIONS,
                "title": "Empfehlungen der KVWL",
                "controls": [_control(catalogue, entry) for entry in catalogue.recommendations],
            },
        ],
        "back-matter": {
            "resources": [
                {
                    "uuid": _GRUNDSCHUTZ,
                    "title": "BSI, Stand-der-Technik-Bibliothek: Grundschutz++, Kernel",
                    "description": "Die Kennungen, auf die Links dieses Katalogs zeigen, hat Praxisschild als "
                    "thematisch nächste ausgewählt. Eine amtliche Zuordnung gibt es nicht.",
                    "props": [prop("basis", _GRUNDSCHUTZ_BASIS)],
                    "rlinks": [{"href": _GRUNDSCHUTZ_FILE, "media-type": "application/oscal.catalog+json"}],
                }
            ]
        },
    }
    return rendered(Catalog, document)


def _edition(catalogue: Catalogue, edition: Edition) -> Object:
    entries = catalogue.edition(edition.name)
    return {
        "id": f"kbv-{edition.name}",
        "class": "edition",
        "title": line(edition.title),
        "props": [
            prop("legal-basis", edition.legal_basis),
            prop("in-force-from", edition.in_force_from),
            *([prop("in-force-until", edition.in_force_until)] if edition.in_force_until else []),
        ],
        "groups": [
            {
                "id": f"kbv-{edition.name}-A{number}",
                "class": "annex",
                "title": line(annex.title),
                "props": props("size", annex.sizes),
                "controls": [_control(catalogue, entry) for entry in entries if entry.annex == number],
            }
            for number, annex in edition.annexes.items()
        ],
    }


def _control(catalogue: Catalogue, entry: Requirement) -> Object:
    name = control_id(entry.id)
    bounds = {f"{name}_{key}": (key, bound) for key, bound in entry.bounds.items()}
    listed = [f"- {BOUND_NAMES.get(key, key)}: {{{{ insert: param, {one} }}}}" for one, (key, _) in bounds.items()]
    parts = [
        {"id": statement_id(entry.id), "name": "statement", "prose": "\n".join([entry.demand, "", *listed]).strip()},
        {"id": f"{name}_gdn", "name": "guidance", "prose": entry.purpose},
    ]
    if entry.note:
        parts.append({"id": f"{name}_note", "name": "note", "ns": NAMESPACE, "prose": entry.note})
    if entry.attestation:
        parts.append(_interview(name, entry.attestation))
    return {
        "id": name,
        "class": "requirement" if entry.edition else "recommendation",
        "title": line(entry.title),
        "params": [_parameter(one, key, bound) for one, (key, bound) in bounds.items()],
        "props": [
            {"name": "label", "value": entry.id},
            prop("group", entry.group),
            prop("valid-from", entry.valid_from),
            *props("size", entry.sizes),
            *props("kind", entry.kinds),
            *props("concern", entry.concerns),
            *props("applies-if", entry.applies_if),
            *props("automated", entry.automated),
            prop("source", entry.source),
            prop("confidence", entry.confidence),
        ],
        "links": _links(catalogue, entry),
        "parts": parts,
    }


def _parameter(identifier_: str, key: str, bound: Bound) -> Object:
    typed = {"at-least": bound.at_least, "at-most": bound.at_most, "equals": bound.equals, "unit": bound.unit}
    choices = bound.one_of or ()
    words = admitted_in_words(bound)
    found: Object = {
        "id": identifier_,
        "class": "bound",
        "props": [
            prop("basis", bound.basis, BASES[bound.basis]),
            *(prop(name, _plain(value)) for name, value in typed.items() if value is not None),
            *(prop("one-of", _plain(value)) for value in choices),
        ],
        "label": BOUND_NAMES.get(key, key),
        "constraints": [{"description": words, "tests": [{"expression": one} for one in _expressions(bound)]}],
        "guidelines": [{"prose": bound.note}] if bound.note else None,
    }
    if choices:
        return {**found, "select": {"how-many": "one", "choice": [str(_plain(value)) for value in choices]}}
    return {**found, "values": [words]}


def _expressions(bound: Bound) -> list[str]:
    unit = f" {bound.unit}" if bound.unit else ""
    limits = ((">=", bound.at_least), ("<=", bound.at_most), ("=", bound.equals))
    found = [f"value {sign} {_plain(limit)}{unit}" for sign, limit in limits if limit is not None]
    return found or [f"value in ({', '.join(str(_plain(value)) for value in bound.one_of or ())})"]


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _interview(name: str, attestation: Attestable) -> Object:
    return {
        "id": f"{name}_att",
        "name": "assessment-method",
        "props": [
            {"name": "method", "value": "INTERVIEW"},
            prop("role", attestation.role),
            prop("months", attestation.months),
        ],
        "parts": [{"name": "assessment-objects", "prose": attestation.statement}],
    }


def _links(catalogue: Catalogue, entry: Requirement) -> list[Object]:
    later = [one.id for one in catalogue.requirements.values() if entry.id in one.continues]
    related = dict.fromkeys((*entry.relates_to, *([entry.duplicate_of] if entry.duplicate_of else [])))
    named = (("predecessor-version", entry.continues), ("successor-version", later), ("related", related))
    return [
        *({"href": f"#{control_id(other)}", "rel": rel, "text": other} for rel, others in named for other in others),
        *(
            {
                "href": f"#{_GRUNDSCHUTZ}",
                "rel": "reference",
                "resource-fragment": reference,
                "text": f"Grundschutz++ {reference} (eigene Zuordnung)",
            }
            for reference in entry.grundschutz_refs
        ),
    ]
