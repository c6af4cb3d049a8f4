from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from praxisschild.coverage import Coverage, CoverageRow, OpenPart
from praxisschild.results import (
    CheckResult,
    CheckVerdict,
    DeviationResult,
    Drift,
    DriftItem,
    DroppedSetting,
    HostState,
    HostVerdict,
    Part,
    PracticeFacts,
    RequirementResult,
    Run,
    Section,
    Status,
)

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)> & '</style> \x1b[31m"
ENDED = datetime(2026, 11, 23, 20, 52, 10, tzinfo=UTC)


def row(identifier: str, status: Status, *verdicts: HostVerdict, **fields: object) -> RequirementResult:
    return RequirementResult.model_validate(
        {
            "id": identifier,
            "code_ids": (identifier,),
            "section": Section.DIRECTIVE,
            "group": "Endgeräte",
            "annex": 1,
            "title": f"Titel {identifier}",
            "demand": "Forderung.",
            "purpose": "Zweck.",
            "source": "Quelle",
            "confidence": "confirmed",
            "status": status,
            "hosts": verdicts,
            **fields,
        }
    )


def verdict(host: str | None, check: str, status: Status, reason: str = "") -> HostVerdict:
    return HostVerdict(host=host, status=status, reason=reason, checks=(CheckVerdict(check=check, status=status),))


def check(name: str, host: str | None, status: Status, **fields: object) -> CheckResult:
    values = {"requirements": ("2021-A1-13",), "started": ENDED - timedelta(seconds=9), "duration": 0.25}
    return CheckResult.model_validate({"check": name, "host": host, "status": status, **values, **fields})


@pytest.fixture
def run() -> Run:
    """A run in which everything occurs once, told in hostile words where the words come from outside."""
    lock = "test_desktop.py::test_locks[arbeitsplatz-1]"
    drifted = DriftItem(host="server-1", kind="unit", name=HOSTILE, requirements=("2021-A1-13",), detail=HOSTILE)
    return Run(
        tool_version="0.1.0",
        practice=PracticeFacts(name=f"Praxis {HOSTILE}", size="mittel", edition="2025"),
        started=ENDED - timedelta(seconds=90),
        ended=ENDED,
        limits=("ohne Proben",),
        hosts=(
            HostState(
                name="arbeitsplatz-1",
                platform="Debian 12",
                address="10.77.0.11",
                reached=True,
                snapshot="snapshots/arbeitsplatz-1.json",
                snapshot_taken=ENDED,
            ),
            HostState(name="server-1", reached=False, reason=f"Zeitüberschreitung {HOSTILE}"),
        ),
        checks=(
            check(
                lock, "arbeitsplatz-1", Status.FAILED, measured=(f"900 s {HOSTILE}",), reason="zu lang", detail=HOSTILE
            ),
            check("test_backup", "arbeitsplatz-1", Status.FAILED, requirements=("2021-A1-14",)),
            check("test_virus", "arbeitsplatz-1", Status.PASSED, requirements=("2021-A1-15",), probe=True),
            check("test_camera", "arbeitsplatz-1", Status.NOT_APPLICABLE, reason="keine Kamera"),
            check("test_plan", None, Status.NOT_TESTED, reason="Zeitüberschreitung"),
        ),
        requirements=(
            row(
                "2025-A1-19",
                Status.FAILED,
                verdict("arbeitsplatz-1", lock, Status.FAILED, "zu lang"),
                HostVerdict(host="server-1", status=Status.NOT_TESTED, reason="Host nicht erreicht"),
                code_ids=("2021-A1-13", "2025-A1-19"),
                bounds=("Bildschirmsperre nach: höchstens 10 Minuten (Richtlinie)",),
                pending=(Part.ORGANISATIONAL,),
            ),
            row("2025-A1-20", Status.PASSED, verdict("arbeitsplatz-1", "test_virus", Status.PASSED)),
            row(
                "2025-A1-21",
                Status.DEVIATION,
                verdict("arbeitsplatz-1", "test_backup", Status.DEVIATION, "Abweichung bis 31.12.2026"),
            ),
            row(
                "2025-A1-22",
                Status.PASSED,
                verdict("arbeitsplatz-1", "test_virus", Status.PASSED),
                pending=(Part.ORGANISATIONAL,),
            ),
            row(
                "2025-A1-01",
                Status.NOT_TESTED,
                reason="organisatorisch: noch keine Bestätigung hinterlegt",
                pending=(Part.ORGANISATIONAL,),
                group="Personal",
            ),
            row("2025-A1-44", Status.NOT_APPLICABLE, reason="gilt erst ab 01.01.2027", group="Personal"),
            row("2025-A1-45", Status.EXPIRED, verdict("arbeitsplatz-1", "test_backup", Status.EXPIRED, "abgelaufen")),
            row("2025-A1-46", Status.ATTESTED),
            row("2021-A1-20", Status.PASSED, section=Section.WITHDRAWN),
            row(
                "KVWL-04", Status.NOT_TESTED, section=Section.RECOMMENDATION, annex=None, reason=HOSTILE, title=HOSTILE
            ),
        ),
        deviations=(
            DeviationResult(
                requirement="2021-A1-14",
                hosts=("arbeitsplatz-1",),
                reason=f"Gerät wird ersetzt {HOSTILE}",
                approved_by="Praxisinhaberin",
                expires=date(2026, 12, 31),
                expired=False,
                rows=("2025-A1-21",),
            ),
        ),
        dropped=(DroppedSetting(host="arbeitsplatz-1", requirement="2021-A1-14", reason="Abweichung"),),
        drift=Drift(drifted=(drifted,), corrected=()),
        coverage=Coverage(
            edition="2025",
            rows=(
                CoverageRow(
                    annex=1, kind="technical", requirements=19, settings=7, checks=6, probes=5, open=("2025-A1-20",)
                ),
                CoverageRow(annex=1, kind="organisational", requirements=24, settings=0, checks=0, probes=0),
                CoverageRow(annex=None, kind="probe", requirements=3, settings=0, checks=0, probes=0),
            ),
            open=(OpenPart(concern="host", requirements=("2025-A1-20",)),),
        ),
    )
