"""Packets from one host of the practice to another; see ``praxisschild.probes``."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, not_applicable, not_tested, requirement
from praxisschild.probes import ask, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from praxisschild.compliance import Neighbour
    from praxisschild.connection import RemoteHost
    from praxisschild.practice import Practice
    from praxisschild.snapshot import Snapshot

pytestmark = pytest.mark.probe

SSH = 22
MANAGEMENT = "verwaltung"


@dataclass(frozen=True)
class Knocks:
    """What the neighbour met at each TCP port, and over UDP at the undeclared one; `open_to_it` are those declared."""

    tcp: dict[int, str]
    udp: str
    undeclared: int
    open_to_it: frozenset[int]
    dropped: int
    neighbour: str


@pytest.fixture(scope="module")
def known() -> dict[str, Knocks]:
    """What was found, by host: the knocking is done once."""
    return {}


@pytest.fixture
def knocks(
    host_name: str,
    root: Callable[..., Any],
    neighbour: Neighbour,
    practice: Practice,
    snapshot: Snapshot,
    known: dict[str, Knocks],
) -> Knocks:
    """Temporary listeners on the host, and the neighbour's connections to them and to everything that listens there."""
    if host_name not in known:
        source = ipaddress.ip_address(neighbour.address)
        declared = [service for service in practice.services_of(host_name) if service.protocol == "tcp"]
        allowed = {one.port for one in declared if any(source in network for network in practice.sources_of(one))}
        if MANAGEMENT in practice.networks and source in practice.networks[MANAGEMENT]:
            allowed.add(SSH)
        listening = {one.port for one in snapshot.sockets if one.protocol.startswith("tcp") and not one.is_local}
        ports = {SSH, *listening, *(service.port for service in declared)}
        undeclared = secrets.choice(sorted(set(range(20000, 30000)) - ports))
        numbers = [*map(str, sorted(ports)), str(undeclared)]
        opened = answer_of(root(script("ports"), "open", *numbers))
        try:
            found = answer_of(neighbour.root(script("ports"), "knock", snapshot.address, *numbers))
        finally:
            closed = answer_of(root(script("ports"), "close", opened["unit"]))
        tcp = {int(port): state for port, state in found["tcp"].items()}
        known[host_name] = Knocks(tcp, found["udp"], undeclared, frozenset(allowed), closed["dropped"], neighbour.name)
    return known[host_name]


def answer_of(document: dict[str, Any]) -> dict[str, Any]:
    """The probe's answer, unless it could not be made."""
    if "error" in document:
        not_tested(f"Die Probe war nicht möglich: {document['error']}")
    return document


@requirement("2021-A1-32")
def test_undeclared_port_does_not_answer_the_neighbour(knocks: Knocks, measured: Measured) -> None:
    """A program that somebody starts, or that breaks in, must not become a service of the whole network."""
    tcp = knocks.tcp[knocks.undeclared]
    measured(
        f"von {knocks.neighbour}: TCP {knocks.undeclared} {tcp}, UDP {knocks.udp}; verworfen: {knocks.dropped} Pakete"
    )
    assert tcp != "open"
    assert knocks.udp == "silent"


@requirement("2021-A1-32")
def test_neighbour_reaches_only_what_was_declared(knocks: Knocks, measured: Measured) -> None:
    """Malware spreads from one workstation to the next through services that nobody needs there."""
    reached = {port for port, state in knocks.tcp.items() if state == "open"} - {knocks.undeclared}
    surplus = sorted(reached - knocks.open_to_it)
    measured(f"von {knocks.neighbour} erreichbar, aber nicht freigegeben: {', '.join(map(str, surplus)) or 'nichts'}")
    assert not surplus


@requirement("2021-A1-32")
def test_declared_service_answers_the_neighbour(knocks: Knocks, measured: Measured) -> None:
    """A firewall that stops the practice's own work is switched off."""
    if not knocks.open_to_it:
        not_applicable("Für diesen Nachbarn ist auf dem Host nichts freigegeben.")
    missing = sorted(port for port in knocks.open_to_it if knocks.tcp[port] != "open")
    declared, unreached = (", ".join(map(str, ports)) for ports in (sorted(knocks.open_to_it), missing))
    measured(f"freigegeben: {declared}; davon nicht erreichbar: {unreached or 'nichts'}")
    assert not missing


@requirement("KVWL-03")
def test_person_at_the_pvs_meets_a_closed_door_to_the_internet(
    practice: Practice, host_name: str, remote: RemoteHost, measured: Measured
) -> None:
    """A rule in the packet filter says what is meant; a browser that is refused says what is."""
    if not practice.pvs_only_hosts:
        not_tested("Die Praxis hat keinen Rechner benannt, der dem PVS vorbehalten ist (praxis.pvs_only_hosts).")
    if host_name not in practice.pvs_only_hosts:
        not_applicable("Dieser Host ist nicht dem PVS vorbehalten.")
    fate = ask(remote, "way_out")
    german = {"refused": "abgewiesen", "let out": "durchgelassen"}
    measured(f"Verbindung ins Internet: Person {german[fate['person']]}, System {german[fate['root']]}")
    assert fate["person"] == "refused"
