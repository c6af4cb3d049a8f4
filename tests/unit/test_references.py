from __future__ import annotations

import copy
from datetime import date
from pathlib import Path

import pytest

from praxisschild.errors import InputError
from praxisschild.references import check_role_variables, parse_practice

FILE = Path("inventories/beispiel/group_vars/all/praxis.yml")
TODAY = date(2026, 11, 23)
GOOD = {
    "name": "Beispielpraxis",
    "size": "praxis",
    "edition": 2025,
    "features": {"ti": True},
    "networks": {"praxis": "192.168.10.0/24", "verwaltung": "192.168.10.5/32"},
    "services": [{"host": "server-1", "port": 445, "from": ["praxis"], "purpose": "Dateifreigabe"}],
    "accounts": [{"name": "betreuung", "kind": "admin", "purpose": "IT-Dienstleister"}],
    "deviations": [
        {
            "requirement": "2021-A1-12",
            "hosts": ["arbeitsplatz-1"],
            "reason": "Videosprechstunde an diesem Platz",
            "compensation": "Klappe vor der Kamera",
            "risk": "niedrig",
            "approved_by": "Praxisinhaberin",
            "approved_on": "2026-04-01",
            "expires": "2027-03-31",
        }
    ],
}


def parse(catalogue, changes=None, **options):
    data = copy.deepcopy(GOOD)
    for path, value in (changes or {}).items():
        *parents, last = path
        target = data
        for parent in parents:
            target = target[parent]
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return parse_practice(data, FILE, catalogue, ["arbeitsplatz-1", "server-1"], TODAY, **options)


def test_a_good_practice_is_understood(catalogue):
    practice = parse(catalogue)
    assert practice.edition == "2025"
    assert [service.port for service in practice.services_of("server-1")] == [445]
    assert practice.deviations[0].covers("arbeitsplatz-1")
    assert not practice.deviations[0].covers("server-1")
    assert not practice.deviations[0].covers(None)


@pytest.mark.parametrize(
    ("changes", "field", "way_out"),
    [
        ({("separated_hosts",): ["server-2"]}, "praxis.separated_hosts.0", "server-1"),
        ({("pvs_only_hosts",): ["server-2"]}, "praxis.pvs_only_hosts.0", "server-1"),
        ({("size",): "riesig"}, "praxis.size", "choose one"),
        ({("size",): ...}, "praxis.size", "vorlage"),
        ({("sise",): "praxis"}, "praxis.sise", "correct its name"),
        ({("edition",): "2030"}, "praxis.edition", "2025"),
        ({("features",): {"konnektor": True}}, "praxis.features.konnektor", "hosted_konnektor"),
        ({("networks", "praxis"): "192.168.10.1/24"}, "praxis.networks.praxis", "host bits"),
        ({("services", 0, "host"): "server-2"}, "praxis.services.0.host", "server-1"),
        ({("services", 0, "from"): ["praxsi"]}, "praxis.services.0.from", "praxis"),
        ({("accounts", 0, "kind"): "chef"}, "praxis.accounts.0.kind", "choose one"),
        ({("deviations", 0, "requirement"): "2021-A1-99"}, "praxis.deviations.0.requirement", "2021-A1"),
        ({("deviations", 0, "hosts"): ["drucker"]}, "praxis.deviations.0.hosts", "choose one of"),
        ({("deviations", 0, "reason"): ""}, "praxis.deviations.0.reason", "auditor"),
        ({("deviations", 0, "reason"): ...}, "praxis.deviations.0.reason", "vorlage"),
        ({("deviations", 0, "expires"): "2026-11-22"}, "praxis.deviations.0.expires", "approved again"),
        ({("deviations", 0, "expires"): "31.12.2027"}, "praxis.deviations.0.expires", "YYYY-MM-DD"),
        ({("deviations", 0, "expires"): "2027-04-03"}, "praxis.deviations.0.expires", "approved again"),
        ({("deviations", 0, "approved_on"): "2026-11-24"}, "praxis.deviations.0.approved_on", "write the day"),
        ({("deviations", 0, "risk"): "egal"}, "praxis.deviations.0.risk", "choose one"),
        ({("deviations", 0, "compensation"): ...}, "praxis.deviations.0.compensation", "vorlage"),
    ],
)
def test_what_is_wrong_is_named_with_file_field_and_way_out(catalogue, changes, field, way_out):
    with pytest.raises(InputError) as caught:
        parse(catalogue, changes)
    assert caught.value.exit_code == 2
    assert caught.value.file == str(FILE)
    assert caught.value.field.startswith(field)
    assert way_out in caught.value.way_out


def test_no_practice_at_all_is_named(catalogue):
    with pytest.raises(InputError, match="vorlage"):
        parse_practice(None, FILE, catalogue, [], TODAY)


def test_a_verification_leaves_an_expired_deviation_to_the_report(catalogue):
    practice = parse(
        catalogue,
        {("deviations", 0, "approved_on"): "2025-04-01", ("deviations", 0, "expires"): "2026-01-01"},
        strict=False,
    )
    assert practice.deviations[0].expires < TODAY


OPTIONS = {"firewall": {"firewall_services"}, "endpoint_hardening": {"endpoint_hardening_lock_after"}}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("endpoint_hardening_lock_aftre", "endpoint_hardening_lock_after"),
        ("endpoint_hardning_lock_after", "endpoint_hardening_lock_after"),
        ("firewall_service", "firewall_services"),
    ],
)
def test_a_misspelt_role_variable_is_named_with_its_file_and_the_nearest_name(name, near):
    with pytest.raises(InputError) as caught:
        check_role_variables({"server-1": [name]}, OPTIONS, {name: Path("host_vars/server-1.yml")})
    assert caught.value.file == "host_vars/server-1.yml"
    assert near in caught.value.way_out


def test_variables_of_others_are_left_alone():
    check_role_variables({"server-1": ["ansible_user", "praxis", "ntp_servers"]}, OPTIONS, {})


MAINTENANCE = {"networks": ["praxis"], "ports": [22]}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        (
            {("remote_maintenance",): {**MAINTENANCE, "networks": ["fernwartng"]}},
            "remote_maintenance.networks.0",
            "netw",
        ),
        ({("remote_maintenance",): {**MAINTENANCE, "max_hours": 48}}, "remote_maintenance.max_hours", "12"),
        ({("remote_maintenance",): {**MAINTENANCE, "services": ["xrdp"]}}, "remote_maintenance.services.0", "pattern"),
        ({("wlan",): {"hosts": ["notebok"], "ssids": ["Praxis"]}}, "wlan.hosts.0", "notebok"),
        ({("wlan",): {"hosts": ["server-1"]}}, "wlan.ssids", "join"),
        ({("wlan",): {"bluetooth": ["niemand"]}}, "wlan.bluetooth.0", "niemand"),
        ({("features", "wlan"): True}, "wlan", "radios switched off"),
        (
            {("features", "wlan"): False, ("wlan",): {"hosts": ["server-1"], "ssids": ["Praxis"]}},
            "wlan.hosts",
            "does not have",
        ),
    ],
)
def test_remote_maintenance_and_wlan_are_complete_or_refused(catalogue, changes, field, says):
    with pytest.raises(InputError) as refused:
        parse(catalogue, changes)
    assert f"praxis.{field}" in str(refused.value)
    assert says in str(refused.value)


def test_hosts_of_the_wlan_and_networks_of_the_helpers_are_known(catalogue):
    wlan = {"hosts": ["arbeitsplatz-1"], "ssids": ["Praxis"], "bluetooth": ["server-1"]}
    practice = parse(catalogue, {("wlan",): wlan, ("remote_maintenance",): MAINTENANCE})
    assert practice.uses_wlan("arbeitsplatz-1")
    assert not practice.uses_wlan("server-1")
    assert practice.uses_bluetooth("server-1")
    assert [str(network) for network in practice.maintenance_networks] == ["192.168.10.0/24"]
    assert parse(catalogue).maintenance_networks == []


def test_an_account_is_over_on_the_day_after_its_last(catalogue):
    account = {"name": "azubi", "kind": "person", "purpose": "Ausbildung", "until": "2026-11-23"}
    (found,) = parse(catalogue, {("accounts",): [account]}).accounts
    assert not found.has_left(TODAY)
    assert found.has_left(date(2026, 11, 24))
