"""Results and plan of action: every status told as it is."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from praxisschild.assessment import assess
from praxisschild.formats import oscal
from praxisschild.formats.oscal import Files, assessment_results, poam
from praxisschild.inventory import open_practice
from praxisschild.practice import Practice
from praxisschild.results import Part, PracticeFacts, Run, Status
from tests.unit.formats.conftest import ENDED, check, row, verdict
from tests.unit.formats.oscal.conftest import dangling, prop_of

NS = "urn:praxisschild:oscal"
# state and reason by OSCAL, and the status in the project's own words; from docs/oscal.md, not from the code
EXPECTED = {
    "2025-A1-19": ("not-satisfied", "fail", "failed"),
    "2025-A1-20": ("satisfied", "pass", "passed"),
    "2025-A1-21": ("not-satisfied", "other", "deviation"),
    "2025-A1-22": ("not-satisfied", "other", "passed"),
    "2025-A1-01": ("not-satisfied", "other", "not_tested"),
    "2025-A1-44": ("satisfied", "other", "not_applicable"),
    "2025-A1-45": ("not-satisfied", "other", "expired"),
    "2025-A1-46": ("satisfied", "other", "attested"),
    "2021-A1-20": ("satisfied", "pass", "passed"),
    "KVWL-04": ("not-satisfied", "other", "not_tested"),
    "2025-A1-02": ("satisfied", "other", "attested"),
    "2025-A1-03": ("not-satisfied", "other", "expired"),
}
OPEN = {"2025-A1-19", "2025-A1-21", "2025-A1-22", "2025-A1-01", "2025-A1-45", "2025-A1-03"}


@pytest.fixture
def result(documents):
    (found,) = documents["assessment-results.json"]["assessment-results"]["results"]
    return found


@pytest.fixture
def plan(documents):
    return documents["plan-of-action-and-milestones.json"]["plan-of-action-and-milestones"]


def _findings(result):
    return {finding["title"].split()[0]: finding for finding in result["findings"]}


def _observed(result, finding):
    observations = {one["uuid"]: one for one in result["observations"]}
    return [observations[one["observation-uuid"]] for one in finding.get("related-observations", ())]


def test_every_status_is_told_in_both_languages(result):
    told = {
        name: (finding["target"]["status"]["state"], finding["target"]["status"]["reason"], prop_of(finding, "status"))
        for name, finding in _findings(result).items()
    }
    assert told == EXPECTED
    assert {status for _, _, status in told.values()} == {status.value for status in Status}


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("pending", [(), (Part.ORGANISATIONAL,), (Part.MDM,)])
def test_nothing_pending_and_nothing_bad_is_ever_called_satisfied(full_run, status, pending):
    one = row("2025-A1-19", status, pending=pending)
    document = json.loads(assessment_results.render(full_run.model_copy(update={"requirements": (one,)})))
    (finding,) = document["assessment-results"]["results"][0]["findings"]
    good = status.value in {"passed", "attested", "not_applicable"} and not pending
    assert (finding["target"]["status"]["state"] == "satisfied") is good
    assert [one["value"] for one in finding["props"] if one["name"] == "pending"] == [part.value for part in pending]
    assert (finding["target"]["status"]["reason"] == "pass") is (status is Status.PASSED and not pending)
    applies_not = finding["target"].get("implementation-status") == {"state": "not-applicable"}
    assert applies_not is (status is Status.NOT_APPLICABLE and not pending)


def test_findings_profile_plan_and_reviewed_controls_speak_of_the_same_requirements(documents, result):
    ids = [one if one.startswith("KVWL") else f"kbv-{one}" for one in EXPECTED]
    assert [finding["target"]["target-id"] for finding in result["findings"]] == [f"{one}_smt" for one in ids]
    chosen = documents["profile.json"]["profile"]["imports"][0]["include-controls"][0]["with-ids"]
    plan = documents["assessment-plan.json"]["assessment-plan"]["reviewed-controls"]
    described = documents["system-security-plan.json"]["system-security-plan"]["control-implementation"]
    for reviewed in (plan, result["reviewed-controls"]):
        assert [one["control-id"] for one in reviewed["control-selections"][0]["include-controls"]] == ids
    assert chosen == ids == [one["control-id"] for one in described["implemented-requirements"]]


def test_one_observation_for_every_check_on_a_host(full_run, result):
    measured = [one for one in result["observations"] if prop_of(one, "check")]
    assert [prop_of(one, "check") for one in measured] == [" ".join(one.check.split()) for one in full_run.checks]
    for observation, found in zip(measured, full_run.checks, strict=True):
        assert prop_of(observation, "status") == found.status.value
        assert observation["methods"] == ["TEST" if found.probe else "EXAMINE"]
        assert observation["collected"] == found.started.isoformat()
        assert observation["subjects"][0]["type"] == ("inventory-item" if found.host else "component")
    assert prop_of(measured[0], "check-id") == "test_desktop.py::test_locks"


def test_a_host_that_was_not_reached_is_observed_as_such(result):
    (unreached,) = [one for one in result["observations"] if one["title"] == "Host nicht erreicht"]
    assert prop_of(unreached, "status") == "not_tested"
    assert unreached["subjects"][0]["title"] == "server-1"
    assert unreached in _observed(result, _findings(result)["2025-A1-19"])


def test_an_attestation_is_an_interview_that_ends(result, documents):
    valid, expired = (one for one in result["observations"] if one["methods"] == ["INTERVIEW"])
    assert (valid["collected"], valid["expires"]) == ("2026-01-15T00:00:00+00:00", "2027-01-14T23:59:59+00:00")
    assert [prop_of(one, "status") for one in (valid, expired)] == ["attested", "expired"]
    assert valid["description"] == "Alle sind unterwiesen."
    assert prop_of(valid, "role") == "Praxisinhaberin"
    (party,) = documents["assessment-results.json"]["assessment-results"]["metadata"]["parties"]
    assert valid["origins"][0]["actors"] == [{"type": "party", "actor-uuid": party["uuid"]}]
    assert _observed(result, _findings(result)["2025-A1-02"]) == [valid]


def test_evidence_is_the_snapshot_of_what_was_read_and_the_results_of_what_was_tried(result):
    by_name = {prop_of(one, "check"): one["relevant-evidence"][0]["href"] for one in result["observations"]}
    assert by_name["test_desktop.py::test_locks[arbeitsplatz-1]"] == "../snapshots/arbeitsplatz-1.json"
    assert by_name["test_virus"] == by_name["test_plan"] == "../results.json"


def test_files_are_named_relatively_quoted_and_with_their_digest(full_run):
    files = Files("../Nachweise Süd/x", {"results.json": "0" * 64})
    document = json.loads(assessment_results.render(full_run, files))
    resources = document["assessment-results"]["back-matter"]["resources"]
    assert [one["rlinks"][0]["href"] for one in resources] == [
        "../Nachweise%20S%C3%BCd/x/results.json",
        "../Nachweise%20S%C3%BCd/x/snapshots/arbeitsplatz-1.json",
    ]
    assert resources[0]["rlinks"][0]["hashes"] == [{"algorithm": "SHA-256", "value": "0" * 64}]
    assert "hashes" not in resources[1]["rlinks"][0]


def test_a_deviation_is_an_accepted_risk_until_its_day(full_run, result, plan):
    for risks in (result["risks"], plan["risks"]):
        (risk,) = risks
        assert (risk["status"], risk["deadline"]) == ("deviation-approved", "2026-12-31T23:59:59+00:00")
        assert prop_of(risk, "approved-by") == "Praxisinhaberin"
        assert "remediations" not in risk
    assert _findings(result)["2025-A1-21"]["related-risks"] == [{"risk-uuid": risk["uuid"]}]
    known = {"compensation": "Gerät steht im verschlossenen Raum", "risk": "hoch", "needed": True}
    deviation = full_run.deviations[0].model_copy(update=known)
    expired = deviation.model_copy(update={"expired": True, "expires": date(2026, 10, 31)})
    for one, status, told in ((deviation, "deviation-approved", "deviation"), (expired, "open", "expired")):
        document = json.loads(assessment_results.render(full_run.model_copy(update={"deviations": (one,)})))
        (risk,) = document["assessment-results"]["results"][0]["risks"]
        assert (risk["status"], prop_of(risk, "status"), prop_of(risk, "needed")) == (status, told, "yes")
        assert risk["remediations"][0]["description"] == "Gerät steht im verschlossenen Raum"
        assert risk["characterizations"][0]["facets"] == [{"name": "risk", "system": NS, "value": "hoch"}]


def test_the_plan_of_action_holds_what_is_open_and_nothing_else(plan):
    assert {item["title"].split()[0] for item in plan["poam-items"]} == OPEN
    assert {finding["title"].split()[0] for finding in plan["findings"]} == OPEN
    items = {item["title"].split()[0]: item for item in plan["poam-items"]}
    assert items["2025-A1-21"]["related-risks"] == [{"risk-uuid": plan["risks"][0]["uuid"]}]
    assert "organisatorischer Teil: Bestätigung steht aus" in items["2025-A1-22"]["description"]


def test_the_plan_of_action_observes_only_what_speaks_against(plan, result):
    named = {one["uuid"] for one in plan["observations"]}
    assert all(prop_of(one, "status") != "passed" for one in plan["observations"])
    # told in the same words as in the results
    assert [one for one in result["observations"] if one["uuid"] in named] == plan["observations"]


def test_a_recommendation_is_open_only_if_it_was_measured_as_wrong(full_run):
    wrong = row("KVWL-04", Status.FAILED, verdict("server-1", "test_x", Status.FAILED), section="recommendation")
    unknown = row("KVWL-05", Status.NOT_TESTED, section="recommendation")
    document = json.loads(poam.render(full_run.model_copy(update={"requirements": (wrong, unknown)})))
    (item,) = document["plan-of-action-and-milestones"]["poam-items"]
    assert item["title"].startswith("KVWL-04")


@pytest.mark.parametrize(
    ("size", "annexes"), [("praxis", {"A1"}), ("mittel", {"A1", "A2"}), ("gross", {"A1", "A2", "A3"})]
)
def test_a_practice_of_any_size_has_one_finding_per_requirement(catalogue, project, parts, size, annexes, faults):
    opened = open_practice(project / "inventories/musterpraxis", strict=False)
    practice = Practice.model_validate({**opened.practice.model_dump(by_alias=True), "size": size})
    lock = "test_endpoint_hardening.py::test_desktop_locks_itself_within_ten_minutes[arbeitsplatz-1]"
    checks = (check(lock, "arbeitsplatz-1", Status.FAILED, reason="zu lang"),)
    hosts = ({"name": "arbeitsplatz-1", "reached": True, "snapshot": "snapshots/arbeitsplatz-1.json"},)
    facts = PracticeFacts(name=practice.name, size=size, edition="2025", features=practice.features)
    bare = Run(
        tool_version="0.1.0",
        practice=facts,
        started=ENDED - timedelta(minutes=1),
        ended=ENDED,
        hosts=hosts,
        checks=checks,
        requirements=(),
    )
    assessed = assess(catalogue, practice, checks, bare.hosts, ENDED.date())
    run = bare.model_copy(update={"requirements": assessed.requirements, "deviations": assessed.deviations})
    told = {name: json.loads(text) for name, text in oscal.documents(run, catalogue, parts).items()}
    assert dangling(told) == []
    result = told["assessment-results.json"]["assessment-results"]["results"][0]
    assert faults(told["assessment-results.json"]) == faults(told["plan-of-action-and-milestones.json"]) == []
    directive = [one for one in result["findings"] if prop_of(one, "section") == "directive"]
    assert len(directive) == 92
    assert len(result["findings"]) == 92 + 47
    bound = {one["title"][5:7] for one in directive if prop_of(one, "status") != "not_applicable"}
    assert bound & {"A1", "A2", "A3"} == annexes
    assert _findings(result)["2025-A1-19"]["target"]["status"]["reason"] == "fail"


def test_a_check_that_broke_twice_is_observed_twice(full_run):
    """Once in its body and once while it cleaned up; a finding rests on both."""
    twice = full_run.model_copy(update={"checks": (full_run.checks[0], *full_run.checks)})
    (result,) = json.loads(assessment_results.render(twice))["assessment-results"]["results"]
    uuids = [one["uuid"] for one in result["observations"]]
    assert len(uuids) == len(set(uuids)) == len(full_run.checks) + 4
    lock = [one for one in result["observations"] if prop_of(one, "check-id") == "test_desktop.py::test_locks"]
    assert len(lock) == 2
    assert all(one in _observed(result, _findings(result)["2025-A1-19"]) for one in lock)
