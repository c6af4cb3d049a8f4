"""JUnit XML, as CI systems read it: one test case per check and host, the requirement ids as its properties."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from praxisschild.formats.characters import xml_text
from praxisschild.formats.stand_ins import marked
from praxisschild.results import Status

if TYPE_CHECKING:
    from praxisschild.results import CheckResult, Run

_ELEMENTS = {
    Status.FAILED: "failure",
    Status.EXPIRED: "failure",
    Status.NOT_TESTED: "error",
    Status.DEVIATION: "skipped",
    Status.NOT_APPLICABLE: "skipped",
}


def render(run: Run) -> str:
    """The run's checks; a failure that a valid deviation covers in every requirement counts as skipped."""
    run = marked(run)
    suites = ET.Element("testsuites", name="praxisschild")
    judged = _judged(run)
    by_host: dict[str | None, list[CheckResult]] = defaultdict(list)
    for check in run.checks:
        by_host[check.host].append(check)
    for host, checks in by_host.items():
        suite = ET.SubElement(suites, "testsuite", name=xml_text(host or run.practice.name))
        for check in checks:
            _case(suite, check, judged.get((check.check, check.host), check.status))
        _count(suite, checks[0].started.isoformat(timespec="seconds"), sum(check.duration for check in checks))
    _count(suites, run.started.isoformat(timespec="seconds"), sum(check.duration for check in run.checks))
    ET.indent(suites, "")  # lines without blanks: a third of a large run would be these
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _judged(run: Run) -> dict[tuple[str, str | None], Status]:
    found: dict[tuple[str, str | None], list[Status]] = defaultdict(list)
    for row in run.requirements:
        for verdict in row.hosts:
            for check in verdict.checks:
                found[check.check, verdict.host].append(check.status)
    return {key: Status.worst(statuses) for key, statuses in found.items()}


def _case(suite: ET.Element, check: CheckResult, status: Status) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=xml_text(check.host or "praxis"),
        name=xml_text(check.check),
        time=f"{check.duration:.3f}",
    )
    properties = ET.SubElement(case, "properties")
    values = [("requirement", code) for code in check.requirements]
    values += [("measured", text) for text in check.measured]
    values += [("status", status.value)] if status is not Status.PASSED else []
    for name, value in values:
        ET.SubElement(properties, "property", name=name, value=xml_text(value))
    if element := _ELEMENTS.get(status):
        outcome = ET.SubElement(case, element, message=xml_text(check.reason or status.label), type=status.value)
        outcome.text = xml_text(check.detail or "")


def _count(element: ET.Element, timestamp: str, seconds: float) -> None:
    element.set("tests", str(len(list(element.iter("testcase")))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(list(element.iter(tag)))))
    element.set("time", f"{seconds:.3f}")
    element.set("timestamp", timestamp)
