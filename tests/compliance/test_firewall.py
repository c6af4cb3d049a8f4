"""Which packets a host takes in and passes on; the live filter is asked, no packet is sent."""

from __future__ import annotations

import ipaddress

import pytest

from praxisschild.checks import bound, not_applicable, not_tested, requirement
from praxisschild.packet_filter import Packet

STRANGERS = ["192.0.2.77", "2001:db8::77"]
# where nothing listens on any host
UNUSED_PORT = 9
SSH_PORT = 22
# the lowest number that Linux distributions give to the account of a person
FIRST_PERSON = 1000
# answers to the host's own requests for an address come in as new packets
DHCP_CLIENT_PORTS = {68, 546}


def _somebody_in(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """An address of the network, the last one: networks for administration tend to begin where the larger one does."""
    return str(network[-2] if network.num_addresses > 2 else network[0])


@requirement("2021-A1-32", "KVWL-05")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("stranger", STRANGERS, ids=["ipv4", "ipv6"])
def test_host_takes_nothing_in_that_nobody_allowed(snapshot, stranger, protocol, measured):
    """What is open without a reason is what an attacker in the practice's network finds first."""
    allowed = bound("2021-A1-32", "inbound_policy").one_of
    fate = "drop" if snapshot.ruleset.drops(Packet(stranger, protocol, UNUSED_PORT)) else "accept"
    measured(f"Unverlangte Pakete ({protocol.upper()}): {'verworfen' if fate == 'drop' else 'angenommen'}")
    assert fate in allowed


@requirement("2021-A1-32")
def test_services_that_the_practice_has_not_named_stay_closed(snapshot, practice, host_name, measured):
    """A service that came along with some program serves nobody but an attacker."""
    named = {(service.protocol, service.port) for service in practice.services_of(host_name)}
    administration = practice.networks.get("verwaltung")
    # a window of remote maintenance has checks of its own
    windows = practice.maintenance_networks
    window_ports = practice.remote_maintenance.ports if practice.remote_maintenance else []
    reachable = {
        f"{socket.protocol}/{socket.port} ({socket.process})"
        for socket in snapshot.sockets
        for network in practice.networks.values()
        if not socket.is_local
        and (socket.protocol, socket.port) not in named
        and socket.port not in DHCP_CLIENT_PORTS
        and not (socket.port == SSH_PORT and network == administration)
        and not (socket.port in window_ports and network in windows)
        and not snapshot.ruleset.drops(Packet(_somebody_in(network), socket.protocol, socket.port))
    }
    measured(f"Erreichbare Dienste ohne Eintrag in der Praxis: {', '.join(sorted(reachable)) or 'keine'}")
    assert not reachable


@requirement("2021-A1-32")
def test_named_services_serve_only_the_named_networks(snapshot, practice, host_name, measured):
    """The file share is for the practice's workstations, not for the guests' WLAN or the world."""
    services = practice.services_of(host_name)
    if not services:
        not_applicable("Dieser Host bietet laut Praxis keine Dienste an.")
    addresses = [*STRANGERS, *(_somebody_in(network) for network in practice.networks.values())]
    outside = [ipaddress.ip_address(address) for address in addresses]
    leaking = {
        f"{service.protocol}/{service.port} von {source}"
        for service in services
        for source in outside
        if not any(source in network for network in practice.sources_of(service))
        and not snapshot.ruleset.drops(Packet(str(source), service.protocol, service.port))
        and not (service.port == SSH_PORT and source in practice.networks.get("verwaltung", ()))
    }
    measured(f"Dienste, die fremde Netze erreichen: {', '.join(sorted(leaking)) or 'keine'}")
    assert not leaking


@requirement("2021-A1-32")
def test_host_passes_nothing_on_between_networks(snapshot, measured):
    """A workstation that routes lets the guests' network into the practice's."""
    packets = [Packet(stranger, "tcp", UNUSED_PORT, hook="forward") for stranger in STRANGERS]
    routed = {
        packet.version for packet in packets if snapshot.forwards(packet.version) and not snapshot.ruleset.drops(packet)
    }
    measured(f"Weiterleitung zwischen Netzen: {', '.join(f'IPv{version}' for version in sorted(routed)) or 'keine'}")
    assert not routed


@requirement("2021-A1-32", "KVWL-05")
def test_packet_filter_comes_back_after_a_restart(snapshot, measured):
    """A filter that only lives in memory is gone after the next power cut."""
    services = snapshot.firewall_services
    measured(f"Paketfilter beim Systemstart: {', '.join(services) or 'keiner'}")
    assert services


@requirement("KVWL-03")
def test_nobody_surfs_where_the_pvs_runs(snapshot, practice, host_name, measured):
    """A web page that attacks its reader should not meet the records of all patients."""
    if not practice.pvs_only_hosts:
        not_tested("Die Praxis hat keinen Rechner benannt, der dem PVS vorbehalten ist (praxis.pvs_only_hosts).")
    if host_name not in practice.pvs_only_hosts:
        not_applicable("Dieser Host ist nicht dem PVS vorbehalten.")
    people = {
        account.uid for account in snapshot.accounts.values() if account.uid > FIRST_PERSON and account.has_login_shell
    } | {FIRST_PERSON}
    packets = [
        Packet(address, "tcp", port, hook="output", destination=address, user=person)
        for address in STRANGERS
        for port in (80, 443)
        for person in people
    ]
    ways = {f"IPv{packet.version}, Port {packet.port}" for packet in packets if not snapshot.ruleset.drops(packet)}
    measured(f"Wege ins Internet für Programme von Personen: {', '.join(sorted(ways)) or 'keine'}")
    assert not ways
