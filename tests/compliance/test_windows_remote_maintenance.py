"""Whether somebody outside the practice can work on a Windows host, and only when that was agreed upon."""

from __future__ import annotations

import ipaddress
import re

import pytest

from praxisschild.checks import bound, not_applicable, requirement
from praxisschild.snapshot.windows.firewall import PROFILES, Traffic

POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services"
TERMINAL = r"HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server"
ASSISTANCE = r"HKLM\SYSTEM\CurrentControlSet\Control\Remote Assistance"
WINRM_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WinRM\Service"
RDP = 3389
TLS = 2
WINRM_PORTS = {5985: "ohne TLS", 5986: "mit TLS"}
STRANGERS = ("192.0.2.77", "2001:db8::77")
WINDOW = "praxisschild-fernwartung-"
OPEN_TASK = r"\Praxisschild\Fernwartung oeffnen"
CLOSE_TASK = r"\Praxisschild\Fernwartung schliessen"
# services by which a program lets somebody in at any time
TOOLS = {
    "anydesk": "AnyDesk",
    "chromoting": "Chrome Remote Desktop",
    "dwagent": "DWAgent",
    "logmein": "LogMeIn",
    "nxservice64": "NoMachine",
    "rustdesk": "RustDesk",
    "splashtopremoteservice": "Splashtop",
    "supremoservice": "Supremo",
    "teamviewer": "TeamViewer",
    "tvnserver": "TightVNC",
    "uvnc_service": "UltraVNC",
    "vncserver": "RealVNC",
}
DISABLED = 4


def _agreed_rdp(practice, host_name):
    window = practice.remote_maintenance
    declared = any(service.port == RDP for service in practice.services_of(host_name))
    return declared or (window is not None and window.ports.count(RDP) > 0)


def _denied(windows):
    found = windows.registry(POLICY, "fDenyTSConnections")
    return (windows.registry(TERMINAL, "fDenyTSConnections") if found is None else found) != 0


@requirement("KVWL-39")
def test_remote_desktop_is_off_unless_somebody_agreed_upon_it(windows, practice, host_name, measured):
    """A desktop that waits for its operator around the clock is found by those who look for such."""
    denied = _denied(windows)
    measured(f"Remotedesktop: {'aus' if denied else 'an'}")
    assert denied or _agreed_rdp(practice, host_name)


@requirement("2025-A1-26", "2021-A3-12")
def test_remote_desktop_asks_for_a_password_first_and_encrypts(windows, measured):
    """Whoever sees a login screen from outside attacks it, and whoever listens reads what is typed."""
    if _denied(windows):
        not_applicable("Der Remotedesktop ist ausgeschaltet.")
    first = windows.registry(POLICY, "UserAuthentication")
    layer = windows.registry(POLICY, "SecurityLayer")
    measured(f"Anmeldung vor dem Bildschirm: {'ja' if first else 'nein'}; TLS: {'ja' if layer == TLS else 'nein'}")
    assert first == 1
    assert layer == TLS


@requirement("KVWL-39")
def test_nobody_is_helped_by_remote_assistance(windows, measured):
    """An invitation by mail is all that a stranger needs."""
    asked, offered = windows.registry(POLICY, "fAllowToGetHelp"), windows.registry(POLICY, "fAllowUnsolicited")
    asked = windows.registry(ASSISTANCE, "fAllowToGetHelp") if asked is None else asked
    measured(
        f"Remoteunterstützung auf Anfrage: {'an' if asked else 'aus'}; unaufgefordert: {'an' if offered else 'aus'}"
    )
    assert not asked
    assert not offered


@requirement("KVWL-39")
def test_no_program_lets_somebody_in_that_nobody_agreed_upon(windows, practice, measured):
    """A program left over from the last call for help is a door to which a stranger has the key."""
    agreed = practice.remote_maintenance.services if practice.remote_maintenance else []
    kept = {name.partition(".")[0].lower() for name in agreed}
    found = {name: windows.service(name) for name in TOOLS if name not in kept}
    waiting = sorted(TOOLS[name] for name, one in found.items() if one and (one.running or one.start != DISABLED))
    measured(f"Programme für Fernwartung ohne Absprache: {', '.join(waiting) or 'keine'}")
    assert not waiting


@requirement("KVWL-39", "2021-A1-32")
@pytest.mark.parametrize("port", WINRM_PORTS)
def test_windows_is_administered_from_the_named_network_only(windows, practice, host_name, port, measured):
    """Who takes over one PC of the practice must not administer all the others from there."""
    administration = [practice.networks["verwaltung"]] if "verwaltung" in practice.networks else []
    # a log host with Windows takes the others' events at this port
    collected = [
        one
        for service in practice.services_of(host_name)
        if service.port == port
        for one in practice.sources_of(service)
    ]
    named = [*administration, *(collected if practice.log_host == host_name else [])]
    outside = [*STRANGERS, *(str(network[-2] if network.num_addresses > 2 else network[0])
                             for network in practice.networks.values())]  # fmt: skip
    leaking = {
        address
        for profile in PROFILES
        for address in outside
        if not any(ipaddress.ip_address(address) in network for network in named)
        and windows.lets_in(profile, Traffic("tcp", port, address, near=True))
    }
    measured(f"WinRM {WINRM_PORTS[port]} erreichbar von: {', '.join(sorted(leaking)) or 'der Verwaltung allein'}")
    assert not leaking


@requirement("2025-A1-26", "2021-A3-12")
def test_windows_is_administered_with_proof_and_encryption(windows, measured):
    """A password that passes in the clear once is everybody's."""
    basic, plain, handed = (windows.registry(WINRM_POLICY, name) for name in
                            ("AllowBasic", "AllowUnencryptedTraffic", "AllowCredSSP"))  # fmt: skip
    bound_to_tls = windows.registry(WINRM_POLICY, "CbtHardeningLevel")
    measured(
        f"WinRM: Basic {'an' if basic != 0 else 'aus'}, unverschlüsselt {'an' if plain else 'aus'}, "
        f"CredSSP {'an' if handed else 'aus'}, an TLS gebunden: {bound_to_tls or 'nur wenn der Client es kann'}"
    )
    assert basic == 0
    assert not plain
    assert not handed
    assert bound_to_tls == "Strict"


@pytest.fixture
def agreed(practice):
    """What the practice has agreed upon with those who help from outside."""
    if practice.remote_maintenance is None:
        not_applicable("Die Praxis hat keine Fernwartung vereinbart (praxis.remote_maintenance).")
    return practice.remote_maintenance


@requirement("KVWL-39", "2021-A1-32")
def test_helpers_are_shut_out_of_windows_while_no_window_is_open(windows, practice, agreed, host_name, measured):
    """A connection that is always possible is used by others, too."""
    declared = {service.port for service in practice.services_of(host_name)}
    open_for = {
        f"{network} auf {port}"
        for profile in PROFILES
        for network in practice.maintenance_networks
        for port in agreed.ports
        if port not in declared
        and windows.lets_in(profile, Traffic("tcp", port, str(network[-1]), near=True), without=WINDOW)
    }
    opened = any(rule.name.startswith(WINDOW) for profile in PROFILES for rule in windows.firewall_rules(profile))
    measured(
        f"ohne Fenster erreichbar: {', '.join(sorted(open_for)) or 'nichts'}; "
        f"Fenster: {'offen' if opened else 'geschlossen'}"
    )
    assert not open_for


@requirement("KVWL-39")
def test_a_window_of_windows_closes_by_itself(windows, agreed, measured):
    """Nobody comes back in the evening to close what was opened in the morning."""
    limit = bound("KVWL-39", "window").at_most
    opening, closing = windows.task(OPEN_TASK), windows.task(CLOSE_TASK)
    waits = re.findall(r"/T (\d+) ", opening.xml or "") if opening else []
    sure = closing is not None and closing.enabled and "BootTrigger" in (closing.xml or "")
    measured(
        f"Fenster schließt nach {int(waits[0]) // 60} Minuten" if waits else "Fenster schließt nicht von selbst",
    )
    measured(f"spätestens nachts und beim Neustart: {'ja' if sure else 'nein'}")
    assert waits
    assert int(waits[0]) <= limit * 3600
    assert agreed.max_hours <= limit
    assert sure
