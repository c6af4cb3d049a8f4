"""Radios that come back."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft\Windows"
ROLE = "wireless"
HOTSPOT = "test_windows_is_no_hotspot_and_joins_none"


def changed(host: str, path: str, value: str, *red: str) -> Mutation:
    return Mutation(host, (("set", path, value),), frozenset(red), ROLE)


MUTATIONS = {
    "the WLAN is back": changed(
        "pc-1", "services.WlanSvc.start", "auto", "test_wlan_of_windows_is_off_where_nobody_needs_it"
    ),
    "a headset": changed(
        "pc-2", "services.bthserv.start", "manual", "test_bluetooth_of_windows_is_off_where_nobody_needs_it"
    ),
    "a hotspot": changed("pc-1", "services.icssvc.start", "manual", HOTSPOT),
    "open networks by themselves": changed(
        "pc-2", r"HKLM\SOFTWARE\Microsoft\wcmsvc\wifinetworkmanager\config\AutoConnectAllowedOEM", "dword:1", HOTSPOT
    ),
    "the push of a button": changed("pc-1", rf"{POLICIES}\WCN\Registrars\EnableRegistrars", "dword:1", HOTSPOT),
    "radio beside the cable": changed(
        "winserver-1",
        rf"{POLICIES}\WcmSvc\GroupPolicy\fMinimizeConnections",
        "dword:1",
        "test_windows_uses_no_radio_beside_a_cable",
    ),
}
