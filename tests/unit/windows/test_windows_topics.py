"""What a Windows snapshot says of a host: a policy before the local setting, and without either the build's default."""

from __future__ import annotations

from typing import Any

import pytest

from praxisschild.snapshot import WindowsSnapshot

POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
SAVER = r"Software\Policies\Microsoft\Windows\Control Panel\Desktop"
SCHANNEL = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
FIREFOX = r"HKLM\SOFTWARE\Policies\Mozilla\Firefox"
LIBREOFFICE = r"HKLM\SOFTWARE\Policies\LibreOffice\org.openoffice.Office."
PC_24H2 = {"product_type": 1, "build": 26100, "edition": "Professional"}
PC_22H2 = {"product_type": 1, "build": 19045, "edition": "Professional"}
SERVER_2022 = {"product_type": 3, "build": 20348, "edition": "ServerStandard"}
SERVER_2025 = {"product_type": 3, "build": 26100, "edition": "ServerStandard"}


def host(computer: dict[str, Any] | None = None, registry: Any = None, **sections: Any) -> WindowsSnapshot:
    """A snapshot with these values of the registry: {key: {name: data}}."""

    def typed(keys: Any) -> dict[str, Any]:
        return {key: {name: ["any", data] for name, data in values.items()} for key, values in (keys or {}).items()}

    hives = {sid: typed(keys) for sid, keys in sections.pop("hives", {}).items()}
    document = {"schema_version": 1, "platform": "windows", "computer": computer or PC_24H2, "errors": []}
    return WindowsSnapshot.from_json(document | {"registry": typed(registry), "hives": hives} | sections)


SAVES = {"ScreenSaveActive": "1", "ScreenSaverIsSecure": "1", "ScreenSaveTimeOut": "600", "SCRNSAVE.EXE": "x.scr"}


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (SAVES, 600),
        ({}, None),
        (SAVES | {"ScreenSaveActive": "0"}, None),
        (SAVES | {"ScreenSaverIsSecure": "0"}, None),
        (SAVES | {"ScreenSaveTimeOut": "0"}, None),
        (SAVES | {"ScreenSaveTimeOut": "bald"}, None),
        ({name: value for name, value in SAVES.items() if name != "SCRNSAVE.EXE"}, None),
    ],
)
def test_a_screen_saver_locks_if_everything_is_there(values, seconds):
    found = host(hives={"S-1-5-21-1": {SAVER: values}, "default": {SAVER.upper(): SAVES}}).screen_savers
    assert found == {"S-1-5-21-1": seconds, "default": 600}


@pytest.mark.parametrize(
    ("computer", "server", "client"),
    [
        (PC_24H2, True, True),
        (PC_22H2, False, False),
        (SERVER_2022, False, False),
        (SERVER_2025, False, True),
    ],
)
def test_who_signs_files_by_itself(computer, server, client):
    found = host(computer)
    assert (found.signs_files("LanmanServer"), found.signs_files("LanmanWorkstation")) == (server, client)
    for value in (0, 1):
        told = host(computer, {rf"{SERVICES}\LanmanServer\Parameters": {"RequireSecuritySignature": value}})
        assert told.signs_files("LanmanServer") is bool(value)


@pytest.mark.parametrize(
    ("computer", "registry", "found"),
    [
        (PC_24H2, {}, ["LLMNR", "NetBIOS"]),
        (PC_24H2, {rf"{POLICIES}\Windows NT\DNSClient": {"EnableMulticast": 0, "EnableNetbios": 0}}, []),
        # the policy is newer than this Windows
        (PC_22H2, {rf"{POLICIES}\Windows NT\DNSClient": {"EnableMulticast": 0, "EnableNetbios": 0}}, ["NetBIOS"]),
        (PC_22H2, {rf"{SERVICES}\NetBT\Parameters": {"NodeType": 2}}, ["LLMNR"]),
        (PC_22H2, {rf"{SERVICES}\NetBT\Parameters": {"NodeType": 8}}, ["LLMNR", "NetBIOS"]),
    ],
)
def test_names_are_asked_for_by_everybody(computer, registry, found):
    assert host(computer, registry).asks_everybody_for_names == found


def test_guests_are_taken_by_older_windows_pro():
    assert host(PC_22H2).asks_guests_in
    assert not host(PC_24H2).asks_guests_in
    key = rf"{POLICIES}\Windows\LanmanWorkstation"
    assert not host(PC_22H2, {key: {"AllowInsecureGuestAuth": 0}}).asks_guests_in
    assert host(PC_24H2, {key: {"AllowInsecureGuestAuth": 1}}).asks_guests_in


def test_outdated_tls_is_spoken_unless_somebody_says_otherwise():
    assert host().outdated_tls == ["TLS 1.0 (Client)", "TLS 1.0 (Server)", "TLS 1.1 (Client)", "TLS 1.1 (Server)"]
    off = {
        rf"{SCHANNEL}\{name}\{side}": {"Enabled": 0} for name in ("TLS 1.0", "TLS 1.1") for side in ("Client", "Server")
    }
    assert host(registry=off).outdated_tls == []
    assert host(registry=off | {rf"{SCHANNEL}\SSL 3.0\Server": {"Enabled": 0xFFFFFFFF}}).outdated_tls == [
        "SSL 3.0 (Server)"
    ]


def test_old_log_ins_are_taken_by_default():
    lsa = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
    assert (host().lan_manager_level, host().keeps_lan_manager_hashes) == (3, False)
    found = host(registry={lsa: {"LmCompatibilityLevel": 5, "NoLMHash": 0}})
    assert (found.lan_manager_level, found.keeps_lan_manager_hashes) == (5, True)


SOFTWARE = [{"name": "Mozilla Firefox ESR (x64 de)"}, {"name": "Microsoft Edge"}, {"name": "Microsoft Edge Update"}]


def test_a_browsers_policies_are_one_tree():
    found = host(
        software=SOFTWARE,
        registry={
            FIREFOX: {
                "DisableTelemetry": 1,
                "Preferences": ['{"a.b":', '{"Value": true}}'],
                "ExtensionSettings": ["{"],
            },
            rf"{FIREFOX}\Permissions\Camera": {"BlockNewRequests": 1, "Locked": 1},
            rf"{FIREFOX.upper()}\WEBSITEFILTER\BLOCK": {"2": "b", "10": "c", "1": "a"},
            rf"{FIREFOX}X": {"DisableTelemetry": 0},
        },
    )
    assert found.browsers == {"firefox", "edge"}
    assert found.browser_policy("firefox", "DisableTelemetry") == 1
    assert found.browser_policy("firefox", "Permissions", "Camera") == {"BlockNewRequests": 1, "Locked": 1}
    assert found.browser_policy("firefox", "WebsiteFilter", "Block") == ["a", "b", "c"]
    assert found.browser_policy("firefox", "Preferences", "a.b", "Value") is True
    assert found.browser_policy("firefox", "ExtensionSettings") is None
    assert found.browser_policy("firefox", "Preferences", "a.b", "Value", "deeper") is None
    assert found.browser_policy("edge", "Anything") is None


def test_libreoffice_obeys_what_is_final():
    found = host(
        registry={
            rf"{LIBREOFFICE}Common\Misc\CrashReport": {"Value": "false", "Final": 1},
            rf"{LIBREOFFICE}Writer\Content\Update\Link": {"Value": "2"},
            rf"{LIBREOFFICE}Commands\Execute\Disabled\one/#replace\Command": {"Value": "OpenRemote", "Final": 1},
            rf"{LIBREOFFICE}Commands\Execute\Disabled\two/#replace\Command": {"Value": "Quit", "Final": 0},
        }
    )
    assert found.office_option("Common/Misc/CrashReport") == "false"
    assert found.office_option("Writer/Content/Update/Link") is None
    assert found.disabled_office_commands == {"OpenRemote"}


def test_a_preference_of_the_mail_program_counts_if_it_is_locked():
    lines = ['{"a": {"Value": false, "Status": "locked"}, "b": {"Value": 1, "Status": "user"}}']
    found = host(registry={r"HKLM\SOFTWARE\Policies\Mozilla\Thunderbird": {"Preferences": lines}})
    assert found.mail_preference("a") is False
    assert found.mail_preference("b") is None
    assert host().mail_preference("a") is None
