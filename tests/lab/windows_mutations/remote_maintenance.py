"""Help from outside, and administration."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

SERVICES = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services"
WINRM = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WinRM\Service"
ROLE = "remote_maintenance"
RDP = "test_remote_desktop_is_off_unless_somebody_agreed_upon_it"
PROOF = "test_windows_is_administered_with_proof_and_encryption"
FIRST = "test_remote_desktop_asks_for_a_password_first_and_encrypts"
CLOSES = "test_a_window_of_windows_closes_by_itself"
TEAMVIEWER = '{"display": "TeamViewer", "start": "auto", "state": "running", "account": "LocalSystem"}'


def changed(host: str, path: str, value: str, *red: str, role: str = ROLE) -> Mutation:
    return Mutation(host, (("set", path, value),), frozenset(red), role)


MUTATIONS = {
    "Remote Desktop for everybody": changed("pc-1", rf"{SERVICES}\fDenyTSConnections", "dword:0", RDP),
    "Remote Desktop without a password first": Mutation(
        "pc-2",
        (
            ("set", rf"{SERVICES}\fDenyTSConnections", "dword:0"),
            ("set", rf"{SERVICES}\UserAuthentication", "dword:0"),
        ),
        frozenset({RDP, FIRST}),
        ROLE,
    ),
    "Remote Desktop with its own encryption": Mutation(
        "winserver-1",
        (("set", rf"{SERVICES}\fDenyTSConnections", "dword:0"), ("set", rf"{SERVICES}\SecurityLayer", "dword:0")),
        frozenset({RDP, FIRST}),
        ROLE,
    ),
    "an invitation by mail": changed(
        "pc-1", rf"{SERVICES}\fAllowToGetHelp", "dword:1", "test_nobody_is_helped_by_remote_assistance"
    ),
    "a program from the last call for help": changed(
        "pc-2", "services.TeamViewer", TEAMVIEWER, "test_no_program_lets_somebody_in_that_nobody_agreed_upon"
    ),
    "a window that is always open": changed(
        "pc-1",
        r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules\Immer",
        "string:v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5900|RA4=10.8.0.0/255.255.255.0|Name=Immer|",
        "test_helpers_are_shut_out_of_windows_while_no_window_is_open",
        role="firewall",
    ),
    "nothing closes a window at night": Mutation(
        "pc-2", (("unset", r'tasks."\Praxisschild\Fernwartung schliessen"'),), frozenset({CLOSES}), ROLE
    ),
    "a window without an end": Mutation(
        "winserver-1", (("unset", r'tasks."\Praxisschild\Fernwartung oeffnen"'),), frozenset({CLOSES}), ROLE
    ),
    "passwords in the clear": changed("pc-1", rf"{WINRM}\AllowBasic", "dword:1", PROOF, role="endpoint_hardening"),
    "passwords handed on": changed("pc-2", rf"{WINRM}\AllowCredSSP", "dword:1", PROOF),
    "proof that somebody else may pass on": changed("winserver-1", rf"{WINRM}\CbtHardeningLevel", "string:None", PROOF),
}
