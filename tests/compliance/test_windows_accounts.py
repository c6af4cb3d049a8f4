"""Who gets into a Windows host and what an account may do there."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement
from praxisschild.snapshot.windows.accounts import (
    ADMINISTRATORS,
    BUILT_IN_ADMINISTRATOR,
    DOMAIN_ADMINISTRATORS,
    relative_id,
)

SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
LOGON = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
# who is in one of them is as good as an administrator, or becomes one
MIGHTY = {
    "S-1-5-32-547": "Hauptbenutzer",
    "S-1-5-32-551": "Sicherungs-Operatoren",
    "S-1-5-32-556": "Netzwerkkonfigurations-Operatoren",
    "S-1-5-32-578": "Hyper-V-Administratoren",
    "S-1-5-32-580": "Remoteverwaltungsbenutzer",
}
ANYBODY = {"S-1-1-0": "Jeder", "S-1-5-7": "Anonym", "S-1-5-32-546": "Gäste"}
# with each of them a program takes over the host
MASTERS = (
    "SeCreateTokenPrivilege",
    "SeDebugPrivilege",
    "SeLoadDriverPrivilege",
    "SeTakeOwnershipPrivilege",
    "SeTcbPrivilege",
)
CONSENT_ON_SECURE_DESKTOP = {1, 2}
# of the logon rights that somebody outside uses
REMOTE_RIGHTS = {"SeNetworkLogonRight": "Netzwerk", "SeRemoteInteractiveLogonRight": "Remotedesktop"}


@requirement("2021-A1-17", "2021-A2-04")
def test_every_login_of_windows_is_one_that_the_practice_has_named(windows, practice, host_name, measured):
    """With a shared or forgotten login nobody can say afterwards who looked into a patient's file."""
    named = {account.name.lower() for account in practice.accounts_of(host_name)}
    unnamed = {one.name for name, one in windows.logins.items() if name not in named}
    limit = bound("2021-A2-04", "shared_logins").at_most
    measured(f"Anmeldbare Konten, die die Praxis nicht führt: {', '.join(sorted(unnamed)) or 'keine'}")
    assert len(unnamed) <= limit, unnamed


@requirement("2025-A1-02")
def test_windows_accounts_of_people_who_left_are_closed(windows, practice, host_name, measured):
    """Old logins open the practice years after somebody has gone."""
    departed = {one.name.lower() for one in practice.accounts_of(host_name) if one.has_left(windows.today)}
    if not departed:
        not_applicable("Für diesen Host führt die Praxis kein Konto, dessen letzter Tag vorbei ist.")
    still_open = departed & set(windows.logins)
    measured(f"Konten von Ausgeschiedenen: {len(departed)}; noch offen: {', '.join(sorted(still_open)) or 'keine'}")
    assert not still_open


@requirement("2025-A1-26")
def test_no_windows_account_opens_without_a_password(windows, measured):
    """Whoever finds such a name at the login screen works with the practice's data."""
    without = sorted(one.name for one in windows.logins.values() if not one.password_required)
    automatic = str(windows.registry(LOGON, "AutoAdminLogon") or "0") != "0"
    kept = windows.registry(LOGON, "DefaultPassword") is not None
    measured(
        f"Konten, die ohne Passwort sein dürfen: {', '.join(without) or 'keine'}; automatische Anmeldung: "
        f"{'an' if automatic else 'aus'}; Passwort im Klartext hinterlegt: {'ja' if kept else 'nein'}"
    )
    assert not without
    assert not automatic
    assert not kept


@requirement("2025-A1-26")
def test_an_empty_password_lets_nobody_in_over_the_network(windows, measured):
    """An account whose owner never chose a password must not be open to the whole network."""
    limited = windows.registry(LSA, "LimitBlankPasswordUse")
    limited = 1 if limited is None else limited
    measured(f"Leere Passwörter nur am Gerät selbst: {'ja' if limited else 'nein'}")
    assert limited == 1


@requirement("2021-A2-04", "2025-A1-26")
def test_wrong_passwords_close_a_windows_account_for_a_while(windows, measured):
    """Without a limit a password is found by trying, and the administrator's is tried first."""
    attempts = windows.security("LockoutBadCount") or 0
    administrators = windows.security("AllowAdministratorLockout")
    limit = min(bound(identifier, "failed_logins").at_most for identifier in ("2021-A2-04", "2025-A1-26"))
    measured(
        f"Sperre nach {attempts} Fehlversuchen, " if attempts else "keine Sperre nach Fehlversuchen, ",
    )
    measured(f"auch für Administratoren: {'ja' if administrators else 'nein'}")
    assert 0 < attempts <= limit
    assert administrators == 1


@requirement("2025-A1-26")
def test_new_passwords_of_windows_are_long_and_mixed(windows, measured):
    """Short passwords and ordinary words are the first that an attacker tries."""
    length, limit = windows.security("MinimumPasswordLength") or 0, bound("2025-A1-26", "password_length").at_least
    mixed, readable = windows.security("PasswordComplexity"), windows.security("ClearTextPassword")
    measured(
        f"Neue Passwörter: mindestens {length} Zeichen, gemischt: {'ja' if mixed else 'nein'}, "
        f"umkehrbar gespeichert: {'ja' if readable else 'nein'}"
    )
    assert length >= limit
    assert mixed == 1
    assert not readable


@requirement("2021-A1-17", "2021-A2-04")
def test_only_the_named_administer_windows(windows, practice, host_name, measured):
    """Malware has the rights of the account it runs in; at the reception that must not be the whole host."""
    named = {account.name.lower() for account in practice.accounts_of(host_name) if account.kind == "admin"}
    allowed = {one.sid for one in windows.accounts if one.name.lower() in named}
    surplus = frozenset(
        sid
        for sid in windows.members(ADMINISTRATORS) - allowed
        if relative_id(sid) not in {BUILT_IN_ADMINISTRATOR, DOMAIN_ADMINISTRATORS}
    )
    measured(f"Administratoren, die die Praxis nicht nennt: {', '.join(windows.called(surplus)) or 'keine'}")
    assert not surplus


@requirement("2021-A1-17", "2021-A2-04")
def test_groups_as_mighty_as_administrators_hold_no_people(windows, practice, host_name, measured):
    """Who may restore any file or debug any program is an administrator by another name."""
    services = {account.name.lower() for account in practice.accounts_of(host_name) if account.kind == "service"}
    allowed = {one.sid for one in windows.accounts if one.name.lower() in services}
    found = {name: windows.members(sid) - allowed for sid, name in MIGHTY.items()}
    told = [f"{name}: {', '.join(windows.called(sids))}" for name, sids in found.items() if sids]
    measured(f"Personen in mächtigen Gruppen: {'; '.join(told) or 'keine'}")
    assert not told


@requirement("2021-A1-17", "2021-A2-04")
def test_windows_asks_before_a_program_gets_an_administrators_rights(windows, measured):
    """Without the question malware in an administrator's session has the whole host."""
    on = windows.registry(SYSTEM, "EnableLUA")
    behaviour = windows.registry(SYSTEM, "ConsentPromptBehaviorAdmin")
    secure = windows.registry(SYSTEM, "PromptOnSecureDesktop")
    built_in = windows.registry(SYSTEM, "FilterAdministratorToken")
    on, secure = (1 if one is None else one for one in (on, secure))
    measured(
        f"Benutzerkontensteuerung {'an' if on else 'aus'}; fragt Administratoren auf dem sicheren Desktop: "
        f"{'ja' if behaviour in CONSENT_ON_SECURE_DESKTOP and secure else 'nein'}; auch das eingebaute Konto: "
        f"{'ja' if built_in else 'nein'}"
    )
    assert on == 1
    assert behaviour in CONSENT_ON_SECURE_DESKTOP
    assert secure == 1
    assert built_in == 1


@requirement("2021-A1-17", "2021-A2-04")
@pytest.mark.parametrize("right", REMOTE_RIGHTS)
def test_nobody_without_an_account_comes_in_from_outside(windows, right, measured):
    """Everybody and guests are whoever knocks."""
    holders = sorted(name for sid, name in ANYBODY.items() if sid in windows.right(right))
    measured(f"Anmeldung über {REMOTE_RIGHTS[right]} für: {', '.join(holders) or 'nur benannte Gruppen'}")
    assert not holders


@requirement("2021-A1-17", "2021-A2-04")
def test_rights_over_the_whole_host_are_the_administrators(windows, measured):
    """Whoever may debug or load drivers reads every password that is typed."""
    surplus = {right: windows.right(right) - {ADMINISTRATORS} for right in MASTERS}
    told = [f"{right}: {', '.join(windows.called(sids))}" for right, sids in surplus.items() if sids]
    measured(f"Herrschende Rechte außerhalb der Administratoren: {'; '.join(told) or 'keine'}")
    assert not told
