"""A run as OSCAL assessment results: one result, in it what was observed and what follows for each requirement."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from praxisschild.formats.oscal.findings import RESULTS, Files, Told
from praxisschild.formats.oscal.vocabulary import (
    ASSESSMENT_PLAN,
    identifier,
    line,
    metadata,
    prop,
    props,
    quoted_line,
    rendered,
    run_names,
    selection,
)

if TYPE_CHECKING:
    from praxisschild.results import Run


def render(run: Run, files: Files | None = None) -> str:
    """The results; `files` says where the bundle lies, seen from the document (default: the document's parent)."""
    from trestle.oscal.assessment_results import AssessmentResults

    files = files or Files()
    told = Told(run, files)
    names = run_names(run)
    practice = quoted_line(run.practice.name)
    resources = files.resources((RESULTS, *(host.snapshot for host in run.hosts if host.snapshot)))
    document = {
        "uuid": identifier("assessment-results", *names),
        "metadata": metadata(
            f"{practice}: Ergebnisse des Laufs vom {run.started:%d.%m.%Y}", run.ended, run.tool_version, run
        ),
        "import-ap": {"href": ASSESSMENT_PLAN},
        "results": [
            {
                "uuid": identifier("result", *names),
                "title": f"Fassung {run.practice.edition}, {run.started.astimezone(UTC):%d.%m.%Y %H:%M} UTC",
                "description": line("; ".join(run.limits)) if run.limits else "Vollständiger Lauf",
                "start": run.started.astimezone(UTC),
                "end": run.ended.astimezone(UTC),
                "props": [prop("edition", run.practice.edition), *props("limit", run.limits)],
                "links": [{"href": f"#{one['uuid']}", "rel": "reference", "text": one["title"]} for one in resources],
                "reviewed-controls": selection(row.id for row in run.requirements),
                "observations": list(told.observations()),
                "risks": list(told.risks()),
                "findings": [
                    told.finding(row, identifier("finding", *names, row.id), told.observed(row))
                    for row in run.requirements
                ],
            }
        ],
        "back-matter": {"resources": resources},
    }
    return rendered(AssessmentResults, document)
