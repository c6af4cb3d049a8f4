"""A kept run by the numbering of another edition: what was measured then, assessed by what that edition demands."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from praxisschild.assessment import assess
from praxisschild.attestations import Attachment, Attestation, Standing
from praxisschild.coverage import Project, summarise
from praxisschild.errors import InputError
from praxisschild.i18n import _
from praxisschild.inventory import PROJECT
from praxisschild.practice import Deviation, Practice
from praxisschild.pydantic_words import reason_of
from praxisschild.results import EditionFacts, KeptAttestation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from praxisschild.catalogue import Catalogue
    from praxisschild.results import DeviationResult, Run


def edition_facts(catalogue: Catalogue, name: str, day: date) -> EditionFacts:
    """What a report says about its edition on the day of the run.

    Raises:
        InputError: there is no such edition, or none was in force on that day.
    """
    catalogue.edition(name)
    edition = catalogue.editions[name]
    return EditionFacts(
        name=name,
        title=edition.title,
        legal_basis=edition.legal_basis,
        in_force_from=edition.in_force_from,
        in_force_until=edition.in_force_until,
        in_force=catalogue.edition_in_force(day),
    )


def kept(standings: Iterable[Standing]) -> tuple[KeptAttestation, ...]:
    """Attestations as a run keeps them."""
    return tuple(
        KeptAttestation(
            requirement=one.attestation.requirement,
            statement=one.attestation.statement,
            role=one.attestation.role,
            day=one.attestation.day,
            valid_until=one.attestation.valid_until,
            attachment=one.attestation.attachment.file if one.attestation.attachment else None,
            fault=one.fault,
            expired=one.expired,
        )
        for one in standings
    )


def in_edition(run: Run, catalogue: Catalogue, edition: str) -> Run:
    """The run as a report by that edition's numbering tells it; no host is contacted and nothing is measured again.

    Size, features, deviations and attestations are those that the run kept, judged on its own day. What no kept check
    speaks of is not tested, with the reason. The trend is left out: it compares runs of the edition first reported.

    Raises:
        InputError: there is no such edition, or the run's facts about the practice are none that a run writes.
    """
    facts = edition_facts(catalogue, edition, run.day)
    if edition == run.practice.edition:
        return run if run.edition else run.model_copy(update={"edition": facts})
    practice = _practice(run, edition)
    standings = None if run.attestations is None else [_standing(one) for one in run.attestations]
    assessment = assess(catalogue, practice, run.checks, run.hosts, run.day, standings)
    first = run.edition.reassessed_from if run.edition else None
    same_version = run.tool_version == version("praxisschild")
    return run.model_copy(
        update={
            "practice": run.practice.model_copy(update={"edition": edition}),
            "edition": facts.model_copy(update={"reassessed_from": first or run.practice.edition}),
            "requirements": assessment.requirements,
            "deviations": assessment.deviations,
            "coverage": summarise(edition, Project(catalogue, PROJECT).covered(edition)) if same_version else None,
            "trend": None,
        }
    )


def _practice(run: Run, edition: str) -> Practice:
    """The practice as far as an assessment asks for it."""
    facts = {"name": run.practice.name, "size": run.practice.size, "features": run.practice.features}
    try:
        practice = Practice.model_validate({**facts, "edition": edition, "networks": {}})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in ("practice", *first["loc"]))
        raise InputError("results.json", field, reason_of(first), _("restore the bundle from its backup")) from None
    return practice.model_copy(update={"deviations": [_deviation(one) for one in run.deviations]})


def _deviation(result: DeviationResult) -> Deviation:
    # its form was judged on the day of the run; what was honoured then is honoured here, whatever the rules are today
    record = result.model_dump()
    return Deviation.model_construct(**{name: record[name] for name in Deviation.model_fields})


def _standing(record: KeptAttestation) -> Standing:
    fields = record.model_dump(exclude={"fault", "expired", "attachment"})
    if record.attachment:
        fields["attachment"] = Attachment.model_construct(file=record.attachment, sha256="")
    return Standing(Attestation.model_construct(**fields), Path(), record.fault, record.expired)
