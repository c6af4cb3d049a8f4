"""Who gets into a host and what an account may do there."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement


@requirement("2021-A2-04")
def test_every_login_is_one_that_the_practice_has_named(snapshot, practice, host_name, measured):
    """With a shared or forgotten login nobody can say afterwards who looked into a patient's file."""
    named = {account.name for account in practice.accounts_of(host_name)}
    unnamed = set(snapshot.login_accounts) - named
    limit = bound("2021-A2-04", "shared_logins").at_most
    measured(f"Anmeldbare Konten, die die Praxis nicht führt: {', '.join(sorted(unnamed)) or 'keine'}")
    assert len(unnamed) <= limit, unnamed


@requirement("2025-A1-02")
def test_accounts_of_people_who_left_are_closed(snapshot, practice, host_name, measured):
    """Old logins open the practice years after somebody has gone."""
    departed = {one.name for one in practice.accounts_of(host_name) if one.has_left(snapshot.today)}
    if not departed:
        not_applicable("Für diesen Host führt die Praxis kein Konto, dessen letzter Tag vorbei ist.")
    still_open = departed & set(snapshot.login_accounts)
    keys = {name for name in departed & still_open if snapshot.accounts[name].authorized_keys}
    measured(
        f"Konten von Ausgeschiedenen: {len(departed)}; noch offen: {', '.join(sorted(still_open)) or 'keine'}; "
        f"davon mit SSH-Schlüssel: {len(keys)}"
    )
    assert not still_open


@requirement("2025-A1-26")
def test_no_account_opens_without_a_password(snapshot, measured):
    """Whoever finds such a name at the login screen works with the practice's data."""
    open_accounts = {name for name, account in snapshot.login_accounts.items() if account.is_open}
    automatic = set(snapshot.automatic_logins)
    measured(
        f"Konten ohne Passwort: {', '.join(sorted(open_accounts)) or 'keine'}; "
        f"automatische Anmeldung: {', '.join(sorted(automatic)) or 'keine'}"
    )
    assert not open_accounts
    assert not automatic


@requirement("2021-A2-04", "2025-A1-26")
@pytest.mark.parametrize("service", ["login", "sshd", "su", "sudo", "gdm-password", "lightdm", "sddm"])
def test_wrong_passwords_close_the_account_for_a_while(snapshot, service, measured):
    """Without a limit a password is found by trying."""
    if not snapshot.pam(service, "auth", fallback=False):
        not_applicable(f"Auf diesem Host meldet sich niemand über {service} an.")
    lockout = snapshot.lockout(service)
    limit = min(bound(identifier, "failed_logins").at_most for identifier in ("2021-A2-04", "2025-A1-26"))
    measured(
        f"{service}: Sperre nach {lockout.attempts} Fehlversuchen"
        if lockout
        else f"{service}: keine Sperre nach Fehlversuchen"
    )
    assert lockout is not None
    assert 0 < lockout.attempts <= limit


@requirement("2025-A1-26")
def test_new_passwords_are_long_and_no_dictionary_words(snapshot, measured):
    """Short passwords and ordinary words are the first that an attacker tries."""
    rule, limit = snapshot.password_rule, bound("2025-A1-26", "password_length").at_least
    measured(
        f"Neue Passwörter: mindestens {rule.min_length} Zeichen, Wörterbuchprüfung {'an' if rule.dictionary else 'aus'}"
    )
    assert rule.min_length >= limit
    assert rule.dictionary


@requirement("2021-A2-04")
def test_only_the_named_administrators_become_root(snapshot, practice, host_name, measured):
    """Malware has the rights of the account it runs in; at the reception that must not be the whole host."""
    named = {account.name for account in practice.accounts_of(host_name) if account.kind == "admin"}
    measured(f"Konten mit Administratorrechten: {', '.join(sorted(snapshot.admins)) or 'keine'}")
    assert not snapshot.admins - named


@requirement("2021-A2-04", "2025-A1-26")
def test_sudo_asks_every_administrator_for_a_password(snapshot, measured):
    """An unlocked session of an administrator is otherwise the same as root."""
    unasked = snapshot.sudo_without_password
    measured(f"Konten mit sudo ohne Passwort: {', '.join(sorted(unasked)) or 'keine'}")
    assert not unasked


@requirement("2021-A2-04")
def test_home_directories_are_closed_to_others(snapshot, measured):
    """A colleague's downloads and mail are nobody else's business."""
    homes = {
        name: account.home_mode for name, account in snapshot.login_accounts.items() if account.home_mode is not None
    }
    open_homes = {name for name, mode in homes.items() if mode & 0o007}
    measured(f"Benutzerordner, die andere lesen können: {', '.join(sorted(open_homes)) or 'keine'}")
    assert not open_homes


@requirement("2021-A2-04")
def test_new_files_are_closed_to_others(snapshot, measured):
    """A document with patient data should not become readable to everybody by being saved."""
    umask = snapshot.login_umask
    allowed = [int(value, 8) for value in bound("2021-A2-04", "umask").one_of]
    measured(f"umask der Anmeldesitzung: {umask:03o}")
    assert any(umask & value == value for value in allowed), f"umask {umask:03o}"


@requirement("2021-A2-04")
def test_shared_folders_are_for_named_groups(snapshot, measured):
    """What everybody may change, a single infected workstation encrypts for all."""
    folders = set(snapshot.world_writable)
    shares = {share.name for share in snapshot.shares if share.guests or (share.mode or 0) & 0o002}
    measured(
        f"Für alle beschreibbare Ordner: {', '.join(sorted(folders)) or 'keine'}; "
        f"Freigaben ohne Einschränkung: {', '.join(sorted(shares)) or 'keine'}"
    )
    assert not folders
    assert not shares
