"""A practice without a cloud, or with attested services only: nothing in between."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path

import pytest

from praxisschild.errors import InputError
from praxisschild.references import parse_practice

FILE = Path("inventories/beispiel/group_vars/all/praxis.yml")
TODAY = date(2026, 11, 23)
SERVICE = {
    "name": "Beispielcloud",
    "purpose": "Austausch mit dem Labor",
    "c5_until": "2027-06-30",
    "packages": ["rclone"],
    "sites": ["wetransfer.com"],
}


def parse(catalogue, *, strict=True, **changes):
    data = {"name": "Beispielpraxis", "size": "praxis", "networks": {"praxis": "192.168.10.0/24"}}
    return parse_practice({**data, **copy.deepcopy(changes)}, FILE, catalogue, ["arbeitsplatz-1"], TODAY, strict=strict)


def test_nothing_is_allowed_unless_the_practice_says_so(catalogue):
    practice = parse(catalogue)
    assert practice.cloud_policy == "forbid"
    assert practice.cloud_services_until(TODAY) == []
    assert practice.cloud_packages(TODAY) == set()


def test_an_attested_service_is_allowed_until_its_last_day(catalogue):
    practice = parse(catalogue, cloud_policy="c5_only", cloud_services=[SERVICE])
    assert practice.cloud_packages(date(2027, 6, 30)) == {"rclone"}
    assert practice.cloud_packages(date(2027, 7, 1)) == set()


@pytest.mark.parametrize(
    ("changes", "field", "way_out"),
    [
        ({"cloud_policy": "maybe"}, "praxis.cloud_policy", "choose one"),
        ({"cloud_policy": "c5_only"}, "praxis.cloud_services", "choose forbid"),
        ({"cloud_services": [SERVICE]}, "praxis.cloud_services", "remove the services"),
        ({"cloud_policy": "c5_only", "cloud_services": [SERVICE], "edition": "2021"}, "praxis.cloud_policy", "2025"),
        (
            {"cloud_policy": "c5_only", "cloud_services": [SERVICE | {"c5_until": "2026-01-31"}]},
            "praxis.cloud_services.0.c5_until",
            "new attestation",
        ),
        (
            {"cloud_policy": "c5_only", "cloud_services": [{"name": "x", "purpose": "y"}]},
            "praxis.cloud_services.0.c5_until",
            "add the field",
        ),
    ],
)
def test_a_contradiction_is_named_with_its_way_out(catalogue, changes, field, way_out):
    with pytest.raises(InputError) as caught:
        parse(catalogue, **changes)
    assert str(FILE) in str(caught.value)
    assert field in str(caught.value)
    assert way_out in str(caught.value)


def test_a_verification_reports_an_expired_attestation_instead(catalogue):
    changes = {"cloud_policy": "c5_only", "cloud_services": [SERVICE | {"c5_until": "2026-01-31"}]}
    assert parse(catalogue, strict=False, **changes).cloud_services_until(TODAY) == []
