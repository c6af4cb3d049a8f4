"""A run as a set of OSCAL documents that refer to each other and to the bundle's files.

The profile chooses from the catalogue, the system security plan names the profile, the assessment plan names that plan,
the results name the assessment plan; the plan of action names the system security plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.errors import InputError
from praxisschild.formats.oscal import (
    assessment_plan,
    assessment_results,
    catalog,
    component_definition,
    poam,
    profile,
    system_security_plan,
)
from praxisschild.formats.oscal.component_definition import Parts
from praxisschild.formats.oscal.findings import Files
from praxisschild.formats.oscal.vocabulary import (
    ASSESSMENT_PLAN,
    ASSESSMENT_RESULTS,
    CATALOG,
    COMPONENT_DEFINITION,
    POAM,
    PROFILE,
    SYSTEM_SECURITY_PLAN,
)
from praxisschild.formats.stand_ins import marked
from praxisschild.i18n import _

if TYPE_CHECKING:
    from pathlib import Path

    from praxisschild.catalogue import Catalogue
    from praxisschild.results import Run

__all__ = ["Files", "Parts", "documents", "write"]


def documents(run: Run, catalogue: Catalogue, parts: Parts, files: Files | None = None) -> dict[str, str]:
    """The whole set by file name; without a plan of action where nothing is open. The same run gives the same bytes.

    Raises:
        InputError: the run speaks of no requirement, or of one that the catalogue does not know.
    """
    if not run.requirements:
        raise InputError(
            "results.json", "requirements", _("the run speaks of no requirement"), _("verify the practice again")
        )
    unknown = [row.id for row in run.requirements if row.id not in catalogue.requirements]
    if unknown:
        raise InputError(
            catalogue.folder,
            unknown[0],
            _("the run speaks of this requirement, and the catalogue does not know it"),
            _("use the version of Praxisschild that wrote the run"),
        )
    run = marked(run)
    found = {
        CATALOG: catalog.render(catalogue, run.ended, run.tool_version),
        PROFILE: profile.render(run),
        COMPONENT_DEFINITION: component_definition.render(catalogue, parts, run.ended, run.tool_version),
        SYSTEM_SECURITY_PLAN: system_security_plan.render(run, parts),
        ASSESSMENT_PLAN: assessment_plan.render(run),
        ASSESSMENT_RESULTS: assessment_results.render(run, files),
        POAM: poam.render(run, files),
    }
    return {name: text for name, text in found.items() if text is not None}


def write(folder: Path, found: dict[str, str]) -> list[Path]:
    """Write a set into a folder, made if missing; a plan of action of an earlier set does not outlive it.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if POAM not in found:
            (folder / POAM).unlink(missing_ok=True)
        for name, text in found.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        reason = _("cannot be written ({error})", error=error.strerror)
        raise InputError(folder, "", reason, _("name another folder")) from None
    return [folder / name for name in found]
