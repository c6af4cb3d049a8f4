"""The practice as OSCAL's plans and results need it: its baseline, its IT as one system, hosts, and roles on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.formats.oscal.findings import does_not_apply
from praxisschild.formats.oscal.vocabulary import (
    PROFILE,
    control_id,
    host_item,
    identifier,
    line,
    metadata,
    practice_system,
    prop,
    prose,
    quoted_line,
    rendered,
    role_component,
    run_names,
)
from praxisschild.results import Section, size_label

if TYPE_CHECKING:
    from praxisschild.formats.oscal.component_definition import Parts
    from praxisschild.formats.oscal.vocabulary import Object
    from praxisschild.results import HostState, RequirementResult, Run

_OPERATIONAL = {"state": "operational"}


def render(run: Run, parts: Parts) -> str:
    """The least that OSCAL demands of such a plan, all of it known from the run and the checkout."""
    from trestle.oscal.ssp import SystemSecurityPlan

    name = quoted_line(run.practice.name)
    system = {
        "uuid": practice_system(run),
        "type": "this-system",
        "title": f"IT der Praxis {name}",
        "description": "Alle Hosts, die das Inventar der Praxis nennt.",
        "status": _OPERATIONAL,
    }
    roles = [
        {
            "uuid": role_component(role),
            "type": "software",
            "title": role,
            "description": f"Ansible-Rolle {role}: {description}",
            "status": _OPERATIONAL,
        }
        for role, description in parts.roles.items()
    ]
    document = {
        "uuid": identifier("system-security-plan", *run_names(run)),
        "metadata": metadata(f"{name}: Systembeschreibung", run.ended, run.tool_version, run),
        "import-profile": {"href": PROFILE},
        "system-characteristics": {
            "system-ids": [{"identifier-type": "https://ietf.org/rfc/rfc4122", "id": practice_system(run)}],
            "system-name": line(run.practice.name),
            "description": size_label(run.practice.size),
            "system-information": {
                "information-types": [
                    {
                        "uuid": identifier("information", run.practice.name),
                        "title": "Patientendaten",
                        "description": "Gesundheitsdaten unter Schweigepflicht (Art. 9 DSGVO, § 203 StGB)",
                    }
                ]
            },
            "status": _OPERATIONAL,
            "authorization-boundary": {"description": "Die Hosts des Inventars; anderes ist nicht erfasst."},
        },
        "system-implementation": {
            "components": [system, *roles],
            "inventory-items": [_host(run, host) for host in run.hosts],
        },
        "control-implementation": {
            "description": "Welche Rolle welche Anforderung umsetzt. Ob sie erfüllt ist, steht in den Ergebnissen.",
            "implemented-requirements": [_requirement(run, row, parts) for row in run.requirements],
        },
    }
    return rendered(SystemSecurityPlan, document)


def _host(run: Run, host: HostState) -> Object:
    facts = (("host", host.name), ("platform", host.platform), ("address", host.address))
    return {
        "uuid": host_item(run, host.name),
        "description": quoted_line(f"{host.name}: {host.platform}" if host.platform else host.name),
        "props": [prop(name, value) for name, value in facts if value],
    }


def _requirement(run: Run, row: RequirementResult, parts: Parts) -> Object:
    roles = [role for role in parts.roles if parts.set_by(role, row.code_ids)]
    of_system = "Nicht durch eine Rolle; zu Kontrolle und Nachweis siehe die Ergebnisse."
    components = {role_component(role): f"Durch die Rolle {role}." for role in roles} or {
        practice_system(run): of_system
    }
    status = {"state": "not-applicable", "remarks": prose(row.reason)} if does_not_apply(row) else None
    return {
        "uuid": identifier("implemented", run.practice.name, row.id),
        "control-id": control_id(row.id),
        "props": [prop("binding", "yes" if row.section is Section.DIRECTIVE else "no")],
        "by-components": [
            {
                "component-uuid": component,
                "uuid": identifier("implemented", run.practice.name, row.id, component),
                "description": description,
                "implementation-status": status,
            }
            for component, description in components.items()
        ],
    }
