"""The network as it was measured: addresses, open ports, and whom the packet filters let in."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from praxisschild import german
from praxisschild.dokumente import windows as of_windows
from praxisschild.dokumente.model import Gap, Table, line
from praxisschild.dokumente.rows import NOTHING, Cells, cell, measured_table
from praxisschild.packet_filter import Packet
from praxisschild.particulars import DEVICE_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from praxisschild.dokumente.facts import Facts, HostFacts
    from praxisschild.practice import Practice
    from praxisschild.snapshot import Snapshot, WindowsSnapshot

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 5737: an address of nobody, for "from anywhere else"
ELSEWHERE = "203.0.113.77"
_EVERYWHERE = "von überall"


def _networks(facts: Facts) -> Table:
    rows = []
    for name, network in facts.practice.networks.items():
        inside = [host.name for host in facts.hosts if _is_in(host, network)]
        rows.append((cell(name), cell(str(network)), cell(german.listed(inside)), ()))
    return Table(("Netz", "Adressbereich", "Rechner darin", "Zweck, VLAN (Eintrag)"), tuple(rows), (17, 23, 35, 25))


def address_of(host: HostFacts) -> str:
    """The address as measured, else as the inventory names it."""
    return host.measured_address or host.address


def _is_in(host: HostFacts, network: Network) -> bool:
    try:
        return ipaddress.ip_address(address_of(host)) in network
    except ValueError:
        return False


def _hosts(facts: Facts) -> Table:
    def ask(host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        told = [f"{name}: {', '.join(found)}" for name, found in snapshot.interfaces.items() if found]
        yield (german.listed(told), system_name(snapshot), german.listed(_tasks(facts, host)))

    def windows(host: HostFacts, snapshot: WindowsSnapshot) -> Iterator[Cells]:
        yield (german.listed(snapshot.addresses), snapshot.distribution, german.listed(_tasks(facts, host)))

    headings = ("Schnittstellen und Adressen", "System", "Aufgaben")
    return measured_table(facts, headings, (19, 25, 15, 26, 15), ask, windows=windows)


def system_name(snapshot: Snapshot) -> str:
    """The operating system as people call it."""
    return " ".join(word.capitalize() for word in snapshot.distribution.split())


def _tasks(facts: Facts, host: HostFacts) -> list[str]:
    practice = facts.practice
    found = [service.purpose for service in practice.services_of(host.name)]
    found += ["Protokolle aller Rechner"] if practice.log_host == host.name else []
    found += ["nur Praxisverwaltung, kein Surfen"] if host.name in practice.pvs_only_hosts else []
    found += ["abgetrennt, ohne Updates"] if host.name in practice.separated_hosts else []
    return list(dict.fromkeys(found)) or [
        f"Gruppe {group}" for group in host.groups if group not in {"all", "ungrouped"}
    ]


def _ports(facts: Facts) -> Table:
    def ask(host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        purposes: dict[tuple[str, int], str] = {
            (one.protocol, one.port): one.purpose for one in facts.practice.services_of(host.name)
        }
        found: dict[tuple[str, int], set[str]] = {}
        for socket in snapshot.sockets:
            if not socket.is_local:
                found.setdefault((socket.protocol, socket.port), set()).add(socket.process or "unbekannt")
        for (protocol, port), programs in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
            yield (
                f"{port}/{protocol}",
                german.listed(sorted(programs)),
                german.listed(admitted(snapshot, facts.practice, protocol, port), "niemandem"),
                purposes.get((protocol, port), NOTHING),
            )

    def windows(host: HostFacts, snapshot: WindowsSnapshot) -> Iterator[Cells]:
        return of_windows.ports(facts, host, snapshot, [*_samples(facts.practice), (_EVERYWHERE, ELSEWHERE)])

    headings = ("Port", "Programm", "offen für", "Zweck laut Praxisakte")
    return measured_table(facts, headings, (18, 12, 16, 21, 18, 15), ask, "kein Port offen", windows)


def admitted(snapshot: Snapshot, practice: Practice, protocol: str, port: int) -> list[str]:
    """The practice's networks that the host's live packet filter lets reach a port; a doubt is told as one.

    One address stands for a network: the first that lies in no smaller network of the practice.
    """
    ruleset = snapshot.ruleset_outside_windows
    interface = snapshot.outward or "eth0"
    found = []
    for name, source in [*_samples(practice), (_EVERYWHERE, ELSEWHERE)]:
        outcomes = ruleset.outcomes(Packet(source=source, protocol=protocol, port=port, interface=interface))
        if outcomes == {"accept"}:
            found.append(name)
        elif "accept" in outcomes:
            found.append(f"{name} (unter Bedingungen)")
    return [_EVERYWHERE] if _EVERYWHERE in found else found


def _samples(practice: Practice) -> Iterator[tuple[str, str]]:
    for name, network in practice.networks.items():
        smaller = [one for one in practice.networks.values() if one != network and _within(one, network)]
        hosts = network.hosts() if network.num_addresses > 1 else iter([network.network_address])
        for _, address in zip(range(4096), hosts, strict=False):
            if not any(address in one for one in smaller):
                yield name, str(address)
                break


def _within(one: Network, other: Network) -> bool:
    # two classes that subnet_of() does not compare with each other
    return one.version == other.version and one.network_address in other and one.prefixlen > other.prefixlen


def _filters(facts: Facts) -> Table:
    def ask(_host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        incoming = snapshot.ruleset.base_chains("input", 4)
        closed = any(chain.get("policy") == "drop" for chain in incoming)
        yield (
            "alles außer den Ausnahmen oben" if closed else "nichts grundsätzlich",
            german.listed(snapshot.firewall_services, "kein Dienst"),
            _forwarding(snapshot),
        )

    headings = ("eingehend gesperrt", "beim Start geladen durch", "leitet Pakete weiter")
    return measured_table(
        facts, headings, (20, 25, 20, 18, 17), ask, windows=lambda _host, snapshot: of_windows.filters(snapshot)
    )


def _forwarding(snapshot: Snapshot) -> str:
    if not (snapshot.forwards(4) or snapshot.forwards(6)):
        return "nein"
    stopped = any(chain.get("policy") == "drop" for chain in snapshot.ruleset.base_chains("forward", 4))
    return "der Filter sperrt es" if stopped else "ja"


def _maintenance(facts: Facts) -> Table:
    told = facts.practice.remote_maintenance
    rows = []
    if told:
        networks = [f"{name} ({facts.practice.networks[name]})" for name in told.networks]
        ports = german.listed([str(port) for port in told.ports])
        hours = f"höchstens {told.max_hours} Stunden"
        rows.append((line(german.listed(networks)), line(ports), line(german.listed(told.services)), line(hours)))
    headings = ("Zugang aus", "Ports", "Dienste nur während der Wartung", "Dauer eines Zugangs")
    return Table(headings, tuple(rows), (35, 15, 28, 22))


def _devices(facts: Facts) -> Table:
    rows = []
    for number, device in facts.devices(*(kind for kind in DEVICE_LABELS if kind not in CARRIED)):
        field = f"{DEVICES}.{number}"
        rows.append(
            (
                cell(DEVICE_LABELS[device.kind]),
                cell(f"{device.name}, {device.model}" if device.model else device.name),
                cell(device.address or facts.gap(f"Adresse von {device.name}", f"{field}.address")),
                cell(device.place or facts.gap(f"Standort von {device.name}", f"{field}.place")),
            )
        )
    rows += [(cell(label), cell(missing_device(facts, label)), (), ()) for label in missing_kinds(facts)]
    return Table(("Art", "Gerät", "Adresse", "Standort"), tuple(rows), (20, 34, 22, 24))


DEVICES = "praxis.documents.devices"
# Nobody draws into a plan of the network what people carry with them
CARRIED = frozenset({"smartphone", "tablet", "mobile_phone"})
# What a practice with a feature has to name, one of each
_EXPECTED = {
    "ti": ("konnektor", "card_terminal"),
    "printer": ("printer",),
    "fax": ("fax",),
    "medical_devices": ("medical_device",),
    "wlan": ("access_point",),
}


def missing_device(facts: Facts, label: str) -> Gap:
    """The place of a device that the practice has and has not named."""
    return facts.gap(f"{label} mit Standort, Adresse und Ende der Updates", DEVICES)


def missing_kinds(facts: Facts) -> list[str]:
    """Kinds of devices that the practice has, by its features, and none of which it has named (German)."""
    there = {device.kind for device in facts.practice.documents.devices}
    hosted = facts.has("hosted_konnektor") or facts.has("ti_gateway")
    expected = ["router"]
    for feature, kinds in _EXPECTED.items():
        if facts.has(feature):
            expected += [kind for kind in kinds if not (hosted and kind == "konnektor")]
    return [label for kind, label in DEVICE_LABELS.items() if kind in expected and kind not in there]


TABLES: Mapping[str, Callable[[Facts], Table]] = {
    "network.networks": _networks,
    "network.hosts": _hosts,
    "network.ports": _ports,
    "network.filters": _filters,
    "network.maintenance": _maintenance,
    "network.devices": _devices,
}
MEASURED = frozenset({"network.hosts", "network.ports", "network.filters"})
VALUES: Mapping[str, Callable[[Facts], str]] = {
    "network.hosts": lambda facts: german.listed([host.name for host in facts.hosts]),
    "network.wlan_hosts": lambda facts: german.listed(facts.practice.wlan.hosts if facts.practice.wlan else []),
    "network.ssids": lambda facts: german.listed(facts.practice.wlan.ssids if facts.practice.wlan else []),
}
