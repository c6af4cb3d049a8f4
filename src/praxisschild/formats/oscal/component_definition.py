"""The roles as OSCAL components: what each sets for which requirement, and which checks and probes prove it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import yaml

from praxisschild import traceability
from praxisschild.formats.oscal.vocabulary import (
    CATALOG,
    control_id,
    identifier,
    line,
    metadata,
    prop,
    rendered,
    role_component,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from praxisschild.catalogue import Catalogue
    from praxisschild.formats.oscal.vocabulary import Object
    from praxisschild.traceability import Check, Setting


@dataclass(frozen=True)
class Parts:
    """What a checkout consists of: every role with its description, every setting and every check."""

    roles: Mapping[str, str]
    settings: Sequence[Setting]
    checks: Sequence[Check]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The parts of the checkout in that folder."""
        settings = traceability.settings(folder / "roles")
        roles = {name: _description(folder / "roles" / name) for name in sorted({one.role for one in settings})}
        return cls(roles, settings, traceability.checks(folder / "tests/compliance"))

    def set_by(self, role: str, codes: Iterable[str]) -> list[Setting]:
        """The role's settings for a demand, by any of its ids."""
        wanted = set(codes)
        return [one for one in self.settings if one.role == role and not wanted.isdisjoint(one.requirements)]

    def proving(self, codes: Iterable[str]) -> list[Check]:
        """The checks and probes that prove a demand, by any of its ids."""
        wanted = set(codes)
        return [one for one in self.checks if not wanted.isdisjoint(one.requirements)]


def _description(role: Path) -> str:
    meta = yaml.safe_load((role / "meta/main.yml").read_text(encoding="utf-8"))
    return str(meta["galaxy_info"]["description"])


def check_name(check: Check) -> str:
    """A check as results name it, without its parameters."""
    return f"{check.file.name}::{check.name}"


def render(catalogue: Catalogue, parts: Parts, written: datetime, version: str) -> str:
    """Roles as software, each file of checks as a validation; a role links the validations that prove what it sets."""
    from trestle.oscal.component import ComponentDefinition

    document = {
        "uuid": identifier("component-definition", version, written.isoformat()),
        "metadata": metadata("Praxisschild: Rollen und Prüfungen", written, version),
        "components": [
            *(_role(catalogue, parts, role) for role in parts.roles),
            *_validations(parts),
        ],
    }
    return rendered(ComponentDefinition, document)


def _role(catalogue: Catalogue, parts: Parts, role: str) -> Object:
    served: dict[str | None, list[tuple[str, list[Setting], list[Check]]]] = defaultdict(list)
    for entry in catalogue.requirements.values():
        codes = catalogue.ancestry(entry.id)
        if settings := parts.set_by(role, codes):
            served[entry.edition].append((entry.id, settings, parts.proving(codes)))
    files = sorted({check.file.name for found in served.values() for _, _, checks in found for check in checks})
    return {
        "uuid": role_component(role),
        "type": "software",
        "title": role,
        "description": f"Ansible-Rolle {role}: {parts.roles[role]}",
        "links": [{"href": f"#{_validation(name)}", "rel": "validation", "text": name} for name in files],
        "control-implementations": [
            {
                "uuid": identifier("role", role, "edition", edition),
                "source": CATALOG,
                "description": f"Anforderungen der Fassung {edition}" if edition else "Empfehlungen der KVWL",
                "implemented-requirements": [_requirement(role, *one) for one in found],
            }
            for edition, found in served.items()
        ],
    }


def _requirement(role: str, requirement: str, settings: list[Setting], checks: list[Check]) -> Object:
    rows = dict.fromkeys(line(one.what) for one in settings if one.what)
    listed = [f"- `{row}`" for row in rows]
    return {
        "uuid": identifier("role", role, "requirement", requirement),
        "control-id": control_id(requirement),
        "description": "\n".join(["Einstellungen:", "", *listed]) if listed else "Eine Aufgabe der Rolle.",
        "props": [prop("check-id", check_name(check), label="probe" if check.probe else "check") for check in checks],
    }


def _validation(file: str) -> str:
    return identifier("validation", file)


def _validations(parts: Parts) -> list[Object]:
    files: dict[str, list[Check]] = defaultdict(list)
    for check in parts.checks:
        files[check.file.name].append(check)
    return [
        {
            "uuid": _validation(name),
            "type": "validation",
            "title": name,
            "description": ("Proben" if all(one.probe for one in found) else "Prüfungen")
            + " am Host, unabhängig von den Werten der Rollen.",
            "props": [one for check in found for one in _check(check)],
        }
        for name, found in files.items()
    ]


def _check(check: Check) -> list[Object]:
    """The check's id and, in the same group of properties, the requirements that it proves."""
    kind = prop("check-id", check_name(check), check.reason, label="probe" if check.probe else "check")
    proves = [prop("requirement", control_id(one)) for one in dict.fromkeys(check.requirements)]
    return [{**one, "group": check.name} for one in (kind, *proves)]
