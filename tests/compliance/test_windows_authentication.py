"""How members of a Windows domain log in, and what they accept as proof."""

from __future__ import annotations

import pytest

from praxisschild.checks import not_applicable, requirement

POLICIES = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies"
KERBEROS = rf"{POLICIES}\System\Kerberos\Parameters"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
LDAP = r"HKLM\SYSTEM\CurrentControlSet\Services\LDAP"
NETLOGON = r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters"
HARDENED = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\NetworkProvider\HardenedPaths"
# bits of MS-KILE 2.2.7
DES, RC4, AES = 0b11, 0b100, 0b11000
NTLMV2_ONLY = 5
SIGNED = 2
AUTOMATIC = 2
LAPS_PLACES = {1: "Entra ID", 2: "Active Directory"}


@requirement("2021-A2-05")
def test_windows_belongs_to_a_domain(windows, measured):
    """Logins that are kept on each PC stay valid somewhere when somebody leaves."""
    measured(f"Mitglied einer Domäne: {'ja' if windows.is_member else 'nein'}")
    assert windows.is_member


@pytest.fixture
def member(windows):
    """A Windows whose people log in to a domain."""
    if not windows.is_member:
        not_applicable("Dieser Host gehört zu keiner Domäne.")
    return windows


@requirement("2021-A2-05")
def test_kerberos_of_windows_uses_aes(member, measured):
    """A ticket that is encrypted with RC4 gives its account's password away."""
    types = member.registry(KERBEROS, "SupportedEncryptionTypes")
    weak = types is None or bool(types & (DES | RC4))
    measured("Kerberos: " + ("auch RC4 oder DES" if weak else "nur AES"))
    assert not weak
    assert types & AES


@requirement("2021-A2-05")
def test_old_ways_to_log_in_are_refused_or_written_down(windows, measured):
    """NTLM passes hashes that an attacker uses as they are."""
    level = windows.registry(LSA, "LmCompatibilityLevel")
    sending = windows.registry(rf"{LSA}\MSV1_0", "RestrictSendingNTLMTraffic") or 0
    receiving = windows.registry(rf"{LSA}\MSV1_0", "AuditReceivingNTLMTraffic") or 0
    nobody = windows.registry(rf"{LSA}\MSV1_0", "AllowNullSessionFallback") or 0
    words = {0: "erlaubt", 1: "protokolliert", 2: "verweigert"}
    measured(
        f"Nur NTLMv2: {'ja' if level == NTLMV2_ONLY else 'nein'}; NTLM nach außen {words[sending]}, "
        f"Anmeldungen mit NTLM {'protokolliert' if receiving else 'nicht protokolliert'}, ohne Namen: "
        f"{'möglich' if nobody else 'nein'}"
    )
    assert level == NTLMV2_ONLY
    assert sending >= 1
    assert receiving >= 1
    assert not nobody


@requirement("2021-A2-05")
def test_what_is_said_to_the_directory_is_signed(member, measured):
    """Whoever sits between a PC and its domain controller makes himself an administrator."""
    ldap = member.registry(LDAP, "LDAPClientIntegrity")
    channel = [
        member.registry(NETLOGON, name) for name in ("RequireSignOrSeal", "SealSecureChannel", "RequireStrongKey")
    ]
    shares = [member.registry(HARDENED, rf"\\*\{name}") or "" for name in ("NETLOGON", "SYSVOL")]
    hardened = all("RequireMutualAuthentication=1" in one and "RequireIntegrity=1" in one for one in shares)
    measured(
        f"LDAP signiert: {'ja' if ldap == SIGNED else 'nein'}; Kanal zum Domänencontroller gesichert: "
        f"{'nein' if 0 in channel else 'ja'}; Richtlinien nur vom echten Server: {'ja' if hardened else 'nein'}"
    )
    assert ldap == SIGNED
    assert 0 not in channel
    assert hardened


@requirement("2021-A2-05")
def test_each_windows_has_an_administrators_password_of_its_own(member, measured):
    """With one password for all PCs, one PC is all PCs."""
    place = member.registry(rf"{POLICIES}\LAPS", "BackupDirectory")
    measured(f"LAPS: {LAPS_PLACES.get(place, 'aus')}")
    assert place in LAPS_PLACES


@requirement("2021-A2-05")
def test_the_clock_of_windows_is_right(member, measured):
    """Kerberos refuses whoever is five minutes early."""
    service = member.service("W32Time")
    right = service is not None and service.running and service.start == AUTOMATIC
    measured(f"Zeitgeber läuft und startet von selbst: {'ja' if right else 'nein'}")
    assert right
