"""LibreOffice and Thunderbird let loose, and the tools taken away."""

from __future__ import annotations

from tests.lab.mutations import Mutation

_HOST = "arbeitsplatz-1"  # Debian 12: LibreOffice's registry lies in /etc
_REGISTRY = "/etc/libreoffice/registry/praxisschild-"
_MAIL = "/etc/thunderbird/policies/policies.json"
_ROLE = "office_and_mail"


def _mutation(command: str, *red: str) -> Mutation:
    return Mutation(_HOST, command, frozenset(red), _ROLE)


def _probed(only: str, command: str, *red: str) -> Mutation:
    """What one program does and says, and what its files hold."""
    return Mutation(_HOST, command, frozenset(red), _ROLE, probe=True, only=only)


_OFFICE = "office_says or office_runs or office_fetches or saved_document or office_obeys"
_FILES = "cleaned or encrypted"
_MAILER = "mail"


_AUTHOR = f"sed -i '/RemovePersonalInfoOnSaving/s/ oor:finalized=\"true\"//' {_REGISTRY}metadata.xcd"
_MACROS = f"sed -i '/MacroS\\|DisableMacros/s/ oor:finalized=\"true\"//' {_REGISTRY}active.xcd"
_LINKS = f'sed -i \'/BlockUntrusted\\|"Link"/s/ oor:finalized="true"//\' {_REGISTRY}active.xcd'
_UNLOCKED = f'sed -i \'s/"locked"/"default"/\' {_MAIL}'
_NO_CLEANER = "apt-get -qqy remove mat2"
_NO_ARCHIVER = "apt-get -qqy remove 7zip"

MUTATIONS: dict[str, Mutation] = {
    "users decide whether their names stay in letters": _mutation(_AUTHOR, "test_office_obeys_the_practice"),
    "macros run in everybody's home": _mutation(
        f"sed -i '/SecureURL/s|<value>|<value><it>file:///home</it>|' {_REGISTRY}active.xcd",
        "test_office_trusts_no_folder_that_users_write_to",
    ),
    "letters are saved to remote services": _mutation(
        f"sed -i '/SaveAsRemote/d' {_REGISTRY}cloud.xcd", "test_office_stores_nothing_with_remote_services"
    ),
    "nothing cleans documents": _mutation(_NO_CLEANER, "test_documents_can_be_cleaned_before_they_leave"),
    "nothing encrypts documents": _mutation(_NO_ARCHIVER, "test_documents_can_be_encrypted_before_they_leave"),
    "passwords have no place": _mutation("apt-get -qqy remove keepassxc", "test_passwords_have_a_place"),
    "users unlock the mail program": _mutation(_UNLOCKED, "test_mail_program_has_the_preference_locked"),
    "the mail program reports its use": _mutation(
        f'sed -i \'s/"DisableTelemetry": true/"DisableTelemetry": false/\' {_MAIL}',
        "test_mail_program_sends_no_reports_about_its_users",
    ),
    "the mail program speaks outdated TLS": _mutation(
        f"sed -i 's/tls1.2/tls1/' {_MAIL}", "test_mail_program_speaks_only_current_tls"
    ),
    "a letter names its author": _probed(
        _OFFICE,
        _AUTHOR,
        "test_office_obeys_the_practice",
        "test_office_says_that_it_obeys",
        "test_saved_document_names_no_author",
    ),
    "a letter runs its macro": _probed(
        _OFFICE,
        _MACROS,
        "test_office_obeys_the_practice",
        "test_office_says_that_it_obeys",
        "test_office_runs_no_macro_of_a_document",
        # who trusts macros trusts links
        "test_office_fetches_nothing_for_a_document",
    ),
    "a letter fetches its picture": _probed(
        _OFFICE,
        _LINKS,
        "test_office_obeys_the_practice",
        "test_office_says_that_it_obeys",
        "test_office_fetches_nothing_for_a_document",
    ),
    "a picture keeps its author": _probed(
        _FILES,
        _NO_CLEANER,
        "test_documents_can_be_cleaned_before_they_leave",
        "test_cleaned_file_names_no_author",
    ),
    "a finding leaves in the clear": _probed(
        _FILES,
        _NO_ARCHIVER,
        "test_documents_can_be_encrypted_before_they_leave",
        "test_encrypted_file_is_readable_with_the_password_alone",
    ),
    "a mail fetches its pictures": _probed(
        _MAILER,
        _UNLOCKED,
        "test_mail_program_has_the_preference_locked",
        "test_mail_program_says_that_it_obeys",
        "test_opened_mail_fetches_and_starts_nothing",
    ),
    "a policy of the mail program is misspelt": _probed(
        _MAILER,
        f'sed -i \'s/"DisableTelemetry": true/&, "DisableTelemtry": true/\' {_MAIL}',
        "test_mail_program_understands_every_policy",
    ),
}
