"""Accounts, administrators, passwords and what a session starts with."""

from __future__ import annotations

from tests.lab.mutations import Mutation

PROFILES = "/usr/share/pam-configs"
UPDATE = "DEBIAN_FRONTEND=noninteractive pam-auth-update --package"

MUTATIONS = {
    "a stand-in gets a login that nobody writes down": Mutation(
        "arbeitsplatz-2",
        "useradd --create-home --shell /bin/bash aushilfe && echo 'aushilfe:Vertretung-1' | chpasswd",
        frozenset({"test_every_login_is_one_that_the_practice_has_named"}),
        "account_policy",
        undo="userdel --remove aushilfe",  # a role deletes nobody's files
    ),
    "a clerk's password is taken away": Mutation(
        "arbeitsplatz-2",
        "passwd --delete mfa-1",
        frozenset({"test_no_account_opens_without_a_password"}),
        "account_policy",
        undo="echo 'mfa-1:Anmeldung-1' | chpasswd",  # a role sets nobody's password
    ),
    "wrong passwords are no longer counted": Mutation(
        "arbeitsplatz-2",
        f"{UPDATE} --remove praxisschild-authfail",
        frozenset({"test_wrong_passwords_close_the_account_for_a_while"}),
        "account_policy",
    ),
    "fifty wrong passwords are allowed": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/deny=[0-9]*/deny=50/' {PROFILES}/praxisschild* && {UPDATE}",
        frozenset({"test_wrong_passwords_close_the_account_for_a_while"}),
        "account_policy",
    ),
    "six letters are enough for a password": Mutation(
        "arbeitsplatz-2",
        "sed -i 's/^minlen = .*/minlen = 6/' /etc/security/pwquality.conf.d/10-praxisschild.conf",
        frozenset({"test_new_passwords_are_long_and_no_dictionary_words"}),
        "account_policy",
    ),
    "a clerk becomes root": Mutation(
        "arbeitsplatz-2",
        "usermod --append --groups sudo mfa-1",
        frozenset({"test_only_the_named_administrators_become_root"}),
        "account_policy",
    ),
    "the administrator is tired of his password": Mutation(
        "arbeitsplatz-2",
        "echo 'betreuung ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/erstinstallation "
        "&& chmod 0440 /etc/sudoers.d/erstinstallation",
        frozenset({"test_sudo_asks_every_administrator_for_a_password"}),
        "account_policy",
    ),
    "everybody may look into a clerk's folder": Mutation(
        "arbeitsplatz-2",
        "chmod o+rx /home/mfa-1",
        frozenset({"test_home_directories_are_closed_to_others"}),
        "account_policy",
    ),
    "everybody may read new files": Mutation(
        "arbeitsplatz-2",
        f"sed -i 's/umask=0027/umask=0022/' {PROFILES}/praxisschild-umask && {UPDATE}",
        frozenset({"test_new_files_are_closed_to_others"}),
        "account_policy",
    ),
    "everybody may change the shared folder": Mutation(
        "server-1",
        "chmod o+w /srv/freigabe",
        frozenset({"test_shared_folders_are_for_named_groups"}),
        "account_policy",
        undo="chmod o-w /srv/freigabe",  # no role knows the practice's folders
    ),
    "no account is locked any more": Mutation(
        "arbeitsplatz-2",
        f"{UPDATE} --remove praxisschild-authfail",
        frozenset(
            {
                "test_account_locks_after_wrong_passwords",
                "test_locked_account_opens_again_as_documented",
                "test_ssh_takes_no_passwords_or_locks_the_account",
            }
        ),
        "account_policy",
        probe=True,
    ),
    "a locked account stays locked": Mutation(
        "arbeitsplatz-1",
        # the tool that unlocks looks for the failures where they are no longer
        f"sed -i 's/ silent / silent dir=\\/run\\/elsewhere /' {PROFILES}/praxisschild* && {UPDATE}",
        frozenset({"test_locked_account_opens_again_as_documented"}),
        "account_policy",
        undo="rm -r /run/elsewhere",
        probe=True,
    ),
}
