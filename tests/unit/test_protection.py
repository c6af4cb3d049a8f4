"""The malware scanner in collector and snapshot, and what the practice says of it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

import pytest

from praxisschild.collector.linux import protection
from praxisschild.errors import InputError
from praxisschild.snapshot import Snapshot, Unreadable
from tests.unit.test_references import parse

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLAMCONF = """Checking configuration files in /etc/clamav

Config file: clamd.conf
-----------------------
ExcludePath disabled
OnAccessPrevention = "yes"
OnAccessIncludePath = "/home", "/srv"

Config file: freshclam.conf
---------------------------
Checks = "24"

Software settings
-----------------
Version: 1.4.6
"""


def stamp(age):
    return int((NOW - age).timestamp())


def service(*more):
    return {"started": stamp(HOUR), "arguments": ["/usr/sbin/clamonacc", *more]}


GOOD = {
    "clamd": {
        "OnAccessPrevention": ["yes"],
        "OnAccessIncludePath": ["/home", "/srv"],
        "OnAccessExcludePath": [],
        "OnAccessExcludeUname": ["clamav"],
        "VirusEvent": ["/usr/local/sbin/praxisschild-malware alarm"],
    },
    "freshclam": {"Checks": ["24"]},
    "configured": stamp(2 * HOUR),
    "processes": {
        "clamav-daemon.service": service(),
        "clamav-clamonacc.service": service(),
        "clamav-freshclam.service": service(),
        "praxisschild-malware-media.service": service(),
    },
    "answer": "PONG",
    "socket": {"mode": "0660", "uid": 0, "gid": 0},
    "hook_exists": True,
    "databases": [{"name": "daily.cld", "built": stamp(20 * HOUR), "version": 1, "signatures": 5}],
    "ignored_signatures": [],
    "media": ["/media"],
    "last_scan": {"result": "success", "ended": "2026-11-24T10:00:00+00:00", "findings": 0},
}


@pytest.fixture
def scanner():
    """A function that returns a good scanner's snapshot after a change to its section."""

    def build(change=lambda _: None):
        section = copy.deepcopy(GOOD)
        change(section)
        return Snapshot({"collected_at": NOW.isoformat(), "errors": [], "protection": section})

    return build


def test_a_good_scanner(scanner):
    found = scanner()
    assert found.scanner_answers
    assert found.blocks_on_open
    assert found.watches("/home/mfa-1/Downloads")
    assert not found.watches("/homes")
    assert found.watched_media == ("/media",)
    assert found.signature_age == 20 * HOUR
    assert found.signature_checks_per_day == 24
    assert found.malware_exclusions == ()
    assert found.reports_findings
    assert found.scanner_socket_mode == 0o660
    assert found.full_scan_age == 2 * HOUR


def test_without_a_scanner_nothing_is_protected():
    found = Snapshot({"collected_at": NOW.isoformat(), "errors": [], "protection": None})
    assert not found.has_scanner
    assert not found.scanner_answers
    assert not found.blocks_on_open
    assert found.signature_age is None
    assert found.full_scan_age is None
    assert found.scanner_socket_mode is None
    assert found.unscanned_content


def test_fresh_signatures_of_somebody_else_do_not_hide_old_ones_of_clamav(scanner):
    other = {"name": "other.cud", "built": stamp(HOUR), "version": 1, "signatures": 1}
    assert scanner(lambda section: section["databases"].append(other)).signature_age == 20 * HOUR


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("OnAccessExcludePath", "/opt/spiel", "/opt/spiel"),
        ("ExcludePath", r"^/srv/pvs\.alt(/|$)", "/srv/pvs.alt"),
        ("ExcludePath", r"\.docx$", r"\.docx$"),
        ("OnAccessExcludeUname", "gast", "Konto gast"),
        ("OnAccessExcludeUID", "1000", "Konto Nr. 1000"),
        ("OnAccessExcludeRootUID", "yes", "Konto root"),
    ],
)
def test_every_kind_of_exclusion_is_named(scanner, option, value, named):
    assert scanner(lambda section: section["clamd"].update({option: [value]})).malware_exclusions == (named,)


def test_ignored_signatures_and_lists_of_the_command_line_are_exclusions(scanner):
    def change(section):
        section["ignored_signatures"] = ["local.ign2"]
        section["processes"]["clamav-clamonacc.service"] = service("--exclude-list=/tmp/list")

    assert scanner(change).malware_exclusions == ("--exclude-list=/tmp/list", "Signaturen in local.ign2")


def test_options_that_the_running_scanner_has_not_read_prove_nothing(scanner):
    with pytest.raises(Unreadable, match="geändert"):
        _ = scanner(lambda section: section.update(configured=stamp(timedelta()))).watched
    other = service("--config-file=/tmp/other.conf")
    with pytest.raises(Unreadable, match="eigenen Konfiguration"):
        _ = scanner(lambda section: section["processes"].update({"clamav-daemon.service": other})).malware_exclusions


def test_a_scan_that_broke_off_is_none(scanner):
    assert scanner(lambda section: section["last_scan"].update(result="failed")).full_scan_age is None


def test_effective_options_are_read_per_file():
    assert protection.clamconf(CLAMCONF) == {
        "clamd.conf": {"ExcludePath": [], "OnAccessPrevention": ["yes"], "OnAccessIncludePath": ["/home", "/srv"]},
        "freshclam.conf": {"Checks": ["24"]},
    }


def test_the_age_of_signatures_is_in_their_header(tmp_path):
    header = b"ClamAV-VDB:24 Nov 2026 10-00 +0000:27500:2000:90:X:X:builder:1795514400"
    (tmp_path / "daily.cld").write_bytes(header.ljust(512) + b"data")
    (tmp_path / "broken.cvd").write_bytes(b"nothing")
    assert protection.databases(tmp_path) == [
        {"name": "daily.cld", "built": 1795514400, "version": 27500, "signatures": 2000}
    ]


def test_a_scanner_that_does_not_listen_gives_no_answer(tmp_path):
    assert protection.asked(str(tmp_path / "none"), "PING") is None


def test_the_practice_names_exclusions_and_other_products(catalogue):
    practice = parse(
        catalogue,
        {
            ("malware_exclusions",): [{"path": "/opt/pvs", "reason": "vom Hersteller verlangt", "hosts": ["server-1"]}],
            ("other_malware_protection",): [{"product": "EDR", "hosts": ["arbeitsplatz-1"]}],
        },
    )
    assert [entry.path for entry in practice.malware_exclusions_of("server-1")] == ["/opt/pvs"]
    assert practice.malware_exclusions_of("arbeitsplatz-1") == []
    assert practice.other_malware_protection_of("arbeitsplatz-1") == "EDR"
    assert practice.other_malware_protection_of("server-1") is None


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"path": "/home", "reason": "vom Hersteller verlangt"}, "malware_exclusions.0.path"),
        ({"path": "C:\\", "reason": "vom Hersteller verlangt"}, "malware_exclusions.0.path"),
        ({"path": "C:\\Temp", "reason": "vom Hersteller verlangt"}, "malware_exclusions.0.path"),
        ({"path": "C:\\PVS\\*", "reason": "vom Hersteller verlangt"}, "malware_exclusions.0.path"),
        ({"path": "/opt/pvs"}, "malware_exclusions.0.reason"),
        (
            {"path": "/opt/pvs", "reason": "vom Hersteller verlangt", "hosts": ["serber-1"]},
            "malware_exclusions.0.hosts",
        ),
    ],
)
def test_an_exclusion_names_a_folder_a_reason_and_known_hosts(catalogue, entry, field):
    with pytest.raises(InputError) as caught:
        parse(catalogue, {("malware_exclusions",): [entry]})
    assert field in str(caught.value)


def test_folders_are_of_the_platform_whose_paths_they_are(catalogue):
    exclusion = {"path": "D:\\PVS\\Datenbank 2", "reason": "vom Hersteller verlangt"}
    folders = ["/srv", "D:\\Praxisdaten"]
    practice = parse(catalogue, {("malware_exclusions",): [exclusion], ("patient_data",): folders})
    assert [entry.path for entry in practice.malware_exclusions_of("server-1")] == [exclusion["path"]]
    assert (practice.patient_data_on("linux"), practice.patient_data_on("windows")) == (["/srv"], ["D:\\Praxisdaten"])
