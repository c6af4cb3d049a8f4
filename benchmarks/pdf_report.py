"""Seconds, memory and size of the PDF of a large practice: `python benchmarks/pdf_report.py [HOSTS CHECKS]`.

Three shapes of the same run, each drawn in a process of its own: `alike`, where all hosts measure the same; `usual`,
where one check in ten fails on three hosts, one in five measures something else on every host, and one host was not
reached; and `unlike`, where every check measures something else on every host, the worst there can be.
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from rich.console import Console
from rich.table import Table

from praxisschild.assessment import assess
from praxisschild.catalogue import load_catalogue
from praxisschild.formats import json as results_json
from praxisschild.practice import Practice
from praxisschild.results import CheckResult, HostState, PracticeFacts, Run, Status

Shape = Literal["alike", "usual", "unlike"]
SHAPES: tuple[Shape, ...] = ("alike", "usual", "unlike")
TARGET_SECONDS, TARGET_MEGABYTES = 15, 500
ENDED = datetime(2026, 11, 23, 20, 52, 10, tzinfo=UTC)


def large_run(hosts: int, checks: int, shape: Shape = "usual") -> Run:
    """A run with that many hosts and checks on each of them, every requirement of an edition assessed."""
    catalogue = load_catalogue()
    facts = {"name": "Gemeinschaftspraxis am Markt", "size": "gross", "edition": "2025"}
    practice = Practice.model_validate({**facts, "networks": {"praxis": "10.0.0.0/8"}})
    names = [f"arbeitsplatz-{number}" for number in range(1, hosts + 1)]
    lost = names[-1] if shape == "usual" else None
    automated = [row.id for row in catalogue.edition("2025") if {"technical", "probe"} & set(row.kinds)]
    results = [
        CheckResult(
            check=f"test_benchmark.py::test_setting_{number}_is_as_demanded[{name}]",
            requirements=(automated[number % len(automated)],),
            host=name,
            status=_status(number, place, shape),
            reason="Der gemessene Zustand entspricht nicht der Anforderung." if number % 10 == 0 else None,
            measured=(_measured(number, place, shape),),
            probe=number % 7 == 0,
            started=ENDED - timedelta(seconds=600 - place * 10),
            duration=0.01,
        )
        for place, name in enumerate(names)
        if name != lost
        for number in range(checks)
    ]
    states = [
        HostState(
            name=name,
            platform="debian 12" if name != lost else None,
            address=f"10.0.0.{place}" if name != lost else None,
            reached=name != lost,
            reason="Zeitüberschreitung nach 10 s" if name == lost else None,
            snapshot_taken=ENDED - timedelta(seconds=700) if name != lost else None,
        )
        for place, name in enumerate(names, 1)
    ]
    assessment = assess(catalogue, practice, results, states, date(2026, 11, 23))
    return Run(
        tool_version="0.1.0",
        practice=PracticeFacts.model_validate(facts),
        started=ENDED - timedelta(seconds=700),
        ended=ENDED,
        hosts=tuple(states),
        checks=tuple(results),
        requirements=assessment.requirements,
    )


def _status(number: int, place: int, shape: Shape) -> Status:
    return Status.FAILED if shape != "alike" and number % 10 == 0 and place % 13 == 0 else Status.PASSED


def _measured(number: int, place: int, shape: Shape) -> str:
    differs = shape == "unlike" or (shape == "usual" and number % 5 == 0)
    own = hashlib.sha256(f"{number} {place}".encode()).hexdigest()[:8]
    return f"Einstellung {number}: {own if differs else 'wie gefordert'}, zuletzt geändert vor {number} Tagen"


def draw(hosts: int, checks: int, shape: Shape) -> None:
    """One measurement: seconds, those of the processor, bytes, memory in KB before and at its peak."""
    from praxisschild.formats import pdf

    run = large_run(hosts, checks, shape)
    results = results_json.render(run).encode()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, worked = time.monotonic(), time.process_time()
    data = pdf.render(run, results=results)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(time.monotonic() - started, time.process_time() - worked, len(data), before, peak)


def main() -> None:
    if len(sys.argv) == 4:
        draw(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])  # type: ignore[arg-type] # of SHAPES
        return
    hosts, checks = (int(value) for value in sys.argv[1:3] or ("40", "150"))
    table = Table(
        "Werte", "s", "davon CPU", "MB PDF", "MB vorher", "MB Spitze", title=f"{hosts} Hosts, {checks} Prüfungen"
    )
    console = Console()
    for shape in SHAPES:
        command = [sys.executable, __file__, str(hosts), str(checks), shape]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        seconds, worked, size, before, peak = map(float, said)
        late = " (!)" if seconds > TARGET_SECONDS else ""
        large = " (!)" if peak / 1024 > TARGET_MEGABYTES else ""
        times = (f"{seconds:.1f}{late}", f"{worked:.1f}")
        table.add_row(shape, *times, f"{size / 1e6:.1f}", f"{before / 1024:.0f}", f"{peak / 1024:.0f}{large}")
    console.print(table)
    console.print(f"Ziel: höchstens {TARGET_SECONDS} s und {TARGET_MEGABYTES} MB.")


if __name__ == "__main__":
    main()
