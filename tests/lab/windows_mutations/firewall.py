"""What comes in, and what goes out."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
RULES = rf"{POLICY}\FirewallRules"
ROLE = "firewall"
ON = "test_the_windows_firewall_is_on"
NOTHING = "test_windows_takes_nothing_in_that_nobody_allowed"
PORT = "test_windows_opens_no_port_that_the_practice_has_not_named"
SERVICES = "test_named_services_of_windows_serve_only_the_named_networks"
SURFING = "test_nobody_surfs_on_a_windows_where_the_pvs_runs"
ADMINISTRATION = "test_windows_is_administered_from_the_named_network_only"
HELPERS = "test_helpers_are_shut_out_of_windows_while_no_window_is_open"
# what comes in where nothing is filtered
WIDE_OPEN = (NOTHING, PORT, ADMINISTRATION, HELPERS)
ANYTHING = "string:v2.31|Action=Allow|Active=TRUE|Dir=In|App=C:\\Spiel\\spiel.exe|Name=Spiel|"


def rule(port: int, **more: str) -> str:
    fields = {"Action": "Allow", "Active": "TRUE", "Dir": "In", "Protocol": "6", "LPort": str(port), **more}
    return "string:v2.31|" + "".join(f"{key}={value}|" for key, value in fields.items()) + "Name=von Hand|"


def changed(host: str, path: str, value: str, *red: str) -> Mutation:
    return Mutation(host, (("set", path, value),), frozenset(red), ROLE)


MUTATIONS = {
    "the firewall is off at home": changed(
        "pc-1", rf"{POLICY}\PrivateProfile\EnableFirewall", "dword:0", ON, *WIDE_OPEN, SURFING
    ),
    "the firewall is off on the road": changed(
        "pc-2", rf"{POLICY}\PublicProfile\EnableFirewall", "dword:0", ON, *WIDE_OPEN
    ),
    "the policy is silent and the host's own switch is off": Mutation(
        "winserver-1",
        (
            ("unset", rf"{POLICY}\DomainProfile\EnableFirewall"),
            ("set", "firewall.profiles.domain.enabled", "false"),
        ),
        frozenset({ON, SERVICES, *WIDE_OPEN}),
        ROLE,
    ),
    "the firewall does not start": changed(
        "pc-1", "services.mpssvc.start", "disabled", "test_the_windows_firewall_starts_with_windows"
    ),
    "the filter engine stands still": changed(
        "pc-2", "services.BFE.state", "stopped", "test_the_windows_firewall_starts_with_windows"
    ),
    "everything comes in": changed("pc-2", rf"{POLICY}\PrivateProfile\DefaultInboundAction", "dword:0", *WIDE_OPEN),
    "a game opens all ports": changed("pc-1", rf"{RULES}\Spiel", ANYTHING, *WIDE_OPEN),
    "a port for a remote tool": changed("winserver-1", rf"{RULES}\Werkzeug", rule(5938), PORT),
    "rules of programs count again": changed(
        "pc-1", rf"{POLICY}\PrivateProfile\AllowLocalPolicyMerge", "dword:1", PORT, ADMINISTRATION
    ),
    "the shares are for the world": changed("winserver-1", rf"{RULES}\Freigabe", rule(445), SERVICES),
    "WinRM for the whole practice": changed(
        "pc-2", rf"{RULES}\WinRM", rule(5986, RA4="127.0.0.0/255.0.0.0"), PORT, ADMINISTRATION
    ),
    "people surf where the PVS runs": changed(
        "pc-1", rf"{POLICY}\PrivateProfile\DefaultOutboundAction", "dword:0", SURFING
    ),
    "a browser may go out": changed(
        "pc-1",
        rf"{RULES}\Browser",
        "string:v2.31|Action=Allow|Active=TRUE|Dir=Out|Protocol=6|RPort=443|Name=Browser|",
        SURFING,
    ),
}
