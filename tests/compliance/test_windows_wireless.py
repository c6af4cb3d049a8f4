"""Radios of a Windows host: off where nobody needs them, and the practice's own networks where somebody does."""

from __future__ import annotations

from praxisschild.checks import not_applicable, requirement

POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft\Windows"
SENSE = r"HKLM\SOFTWARE\Microsoft\wcmsvc\wifinetworkmanager\config"
RADIOS = ("WlanSvc", "WFDSConMgrSvc")
BLUETOOTH = ("bthserv", "BTAGService", "BthAvctpSvc")
HOTSPOTS = ("icssvc", "SharedAccess")
DISABLED = 4


def _awake(windows, names):
    found = {name: windows.service(name) for name in names}
    return sorted(name for name, one in found.items() if one and (one.running or one.start != DISABLED))


@requirement("KVWL-13")
def test_wlan_of_windows_is_off_where_nobody_needs_it(windows, practice, host_name, measured):
    """Radio reaches the street; what is off cannot be attacked from there."""
    if practice.uses_wlan(host_name):
        not_applicable("Dieser Host nutzt das WLAN der Praxis.")
    awake = _awake(windows, RADIOS)
    measured(f"Dienste für WLAN, die laufen oder starten können: {', '.join(awake) or 'keine'}")
    assert not awake


@requirement("KVWL-13")
def test_bluetooth_of_windows_is_off_where_nobody_needs_it(windows, practice, host_name, measured):
    """A headset that somebody paired once hears what is said in the treatment room."""
    if practice.uses_bluetooth(host_name):
        not_applicable("Dieser Host nutzt Bluetooth.")
    awake = _awake(windows, BLUETOOTH)
    measured(f"Dienste für Bluetooth, die laufen oder starten können: {', '.join(awake) or 'keine'}")
    assert not awake


@requirement("KVWL-15")
def test_windows_is_no_hotspot_and_joins_none(windows, measured):
    """A host that opens a network of its own, or joins an open one, is a bridge past the firewall."""
    awake = _awake(windows, HOTSPOTS)
    joins = windows.registry(SENSE, "AutoConnectAllowedOEM") != 0
    shares = windows.registry(rf"{POLICIES}\Network Connections", "NC_ShowSharedAccessUI") != 0
    buttons = windows.registry(rf"{POLICIES}\WCN\Registrars", "EnableRegistrars") != 0
    measured(
        f"Dienste für Hotspots: {', '.join(awake) or 'keine'}; verbindet sich mit offenen Netzen: "
        f"{'ja' if joins else 'nein'}; gibt seine Verbindung weiter: {'möglich' if shares else 'nein'}; "
        f"WPS: {'an' if buttons else 'aus'}"
    )
    assert not awake
    assert not joins
    assert not shares
    assert not buttons


@requirement("KVWL-13", "KVWL-15")
def test_windows_uses_no_radio_beside_a_cable(windows, measured):
    """With both, a stranger who reaches the radio is in the practice's network."""
    found = windows.registry(rf"{POLICIES}\WcmSvc\GroupPolicy", "fMinimizeConnections")
    measured(f"WLAN neben dem Kabel: {'nein' if found == 3 else 'möglich'}")
    assert found == 3
