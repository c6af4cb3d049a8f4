"""How a domain's member proves who it is. pc-2 is one."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

POLICIES = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
NETLOGON = r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters"
ROLE = "central_authentication"
OLD = "test_old_ways_to_log_in_are_refused_or_written_down"
SIGNED = "test_what_is_said_to_the_directory_is_signed"


def changed(path: str, value: str, *red: str, role: str = ROLE) -> Mutation:
    return Mutation("pc-2", (("set", path, value),), frozenset(red), role)


MUTATIONS = {
    "a PC leaves the domain": Mutation(
        "pc-2",
        (("set", "computer.role", "workstation"), ("set", "domain.name", '""')),
        frozenset({"test_windows_belongs_to_a_domain"}),
        ROLE,
        mended=False,
    ),
    "tickets with RC4": changed(
        rf"{POLICIES}\System\Kerberos\Parameters\SupportedEncryptionTypes",
        "dword:28",
        "test_kerberos_of_windows_uses_aes",
    ),
    "NTLM of the first version": changed(
        rf"{LSA}\LmCompatibilityLevel", "dword:1", OLD, "test_only_ntlmv2_is_spoken", role="endpoint_hardening"
    ),
    "NTLM that nobody writes down": changed(rf"{LSA}\MSV1_0\AuditReceivingNTLMTraffic", "dword:0", OLD),
    "LDAP that anybody may change on its way": changed(
        r"HKLM\SYSTEM\CurrentControlSet\Services\LDAP\LDAPClientIntegrity", "dword:0", SIGNED
    ),
    "a channel in the clear": changed(rf"{NETLOGON}\SealSecureChannel", "dword:0", SIGNED),
    "policies from anybody": Mutation(
        "pc-2",
        (("unset", r"HKLM\SOFTWARE\Policies\Microsoft\Windows\NetworkProvider\HardenedPaths"),),
        frozenset({SIGNED}),
        ROLE,
    ),
    "one administrator's password for all": changed(
        rf"{POLICIES}\LAPS\BackupDirectory", "dword:0", "test_each_windows_has_an_administrators_password_of_its_own"
    ),
    "the clock stands": changed("services.W32Time.state", "stopped", "test_the_clock_of_windows_is_right"),
}
