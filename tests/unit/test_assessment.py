from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisschild.assessment import Assessment, assess
from praxisschild.attestations import Standing, attestation_of
from praxisschild.catalogue import Annex, Catalogue, Edition, Feature, Requirement
from praxisschild.practice import Deviation, Practice
from praxisschild.results import CheckResult, HostState, Part, RequirementResult, Section, Status

TODAY = date(2026, 11, 23)
SIZES = ("praxis", "mittel", "gross")


def requirement(identifier: str, **fields: object) -> Requirement:
    edition = identifier.split("-", maxsplit=1)[0]
    values: dict[str, object] = {
        "id": identifier,
        "title": f"Titel {identifier}",
        "group": "Endgeräte",
        "annex": None if edition == "KVWL" else int(identifier.split("-")[1][1]),
        "sizes": SIZES,
        "valid_from": date(2021, 4, 1) if edition == "2021" else date(2025, 4, 1),
        "kinds": ("technical",),
        "demand": "Forderung.",
        "purpose": "Zweck.",
        "source": "Quelle",
        "confidence": "confirmed",
        **fields,
    }
    return Requirement.model_validate(values)


def catalogue_of(*requirements: Requirement) -> Catalogue:
    annexes = {1: Annex(title="Praxen", sizes=SIZES), 2: Annex(title="Mittlere Praxen", sizes=SIZES[1:])}
    old = Edition(
        name="2021",
        title="2021",
        legal_basis="§ 75b SGB V",
        in_force_from=date(2021, 1, 23),
        in_force_until=date(2025, 3, 31),
        annexes=annexes,
    )
    new = Edition(name="2025", title="2025", legal_basis="§ 390 SGB V", in_force_from=date(2025, 4, 1), annexes=annexes)
    features = {
        "ti": Feature(label="Telematikinfrastruktur", default=True),
        "mobile_devices": Feature(label="Mobilgeräte", default=True),
    }
    return Catalogue(Path("catalogue"), {"2021": old, "2025": new}, features, {one.id: one for one in requirements})


CATALOGUE = catalogue_of(
    requirement("2021-A1-13"),
    requirement("2021-A1-14"),
    requirement("2021-A1-20", title="Weggefallen"),
    requirement("2025-A1-01", kinds=("organisational",)),
    requirement("2025-A1-19", kinds=("technical", "organisational"), continues=("2021-A1-13",)),
    requirement("2025-A1-21", continues=("2021-A1-14",), automated=("linux",)),
    requirement("2025-A1-42", kinds=("mdm",)),
    requirement("2025-A1-43", kinds=("technical", "mdm")),
    requirement("2025-A1-30", kinds=("organisational", "mdm"), automated=("mobile",)),
    requirement("2025-A1-44", valid_from=date(2027, 1, 1)),
    requirement("2025-A1-45", applies_if=("ti",)),
    requirement("2025-A2-01", sizes=SIZES[1:]),
    requirement("KVWL-04"),
)


def practice_of(**fields: object) -> Practice:
    return Practice.model_validate({"name": "Musterpraxis", "size": "praxis", "networks": {}, **fields})


def deviation(
    name: str = "2021-A1-14", hosts: list[str] | str = "all", expires: date = date(2026, 12, 31)
) -> Deviation:
    return Deviation.model_validate(
        {
            "requirement": name,
            "hosts": hosts,
            "reason": "Gerät wird im Dezember ersetzt",
            "compensation": "Sicherung von Hand jeden Abend",
            "risk": "mittel",
            "approved_on": date(2025, 12, 31),
            "approved_by": "Praxisinhaberin",
            "expires": expires,
        }
    )


def check(
    code: str, status: Status, host: str | None = "arbeitsplatz-1", name: str = "test_x", reason: str = ""
) -> CheckResult:
    return CheckResult(
        check=name,
        requirements=(code,),
        host=host,
        status=status,
        reason=reason,
        started=datetime(2026, 11, 23, 20, 52, 10, tzinfo=UTC),
    )


def host(name: str, reached: bool = True, reason: str = "") -> HostState:
    return HostState(name=name, reached=reached, reason=reason)


HOSTS = [host("arbeitsplatz-1"), host("server-1")]


def outcome(
    *checks: CheckResult,
    hosts: list[HostState] | None = None,
    catalogue: Catalogue = CATALOGUE,
    today: date = TODAY,
    attested: tuple[Standing, ...] = (),
    **facts: object,
) -> Assessment:
    return assess(catalogue, practice_of(**facts), checks, HOSTS if hosts is None else hosts, today, attested)


def attestation(identifier: str, fault: str = "", *, expired: bool = False) -> Standing:
    said = attestation_of(
        Path("x"),
        requirement=identifier,
        statement="So ist es geregelt.",
        role="Praxisinhaberin",
        date=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
    )
    return Standing(said, Path("x"), fault, expired)


def row(assessment: Assessment, identifier: str) -> RequirementResult:
    (found,) = [one for one in assessment.requirements if one.id == identifier]
    return found


def test_worst_of_checks_and_hosts_wins() -> None:
    found = row(
        outcome(
            check("2021-A1-14", Status.PASSED),
            check("2021-A1-14", Status.FAILED, "server-1", reason="Sicherung 9 Tage alt"),
        ),
        "2025-A1-21",
    )
    assert found.status is Status.FAILED
    assert found.reason == "server-1: Sicherung 9 Tage alt"
    assert [(one.host, one.status) for one in found.hosts] == [
        ("arbeitsplatz-1", Status.PASSED),
        ("server-1", Status.FAILED),
    ]
    assert found.code_ids == ("2021-A1-14", "2025-A1-21")


@pytest.mark.parametrize(
    ("identifier", "reason"),
    [
        ("2025-A1-01", "organisatorisch: noch keine Bestätigung hinterlegt"),
        ("2025-A1-42", "Mobilgeräteverwaltung: noch nicht angebunden"),
        ("2025-A1-43", "noch nicht automatisiert geprüft; Mobilgeräteverwaltung: noch nicht angebunden"),
        ("2025-A1-21", "in diesem Lauf nicht geprüft"),
        ("KVWL-04", "noch nicht automatisiert geprüft"),
    ],
)
def test_requirement_without_a_check_says_why(identifier: str, reason: str) -> None:
    found = row(outcome(), identifier)
    assert (found.status, found.reason) == (Status.NOT_TESTED, reason)


@pytest.mark.parametrize(
    ("identifier", "facts", "reason"),
    [
        ("2025-A2-01", {}, "gilt nicht für die Größe"),
        ("2025-A1-45", {"features": {"ti": False}}, "in der Praxis nicht vorhanden: Telematikinfrastruktur"),
        ("2025-A1-44", {}, "gilt erst ab 01.01.2027"),
    ],
)
def test_requirement_that_does_not_apply_says_why(identifier: str, facts: dict[str, object], reason: str) -> None:
    found = row(outcome(check(identifier, Status.FAILED), **facts), identifier)
    assert found.status is Status.NOT_APPLICABLE
    assert reason in found.reason
    assert found.pending == ()


def test_unreachable_host_is_never_a_pass() -> None:
    hosts = [host("arbeitsplatz-1"), host("server-1", reached=False, reason="Zeitüberschreitung")]
    found = row(
        outcome(check("2021-A1-14", Status.PASSED), check("2021-A1-14", Status.PASSED, "server-1"), hosts=hosts),
        "2025-A1-21",
    )
    assert found.status is Status.NOT_TESTED
    assert found.reason == "server-1: Host nicht erreicht: Zeitüberschreitung"


def test_automated_requirement_without_any_check_names_the_unreachable_host() -> None:
    found = row(outcome(hosts=[host("server-1", reached=False, reason="keine Route")]), "2025-A1-21")
    assert found.reason == "server-1: Host nicht erreicht: keine Route"


def test_checks_of_the_practice_do_not_wait_for_hosts() -> None:
    found = row(
        outcome(check("2021-A1-14", Status.PASSED, None), hosts=[host("server-1", reached=False)]), "2025-A1-21"
    )
    assert found.status is Status.PASSED


def told(status: Status, device: str | None = "telefon") -> CheckResult:
    """What a device list says of a phone."""
    return check("2025-A1-30", status, device).model_copy(update={"part": Part.MDM})


def test_mobile_part_is_pending_until_a_device_list_speaks() -> None:
    facts: dict[str, object] = {"features": {"mobile_devices": True}}
    silent = row(outcome(**facts), "2025-A1-30")
    assert Part.MDM in silent.pending
    spoken = row(outcome(told(Status.PASSED), **facts), "2025-A1-30")
    assert (spoken.status, spoken.pending) == (Status.PASSED, (Part.ORGANISATIONAL,))
    broken = row(outcome(told(Status.PASSED), told(Status.FAILED, "tablet"), **facts), "2025-A1-30")
    assert (broken.status, broken.reason) == (Status.FAILED, "tablet")


def test_a_host_that_was_not_reached_does_not_stand_in_for_a_phone() -> None:
    off = [host("server-1", reached=False, reason="aus")]
    spoken = row(outcome(told(Status.PASSED), hosts=off), "2025-A1-30")
    assert [verdict.host for verdict in spoken.hosts] == ["telefon"]
    silent = row(outcome(hosts=off), "2025-A1-30")
    assert silent.hosts == ()


def test_nothing_applicable_is_not_applicable_with_the_reasons() -> None:
    found = row(
        outcome(
            check("2021-A1-14", Status.NOT_APPLICABLE, reason="keine Festplatte"),
            check("2021-A1-14", Status.NOT_APPLICABLE, "server-1", reason="keine Festplatte"),
        ),
        "2025-A1-21",
    )
    assert (found.status, found.reason) == (Status.NOT_APPLICABLE, "arbeitsplatz-1, server-1: keine Festplatte")


def test_technical_part_alone_is_never_plainly_fulfilled() -> None:
    found = row(outcome(check("2021-A1-13", Status.PASSED)), "2025-A1-19")
    assert (found.status, found.pending) == (Status.PASSED, (Part.ORGANISATIONAL,))
    assert found.label == "technisch erfüllt"
    assert found.tally == "technisch erfüllt, Bestätigung offen"
    assert found.pending[0].label == "organisatorischer Teil: Bestätigung steht aus"
    whole = row(outcome(check("2021-A1-14", Status.PASSED)), "2025-A1-21")
    assert (whole.label, whole.tally) == ("erfüllt", "vollständig erfüllt")


OLD = "Bestätigung abgelaufen seit 31.12.2026"
UNMEASURED = "noch nicht automatisiert geprüft"
CHANGED = "Anlage liste.pdf zur Bestätigung wurde verändert"


@pytest.mark.parametrize(
    ("identifier", "measured", "fault", "expected"),
    [
        ("2025-A1-01", None, "", (Status.ATTESTED, "", ())),
        ("2025-A1-01", None, OLD, (Status.EXPIRED, OLD, (Part.ORGANISATIONAL,))),
        ("2025-A1-01", None, CHANGED, (Status.NOT_TESTED, CHANGED, (Part.ORGANISATIONAL,))),
        ("2025-A1-19", Status.PASSED, "", (Status.PASSED, "", ())),
        ("2025-A1-19", Status.FAILED, "", (Status.FAILED, "arbeitsplatz-1", ())),
        ("2025-A1-19", Status.NOT_APPLICABLE, "", (Status.ATTESTED, "", ())),
        ("2025-A1-19", Status.PASSED, OLD, (Status.EXPIRED, OLD, (Part.ORGANISATIONAL,))),
        ("2025-A1-19", Status.FAILED, OLD, (Status.FAILED, f"arbeitsplatz-1; {OLD}", (Part.ORGANISATIONAL,))),
        ("2025-A1-19", Status.PASSED, CHANGED, (Status.PASSED, CHANGED, (Part.ORGANISATIONAL,))),
        ("2025-A1-19", None, "", (Status.NOT_TESTED, UNMEASURED, ())),
        (
            "2025-A1-19",
            None,
            OLD,
            (Status.NOT_TESTED, f"noch nicht automatisiert geprüft; {OLD}", (Part.ORGANISATIONAL,)),
        ),
    ],
)
def test_an_attestation_settles_the_organisational_part_only(
    identifier: str, measured: Status | None, fault: str, expected: tuple[Status, str, tuple[Part, ...]]
) -> None:
    checks = [check("2021-A1-13", measured)] if measured else []
    found = row(outcome(*checks, attested=(attestation(identifier, fault, expired=fault == OLD),)), identifier)
    assert (found.status, found.reason, found.pending) == expected
    assert found.attestation is not None
    assert found.attestation.fault == fault


def test_an_attestation_may_name_the_older_number_and_speaks_for_no_technical_demand() -> None:
    whole = row(outcome(check("2021-A1-13", Status.PASSED), attested=(attestation("2021-A1-13"),)), "2025-A1-19")
    assert whole.tally == "vollständig erfüllt"
    technical = row(outcome(attested=(attestation("2025-A1-21"),)), "2025-A1-21")
    assert (technical.status, technical.attestation) == (Status.NOT_TESTED, None)


def test_mobile_part_is_pending_only_where_there_are_mobile_devices() -> None:
    assert (
        row(outcome(check("2025-A1-43", Status.PASSED)), "2025-A1-43").tally == "technisch erfüllt, Mobilgeräte offen"
    )
    without = outcome(check("2025-A1-43", Status.PASSED), features={"mobile_devices": False, "mobile_phones": False})
    assert row(without, "2025-A1-43").pending == ()


@pytest.mark.parametrize(
    ("expires", "status"),
    [(TODAY, Status.DEVIATION), (date(2026, 11, 22), Status.EXPIRED)],
)
@pytest.mark.parametrize("name", ["2021-A1-14", "2025-A1-21"])
def test_deviation_changes_a_failure_until_its_last_day(name: str, expires: date, status: Status) -> None:
    found = outcome(check("2021-A1-14", Status.FAILED), deviations=[deviation(name, expires=expires)])
    assert row(found, "2025-A1-21").status is status
    assert "Gerät wird im Dezember ersetzt" in row(found, "2025-A1-21").reason
    assert found.deviations[0].rows == ("2025-A1-21",)
    assert found.deviations[0].expired is (status is Status.EXPIRED)


@pytest.mark.parametrize(
    ("status", "needed"),
    [(Status.FAILED, True), (Status.PASSED, False), (Status.NOT_TESTED, None), (Status.NOT_APPLICABLE, None)],
)
def test_deviation_that_is_no_longer_needed_is_pointed_out(status: Status, needed: bool | None) -> None:
    found = outcome(check("2021-A1-14", status), deviations=[deviation()])
    assert found.deviations[0].needed is needed


def test_deviation_speaks_only_of_its_hosts_and_its_requirement() -> None:
    found = outcome(
        check("2021-A1-14", Status.FAILED),
        check("2021-A1-14", Status.FAILED, "server-1"),
        check("2021-A1-13", Status.FAILED),
        deviations=[deviation(hosts=["server-1"])],
    )
    assert [one.status for one in row(found, "2025-A1-21").hosts] == [Status.FAILED, Status.DEVIATION]
    assert row(found, "2025-A1-19").status is Status.FAILED


def test_valid_deviation_goes_before_an_expired_one() -> None:
    both = [deviation(expires=date(2026, 1, 1)), deviation()]
    found = outcome(check("2021-A1-14", Status.FAILED), deviations=both)
    assert row(found, "2025-A1-21").status is Status.DEVIATION
    assert [one.rows for one in found.deviations] == [(), ("2025-A1-21",)]


@pytest.mark.parametrize("status", [Status.PASSED, Status.NOT_TESTED])
def test_deviation_changes_nothing_but_a_failure(status: Status) -> None:
    found = outcome(check("2021-A1-14", status), deviations=[deviation()])
    assert row(found, "2025-A1-21").status is status
    assert found.deviations[0].rows == ()


def test_report_speaks_the_numbering_of_the_practices_edition() -> None:
    found = outcome(check("2021-A1-14", Status.PASSED), edition="2021")
    assert found.edition == "2021"
    assert row(found, "2021-A1-14").status is Status.PASSED
    assert not [one for one in found.requirements if one.id.startswith("2025")]
    assert outcome(today=date(2024, 1, 1)).edition == "2021"


def test_withdrawn_demand_stands_apart_if_it_was_checked() -> None:
    assert not [one for one in outcome().requirements if one.section is Section.WITHDRAWN]
    found = row(outcome(check("2021-A1-20", Status.PASSED)), "2021-A1-20")
    assert found.section is Section.WITHDRAWN
    assert found.section.label == "Nicht mehr gefordert, weiterhin umgesetzt"


def test_newer_demand_stands_apart_in_an_older_edition() -> None:
    found = outcome(check("2025-A1-43", Status.PASSED), edition="2021")
    assert row(found, "2025-A1-43").section is Section.ADDITIONAL


def test_recommendations_are_their_own_section() -> None:
    assert row(outcome(check("KVWL-04", Status.PASSED)), "KVWL-04").section is Section.RECOMMENDATION


CODES = ["2021-A1-13", "2021-A1-14", "2021-A1-20", "2025-A1-01", "2025-A1-43", "2025-A2-01", "KVWL-04"]
some_checks = st.lists(
    st.builds(
        check,
        st.sampled_from(CODES),
        st.sampled_from([Status.FAILED, Status.NOT_TESTED, Status.PASSED, Status.NOT_APPLICABLE]),
        st.sampled_from(["arbeitsplatz-1", "server-1", None]),
        st.sampled_from(["test_a", "test_b"]),
    ),
    max_size=12,
)
some_hosts = st.tuples(st.booleans(), st.booleans()).map(
    lambda reached: [host("arbeitsplatz-1", reached[0]), host("server-1", reached[1])]
)


@given(some_checks, some_hosts, st.sampled_from(["auto", "2021"]), st.sampled_from(SIZES))
def test_every_requirement_has_exactly_one_row(
    checks: list[CheckResult], hosts: list[HostState], edition: str, size: str
) -> None:
    found = outcome(*checks, hosts=hosts, edition=edition, size=size)
    ids = [one.id for one in found.requirements]
    assert len(ids) == len(set(ids))
    directive = [one.id for one in found.requirements if one.section is Section.DIRECTIVE]
    assert directive == [one.id for one in CATALOGUE.edition(found.edition)]
    codes = {code for one in found.requirements for code in one.code_ids}
    assert codes.issuperset(code for one in checks for code in one.requirements)


@given(some_checks, some_hosts)
def test_status_is_the_worst_and_an_unreached_host_never_passes(
    checks: list[CheckResult], hosts: list[HostState]
) -> None:
    unreached = {one.name for one in hosts if not one.reached}
    for found in outcome(*checks, hosts=hosts, size="gross").requirements:
        own = [one for one in checks if set(one.requirements) & set(found.code_ids)]
        if found.hosts:
            assert found.status is Status.worst(one.status for one in found.hosts)
            assert found.status.severity <= min(one.status.severity for one in own) if own else True
        for verdict in found.hosts:
            if verdict.host in unreached:
                assert verdict.status in {Status.NOT_TESTED, Status.FAILED}
                assert all(one.status in {Status.NOT_TESTED, Status.FAILED} for one in verdict.checks)
        if unreached and any(one.host for one in own):
            assert found.status not in {Status.PASSED, Status.NOT_APPLICABLE}
        if found.status in {Status.NOT_TESTED, Status.NOT_APPLICABLE} and not found.hosts:
            assert found.reason


@given(some_checks, st.sampled_from(CODES), st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_deviation_never_makes_a_pass(checks: list[CheckResult], name: str, expires: date) -> None:
    plain = outcome(*checks, size="gross")
    excused = outcome(*checks, size="gross", deviations=[deviation(name, expires=expires)])
    for before, after in zip(plain.requirements, excused.requirements, strict=True):
        if before.status is not Status.FAILED:
            assert after.status is before.status
        else:
            assert after.status in {Status.FAILED, Status.NOT_TESTED, Status.EXPIRED, Status.DEVIATION}
