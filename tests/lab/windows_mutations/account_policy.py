"""Logins, passwords, lock-out, administrators and rights."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
LOGON = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
ROLE = "account_policy"
LOGIN = "test_every_login_of_windows_is_one_that_the_practice_has_named"
EMPTY = "test_no_windows_account_opens_without_a_password"
LOCKOUT = "test_wrong_passwords_close_a_windows_account_for_a_while"
LENGTH = "test_new_passwords_of_windows_are_long_and_mixed"
ADMINISTRATORS = "test_only_the_named_administer_windows"
UAC = "test_windows_asks_before_a_program_gets_an_administrators_rights"
OUTSIDE = "test_nobody_without_an_account_comes_in_from_outside"
STUDENT = (
    '{"sid": "{machine}-1009", "full_name": "", "enabled": true, "locked": false, "password_required": true, '
    '"password_expires": true, "last_logon": ""}'
)


def changed(host: str, path: str, value: str, *red: str, mended: bool = True) -> Mutation:
    return Mutation(host, (("set", path, value),), frozenset(red), ROLE, mended)


MUTATIONS = {
    # nobody but the practice knows who a login belongs to
    "somebody makes a login for a trainee": changed("pc-1", "users.auszubildende", STUDENT, LOGIN, mended=False),
    "the built-in administrator is opened": changed("winserver-1", "users.Administrator.enabled", "true", LOGIN),
    "the guest is opened": changed("pc-2", "users.Gast.enabled", "true", LOGIN, EMPTY),
    "who left comes back": changed(
        "pc-1",
        "users.sprechzimmer-1.enabled",
        "true",
        "test_windows_accounts_of_people_who_left_are_closed",
        EMPTY,
    ),
    "a login needs no password": changed("pc-1", "users.mfa-1.password_required", "false", EMPTY, mended=False),
    "a PC logs in by itself": changed("pc-2", rf"{LOGON}\AutoAdminLogon", "string:1", EMPTY),
    "a password lies in the clear": changed("pc-1", rf"{LOGON}\DefaultPassword", "string:geheim", EMPTY),
    "empty passwords count in the network": changed(
        "winserver-1",
        rf"{LSA}\LimitBlankPasswordUse",
        "dword:0",
        "test_an_empty_password_lets_nobody_in_over_the_network",
    ),
    "a hundred wrong passwords": changed("pc-1", "security.LockoutBadCount", "100", LOCKOUT),
    "no lock-out at all": changed("pc-2", "security.LockoutBadCount", "0", LOCKOUT),
    "administrators are never locked": changed("winserver-1", "security.AllowAdministratorLockout", "0", LOCKOUT),
    "six characters are enough": changed("pc-1", "security.MinimumPasswordLength", "6", LENGTH),
    "a word is enough": changed("winserver-1", "security.PasswordComplexity", "0", LENGTH),
    "passwords can be read back": changed("pc-1", "security.ClearTextPassword", "1", LENGTH),
    "the reception administers": changed(
        "pc-1",
        "groups.Administratoren.members",
        '["{machine}-500", "{machine}-1001", "{machine}-1002"]',
        ADMINISTRATORS,
    ),
    "everybody administers": changed(
        "winserver-1",
        "groups.Administratoren.members",
        '["{machine}-500", "{machine}-1001", "S-1-5-11"]',
        ADMINISTRATORS,
    ),
    "the reception restores any file": changed(
        "pc-2",
        "groups.Sicherungs-Operatoren.members",
        '["{machine}-1002"]',
        "test_groups_as_mighty_as_administrators_hold_no_people",
    ),
    "no question before rights": changed("pc-1", rf"{SYSTEM}\EnableLUA", "dword:0", UAC),
    "rights without a question": changed("pc-2", rf"{SYSTEM}\ConsentPromptBehaviorAdmin", "dword:0", UAC),
    "a question that programs can answer": changed("winserver-1", rf"{SYSTEM}\PromptOnSecureDesktop", "dword:0", UAC),
    "everybody comes in by the network": changed(
        "pc-1", "rights.SeNetworkLogonRight", '["S-1-1-0", "S-1-5-32-544", "S-1-5-32-545"]', OUTSIDE
    ),
    "guests come in by Remote Desktop": changed(
        "winserver-1", "rights.SeRemoteInteractiveLogonRight", '["S-1-5-32-544", "S-1-5-32-546"]', OUTSIDE
    ),
    "people debug any program": changed(
        "pc-2",
        "rights.SeDebugPrivilege",
        '["S-1-5-32-544", "S-1-5-32-545"]',
        "test_rights_over_the_whole_host_are_the_administrators",
    ),
}
