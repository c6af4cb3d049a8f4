"""What a Windows host takes in and sends out; the policy and the host's own settings are judged, no packet is sent."""

from __future__ import annotations

import ipaddress

import pytest

from praxisschild.checks import bound, not_applicable, not_tested, requirement
from praxisschild.snapshot.windows.firewall import PROFILES, Traffic

STRANGERS = ("192.0.2.77", "2001:db8::77")
# where nothing listens on any host
UNUSED_PORT = 9
WINRM = (5985, 5986)
GERMAN = {"Domain": "Domäne", "Private": "privat", "Public": "öffentlich"}
AUTOMATIC = 2


def _somebody_in(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """An address of the network, the last one: networks for administration tend to begin where the larger one does."""
    return str(network[-2] if network.num_addresses > 2 else network[0])


@requirement("2021-A1-32", "KVWL-05")
@pytest.mark.parametrize("profile", PROFILES)
def test_the_windows_firewall_is_on(windows, profile, measured):
    """A notebook that joins a hotel's network is in another profile than at the reception."""
    on = windows.firewall_setting(profile, "EnableFirewall")
    measured(f"Firewall im Profil {GERMAN[profile]}: {'an' if on else 'aus'}")
    assert on == 1


@requirement("2021-A1-32", "KVWL-05")
def test_the_windows_firewall_starts_with_windows(windows, measured):
    """A filter that somebody has to start is missing when it is needed."""
    found = {name: windows.service(name) for name in ("BFE", "mpssvc")}
    asleep = sorted(name for name, one in found.items() if not one or not one.running or one.start != AUTOMATIC)
    measured(f"Dienste der Firewall, die nicht laufen oder nicht von selbst starten: {', '.join(asleep) or 'keine'}")
    assert not asleep


@requirement("2021-A1-32", "KVWL-05")
@pytest.mark.parametrize("profile", PROFILES)
def test_windows_takes_nothing_in_that_nobody_allowed(windows, profile, measured):
    """What is open without a reason is what an attacker in the practice's network finds first."""
    packets = [Traffic(protocol, UNUSED_PORT, one) for one in STRANGERS for protocol in ("tcp", "udp")]
    allowed = bound("2021-A1-32", "inbound_policy").one_of
    fate = "accept" if any(windows.lets_in(profile, packet) for packet in packets) else "block"
    measured(f"Unverlangte Pakete im Profil {GERMAN[profile]}: {'verworfen' if fate == 'block' else 'angenommen'}")
    assert fate in allowed


@requirement("2021-A1-32")
def test_windows_opens_no_port_that_the_practice_has_not_named(windows, practice, host_name, measured):
    """Programs open ports for themselves when they are installed, and nobody closes them."""
    named = {(service.protocol, service.port) for service in practice.services_of(host_name)}
    administration = practice.networks.get("verwaltung")
    # a window of remote maintenance has checks of its own
    window_ports = practice.remote_maintenance.ports if practice.remote_maintenance else []
    reachable = {
        f"{protocol}/{port} von {name}"
        for profile in PROFILES
        for protocol, port in windows.doors(profile)
        for name, network in practice.networks.items()
        if (protocol, port) not in named
        and not (protocol == "tcp" and port in WINRM and network == administration)
        and not (port in window_ports and network in practice.maintenance_networks)
        and windows.lets_in(profile, Traffic(protocol, port, _somebody_in(network), near=True))
    }
    measured(f"Offene Ports ohne Eintrag in der Praxis: {', '.join(sorted(reachable)) or 'keine'}")
    assert not reachable


@requirement("2021-A1-32")
def test_named_services_of_windows_serve_only_the_named_networks(windows, practice, host_name, measured):
    """The file share is for the practice's workstations, not for the guests' WLAN or the world."""
    services = practice.services_of(host_name)
    if not services:
        not_applicable("Dieser Host bietet laut Praxis keine Dienste an.")
    outside = [*STRANGERS, *(_somebody_in(network) for network in practice.networks.values())]
    leaking = {
        f"{service.protocol}/{service.port} von {address}"
        for profile in PROFILES
        for service in services
        for address in outside
        if not any(ipaddress.ip_address(address) in network for network in practice.sources_of(service))
        and windows.lets_in(profile, Traffic(service.protocol, service.port, address))
    }
    measured(f"Dienste, die fremde Netze erreichen: {', '.join(sorted(leaking)) or 'keine'}")
    assert not leaking


@requirement("KVWL-03")
def test_nobody_surfs_on_a_windows_where_the_pvs_runs(windows, practice, host_name, measured):
    """A web page that attacks its reader should not meet the records of all patients."""
    if not practice.pvs_only_hosts:
        not_tested("Die Praxis hat keinen Rechner benannt, der dem PVS vorbehalten ist (praxis.pvs_only_hosts).")
    if host_name not in practice.pvs_only_hosts:
        not_applicable("Dieser Host ist nicht dem PVS vorbehalten.")
    ways = {
        f"{address}, Port {port}"
        for profile in PROFILES
        for address in STRANGERS
        for port in (80, 443)
        if windows.lets_out(profile, Traffic("tcp", port, address))
    }
    measured(f"Wege ins Internet für Programme von Personen: {', '.join(sorted(ways)) or 'keine'}")
    assert not ways
