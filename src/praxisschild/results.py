"""What a verification found: the model of a results file, and how checks become one result per requirement."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from praxisschild.applicability import edition_of, why_not_applicable
from praxisschild.attestations import standing_of
from praxisschild.coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from praxisschild.attestations import Standing
    from praxisschild.catalogue import Bound, Catalogue, Requirement
    from praxisschild.practice import Deviation, Practice


class Status(StrEnum):
    """The result of a check or a requirement, worst first."""

    FAILED = "failed"
    NOT_TESTED = "not_tested"
    EXPIRED = "expired"
    DEVIATION = "deviation"
    ATTESTED = "attested"
    PASSED = "passed"
    NOT_APPLICABLE = "not_applicable"

    @property
    def label(self) -> str:
        """The German word of the reports."""
        return _LABELS[self]

    @property
    def severity(self) -> int:
        """0 is the worst."""
        return list(Status).index(self)

    @classmethod
    def worst(cls, found: Iterable[Status]) -> Status:
        """The worst of at least one status."""
        return min(found, key=lambda status: status.severity)


_LABELS = {
    Status.FAILED: "nicht erfüllt",
    Status.NOT_TESTED: "nicht geprüft",
    Status.EXPIRED: "Abweichung/Bestätigung abgelaufen",
    Status.DEVIATION: "Abweichung",
    Status.ATTESTED: "bestätigt",
    Status.PASSED: "erfüllt",
    Status.NOT_APPLICABLE: "nicht anwendbar",
}


class Section(StrEnum):
    """Where a requirement stands in the report; only `directive` counts towards the edition."""

    DIRECTIVE = "directive"
    WITHDRAWN = "withdrawn"
    ADDITIONAL = "additional"
    RECOMMENDATION = "recommendation"

    @property
    def label(self) -> str:
        """The German heading of the reports."""
        return _SECTIONS[self]


_SECTIONS = {
    Section.DIRECTIVE: "Anforderungen der Richtlinie",
    Section.WITHDRAWN: "Nicht mehr gefordert, weiterhin umgesetzt",
    Section.ADDITIONAL: "Von dieser Fassung nicht gefordert, zusätzlich geprüft",
    Section.RECOMMENDATION: "Empfehlungen der KVWL",
}


class Part(StrEnum):
    """A part of a requirement that no check on a host can prove."""

    ORGANISATIONAL = "organisational"
    MDM = "mdm"

    @property
    def label(self) -> str:
        """What the reports write under a row that is otherwise fulfilled."""
        return _PARTS[self]


_PARTS = {
    Part.ORGANISATIONAL: "organisatorischer Teil: Bestätigung steht aus",
    Part.MDM: "Mobilgeräte: Mobilgeräteverwaltung noch nicht angebunden",
}
_NOT_TESTED = {
    "technical": "noch nicht automatisiert geprüft",
    "probe": "noch nicht automatisiert geprüft",
    "organisational": "organisatorisch: noch keine Bestätigung hinterlegt",
    "mdm": "Mobilgeräteverwaltung: noch nicht angebunden",
}
_SIZES = {
    "praxis": "Praxis (bis 5 Personen)",
    "mittel": "mittlere Praxis (6 bis 20 Personen)",
    "gross": "Großpraxis (über 20 Personen)",
}


def size_label(size: str) -> str:
    """The German word for a practice size of the directive."""
    return _SIZES.get(size, size)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The counterpart of `to_record`."""
        return cls.model_validate(record)

    def to_record(self) -> dict[str, Any]:
        """Plain JSON values, as they cross a process boundary."""
        return self.model_dump(mode="json")


class CheckResult(_Model):
    """One check on one host (`host` None: on the practice as a whole), before any deviation is considered.

    `check` is the test's name without its path, `requirements` are the ids as its marker writes them, `measured` and
    `reason` are German, `detail` is the runner's own account of a failure, `started` is UTC, `duration` in seconds.
    """

    check: str
    title: str = ""
    requirements: Annotated[tuple[str, ...], Field(min_length=1)]
    host: str | None = None
    status: Status
    reason: str | None = None
    measured: tuple[str, ...] = ()
    probe: bool = False
    started: AwareDatetime
    duration: Annotated[float, Field(ge=0)] = 0.0
    detail: str | None = None


class HostState(_Model):
    """One host of the practice and whether its state could be read; `snapshot` is a path inside the evidence."""

    name: str
    platform: str | None = None
    address: str | None = None
    reached: bool
    reason: str | None = None
    snapshot: str | None = None
    snapshot_taken: AwareDatetime | None = None


class CheckVerdict(_Model):
    """A check as it counts for one requirement, deviations considered."""

    check: str
    status: Status


class HostVerdict(_Model):
    """One host as it counts for one requirement; `host` None is the practice as a whole."""

    host: str | None
    status: Status
    reason: str = ""
    checks: tuple[CheckVerdict, ...] = ()


class AttestationFacts(_Model):
    """The attestation that speaks for a requirement; `fault` is the German reason why it does not count, or empty."""

    statement: str
    role: str
    day: date
    valid_until: date
    attachment: str | None = None
    fault: str = ""


class RequirementResult(_Model):
    """One row of the report, with everything it says, so that kept evidence is readable without the catalogue.

    `id` is the edition's, `code_ids` are the ids under which checks and settings name the same demand. `status` is the
    worst of what was measured; `pending` are parts that no measurement covers (ADR 0003).
    """

    id: str
    code_ids: tuple[str, ...]
    section: Section
    group: str
    annex: int | None
    title: str
    demand: str
    purpose: str
    bounds: tuple[str, ...] = ()
    source: str
    confidence: str
    status: Status
    reason: str = ""
    pending: tuple[Part, ...] = ()
    attestation: AttestationFacts | None = None
    hosts: tuple[HostVerdict, ...] = ()

    @property
    def label(self) -> str:
        """The German verdict; never plainly "erfüllt" while a part is pending."""
        if self.pending and self.status in {Status.PASSED, Status.NOT_APPLICABLE}:
            return f"technisch {self.status.label}"
        return self.status.label

    @property
    def tally(self) -> str:
        """The German name under which a summary counts the row."""
        if self.pending and self.status in {Status.PASSED, Status.NOT_APPLICABLE}:
            return f"{self.label}, {'Bestätigung' if Part.ORGANISATIONAL in self.pending else 'Mobilgeräte'} offen"
        return "vollständig erfüllt" if self.status is Status.PASSED else self.label


class DeviationResult(_Model):
    """A deviation of the practice, as it stood on the day of the run; `rows` are the requirements that it changed.

    `needed` is False where every host that it covers meets the requirement, and None where none was looked at.
    """

    requirement: str
    hosts: tuple[str, ...] | Literal["all"]
    reason: str
    compensation: str = ""
    risk: str = ""
    approved_by: str
    approved_on: date | None = None
    expires: date
    expired: bool
    rows: tuple[str, ...] = ()
    needed: bool | None = None


class DroppedSetting(_Model):
    """A requirement whose settings were not applied to a host, and why (German)."""

    host: str
    requirement: str
    reason: str


class DriftItem(_Model):
    """One thing on a host that was not as the product had left it; `kind` is file, package, unit, handler or check."""

    host: str
    kind: str
    name: str
    requirements: tuple[str, ...] = ()
    detail: str = ""


class Drift(_Model):
    """What had drifted, and what of it the run put right."""

    drifted: tuple[DriftItem, ...] = ()
    corrected: tuple[DriftItem, ...] = ()


class PracticeFacts(_Model):
    """The practice as far as evidence speaks of it; `edition` is the edition reported, never "auto"."""

    name: str
    size: str
    edition: str
    features: dict[str, bool] = {}


class Run(_Model):
    """One verification run: the whole content of `results.json`, format version 1. Times are UTC.

    `limits` says in German what the run left out on request (hosts, requirements, probes); empty for a full run.
    `coverage` is what this version of the product can set and prove; results of older versions have none.
    """

    schema_version: Literal[1] = 1
    tool_version: str
    practice: PracticeFacts
    started: AwareDatetime
    ended: AwareDatetime
    limits: tuple[str, ...] = ()
    hosts: tuple[HostState, ...]
    checks: tuple[CheckResult, ...]
    requirements: tuple[RequirementResult, ...]
    deviations: tuple[DeviationResult, ...] = ()
    dropped: tuple[DroppedSetting, ...] = ()
    drift: Drift | None = None
    coverage: Coverage | None = None


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
    attestations: Sequence[Standing] = (),
) -> Assessment:
    """What the checks say about every requirement of the practice's edition, as of `today`.

    Every requirement of the edition and every recommendation has exactly one row, whether it was checked or not. A
    demand of another edition has one only if a check proved or disproved it.
    """
    edition = edition_of(catalogue, practice, today)
    codes = _codes_by_row(catalogue, edition)
    assessor = _Assessor(catalogue, practice, checks, hosts, today, attestations)
    results = tuple(
        assessor.row(section, requirement, codes.get(requirement.id, (requirement.id,)))
        for section, requirement in _sections(catalogue, edition, checks)
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
    catalogue: Catalogue, edition: str, checks: Sequence[CheckResult]
) -> Iterator[tuple[Section, Requirement]]:
    """The rows of a report, in its order."""
    for requirement in catalogue.edition(edition):
        yield Section.DIRECTIVE, requirement
    order = list(catalogue.editions)
    checked = {code for check in checks for code in check.requirements}
    for identifier in filter(checked.__contains__, catalogue.ids):
        requirement = catalogue.requirement(identifier)
        if requirement.edition and not catalogue.carried_forward(identifier, edition):
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
        attestations: Sequence[Standing] = (),
    ) -> None:
        self.attestations = attestations
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
        pending = self._pending(requirement, standing)
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
        return status, reason, pending, verdicts

    def _pending(self, requirement: Requirement, standing: Standing | None) -> tuple[Part, ...]:
        """The parts that nobody has spoken for; an attestation that counts settles the organisational one."""
        parts = [Part(kind) for kind in requirement.kinds if kind in set(Part)]
        if standing and standing.counts:
            parts.remove(Part.ORGANISATIONAL)
        if not (self._has_feature("mobile_devices") or self._has_feature("mobile_phones")):
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
        said = {**_NOT_TESTED, "organisational": (standing and standing.fault) or _NOT_TESTED["organisational"]}
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
        on_hosts = any(host is not None for host in by_host) or (not by_host and bool(requirement.automated))
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


_UNITS = {
    "hours": ("Stunde", "Stunden"),
    "days": ("Tag", "Tage"),
    "months": ("Monat", "Monate"),
    "chars": ("Zeichen", "Zeichen"),
    "bits": ("Bit", "Bit"),
    "count": ("", ""),
    "attempts": ("Versuch", "Versuche"),
    "version": ("", ""),
}
_SECONDS = ((86400, "Tag", "Tage"), (3600, "Stunde", "Stunden"), (60, "Minute", "Minuten"), (1, "Sekunde", "Sekunden"))
BOUND_NAMES = {
    "blocks_on_open": "Prüfung vor dem Öffnen",
    "cipher": "Verschlüsselungsverfahren",
    "alarm_delay": "Verzug eines Alarms",
    "alarmed_logins": "Fehlversuche bis zum Alarm",
    "certificate_left": "Restlaufzeit von Zertifikaten",
    "daily_backup_age": "Alter der Tagessicherung",
    "delivery_time": "Ankunft beim Protokollserver nach",
    "encrypted": "verschlüsselt",
    "failed_logins": "Fehlversuche bis zur Sperre",
    "full_scan_age": "Alter des letzten Suchlaufs",
    "host_silence": "Schweigen eines Hosts bis zur Nachfrage",
    "inbound_policy": "nicht freigegebene eingehende Verbindungen",
    "keep_daily": "aufbewahrte Tagessicherungen",
    "keep_monthly": "aufbewahrte Monatssicherungen",
    "keep_weekly": "aufbewahrte Wochensicherungen",
    "key_bits": "Schlüssellänge",
    "key_derivation": "Schlüsselableitung",
    "lock_after": "Bildschirmsperre nach",
    "lock_delay": "Sperre wirksam nach",
    "log_retention": "Aufbewahrung von Protokollen",
    "monthly_backup_age": "Alter der Monatssicherung",
    "password_length": "Passwortlänge",
    "protection": "WLAN-Verschlüsselung",
    "protocol": "Protokoll",
    "removable_copy_age": "Alter der getrennten Kopie",
    "restore_test_age": "Alter der letzten Rücksicherungsprobe",
    "rsa_key": "RSA-Schlüssel",
    "security_update_age": "Alter offener Sicherheitsupdates",
    "session_timeout": "Abmeldung nach",
    "shared_logins": "gemeinsam benutzte Anmeldungen",
    "signature_age": "Alter der Virensignaturen",
    "smb_protocol": "SMB-Version",
    "support_review_age": "letzter Abgleich der Produkte ohne Sicherheitsupdates",
    "tls_version": "TLS-Version",
    "training_age": "Abstand der Schulungen",
    "trash_age": "Alter des Papierkorbinhalts",
    "umask": "Maske für Rechte neuer Dateien",
    "watch_age": "letzter Blick auf die Updates",
    "weekly_backup_age": "Alter der Wochensicherung",
    "wipe_after": "Löschen nach",
}
_BASES = {"directive": "Richtlinie", "recommendation": "Empfehlung der KVWL", "derived": "abgeleitet"}


def bound_in_words(name: str, bound: Bound) -> str:
    """A bound as a German half-sentence: „Bildschirmsperre nach: höchstens 10 Minuten (Richtlinie)“."""
    limits = [
        f"{word} {_quantity(limit, bound.unit)}"
        for word, limit in (("mindestens", bound.at_least), ("höchstens", bound.at_most))
        if limit is not None
    ]
    values = (bound.equals,) if bound.equals is not None else bound.one_of or ()
    text = " und ".join(limits) or " oder ".join(_quantity(value, bound.unit) for value in values)
    text = f"{BOUND_NAMES.get(name, name)}: {text} ({_BASES[bound.basis]})"
    return f"{text} – {bound.note}" if bound.note else text


def _quantity(value: float | str | bool, unit: str | None) -> str:
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, str):
        return value
    if unit == "mode":
        return f"{int(value):04o}"
    one, many = _UNITS.get(unit or "", ("", ""))
    if unit == "s":
        size, one, many = next((row for row in _SECONDS if value and value % row[0] == 0), _SECONDS[-1])
        value = value / size
    return f"{value:g} {one if value == 1 else many}".replace(".", ",").rstrip()
