"""Office programs that run and fetch what they are given."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

LIBREOFFICE = r"HKLM\SOFTWARE\Policies\LibreOffice\org.openoffice.Office."
SCRIPTING = rf"{LIBREOFFICE}Common\Security\Scripting"
THUNDERBIRD = r"HKLM\SOFTWARE\Policies\Mozilla\Thunderbird"
OFFICE = r"HKU\{machine}-1001\Software\Policies\Microsoft\Office"


UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


def broken(host: str, red: str, *changes: tuple[str, ...], mended: bool = True) -> Mutation:
    return Mutation(host, changes, frozenset(red.split()), "office_and_mail", mended)


MUTATIONS = {
    "LibreOffice runs macros": broken(
        "pc-1",
        "test_libreoffice_obeys_the_practice_on_windows",
        ("set", rf"{SCRIPTING}\MacroSecurityLevel\Value", "string:1"),
    ),
    "people may keep their names in documents": broken(
        "pc-2",
        "test_libreoffice_obeys_the_practice_on_windows",
        ("set", rf"{SCRIPTING}\RemovePersonalInfoOnSaving\Final", "dword:0"),
    ),
    "LibreOffice trusts a person's folder": broken(
        "pc-1",
        "test_libreoffice_trusts_no_folder_of_a_user_on_windows",
        ("set", rf"{SCRIPTING}\SecureURL\Value", "string:file:///C:/Users/mfa-1/Downloads"),
    ),
    "LibreOffice saves with Google": broken(
        "pc-2",
        "test_libreoffice_stores_nothing_with_remote_services_on_windows",
        ("unset", rf"{LIBREOFFICE}Commands\Execute\Disabled\praxisschild-2"),
    ),
    "Thunderbird fetches pictures": broken(
        "pc-1",
        "test_mail_program_has_the_preference_locked_on_windows",
        ("set", rf"{THUNDERBIRD}\Preferences", "multi_string:{}"),
    ),
    "Thunderbird reports": broken(
        "pc-2", "test_mail_program_sends_no_reports_on_windows", ("set", rf"{THUNDERBIRD}\DisableTelemetry", "dword:0")
    ),
    "Thunderbird speaks TLS 1.0": broken(
        "pc-1",
        "test_mail_program_speaks_only_current_tls_on_windows",
        ("set", rf"{THUNDERBIRD}\SSLVersionMin", "string:tls1"),
    ),
    "Thunderbird stays as old as it is": broken(
        "pc-2", "test_mail_program_updates_itself_on_windows", ("set", rf"{THUNDERBIRD}\DisableAppUpdate", "dword:1")
    ),
    "Word runs macros from the internet": broken(
        "pc-1",
        "test_office_runs_no_macro_from_the_internet",
        ("set", rf"{OFFICE}\16.0\Word\Security\BlockContentExecutionFromInternet", "dword:0"),
    ),
    "Excel runs any macro": broken(
        "pc-2",
        "test_office_runs_no_macro_that_nobody_signed",
        ("set", rf"{OFFICE}\16.0\Excel\Security\VBAWarnings", "dword:1"),
    ),
    "attachments open without protection": broken(
        "pc-1",
        "test_office_opens_foreign_documents_protected",
        ("set", rf"{OFFICE}\16.0\Word\Security\ProtectedView\DisableAttachmentsInPV", "dword:1"),
    ),
    "Outlook fetches pictures": broken(
        "pc-1",
        "test_outlook_fetches_nothing_by_itself",
        ("set", rf"{OFFICE}\16.0\Outlook\Options\Mail\BlockExtContent", "dword:0"),
    ),
    "Outlook hands out programs": broken(
        "pc-2",
        "test_outlook_hands_out_no_programs",
        ("set", rf"{OFFICE}\16.0\Outlook\Security\ShowLevel1Attach", "dword:1"),
    ),
    "private accounts in Office": broken(
        "pc-1",
        "test_office_stores_nothing_in_a_cloud",
        ("set", rf"{OFFICE}\16.0\Common\SignIn\SignInOptions", "dword:0"),
    ),
    "Office is connected": broken(
        "pc-2",
        "test_office_stores_nothing_in_a_cloud",
        ("unset", rf"{OFFICE}\16.0\Common\Privacy\DisconnectedState"),
    ),
    "Office reports": broken(
        "pc-1",
        "test_office_sends_no_reports_about_its_users",
        ("set", rf"{OFFICE}\Common\ClientTelemetry\SendTelemetry", "dword:1"),
    ),
    "Word keeps quiet about recorded changes": broken(
        "pc-2",
        "test_word_tells_what_a_document_gives_away",
        ("unset", rf"{OFFICE}\16.0\Word\Options\WarnRevisions"),
    ),
    "no place for passwords": broken(
        "pc-1",
        "test_passwords_have_a_place_on_windows",
        ("unset", rf"{UNINSTALL}\{{E2D8C6B4-3F17-4A59-B08C-15D7A9F4E603}}"),
        mended=False,
    ),
    "nothing to encrypt with": broken(
        "pc-2", "test_documents_can_be_encrypted_on_windows", ("unset", rf"{UNINSTALL}\7-Zip"), mended=False
    ),
}
