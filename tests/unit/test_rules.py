"""What does not fit together in an inventory is told before any host is touched: field, reason, way out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.errors import InputError
from praxisschild.inventory import open_practice
from praxisschild.practice import Practice
from praxisschild.rules import Facts, Finding, Hint, Objection, judge

if TYPE_CHECKING:
    from pathlib import Path

    from praxisschild.catalogue import Catalogue

HOSTS = ["arbeitsplatz-1", "server-1"]
GOOD: dict[str, Any] = {
    "name": "Beispielpraxis",
    "size": "praxis",
    "networks": {"praxis": "192.168.10.0/24", "verwaltung": "192.168.10.5/32"},
    "services": [{"host": "server-1", "port": 445, "from": ["praxis"], "purpose": "Dateifreigabe"}],
    "accounts": [{"name": "betreuung", "kind": "admin", "purpose": "IT-Dienstleister"}],
}
MEDIUM = {("server-1", "backup_schedule_medium_device"): "/dev/disk/by-label/SICHERUNG"}


def found(catalogue: Catalogue, variables: dict[tuple[str, str], Any] = MEDIUM, **changes: Any) -> list[Finding]:
    practice = Practice.model_validate({**GOOD, **changes})
    return judge(Facts(practice, catalogue, HOSTS, lambda host, name: variables.get((host, name))))


def people(count: int) -> list[dict[str, Any]]:
    return [{"name": f"mfa-{number}", "kind": "person", "purpose": "Anmeldung"} for number in range(count)]


def account(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "person", "purpose": "Anmeldung", **more}


def web(port: int = 443, **more: Any) -> dict[str, Any]:
    return {"host": "server-1", "port": port, "from": ["praxis"], "purpose": "Terminbuchung", **more}


def test_nothing_is_said_of_a_good_practice(catalogue):
    assert found(catalogue) == []


@pytest.mark.parametrize(
    ("changes", "kind", "field", "way_out"),
    [
        ({"features": {"ti": False, "hosted_konnektor": True}}, Objection, "features.hosted_konnektor", "ti: true"),
        ({"features": {"ti": False, "ti_gateway": True}}, Objection, "features.ti_gateway", "ti_gateway: false"),
        ({"features": {"mobile_devices": False, "mdm": True}}, Objection, "features.mdm", "mobile_devices: true"),
        (
            {"features": {"mobile_devices": False}, "mobile_devices": {}},
            Objection,
            "mobile_devices",
            "mobile_devices: true",
        ),
        ({"features": {"mdm": True}}, Hint, "mobile_devices", "docs/mobilgeraete.md"),
        ({"features": {"own_web_server": True}}, Objection, "features.own_web_server", "for example 443"),
        ({"features": {"own_mail_server": True}}, Objection, "features.own_mail_server", "for example 587"),
        ({"features": {"removable_media": False}}, Objection, "features.removable_media", "removable_media: true"),
        ({"accounts": [account("mfa"), account("mfa", hosts=["server-1"])]}, Objection, "accounts.1.name", "keep one"),
        ({"networks": {"praxis": "192.168.10.0/24"}}, Objection, "networks.verwaltung", "192.168.10.5/32"),
        (
            {"networks": {"praxis": "10.0.0.0/24", "verwaltung": "10.0.0.0/16"}},
            Hint,
            "networks.verwaltung",
            "narrow it to the address",
        ),
        (
            {"networks": {"praxis": "10.0.0.0/24", "verwaltung": "10.0.0.0/24"}},
            Hint,
            "networks.verwaltung",
            "narrow one of them",
        ),
        ({"services": [web(), web(purpose="Portal")]}, Hint, "services.0", "one entry"),
        ({"accounts": people(6)}, Hint, "size", "size: mittel"),
        ({"accounts": people(21)}, Hint, "size", "size: gross"),
        ({"size": "gross"}, Hint, "features.mdm", "mdm: true or mdm: false"),
    ],
)
def test_what_does_not_fit_is_told_with_the_way_out(catalogue, changes, kind, field, way_out):
    (finding,) = found(catalogue, **changes)
    assert type(finding) is kind
    assert finding.field == f"praxis.{field}"
    assert way_out in finding.way_out
    assert str(finding).endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"features": {"own_web_server": True}, "services": [web(8443)]},
        {"features": {"hosted_konnektor": True}},
        {"accounts": [account("mfa", hosts=["server-1"]), account("mfa", hosts=["arbeitsplatz-1"])]},
        {"accounts": people(5)},
        {"size": "gross", "features": {"mdm": False}},
        {"size": "gross", "features": {"mobile_devices": False}},
        {"services": [web(53), web(53, protocol="udp")]},
        {"networks": {"praxis": "fd00::/64", "verwaltung": "10.0.0.5/32"}},
    ],
)
def test_what_fits_is_left_alone(catalogue, changes):
    assert found(catalogue, **changes) == []


def test_a_missing_backup_medium_is_a_hint_because_the_rest_can_be_applied(catalogue):
    (finding,) = found(catalogue, variables={})
    assert isinstance(finding, Hint)
    assert "2025-A1-21" in finding.reason
    assert "/dev/disk/by-label/SICHERUNG" in finding.way_out


def test_a_folder_tells_its_hints_and_names_the_file_of_an_objection(project: Path, tmp_path: Path):
    assert [hint.field for hint in open_practice(project / "inventories/vorlage").hints] == [
        "backup_schedule_medium_device"
    ]
    (tmp_path / "hosts.yml").write_text("all: {hosts: {server-1: {}}}\n", encoding="utf-8")
    (tmp_path / "group_vars/all").mkdir(parents=True)
    file = tmp_path / "group_vars/all/praxis.yml"
    file.write_text(
        "praxis: {name: A, size: praxis, networks: {verwaltung: 10.0.0.1/32}, features: {own_web_server: true}}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="names no port") as caught:
        open_practice(tmp_path)
    assert caught.value.file == str(file)


WINDOWS: dict[str, Any] = {
    "ansible_connection": "winrm",
    "ansible_port": 5986,
    "ansible_winrm_transport": "ntlm",
    "ansible_winrm_server_cert_validation": "validate",
    "ansible_user": "praxisschild",
    "ansible_become": False,
    "ansible_host": "192.168.10.12",
}
PSRP = {"ansible_connection": "psrp", "ansible_winrm_transport": None}


def of_windows(catalogue: Catalogue, **changes: Any) -> list[Finding]:
    """What is said of a practice whose workstation runs Windows and is reached so."""
    return found(catalogue, {**MEDIUM, **{(HOSTS[0], name): value for name, value in {**WINDOWS, **changes}.items()}})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ansible_port": None},
        {"ansible_winrm_transport": ["kerberos", "ntlm"], "ansible_host": "pc-1.praxis.test"},
        {"ansible_winrm_transport": None, "ansible_user": "a@PRAXIS.TEST", "ansible_host": "pc-1.praxis.test"},
        {"ansible_winrm_transport": "certificate"},
        {**PSRP, "ansible_psrp_protocol": "https"},
        {"ansible_connection": "ssh", "ansible_port": 5985, "ansible_become": True},
        {"ansible_winrm_ca_trust_path": __file__},
    ],
)
def test_windows_that_is_reached_well_is_left_alone(catalogue, changes):
    assert of_windows(catalogue, **changes) == []


@pytest.mark.parametrize(
    ("changes", "kind", "field", "way_out"),
    [
        ({"ansible_port": 5985}, Objection, "ansible_port", "ansible_port: 5986"),
        ({"ansible_port": "5985"}, Objection, "ansible_port", "ansible_port: 5986"),
        ({"ansible_winrm_scheme": "http"}, Objection, "ansible_winrm_scheme", "https"),
        ({**PSRP, "ansible_psrp_protocol": "http"}, Objection, "ansible_psrp_protocol", "https"),
        (
            {"ansible_winrm_server_cert_validation": "ignore"},
            Objection,
            "ansible_winrm_server_cert_validation",
            "validate",
        ),
        (
            {**PSRP, "ansible_psrp_cert_validation": "ignore"},
            Objection,
            "ansible_psrp_cert_validation",
            "windows-ca.pem",
        ),
        ({"ansible_winrm_ca_trust_path": "/nirgends/ca.pem"}, Hint, "ansible_winrm_ca_trust_path", "WinRM.ps1"),
        ({"ansible_winrm_transport": "basic"}, Objection, "ansible_winrm_transport", "ntlm"),
        ({"ansible_winrm_transport": "plaintext"}, Objection, "ansible_winrm_transport", "ntlm"),
        ({"ansible_winrm_transport": ["ntlm", "ssl"]}, Objection, "ansible_winrm_transport", "ntlm"),
        ({"ansible_winrm_transport": None}, Objection, "ansible_winrm_transport", "ntlm"),
        ({**PSRP, "ansible_psrp_auth": "basic"}, Objection, "ansible_winrm_transport", "ansible_psrp_auth"),
        ({"ansible_winrm_transport": "kerberos"}, Objection, "ansible_host", "DNS name"),
        ({"ansible_become": True}, Objection, "ansible_become", "ansible_become: false"),
    ],
)
def test_a_wrong_way_to_windows_is_told_before_it_is_gone(catalogue, changes, kind, field, way_out):
    (finding,) = of_windows(catalogue, **changes)
    assert (type(finding), finding.field) == (kind, field)
    assert way_out in finding.way_out
    assert HOSTS[0] in finding.reason or "/nirgends/ca.pem" in finding.reason


def test_a_folder_with_the_plain_port_is_refused_and_the_file_named(project: Path, tmp_path: Path):
    folder = tmp_path / "praxis"
    shutil.copytree(project / "inventories/vorlage", folder)
    hosts = (folder / "hosts.yml").read_text(encoding="utf-8")
    (folder / "hosts.yml").write_text(hosts + "    windows: {hosts: {sprechzimmer: {}}}\n", encoding="utf-8")
    windows = folder / "group_vars/windows.yml"
    windows.write_text(windows.read_text(encoding="utf-8").replace("ansible_port: 5986", "ansible_port: 5985"))
    with pytest.raises(InputError, match=r"windows\.yml: ansible_port: .*sprechzimmer"):
        open_practice(folder)
