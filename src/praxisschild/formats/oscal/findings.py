"""What a run observed, found and accepted, as OSCAL says it; results and plan of action are made of these."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import TYPE_CHECKING

from praxisschild.formats.oscal.vocabulary import (
    NAMESPACE,
    host_item,
    href,
    identifier,
    line,
    practice_party,
    practice_system,
    prop,
    props,
    prose,
    quoted_line,
    run_names,
    statement_id,
)
from praxisschild.results import Section, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from praxisschild.formats.oscal.vocabulary import Object
    from praxisschild.results import AttestationFacts, CheckResult, DeviationResult, HostState, RequirementResult, Run

RESULTS = "results.json"
_MEDIA_TYPES = {"json": "application/json", "html": "text/html", "xml": "application/xml", "csv": "text/csv"}
_FINE = {Status.PASSED, Status.ATTESTED, Status.NOT_APPLICABLE}
_MEASURED_WRONG = {Status.FAILED, Status.EXPIRED, Status.DEVIATION}


@dataclass(frozen=True)
class Files:
    """The bundle's files: the way to them from the folder of the documents, and their SHA-256 where it is known."""

    base: str = ".."
    digests: Mapping[str, str] = field(default_factory=dict)

    def href(self, path: str) -> str:
        """A file of the bundle as a relative reference."""
        return href(f"{self.base}/{path}")

    def resources(self, paths: Iterable[str]) -> list[Object]:
        """The files as resources, each with its digest."""
        return [self._resource(path) for path in dict.fromkeys(paths)]

    def _resource(self, path: str) -> Object:
        digest = self.digests.get(path)
        link = {
            "href": self.href(path),
            "media-type": _MEDIA_TYPES.get(path.rpartition(".")[2]),
            "hashes": [{"algorithm": "SHA-256", "value": digest}] if digest else None,
        }
        return {"uuid": identifier("file", self.base, path), "title": line(path), "rlinks": [link]}


class Told:
    """A run's observations, findings and risks; each is made once and named by the same UUID wherever it is told."""

    def __init__(self, run: Run, files: Files) -> None:
        self.run = run
        self.files = files
        self.names = run_names(run)
        self.snapshots = {host.name: host.snapshot for host in run.hosts if host.snapshot}

    @cached_property
    def _of_checks(self) -> dict[tuple[str, str | None], list[str]]:
        """The UUIDs of a check's observations on a host; a check that broke while it cleaned up has two."""
        found: dict[tuple[str, str | None], list[str]] = defaultdict(list)
        for check in self.run.checks:
            key = (check.check, check.host)
            found[key].append(identifier("observation", *self.names, *key, str(len(found[key]))))
        return found

    def _of_unreached(self, host: str) -> str:
        return identifier("unreached", *self.names, host)

    def _of_attestation(self, row: RequirementResult) -> str:
        return identifier("attestation", *self.names, row.id)

    def observations(self) -> Iterator[Object]:
        """One per check and host, per host that was not reached, and per attestation."""
        told: dict[tuple[str, str | None], Iterator[str]] = {key: iter(uuids) for key, uuids in self._of_checks.items()}
        for check in self.run.checks:
            yield self._measured(check, next(told[check.check, check.host]))
        yield from (self._unreached(host) for host in self.run.hosts if not host.reached)
        for row in self.run.requirements:
            if row.attestation:
                yield self._attested(row, row.attestation)

    def _measured(self, check: CheckResult, uuid: str) -> Object:
        said = [*(check.measured), *([check.reason] if check.reason else [])]
        return {
            "uuid": uuid,
            "title": quoted_line(check.title or check.check),
            "description": prose("\n\n".join(said)) or check.status.label,
            "props": [
                prop("status", check.status),
                prop("check-id", check.check.partition("[")[0], label="probe" if check.probe else "check"),
                prop("check", check.check),
                prop("duration", f"{check.duration:.3f}"),
            ],
            "methods": ["TEST" if check.probe else "EXAMINE"],
            "types": ["control-objective"],
            "subjects": [self._subject(check.host)],
            "relevant-evidence": [self._evidence(check)],
            "collected": check.started.astimezone(UTC),
        }

    def _evidence(self, check: CheckResult) -> Object:
        snapshot = self.snapshots.get(check.host or "")
        if snapshot and not check.probe:
            return {"href": self.files.href(snapshot), "description": "Zustandsaufnahme des Hosts"}
        return {"href": self.files.href(RESULTS), "description": "Ergebnisse des Laufs"}

    def _unreached(self, host: HostState) -> Object:
        return {
            "uuid": self._of_unreached(host.name),
            "title": "Host nicht erreicht",
            "description": prose(host.reason or "Host nicht erreicht"),
            "props": [prop("status", Status.NOT_TESTED)],
            "methods": ["EXAMINE"],
            "types": ["control-objective"],
            "subjects": [self._subject(host.name)],
            "relevant-evidence": [{"href": self.files.href(RESULTS), "description": "Ergebnisse des Laufs"}],
            "collected": self.run.started.astimezone(UTC),
        }

    def _attested(self, row: RequirementResult, said: AttestationFacts) -> Object:
        status = Status.ATTESTED
        if said.fault:
            status = Status.EXPIRED if said.valid_until < self.run.ended.astimezone(UTC).date() else Status.NOT_TESTED
        return {
            "uuid": self._of_attestation(row),
            "title": f"Bestätigung zu {row.id}",
            "description": prose(said.statement),
            "props": [
                prop("status", status, prose(said.fault)),
                prop("role", said.role),
                *([prop("attachment", said.attachment)] if said.attachment else []),
            ],
            "methods": ["INTERVIEW"],
            "types": ["control-objective"],
            "origins": [{"actors": [{"type": "party", "actor-uuid": practice_party(self.run)}]}],
            "subjects": [self._subject(None)],
            "relevant-evidence": [{"href": self.files.href(RESULTS), "description": "Ergebnisse des Laufs"}],
            "collected": _day(said.day),
            "expires": _day(said.valid_until, time(23, 59, 59)),
        }

    def _subject(self, host: str | None) -> Object:
        if host is None:
            return {"subject-uuid": practice_system(self.run), "type": "component", "title": "Praxis"}
        return {"subject-uuid": host_item(self.run, host), "type": "inventory-item", "title": quoted_line(host)}

    def observed(self, row: RequirementResult, *, only_adverse: bool = False) -> list[str]:
        """The UUIDs of the observations that a row rests on; `only_adverse` leaves out what is in order."""
        found: list[str] = []
        for verdict in row.hosts:
            adverse = [one for one in verdict.checks if not (only_adverse and one.status in _FINE)]
            found += [uuid for one in adverse for uuid in self._of_checks.get((one.check, verdict.host), ())]
            if verdict.host and any(host.name == verdict.host and not host.reached for host in self.run.hosts):
                found.append(self._of_unreached(verdict.host))
        if row.attestation and not (only_adverse and not row.attestation.fault):
            found.append(self._of_attestation(row))
        return list(dict.fromkeys(found))

    def finding(self, row: RequirementResult, uuid: str, observed: list[str]) -> Object:
        """What was found about one requirement; `observed` are the observations it names."""
        return {
            "uuid": uuid,
            "title": line(f"{row.id} {row.title}"),
            "description": f"{row.label}: {prose(row.reason)}" if row.reason else row.label,
            "props": [
                prop("status", row.status),
                prop("section", row.section),
                *props("pending", row.pending),
                *(
                    prop(
                        "host-status",
                        verdict.status,
                        prose(": ".join(filter(None, (verdict.host or "Praxis", verdict.reason)))),
                    )
                    for verdict in row.hosts
                    if verdict.status is not Status.PASSED
                ),
            ],
            "target": {
                "type": "statement-id",
                "target-id": statement_id(row.id),
                "status": objective(row),
                "implementation-status": {"state": "not-applicable"} if does_not_apply(row) else None,
            },
            "related-observations": [{"observation-uuid": one} for one in observed],
            "related-risks": [{"risk-uuid": one} for one in self.risks_of(row)],
        }

    def risk_id(self, deviation: DeviationResult) -> str:
        """The UUID of an accepted risk, the same in every run while the deviation is the same."""
        hosts = deviation.hosts if deviation.hosts == "all" else ",".join(deviation.hosts)
        names = (deviation.requirement, hosts, deviation.expires.isoformat(), deviation.reason)
        return identifier("risk", self.run.practice.name, *names)

    def risks_of(self, row: RequirementResult) -> list[str]:
        """The UUIDs of the deviations that changed the row."""
        return list(dict.fromkeys(self.risk_id(one) for one in self.run.deviations if row.id in one.rows))

    def risks(self) -> Iterator[Object]:
        """One per deviation of the practice; two that say the same are one."""
        for uuid, deviation in {self.risk_id(one): one for one in self.run.deviations}.items():
            yield self._risk(uuid, deviation)

    def _risk(self, uuid: str, deviation: DeviationResult) -> Object:
        hosts = "allen Hosts" if deviation.hosts == "all" else ", ".join(deviation.hosts)
        actor = {"actors": [{"type": "party", "actor-uuid": practice_party(self.run)}]}
        needed = {True: "yes", False: "no", None: "unknown"}[deviation.needed]
        return {
            "uuid": uuid,
            "title": f"Abweichung von {deviation.requirement}",
            "description": prose(deviation.reason),
            "statement": prose(f"{deviation.requirement} ist auf {hosts} nicht umgesetzt."),
            "props": [
                prop("status", Status.EXPIRED if deviation.expired else Status.DEVIATION),
                prop("requirement", deviation.requirement),
                prop("approved-by", deviation.approved_by),
                *([prop("approved-on", deviation.approved_on)] if deviation.approved_on else []),
                prop("needed", needed),
            ],
            "status": "open" if deviation.expired else "deviation-approved",
            "origins": [actor],
            "characterizations": [
                {"origin": actor, "facets": [{"name": "risk", "system": NAMESPACE, "value": line(deviation.risk)}]}
            ]
            if deviation.risk
            else None,
            "deadline": _day(deviation.expires, time(23, 59, 59)),
            "remediations": [
                {
                    "uuid": identifier("compensation", uuid),
                    "lifecycle": "planned",
                    "title": "Ersatzmaßnahme, von der Praxis angegeben",
                    "description": prose(deviation.compensation),
                }
            ]
            if deviation.compensation
            else None,
        }


def _day(day: date, clock: time = time.min) -> datetime:
    return datetime.combine(day, clock, UTC)


def does_not_apply(row: RequirementResult) -> bool:
    """Whether the requirement has no object in the practice, and nobody has to say anything either."""
    return row.status is Status.NOT_APPLICABLE and not row.pending


def is_satisfied(row: RequirementResult) -> bool:
    """Whether nothing is left to do or to say: passed, attested or not applicable, and no part pending."""
    return row.status in _FINE and not row.pending


def objective(row: RequirementResult) -> Object:
    """OSCAL's two words for a requirement, and why; only a measurement passes or fails."""
    reason = {Status.PASSED: "pass", Status.FAILED: "fail"}.get(row.status, "other")
    if row.pending and row.status is not Status.FAILED:
        reason = "other"
    said = [row.label, *(part.label for part in row.pending)]
    return {
        "state": "satisfied" if is_satisfied(row) else "not-satisfied",
        "reason": reason,
        "remarks": "; ".join(said),
    }


def is_open(row: RequirementResult) -> bool:
    """Whether the row belongs into a plan of action.

    What was measured and is wrong does wherever it stands; what nobody measured or attested does if the edition binds
    the practice to it, so not the recommendations.
    """
    if row.section is Section.DIRECTIVE:
        return not is_satisfied(row)
    return row.status in _MEASURED_WRONG
