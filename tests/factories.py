"""Runs as large as a practice gets, made of the real catalogue and the real checks' names; no host is behind them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from praxisschild import traceability
from praxisschild.assessment import assess
from praxisschild.attestations import Standing, attestation_of
from praxisschild.catalogue import load_catalogue
from praxisschild.coverage import Project, summarise
from praxisschild.practice import Practice
from praxisschild.reassessment import edition_facts, kept
from praxisschild.results import CheckResult, HostState, PracticeFacts, Run, Status

PROJECT = Path(__file__).resolve().parents[1]
ENDED = datetime(2026, 11, 23, 20, 52, 10, tzinfo=UTC)
# how a check that does not simply pass everywhere ends on twenty hosts
_MIXED = [Status.FAILED, Status.NOT_TESTED, Status.NOT_APPLICABLE, *[Status.PASSED] * 17]
_REASONS = {
    Status.FAILED: "Der gemessene Zustand entspricht nicht der Anforderung.",
    Status.NOT_TESTED: "Prüfung abgebrochen: Zeitüberschreitung nach 300 Sekunden",
    Status.NOT_APPLICABLE: "auf diesem Host nicht vorhanden: grafische Oberfläche",
}


_Known = tuple[str, str, tuple[str, ...], bool]


@dataclass(frozen=True)
class LargeRun:
    """A run, and the state of each of its hosts as it goes into a bundle."""

    run: Run
    snapshots: dict[str, Any]


def large_run(
    hosts: int = 40,
    checks: int = 150,
    *,
    edition: str = "auto",
    ended: datetime = ENDED,
    seed: int = 0,
    unreached: int = 0,
) -> LargeRun:
    """A large practice of so many hosts with so many checks on each.

    The same arguments give the same run; another `seed` moves the failures to other checks and hosts. The last
    `unreached` hosts were switched off. Every state is a real one from `tests/data/snapshots`.
    """
    names = [f"arbeitsplatz-{number}" if number % 8 else f"server-{number // 8}" for number in range(1, hosts + 1)]
    practice = Practice.model_validate(
        {
            "name": "Große Musterpraxis",
            "size": "gross",
            "edition": edition,
            "networks": {},
            "features": {"medical_devices": True, "mdm": True},
            "deviations": [
                {
                    "requirement": "2021-A1-14",
                    "hosts": names[:2],
                    "reason": "Die Geräte werden im nächsten Quartal ersetzt.",
                    "compensation": "Sicherung von Hand an jedem Abend",
                    "risk": "mittel",
                    "approved_by": "Praxisinhaberin",
                    "approved_on": ended.date() - timedelta(days=300),
                    "expires": ended.date() + timedelta(days=40),
                }
            ],
        }
    )
    states = tuple(_state(name, number, ended, number < hosts - unreached) for number, name in enumerate(names))
    results = tuple(
        _result(known, name, number, seed, ended)
        for host, name in enumerate(names)
        for number, known in enumerate(_known_checks(checks), host * checks)
    )
    attested = _attested(ended.date())
    catalogue = load_catalogue()
    assessment = assess(catalogue, practice, results, states, ended.date(), attested)
    run = Run(
        tool_version="0.1.0",
        practice=PracticeFacts(
            name=practice.name, size=practice.size, edition=assessment.edition, features=practice.features
        ),
        started=ended - timedelta(minutes=20),
        ended=ended,
        hosts=states,
        checks=results,
        requirements=assessment.requirements,
        deviations=assessment.deviations,
        edition=edition_facts(catalogue, assessment.edition, ended.date()),
        attestations=kept(attested),
        coverage=summarise(assessment.edition, Project(catalogue, PROJECT).covered(assessment.edition)),
    )
    return LargeRun(run, {state.name: _snapshot(number) for number, state in enumerate(states) if state.reached})


@cache
def _known_checks(wanted: int) -> list[_Known]:
    """Name, title, requirements and kind of so many checks; where there are fewer, they come again with a parameter."""
    real = [check for check in traceability.checks(PROJECT / "tests/compliance") if check.requirements]
    found = []
    for number in range(wanted):
        check, again = real[number % len(real)], number // len(real)
        name = f"{check.file.name}::{check.name}" + (f"[{again}]" if again else "")
        found.append((name, check.reason, check.requirements, check.probe))
    return found


def _result(known: _Known, host: str, number: int, seed: int, ended: datetime) -> CheckResult:
    name, title, requirements, probe = known
    status = _status(requirements, name, host, seed)
    return CheckResult(
        check=name.removesuffix("]") + (f"-{host}]" if name.endswith("]") else f"[{host}]"),
        title=title,
        requirements=requirements,
        host=host,
        status=status,
        reason=_REASONS.get(status, ""),
        measured=(f"gemessen auf {host}: Wert {number * 7919 % 1000} von höchstens 1000",) * (1 + (number % 5 == 0)),
        probe=probe,
        started=ended - timedelta(seconds=number % 900),
        duration=number % 40 / 10,
        detail=f"assert {number} <= 600\n  where {number} = Snapshot('{host}').value"
        if status is Status.FAILED
        else "",
    )


def _status(requirements: tuple[str, ...], name: str, host: str, seed: int) -> Status:
    """Backups fail where a deviation excuses them; of the other checks each fifth has mixed results."""
    if "2021-A1-14" in requirements:
        return Status.FAILED if host in {"arbeitsplatz-1", "arbeitsplatz-2"} else Status.PASSED
    if (crc32(name.encode()) + seed) % 5:
        return Status.PASSED
    return _MIXED[(crc32(f"{name} {host}".encode()) + seed) % len(_MIXED)]


def _state(name: str, number: int, ended: datetime, reached: bool) -> HostState:
    if not reached:
        return HostState(name=name, reached=False, reason="Zeitüberschreitung beim Verbinden")
    return HostState(
        name=name,
        platform="Debian 13",
        address=f"10.77.0.{number + 10}",
        reached=True,
        snapshot=f"snapshots/{name}.json.gz",
        snapshot_taken=ended - timedelta(minutes=15),
    )


@cache
def _snapshot(number: int) -> Any:
    """A real host's state."""
    files = sorted((PROJECT / "tests/data/snapshots/hardened").glob("*.json"))
    return json.loads(files[number % len(files)].read_text(encoding="utf-8"))


def _attested(today: date) -> list[Standing]:
    """An attestation for every second requirement that can have one; each fifth of them is too old."""
    catalogue = load_catalogue()
    entries = [entry for entry in catalogue.edition("2025") if entry.attestation]
    found = []
    for number, entry in enumerate(entries[::2]):
        expired = number % 5 == 4
        day = today - timedelta(days=400 if expired else 330)
        said = attestation_of(
            PROJECT,
            requirement=entry.id,
            statement=entry.attestation.statement if entry.attestation else "",
            role="Praxisinhaberin",
            date=day,
            valid_until=day + timedelta(days=365),
        )
        fault = f"Bestätigung abgelaufen seit {said.valid_until:%d.%m.%Y}" if expired else ""
        found.append(Standing(said, PROJECT, fault, expired))
    return found
