from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from praxisschild.formats import junit

if TYPE_CHECKING:
    from praxisschild.results import Run


def suites(run: Run) -> ET.Element:
    return ET.fromstring(junit.render(run))  # noqa: S314 - the product's own text


def cases(run: Run) -> dict[str, ET.Element]:
    return {case.attrib["name"]: case for case in suites(run).iter("testcase")}


def test_every_check_is_one_case_under_its_host(run: Run) -> None:
    found = cases(run)
    assert len(found) == len(run.checks)
    assert found["test_virus"].attrib["classname"] == "arbeitsplatz-1"
    assert found["test_plan"].attrib["classname"] == "praxis"


def test_requirements_and_measurements_are_properties(run: Run) -> None:
    case = cases(run)["test_desktop.py::test_locks[arbeitsplatz-1]"]
    found = {(one.attrib["name"], one.attrib["value"].split(" ")[0]) for one in case.iter("property")}
    assert {("requirement", "2021-A1-13"), ("measured", "900"), ("status", "failed")} <= found


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("test_desktop.py::test_locks[arbeitsplatz-1]", "failure"),
        ("test_backup", "failure"),
        ("test_camera", "skipped"),
        ("test_plan", "error"),
        ("test_virus", None),
    ],
)
def test_status_becomes_the_element_that_ci_knows(run: Run, name: str, element: str | None) -> None:
    outcomes = [one.tag for one in cases(run)[name] if one.tag != "properties"]
    assert outcomes == ([element] if element else [])


def test_failure_under_a_valid_deviation_is_skipped(run: Run) -> None:
    rows = tuple(one for one in run.requirements if one.id != "2025-A1-45")
    assert cases(run.model_copy(update={"requirements": rows}))["test_backup"].find("skipped") is not None


def test_counts_agree_with_the_cases(run: Run) -> None:
    root = suites(run)
    counts = {name: int(root.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 5, "failures": 2, "errors": 1, "skipped": 1}
    assert sum(int(suite.attrib["tests"]) for suite in root) == 5
