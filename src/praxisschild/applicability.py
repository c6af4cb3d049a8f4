"""Which requirements a practice and its hosts have to meet: by size, features, edition and deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from praxisschild.catalogue import Catalogue, Requirement
    from praxisschild.practice import Practice

SIZES = {"praxis": "Praxis", "mittel": "mittlere Praxis", "gross": "Großpraxis"}


def edition_of(catalogue: Catalogue, practice: Practice, today: date) -> str:
    """The edition the practice is measured by: its choice, or the one in force today."""
    return catalogue.edition_in_force(today) if practice.edition == "auto" else practice.edition


def why_not_applicable(catalogue: Catalogue, practice: Practice, requirement: Requirement, today: date) -> str | None:
    """German reason why the practice need not meet the requirement; None if it must."""
    if requirement.sizes and practice.size not in requirement.sizes:
        return f"gilt nicht für die Größe „{SIZES[practice.size]}“"
    for feature in requirement.applies_if:
        described = catalogue.features[feature]
        if not practice.features.get(feature, described.default):
            return f"in der Praxis nicht vorhanden: {described.label}"
    if requirement.valid_from and requirement.valid_from > today:
        return f"gilt erst ab {requirement.valid_from:%d.%m.%Y}"
    return None


def dropped_requirements(
    catalogue: Catalogue, practice: Practice, hosts: Iterable[str], today: date
) -> dict[str, dict[str, str]]:
    """Per host, the ids (as the code names them) whose settings are not applied, with the German reason.

    A demand that a newer edition withdrew stays applied unless the practice says ``withdrawn_requirements: drop``: what
    protected patients yesterday does no harm today. A valid deviation drops a demand on its hosts.
    """
    edition = edition_of(catalogue, practice, today)
    everywhere: dict[str, str] = {}
    for identifier in catalogue.ids:
        requirement = catalogue.requirement(identifier)
        successors = [catalogue.requirement(i) for i in catalogue.carried_forward(identifier, edition)]
        if requirement.edition not in {None, edition} and not successors:
            newer = requirement.edition > edition
            if newer or practice.withdrawn_requirements == "drop":
                everywhere[identifier] = f"in der Fassung {edition} nicht gefordert"
                continue
        reasons = [why_not_applicable(catalogue, practice, one, today) for one in successors or [requirement]]
        if all(reasons):
            everywhere[identifier] = str(reasons[0])
    dropped = {}
    for host in hosts:
        own = dict(everywhere)
        for deviation in practice.deviations:
            if deviation.covers(host) and deviation.expires >= today:
                oldest = catalogue.oldest(deviation.requirement)
                own[oldest] = own[deviation.requirement] = (
                    f"Abweichung bis {deviation.expires:%d.%m.%Y}: {deviation.reason}"
                )
        dropped[host] = own
    return dropped
