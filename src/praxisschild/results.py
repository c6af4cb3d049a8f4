"""What a verification found: the model of a results file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from praxisschild.coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _representable(moment: datetime) -> datetime:
    if not 1970 <= moment.year < 9000:
        raise ValueError("no run can have been then")  # and no time zone could tell it
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_representable)]


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

    `part` is MDM for what a device list told: `host` is then the name of a smartphone or tablet, which is none of the
    run's hosts.

    `check` is the test's name without its path, `requirements` are the ids as its marker writes them, `measured` and
    `reason` are German, `detail` is the runner's own account of a failure, `started` is UTC, `duration` in seconds.
    """

    check: str
    title: str = ""
    requirements: Annotated[tuple[str, ...], Field(min_length=1)]
    host: str | None = None
    part: Part | None = None
    status: Status
    reason: str | None = None
    measured: tuple[str, ...] = ()
    probe: bool = False
    started: Moment
    duration: Annotated[float, Field(ge=0)] = 0.0
    detail: str | None = None


class HostState(_Model):
    """One host of the practice and whether its state could be read; `snapshot` is a path inside the evidence.

    `stand_in`: the answers are those of the lab's stand-in for Windows, and prove nothing about a practice's computer.
    """

    name: str
    platform: str | None = None
    address: str | None = None
    reached: bool
    reason: str | None = None
    snapshot: str | None = None
    snapshot_taken: Moment | None = None
    stand_in: bool = False


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


class KeptAttestation(AttestationFacts):
    """An attestation of the practice as it stood on the day of the run, whatever edition its `requirement` is of."""

    requirement: str
    expired: bool = False


class RequirementResult(_Model):
    """One row of the report, with everything it says, so that kept evidence is readable without the catalogue.

    `id` is the edition's, `code_ids` are the ids under which checks and settings name the same demand. `status` is the
    worst of what was measured; `pending` are parts that no measurement covers (ADR 0003). `valid_from` and
    `valid_until` are the first and last day on which it binds; recommendations and older results have none.
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
    valid_from: date | None = None
    valid_until: date | None = None
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

    def out_of_force(self, day: date) -> str:
        """What the reports write beside a row that did not bind on that day, with the dates; empty if it did."""
        if self.valid_from and self.valid_from > day:
            return f"gilt erst ab {self.valid_from:%d.%m.%Y}"
        if self.valid_until and self.valid_until < day:
            since = f"vom {self.valid_from:%d.%m.%Y} " if self.valid_from else ""
            return f"nicht mehr in Kraft: galt {since}bis {self.valid_until:%d.%m.%Y}"
        return ""


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


class EditionFacts(_Model):
    """The edition a run is reported by; `in_force` names the one that bound practices on the day of the run.

    `reassessed_from` is the edition by which the run was reported first, if this is a later assessment of its results.
    """

    name: str
    title: str
    legal_basis: str
    in_force_from: date
    in_force_until: date | None = None
    in_force: str
    reassessed_from: str | None = None

    def is_in_force(self, day: date) -> bool:
        return self.in_force_from <= day and (self.in_force_until is None or day <= self.in_force_until)


class Count(_Model):
    """How many rows of the edition had a verdict: the German name a summary counts it under, its status, the number."""

    name: str
    status: Status
    number: int


class PastRun(_Model):
    """How a run came out, as far as a trend needs it; `ended` is UTC."""

    ended: Moment
    counts: tuple[Count, ...]


class Change(_Model):
    """A requirement that came out otherwise than in the run before; reasons are German, empty where nothing is wrong.

    `direction` is better, worse, or other: nothing was measured then or now, or the requirement did not apply.
    """

    requirement: str
    before: str
    before_status: Status
    before_reason: str = ""
    after: str
    after_status: Status
    after_reason: str = ""
    direction: Literal["better", "worse", "other"]


class Trend(_Model):
    """The runs of the same extent and edition up to this one, the oldest first, and what changed since the last."""

    runs: Annotated[tuple[PastRun, ...], Field(min_length=1)]
    changes: tuple[Change, ...] = ()


class Run(_Model):
    """One verification run: the whole content of `results.json`, format version 1. Times are UTC.

    `limits` says in German what the run left out on request (hosts, requirements, probes); empty for a full run.
    `coverage` is what this version of the product can set and prove; results of older versions have none.
    `attestations` are all that the practice had, so that another edition can be assessed later; `edition`,
    `attestations` and `trend` are None in results of older versions.
    """

    schema_version: Literal[1] = 1
    tool_version: str
    practice: PracticeFacts
    started: Moment
    ended: Moment
    limits: tuple[str, ...] = ()
    hosts: tuple[HostState, ...]
    checks: tuple[CheckResult, ...]
    requirements: tuple[RequirementResult, ...]
    deviations: tuple[DeviationResult, ...] = ()
    dropped: tuple[DroppedSetting, ...] = ()
    drift: Drift | None = None
    coverage: Coverage | None = None
    edition: EditionFacts | None = None
    attestations: tuple[KeptAttestation, ...] | None = None
    trend: Trend | None = None

    @property
    def day(self) -> date:
        """The day (UTC) by which validity, attestations and deviations were judged."""
        return self.started.astimezone(UTC).date()
