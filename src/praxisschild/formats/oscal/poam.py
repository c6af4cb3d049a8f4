"""What is open after a run, as an OSCAL plan of action and milestones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.formats.oscal.findings import Files, Told, is_open
from praxisschild.formats.oscal.vocabulary import (
    SYSTEM_SECURITY_PLAN,
    identifier,
    line,
    metadata,
    practice_system,
    prop,
    props,
    prose,
    quoted_line,
    rendered,
    run_names,
)

if TYPE_CHECKING:
    from praxisschild.formats.oscal.vocabulary import Object
    from praxisschild.results import RequirementResult, Run


def render(run: Run, files: Files | None = None) -> str | None:
    """The plan, or None where nothing is open: OSCAL knows no plan without an item.

    Items, findings and risks keep their UUIDs from run to run; a finding here names only the observations that speak
    against the requirement.
    """
    from trestle.oscal.poam import PlanOfActionAndMilestones

    told = Told(run, files or Files())
    rows = [row for row in run.requirements if is_open(row)]
    if not rows:
        return None
    observed = {row.id: told.observed(row, only_adverse=True) for row in rows}
    named = {uuid for uuids in observed.values() for uuid in uuids}
    document = {
        "uuid": identifier("poam", *run_names(run)),
        "metadata": metadata(
            f"{quoted_line(run.practice.name)}: offene Punkte nach dem Lauf vom {run.started:%d.%m.%Y}",
            run.ended,
            run.tool_version,
            run,
        ),
        "import-ssp": {"href": SYSTEM_SECURITY_PLAN},
        "system-id": {"identifier-type": "https://ietf.org/rfc/rfc4122", "id": practice_system(run)},
        "observations": [one for one in told.observations() if one["uuid"] in named],
        "risks": list(told.risks()),
        "findings": [told.finding(row, _open_finding(run, row), observed[row.id]) for row in rows],
        "poam-items": [_item(told, row) for row in rows],
    }
    return rendered(PlanOfActionAndMilestones, document)


def _open_finding(run: Run, row: RequirementResult) -> str:
    return identifier("open-finding", run.practice.name, row.id)


def _item(told: Told, row: RequirementResult) -> Object:
    pending = [part.label for part in row.pending]
    return {
        "uuid": identifier("poam-item", told.run.practice.name, row.id),
        "title": line(f"{row.id} {row.title}"),
        "description": "\n\n".join([row.demand, *([prose(row.reason)] if row.reason else []), *pending]),
        "props": [prop("status", row.status), prop("section", row.section), *props("pending", row.pending)],
        "related-findings": [{"finding-uuid": _open_finding(told.run, row)}],
        "related-risks": [{"risk-uuid": one} for one in told.risks_of(row)],
    }
