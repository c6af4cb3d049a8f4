"""Whether somebody outside the practice can work on a host, and only when that was agreed upon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from praxisschild.checks import bound, not_applicable, requirement
from praxisschild.packet_filter import Packet

if TYPE_CHECKING:
    import ipaddress

TOOLS = {
    "anydesk",
    "chrome-remote-desktop",
    "dwagent",
    "gnome-remote-desktop",
    "gotty",
    "krfb",
    "nomachine",
    "rustdesk",
    "shellinabox",
    "splashtop-streamer",
    "tailscale",
    "teamviewer",
    "teamviewer-host",
    "tightvncserver",
    "tigervnc-scraping-server",
    "tigervnc-standalone-server",
    "tmate",
    "vino",
    "webmin",
    "x11vnc",
    "xrdp",
    "zerotier-one",
    "com.anydesk.Anydesk",
    "com.rustdesk.RustDesk",
}
PORTS = {
    3389: "RDP",
    4000: "NoMachine",
    4200: "Shell In A Box",
    5800: "VNC",
    5938: "TeamViewer",
    7070: "AnyDesk",
    10000: "Webmin",
    **dict.fromkeys(range(5900, 5910), "VNC"),
    **dict.fromkeys(range(21115, 21120), "RustDesk"),
}
SSH_PORT = 22


@pytest.fixture
def agreed(practice):
    """What the practice has agreed upon with those who help from outside."""
    if practice.remote_maintenance is None:
        not_applicable("Die Praxis hat keine Fernwartung vereinbart (praxis.remote_maintenance).")
    return practice.remote_maintenance


@requirement("KVWL-39")
def test_no_way_in_from_outside_is_installed_that_nobody_agreed_upon(snapshot, practice, measured):
    """A program left over from the last call for help is a door to which a stranger has the key."""
    services = practice.remote_maintenance.services if practice.remote_maintenance else []
    agreed = {service.partition(".")[0].partition("@")[0] for service in services}
    found = (TOOLS & snapshot.software) | snapshot.remote_tools
    surplus = {tool for tool in found if tool.lower() not in agreed}
    measured(f"Programme für Fernwartung ohne Absprache: {', '.join(sorted(surplus)) or 'keine'}")
    assert not surplus


@requirement("KVWL-39")
def test_nothing_waits_for_a_helper_while_no_window_is_open(snapshot, practice, measured):
    """What runs all year for the two hours in which it is needed is attacked in all the others."""
    services = practice.remote_maintenance.services if practice.remote_maintenance else []
    waiting = {f"{PORTS[one.port]} ({one.port})" for one in snapshot.sockets if one.port in PORTS and not one.is_local}
    running = {name for name in services if snapshot.is_active(name)}
    lasting = {name for name in services if snapshot.units.get(name, {}).get("enabled") == "enabled"}
    measured(
        f"Fernwartung wartet auf: {', '.join(sorted(waiting | running)) or 'nichts'}; "
        f"startet mit dem Rechner: {', '.join(sorted(lasting)) or 'nichts'}; "
        f"Fenster: {'offen' if snapshot.windows else 'geschlossen'}"
    )
    assert not lasting
    assert snapshot.windows or not waiting | running


@requirement("KVWL-39", "2021-A1-32")
def test_helpers_are_shut_out_while_no_window_is_open(snapshot, practice, agreed, host_name, measured):
    """A connection that is always possible is used by others, too."""
    declared = practice.services_of(host_name)
    administration = practice.networks.get("verwaltung")
    open_for = {
        f"{network} auf {port}"
        for network in practice.maintenance_networks
        for port in agreed.ports
        if not any(one.port == port and source.supernet_of(network) for one in declared
                   for source in practice.sources_of(one) if source.version == network.version)
        and not (port == SSH_PORT and administration and network.version == administration.version
                 and administration.supernet_of(network))
        and not snapshot.ruleset_outside_windows.drops(Packet(_last_address(network), "tcp", port))
    }  # fmt: skip
    measured(f"ohne Fenster erreichbar: {', '.join(sorted(open_for)) or 'nichts'}")
    assert not open_for


@requirement("KVWL-39")
def test_a_window_ends_by_itself(snapshot, agreed, measured):
    """Nobody comes back in the evening to close what was opened in the morning."""
    limit = bound("KVWL-39", "window").at_most
    windows = snapshot.windows
    states = [
        f"{one.addresses} noch {one.seconds // 60} min" if one.seconds is not None else f"{one.addresses} für immer"
        for one in windows
    ]
    measured(
        f"Fenster: {', '.join(states) or 'keines offen'}; höchstens {agreed.max_hours} h; "
        f"enden von selbst: {'ja' if snapshot.windows_end_by_themselves else 'nein'}"
    )
    assert snapshot.windows_end_by_themselves
    assert agreed.max_hours <= limit
    assert all(one.seconds is not None and one.seconds <= limit * 3600 for one in windows)


def _last_address(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return str(network[-2] if network.num_addresses > 2 else network[0])
