from __future__ import annotations

from datetime import date

import pytest

from praxisschild.applicability import dropped_requirements, edition_of, why_not_applicable
from praxisschild.practice import Practice

TODAY = date(2026, 11, 23)


def practice(**changes):
    data = {"name": "Beispielpraxis", "size": "gross", "networks": {"praxis": "192.168.10.0/24"}, **changes}
    return Practice.model_validate(data)


def test_the_edition_in_force_today_is_the_default(catalogue):
    assert edition_of(catalogue, practice(), date(2024, 6, 1)) == "2021"
    assert edition_of(catalogue, practice(), TODAY) == "2025"
    assert edition_of(catalogue, practice(edition="2021"), TODAY) == "2021"


@pytest.mark.parametrize(("size", "applies"), [("praxis", False), ("mittel", True), ("gross", True)])
def test_annex_two_begins_with_the_middle_size(catalogue, size, applies):
    reason = why_not_applicable(catalogue, practice(size=size), catalogue.requirement("2021-A2-04"), TODAY)
    assert (reason is None) is applies


def test_what_a_practice_does_not_have_is_not_applicable_with_the_reason(catalogue):
    without = practice(features={"medical_devices": False})
    reason = why_not_applicable(catalogue, without, catalogue.requirement("2025-A4-06"), TODAY)
    assert "nicht vorhanden" in str(reason)
    assert (
        why_not_applicable(
            catalogue, practice(features={"medical_devices": True}), catalogue.requirement("2025-A4-06"), TODAY
        )
        is None
    )


def test_a_small_practice_drops_the_settings_of_larger_ones(catalogue):
    dropped = dropped_requirements(catalogue, practice(size="praxis"), ["a"], TODAY)["a"]
    assert {"2021-A2-04", "2021-A3-12"} <= dropped.keys()
    assert "2021-A1-13" not in dropped


def test_a_deviation_drops_on_its_hosts_only_and_only_until_it_expires(catalogue):
    deviation = {
        "requirement": "2025-A1-18",
        "hosts": ["a"],
        "reason": "Videosprechstunde an diesem Platz",
        "compensation": "Klappe vor der Kamera",
        "risk": "niedrig",
        "approved_on": "2026-04-01",
        "approved_by": "Praxisinhaberin",
        "expires": "2027-03-31",
    }
    dropped = dropped_requirements(catalogue, practice(deviations=[deviation]), ["a", "b"], TODAY)
    assert "Videosprechstunde" in dropped["a"]["2021-A1-12"]
    assert "2021-A1-12" not in dropped["b"]
    later = dropped_requirements(catalogue, practice(deviations=[deviation]), ["a"], date(2027, 4, 1))
    assert "2021-A1-12" not in later["a"]


@pytest.mark.parametrize(("choice", "is_dropped"), [("keep", False), ("drop", True)])
def test_a_withdrawn_demand_stays_applied_unless_the_practice_drops_it(catalogue, choice, is_dropped):
    dropped = dropped_requirements(catalogue, practice(withdrawn_requirements=choice), ["a"], TODAY)["a"]
    assert ("2021-A1-19" in dropped) is is_dropped


def test_a_demand_that_is_new_in_2025_is_dropped_under_2021(catalogue):
    assert "2025-A1-26" in dropped_requirements(catalogue, practice(edition="2021"), ["a"], TODAY)["a"]
