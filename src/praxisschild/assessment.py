"""How checks, deviations and attestations become one result per requirement."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisschild.applicability import edition_of, why_not_applicable
from praxisschild.attestations import standing_of
from praxisschild.bound_words import bound_in_words
from praxisschild.results import (
    AttestationFacts,
    CheckVerdict,
    DeviationResult,
    HostVerdict,
    Part,
    RequirementResult,
    Section,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from praxisschild.attestations import Standing
    from praxisschild.catalogue import Catalogue, Requirement
    from praxisschild.practice import Deviation, Practice
    from praxisschild.results import CheckResult, HostState

_NOT_TESTED = {
    "technical": "noch nicht automatisiert geprüft",
    "probe": "noch nicht automatisiert geprüft",
    "organisational": "organisatorisch: noch keine Bestätigung hinterlegt",
    "mdm": "Mobilgeräteverwaltung: noch nicht angebunden",
}
_NOT_KEPT = "organisatorisch: die Bestätigungen sind in diesem Nachweis nicht aufbewahrt"


_HOST_PLATFORMS = {"linux", "windows"}


@dataclass(frozen=True)
class Assessment:
    """One row per requirement in the report's order, and what became of the practice's deviations."""

    edition: str
    requirements: tuple[RequirementResult, ...]
    deviations: tuple[DeviationResult, ...]


def assess(
    catalogue: Catalogue,
    practice: Practice,
    checks: Sequence[CheckResult],
    hosts: Sequence[HostState],
    today: date,
    attestations: Sequence[Standing] | None = (),
) -> Assessment:
    """What the checks say about every requirement of the practice's edition, as of `today`.

    Every requirement of the edition and every recommendation has exactly one row, whether it was checked or not. A
    demand of another edition has one only if a check proved or disproved it. `attestations` None: nobody knows what the
    practice attested, which is not the same as nothing.
    """
    edition = edition_of(catalogue, practice, today)
    codes = _codes_by_row(catalogue, edition)
    assessor = _Assessor(catalogue, practice, checks, hosts, today, attestations)
    results = tuple(
        assessor.row(section, requirement, codes.get(requirement.id, (requirement.id,)))
        for section, requirement in _sections(catalogue, edition, checks, codes)
    )
    deviations = tuple(
        DeviationResult(
            requirement=deviation.requirement,
            hosts="all" if deviation.hosts == "all" else tuple(deviation.hosts),
            reason=deviation.reason,
            compensation=deviation.compensation,
            risk=deviation.risk,
            approved_by=deviation.approved_by,
            approved_on=deviation.approved_on,
            expires=deviation.expires,
            expired=deviation.expires < today,
            rows=tuple(assessor.changed[number]),
            needed=bool(assessor.changed[number]) if assessor.covered[number] else None,
        )
        for number, deviation in enumerate(practice.deviations)
    )
    return Assessment(edition, results, deviations)


def _sections(
    catalogue: Catalogue, edition: str, checks: Sequence[CheckResult], codes: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[Section, Requirement]]:
    """The rows of a report, in its order."""
    for requirement in catalogue.edition(edition):
        yield Section.DIRECTIVE, requirement
    order = list(catalogue.editions)
    checked = {code for check in checks for code in check.requirements}
    known = {code for found in codes.values() for code in found}
    for identifier in filter(checked.__contains__, catalogue.ids):
        requirement = catalogue.requirement(identifier)
        if requirement.edition and identifier not in known:
            older = order.index(requirement.edition) < order.index(edition)
            yield (Section.WITHDRAWN if older else Section.ADDITIONAL), requirement
    for requirement in catalogue.recommendations:
        yield Section.RECOMMENDATION, requirement


def _codes_by_row(catalogue: Catalogue, edition: str) -> dict[str, tuple[str, ...]]:
    """For every requirement of the edition and every recommendation, the ids that mean the same demand."""
    codes: dict[str, list[str]] = defaultdict(list)
    for identifier in catalogue.ids:
        for row in catalogue.carried_forward(identifier, edition):
            codes[row].append(identifier)
        if older := catalogue.carried_back(identifier, edition):
            codes[older].append(identifier)
    return {row: tuple(found) for row, found in codes.items()}


class _Assessor:
    """The facts of one assessment.

    `changed` collects, per deviation, the rows whose result it changed; `covered` whether it met a verdict on a host.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        practice: Practice,
        checks: Sequence[CheckResult],
        hosts: Sequence[HostState],
        today: date,
        attestations: Sequence[Standing] | None = (),
    ) -> None:
        self.attestations = attestations or ()
        self.unattested = _NOT_TESTED["organisational"] if attestations is not None else _NOT_KEPT
        self.catalogue = catalogue
        self.practice = practice
        self.checks = checks
        self.hosts = hosts
        self.today = today
        self.changed: dict[int, list[str]] = defaultdict(list)
        self.covered: dict[int, bool] = defaultdict(bool)

    def row(self, section: Section, requirement: Requirement, codes: tuple[str, ...]) -> RequirementResult:
        organisational = "organisational" in requirement.kinds
        standing = standing_of(self.attestations, codes) if organisational else None
        status, reason, pending, verdicts = self._judge(requirement, codes, standing)
        return RequirementResult(
            id=requirement.id,
            code_ids=codes,
            section=section,
            group=requirement.group,
            annex=requirement.annex,
            title=requirement.title,
            demand=requirement.demand,
            purpose=requirement.purpose,
            bounds=tuple(bound_in_words(name, bound) for name, bound in requirement.bounds.items()),
            source=requirement.source,
            confidence=requirement.confidence,
            valid_from=requirement.valid_from if requirement.edition else None,
            valid_until=self.catalogue.editions[requirement.edition].in_force_until if requirement.edition else None,
            status=status,
            reason=reason,
            pending=pending,
            attestation=_facts(standing) if standing else None,
            hosts=verdicts,
        )

    def _judge(
        self, requirement: Requirement, codes: tuple[str, ...], standing: Standing | None
    ) -> tuple[Status, str, tuple[Part, ...], tuple[HostVerdict, ...]]:
        why_not = why_not_applicable(self.catalogue, self.practice, requirement, self.today)
        if why_not:
            return Status.NOT_APPLICABLE, why_not, (), ()
        own = [check for check in self.checks if not set(codes).isdisjoint(check.requirements)]
        pending = self._pending(requirement, standing, own)
        verdicts = self._verdicts(requirement, codes, own)
        if not verdicts:
            return *self._unmeasured(requirement, pending, standing), pending, ()
        status = Status.worst(verdict.status for verdict in verdicts)
        reason = _joined(verdicts, status)
        if standing and standing.fault:
            reason = "; ".join(filter(None, (reason, standing.fault)))
            status = Status.worst([status, Status.EXPIRED]) if standing.expired else status
        elif standing and status is Status.NOT_APPLICABLE and not pending:
            status, reason = Status.ATTESTED, ""
        if self.unattested == _NOT_KEPT and Part.ORGANISATIONAL in pending:
            reason = "; ".join(filter(None, (reason, _NOT_KEPT)))
        return status, reason, pending, verdicts

    def _pending(
        self, requirement: Requirement, standing: Standing | None, own: Sequence[CheckResult]
    ) -> tuple[Part, ...]:
        """The parts that nobody has spoken for.

        An attestation that counts settles the organisational one; for mobile devices their device lists speak.
        """
        parts = [Part(kind) for kind in requirement.kinds if kind in set(Part)]
        if standing and standing.counts:
            parts.remove(Part.ORGANISATIONAL)
        told = any(check.part is Part.MDM for check in own)
        if told or not (self._has_feature("mobile_devices") or self._has_feature("mobile_phones")):
            parts = [part for part in parts if part is not Part.MDM]
        return tuple(parts)

    def _unmeasured(
        self, requirement: Requirement, pending: tuple[Part, ...], standing: Standing | None
    ) -> tuple[Status, str]:
        """What a row says that no check has measured."""
        open_kinds = [kind for kind in requirement.kinds if kind in pending or kind in {"technical", "probe"}]
        if standing and standing.counts and not open_kinds:
            return Status.ATTESTED, ""
        if standing and standing.expired and set(open_kinds) == {"organisational"}:
            return Status.EXPIRED, standing.fault
        said = {**_NOT_TESTED, "organisational": (standing and standing.fault) or self.unattested}
        if requirement.automated:
            said["technical"] = said["probe"] = "in diesem Lauf nicht geprüft"
        return Status.NOT_TESTED, "; ".join(dict.fromkeys(said[kind] for kind in open_kinds or requirement.kinds))

    def _has_feature(self, name: str) -> bool:
        described = self.catalogue.features.get(name)
        return self.practice.features.get(name, described is None or described.default)

    def _verdicts(
        self, requirement: Requirement, codes: tuple[str, ...], checks: Sequence[CheckResult]
    ) -> tuple[HostVerdict, ...]:
        by_host: dict[str | None, list[CheckResult]] = defaultdict(list)
        for check in checks:
            by_host[check.host].append(check)
        on_hosts = any(check.host is not None and check.part is None for check in checks) or (
            not by_host and not _HOST_PLATFORMS.isdisjoint(requirement.automated)
        )
        unreached = {state.name: state for state in self.hosts if not state.reached} if on_hosts else {}
        names = [None, *(state.name for state in self.hosts)]
        names += [host for host in by_host if host not in names]
        found = []
        for host in names:
            if host in unreached:
                found.append(self._unreached(unreached[host], by_host[host]))
            elif host in by_host:
                found.append(self._verdict(host, codes, requirement.id, by_host[host]))
        return tuple(found)

    def _unreached(self, state: HostState, checks: Sequence[CheckResult]) -> HostVerdict:
        reason = f"Host nicht erreicht: {state.reason}" if state.reason else "Host nicht erreicht"
        judged = tuple(
            CheckVerdict(check=check.check, status=Status.worst([check.status, Status.NOT_TESTED])) for check in checks
        )
        status = Status.worst([Status.NOT_TESTED, *(check.status for check in judged)])
        return HostVerdict(host=state.name, status=status, reason=reason, checks=judged)

    def _verdict(
        self, host: str | None, codes: tuple[str, ...], row: str, checks: Sequence[CheckResult]
    ) -> HostVerdict:
        number, deviation = self._deviation(host, codes)
        judged = []
        for check in checks:
            status = check.status
            if status is Status.FAILED and deviation is not None:
                status = Status.EXPIRED if deviation.expires < self.today else Status.DEVIATION
                if row not in self.changed[number]:
                    self.changed[number].append(row)
            judged.append(CheckVerdict(check=check.check, status=status))
            self.covered[number] |= check.status in {Status.FAILED, Status.PASSED}
        worst = Status.worst(verdict.status for verdict in judged)
        if worst in {Status.DEVIATION, Status.EXPIRED} and deviation is not None:
            reason = _deviation_reason(deviation, worst)
        else:
            same = (check.reason for check, verdict in zip(checks, judged, strict=True) if verdict.status is worst)
            reason = "; ".join(dict.fromkeys(filter(None, same)))
        return HostVerdict(host=host, status=worst, reason=reason, checks=tuple(judged))

    def _deviation(self, host: str | None, codes: tuple[str, ...]) -> tuple[int, Deviation | None]:
        """The deviation that speaks of this host and requirement; one that is still valid goes first."""
        fitting = [
            (number, deviation)
            for number, deviation in enumerate(self.practice.deviations)
            if deviation.covers(host) and deviation.requirement in codes
        ]
        return max(fitting, key=lambda item: item[1].expires, default=(-1, None))


def _facts(standing: Standing) -> AttestationFacts:
    said = standing.attestation
    return AttestationFacts(
        statement=said.statement,
        role=said.role,
        day=said.day,
        valid_until=said.valid_until,
        attachment=said.attachment.file if said.attachment else None,
        fault=standing.fault,
    )


def _deviation_reason(deviation: Deviation, status: Status) -> str:
    since = "seit" if status is Status.EXPIRED else "bis"
    word = "Abweichung abgelaufen" if status is Status.EXPIRED else "Abweichung"
    return f"{word} {since} {deviation.expires:%d.%m.%Y} ({deviation.approved_by}): {deviation.reason}"


def _joined(verdicts: Sequence[HostVerdict], status: Status) -> str:
    """The reasons of the hosts with this status, hosts with the same reason named together."""
    if status in {Status.PASSED, Status.ATTESTED}:
        return ""
    hosts: dict[str, list[str]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.status is status:
            hosts[verdict.reason].append(verdict.host or "Praxis")
    return "; ".join(f"{', '.join(names)}: {reason}" if reason else ", ".join(names) for reason, names in hosts.items())
