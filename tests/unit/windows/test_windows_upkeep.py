"""Malware scanner, updates, backup, volumes and logs as a Windows snapshot tells of them: its numbers, decoded."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from praxisschild.snapshot import Unreadable, WindowsSnapshot
from praxisschild.snapshot.windows.protection import NEVER

EVENTS = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\EventLog"
LOCAL_EVENTS = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog"
PC = {"product_type": 1, "build": 26200, "revision": 7171, "edition": "Professional", "display_version": "25H2"}
PREFERENCES = {
    "ExclusionPath": None,
    "ExclusionProcess": None,
    "ExclusionExtension": None,
    "AttackSurfaceReductionRules_Ids": None,
    "AttackSurfaceReductionRules_Actions": None,
    "DisableArchiveScanning": False,
    "DisableEmailScanning": False,
    "DisableRemovableDriveScanning": False,
    "DisableScriptScanning": False,
    "ScanParameters": 2,
    "ScanScheduleDay": 4,
    "SignatureUpdateInterval": 4,
}


def host(**sections: Any) -> WindowsSnapshot:
    document: dict[str, Any] = {"schema_version": 1, "platform": "windows", "errors": [], "computer": PC}
    return WindowsSnapshot.from_json(document | {"collected_at": "2026-11-28T12:00:00+00:00"} | sections)


@pytest.mark.parametrize(
    ("state", "on", "current"),
    [
        (397568, True, True),  # 0x061100: Defender, on and up to date
        (397584, True, False),  # 0x061110
        (393472, False, True),  # 0x060100: off
        (266240, True, True),  # 0x041000: another product, on
        (262144, False, True),  # 0x040000: another product, off
        (270336, False, True),  # 0x042000: snoozed
        (274448, False, False),  # 0x043010: expired, out of date
    ],
)
def test_the_security_centres_numbers_mean_on_and_up_to_date(state, on, current):
    found = host(antivirus=[{"name": "Fremdschutz", "product_state": state}])
    (product,) = found.other_products
    assert (product.on, product.current) == (on, current)
    assert (found.guard is not None) == on


def test_defender_is_no_other_product_whatever_it_is_called():
    found = host(
        antivirus=[
            {"name": name, "product_state": 397568} for name in ("Windows Defender", "Microsoft Defender Antivirus")
        ]
    )
    assert found.other_products == ()


def test_a_scan_that_never_was_has_no_age():
    assert host(defender={"FullScanAge": NEVER}).defender_full_scan_age is None
    assert host(defender={"FullScanAge": 3}).defender_full_scan_age == timedelta(days=3)
    assert host(defender=None).defender_full_scan_age is None
    assert not host(defender=None).defender_guards


@pytest.mark.parametrize(
    ("parameters", "day", "days"),
    [(2, 0, 1), (2, 4, 7), (2, 8, None), (1, 0, None)],
    ids=["daily", "weekly", "never", "quick"],
)
def test_only_full_scans_count(parameters, day, days):
    found = host(defender_preferences=PREFERENCES | {"ScanParameters": parameters, "ScanScheduleDay": day})
    assert found.defender_scans_everything_every == (None if days is None else timedelta(days=days))


def test_exclusions_of_every_kind_and_rules_by_any_case():
    found = host(
        defender_preferences=PREFERENCES
        | {
            "ExclusionPath": ["D:\\PVS"],
            "ExclusionProcess": ["pvs.exe"],
            "AttackSurfaceReductionRules_Ids": ["B2B3F03D-6A65-4F7B-A9C7-1C7EF74A9BA4"],
            "AttackSurfaceReductionRules_Actions": [1],
        }
    )
    assert found.defender_exclusions == ("D:\\PVS", "pvs.exe")
    assert found.defender_rule("b2b3f03d-6a65-4f7b-a9c7-1c7ef74a9ba4") == 1
    assert found.defender_rule("9e6c4e1f-7d60-472f-ba1a-a39ef669e4b2") == 0
    with pytest.raises(Unreadable, match="Defender"):
        _ = host(defender_preferences=None).defender_exclusions


@pytest.mark.parametrize(
    ("method", "cipher"),
    [(7, ("aes-xts-plain64", 512)), (6, ("aes-xts-plain64", 256)), (4, ("aes-cbc-plain", 256)), (0xFFFF, ("", 0))],
)
def test_methods_are_called_as_the_catalogue_does(method, cipher):
    volume = {"letter": "c:", "type": 0, "protection": 1, "conversion": 1, "method": method}
    (found,) = host(volumes=[volume]).fixed_volumes
    assert (found.letter, found.cipher) == ("C:", cipher)


def test_half_encrypted_or_with_the_key_beside_it_is_not_safe():
    half = {"letter": "C:", "type": 0, "protection": 1, "conversion": 2, "method": 7}
    suspended = {"letter": "D:", "type": 1, "protection": 0, "conversion": 1, "method": 7}
    locked = {"letter": "F:", "type": 2, "protection": 2, "conversion": 1, "method": 4}
    found = host(volumes=[half, suspended, locked])
    assert [(one.encrypted, one.protected) for one in found.volumes] == [(False, True), (True, False), (True, True)]
    assert [one.letter for one in found.plugged_volumes] == ["F:"]
    assert not host(volumes=None).has_bitlocker
    assert host(volumes=None).volumes == ()


def updates(**more: Any) -> WindowsSnapshot:
    known = {
        "last_searched": "2026-11-27T12:00:00+00:00",
        "last_installed": None,
        "pending_reboot": False,
        "pending": [],
    }
    return host(updates=known | more)


def test_only_rated_updates_close_a_hole():
    waiting = [
        {"article": "KB1", "severity": "Critical", "published": "2026-11-10T00:00:00+00:00"},
        {"article": "KB2", "severity": "", "published": "2020-01-01T00:00:00+00:00"},
        {"article": "KB3", "severity": "Low", "published": None},
    ]
    found = updates(pending=waiting)
    assert {name: age.days for name, age in found.security_update_ages.items()} == {"KB1": 18, "KB3": 0}
    assert found.update_search_age == timedelta(days=1)
    assert found.update_installation_age is None


def test_a_release_is_judged_by_build_and_edition():
    assert host().release_support == ("Windows 11 25H2", date(2027, 10, 12))
    assert host(computer=PC | {"product_type": 3, "build": 20348}).release_support[1] == date(2031, 10, 14)
    unknown = host(computer=PC | {"build": 31000})
    assert not unknown.knows_release
    with pytest.raises(Unreadable, match="31000"):
        _ = unknown.release_support


def test_programs_without_updates_are_named():
    names = ("Microsoft SQL Server 2014 (64-Bit)", "Microsoft SQL Server 2019 (64-Bit)", "Praxissoftware 2014")
    found = host(software=[{"name": name, "version": "", "publisher": ""} for name in names])
    assert found.programs_without_updates == ("Microsoft SQL Server 2014 (64-Bit)",)


def test_reports_of_the_backup_are_read_as_on_linux():
    reports = {
        "daily": {"result": "success", "target": "local", "last_success": "2026-11-28T11:00:00Z", "files": 3},
        "restore-test": {"result": "failed", "target": "local", "last_success": "2026-11-15T14:30:00Z", "compared": 20},
        "medium": {"result": "running", "last_success": None},
    }
    config = {"keep": {"daily": 7}, "image": {"target": "E:"}, "restic": "C:\\restic.exe"}
    found = host(backup={"reports": reports, "config": config, "password": True, "protected": False, "program": True})
    assert [(one.job, one.succeeded) for one in found.backup_reports] == [
        ("daily", True),
        ("medium", False),
        ("restore-test", False),
    ]
    assert found.age(one for one in found.backup_reports if one.stores) == timedelta(hours=1)
    assert found.age(one for one in found.backup_reports if one.reads_back) == timedelta(days=12, hours=21.5)
    assert (found.backup_image_drive, dict(found.backup_keeps)) == ("E:", {"daily": 7})
    assert found.backup_is_set_up
    assert not found.backup_is_private
    nothing = host(backup={"reports": {}, "config": None, "password": False, "protected": True, "program": False})
    assert (nothing.backup_image_drive, dict(nothing.backup_keeps), nothing.backup_is_set_up) == (None, {}, False)


def test_sizes_of_logs_by_policy_in_kilobytes_by_hand_in_bytes():
    policy = {rf"{EVENTS}\Security": {"MaxSize": ["dword", 196608]}}
    local = {rf"{LOCAL_EVENTS}\Security": {"MaxSize": ["dword", 64 * 1024**2], "Retention": ["dword", 0xFFFFFFFF]}}
    assert host(registry=local | policy).log_size("Security") == 192
    assert host(registry=local).log_size("Security") == 64
    assert host(registry={}).log_size("Security") == 20
    assert not host(registry=local).log_overwrites("Security")
    assert host(registry=local | {rf"{EVENTS}\Security": {"Retention": ["string", "0"]}}).log_overwrites("Security")


def test_targets_of_events_and_who_may_read_them():
    keys = {
        rf"{EVENTS}\EventForwarding\SubscriptionManager": {"1": ["string", "Server=http://s:5985/wsman/x,Refresh=60"]}
    }
    assert host(registry=keys).log_targets == ("http://s:5985/wsman/x",)
    assert not host(registry=keys, groups={}).sender_reads_security_log
    assert host(registry={}, groups={"S-1-5-32-573": ["S-1-5-20"]}).sender_reads_security_log
    by_policy = {rf"{EVENTS}\Security": {"ChannelAccess": ["string", "O:BAG:SYD:(A;;0x1;;;NS)"]}}
    assert host(registry=by_policy, groups={}).sender_reads_security_log
