"""How a run looks at a practice, as an OSCAL assessment plan: three ways of looking, at every host of the inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.formats.oscal.vocabulary import (
    SYSTEM_SECURITY_PLAN,
    host_item,
    identifier,
    metadata,
    practice_system,
    prop,
    quoted_line,
    rendered,
    run_names,
    selection,
)

if TYPE_CHECKING:
    from praxisschild.results import Run

# NIST SP 800-53A: examining is reading what is set, testing is exercising it, interviewing is asking somebody
ACTIVITIES = {
    "EXAMINE": (
        "Konfigurationsprüfung",
        "Der wirksame Zustand eines Hosts wird in einem Zug ausgelesen und gegen die Grenzwerte des Katalogs gehalten.",
    ),
    "TEST": (
        "Probe",
        "Ein Versuch am Host zeigt, ob die Einstellung wirkt: ein falsches Passwort, ein Paket, eine Datei, ein Start.",
    ),
    "INTERVIEW": (
        "Bestätigung",
        "Eine verantwortliche Rolle der Praxis bestätigt mit Datum, was keine Maschine prüfen kann.",
    ),
}


def render(run: Run) -> str:
    """The plan that a run follows; it says what is looked at and how, not what was found."""
    from trestle.oscal.assessment_plan import AssessmentPlan

    tool = identifier("tool")
    subjects = [{"subject-uuid": host_item(run, host.name), "type": "inventory-item"} for host in run.hosts]
    document = {
        "uuid": identifier("assessment-plan", *run_names(run)),
        "metadata": metadata(
            f"{quoted_line(run.practice.name)}: Prüfplan des Laufs vom {run.started:%d.%m.%Y}",
            run.ended,
            run.tool_version,
            run,
        ),
        "import-ssp": {"href": SYSTEM_SECURITY_PLAN},
        "local-definitions": {
            "activities": [
                {
                    "uuid": identifier("activity", method),
                    "title": title,
                    "description": description,
                    "props": [{"name": "method", "value": method}],
                }
                for method, (title, description) in ACTIVITIES.items()
            ]
        },
        "reviewed-controls": selection(row.id for row in run.requirements),
        "assessment-subjects": [
            *([{"type": "inventory-item", "include-subjects": subjects}] if subjects else []),
            {
                "type": "component",
                "include-subjects": [{"subject-uuid": practice_system(run), "type": "component"}],
            },
        ],
        "assessment-assets": {
            "components": [
                {
                    "uuid": tool,
                    "type": "software",
                    "title": "Praxisschild",
                    "description": "Liest Hosts aus, führt Proben durch und schreibt den Nachweis.",
                    "props": [prop("version", run.tool_version)],
                    "status": {"state": "operational"},
                }
            ],
            "assessment-platforms": [
                {
                    "uuid": identifier("platform"),
                    "title": "Kontrollrechner",
                    "uses-components": [{"component-uuid": tool}],
                }
            ],
        },
    }
    return rendered(AssessmentPlan, document)
