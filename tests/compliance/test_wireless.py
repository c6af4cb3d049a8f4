"""Radios: off where nobody needs them, and well protected where somebody does."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement
from praxisschild.snapshot.wireless import WPS_DISABLED

GERMAN = {"wlan": "WLAN", "bluetooth": "Bluetooth"}
NETWORK_MANAGER = "org.freedesktop.NetworkManager"
# what would put somebody's own radio network beside the practice's
FOR_ADMINISTRATORS = ("wifi.share.open", "wifi.share.protected", "settings.modify.own", "enable-disable-wifi")


@pytest.fixture
def radios(snapshot):
    """The radios of the host."""
    if not snapshot.radios:
        not_applicable("Dieser Host hat kein Funkmodul.")
    return snapshot.radios


@pytest.fixture
def profiles(snapshot, practice, host_name):
    """The radio networks that the host knows."""
    if not any(radio.kind == "wlan" for radio in snapshot.radios):
        not_applicable("Dieser Host hat kein WLAN-Modul.")
    if not practice.uses_wlan(host_name) and all(one.blocked for one in snapshot.radios if one.kind == "wlan"):
        not_applicable("Das WLAN-Modul dieses Hosts ist abgeschaltet.")
    return snapshot.wlan_profiles


@requirement("KVWL-13")
@pytest.mark.parametrize("kind", ["wlan", "bluetooth"])
def test_radio_is_off_where_nobody_needs_it(radios, practice, host_name, kind, measured):
    """Radio does not end at the door, and a radio that is off cannot be attacked from the car park."""
    own = [radio for radio in radios if radio.kind == kind]
    if not own:
        not_applicable(f"Dieser Host hat kein Modul für {GERMAN[kind]}.")
    if practice.uses_wlan(host_name) if kind == "wlan" else practice.uses_bluetooth(host_name):
        not_applicable(f"Dieser Host braucht laut Praxis {GERMAN[kind]}.")
    on = [radio for radio in own if not radio.blocked]
    measured(f"{GERMAN[kind]}: {len(own)} Module, davon eingeschaltet: {len(on)}")
    assert not on


@requirement("KVWL-13")
def test_only_administrators_switch_a_radio_on(radios, snapshot, measured):
    """A switch that everybody can press is pressed when the cable does not work."""
    mode = snapshot.radio_switch_mode
    measured("kein Funkschalter" if mode is None else f"Rechte am Funkschalter /dev/rfkill: {mode:04o}")
    assert mode is None or not mode & 0o077


@requirement("KVWL-15")
def test_wlan_is_joined_with_wpa2_or_better(profiles, measured):
    """What goes through the air without encryption is read in the flat next door."""
    allowed = bound("KVWL-15", "protection").one_of
    weak = {f"{profile.ssid} ({profile.protection})" for profile in profiles if profile.protection not in allowed}
    measured(f"WLAN-Profile: {len(profiles)}; schwächer als WPA2: {', '.join(sorted(weak)) or 'keine'}")
    assert not weak


@requirement("KVWL-15")
def test_only_the_agreed_radio_networks_are_joined(profiles, snapshot, practice, measured):
    """A notebook that knows the café's network joins it by itself, and anything that pretends to be it."""
    agreed = set(practice.wlan.ssids) if practice.wlan else set()
    foreign = ({profile.ssid for profile in profiles} | snapshot.joined_networks) - agreed
    measured(f"Funknetze ohne Absprache: {', '.join(sorted(foreign)) or 'keine'}")
    assert not foreign


@requirement("KVWL-15")
def test_no_button_lets_others_into_the_wlan(profiles, measured):
    """The eight digits of WPS are guessed within hours."""
    open_to_wps = {profile.ssid for profile in profiles if profile.wps != WPS_DISABLED}
    measured(f"Profile, die WPS zulassen: {', '.join(sorted(open_to_wps)) or 'keine'}")
    assert not open_to_wps


@requirement("KVWL-15")
def test_passphrase_of_the_wlan_is_long(profiles, measured):
    """Whoever records one login tries a thousand million passphrases a second at home."""
    least = bound("KVWL-15", "passphrase").at_least
    lengths = [profile.passphrase for profile in profiles if profile.passphrase is not None]
    if not lengths:
        not_applicable("Auf diesem Host ist kein WLAN-Passwort hinterlegt.")
    measured(f"Länge der WLAN-Passwörter: {', '.join(map(str, sorted(lengths)))} Zeichen")
    assert min(lengths) >= least


@requirement("KVWL-15")
def test_nobody_opens_a_radio_network_of_their_own(profiles, snapshot, measured):
    """A hotspot on a practice computer is a door into the practice's network that no firewall knows."""
    own = {profile.ssid for profile in profiles if profile.opens_a_network}
    points = {name for name, role in snapshot.wlan_roles.items() if role not in {None, "managed"}}
    free = {one for one in FOR_ADMINISTRATORS if snapshot.network_rights.get(f"{NETWORK_MANAGER}.{one}") != "no"}
    measured(
        f"eigene Funknetze: {', '.join(sorted(own | points)) or 'keine'}; "
        f"Rechte, die nicht den Administratoren vorbehalten sind: {', '.join(sorted(free)) or 'keine'}"
    )
    assert not own | points
    assert not free
