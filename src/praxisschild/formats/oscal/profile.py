"""The edition that a run was held against, as an OSCAL profile of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.formats.oscal.vocabulary import (
    CATALOG,
    control_id,
    identifier,
    metadata,
    prop,
    props,
    quoted_line,
    rendered,
    run_names,
)

if TYPE_CHECKING:
    from praxisschild.results import Run


def render(run: Run) -> str:
    """Every requirement that the run has a row for, whether it applies to the practice or not."""
    from trestle.oscal.profile import Profile

    title = f"{quoted_line(run.practice.name)}: Anforderungen nach Fassung {run.practice.edition}"
    head = metadata(title, run.ended, run.tool_version, run)
    features = sorted(name for name, has in run.practice.features.items() if has)
    head["props"] = [
        prop("edition", run.practice.edition),
        prop("size", run.practice.size),
        *props("feature", features),
    ]
    chosen = [control_id(row.id) for row in run.requirements]
    document = {
        "uuid": identifier("profile", *run_names(run)),
        "metadata": head,
        "imports": [{"href": CATALOG, "include-controls": [{"with-ids": chosen}]}],
        "merge": {"as-is": True},
    }
    return rendered(Profile, document)
