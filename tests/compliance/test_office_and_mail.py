"""What documents and mails may start, fetch and give away on a workstation."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, not_tested, requirement

SCRIPTING = "Common/Security/Scripting/"


def option(path, admitted, *requirements):
    """A LibreOffice option below org.openoffice.Office, and the value that fulfils the requirements."""
    return pytest.param(path, admitted, id=path.replace("/", "."), marks=requirement(*requirements))


OPTIONS = [
    option(SCRIPTING + "RemovePersonalInfoOnSaving", "true", "2021-A1-06"),
    option(SCRIPTING + "KeepDocUserInfoOnSaving", "false", "2021-A1-06"),
    option(SCRIPTING + "KeepNoteAuthorDateInfoOnSaving", "false", "2021-A1-06"),
    option(SCRIPTING + "WarnSaveOrSendDoc", "true", "2021-A1-06"),
    option(SCRIPTING + "MacroSecurityLevel", "3", "2025-A1-40"),
    option(SCRIPTING + "BlockUntrustedRefererLinks", "true", "2025-A1-40"),
    option("Writer/Content/Update/Link", "2", "2025-A1-40"),
    option("Calc/Content/Update/Link", "2", "2025-A1-40"),
    option("Common/Misc/CmisServersUrls", "", "2021-A1-05", "2025-A1-50"),
    option("Common/Misc/CrashReport", "false", "2021-A1-18"),
]


def preference(name, admitted, *requirements):
    """A preference of Thunderbird's, and the values that fulfil the requirements."""
    return pytest.param(name, admitted, id=name, marks=requirement(*requirements))


PREFERENCES = [
    preference("mailnews.message_display.disable_remote_image", [True], "2025-A1-40"),
    preference("mail.inline_attachments", [False], "2025-A1-40"),
    preference("mailnews.display.html_as", [1, 3], "2025-A1-40"),
    preference("mailnews.start_page.enabled", [False], "2025-A1-40"),
    preference("pdfjs.enableScripting", [False], "2025-A1-40"),
    preference("mail.phishing.detection.enabled", [True], "2025-A1-40"),
    preference("mail.mdn.report.enabled", [False], "2025-A1-40"),
    preference("mail.cloud_files.enabled", [False], "2021-A1-05", "2025-A1-50"),
    preference("mail.e2ee.auto_disable", [False], "KVWL-22"),
]
PASSWORD_MANAGERS = {"1password", "bitwarden", "keepass2", "keepassxc", "keepassxc-full", "keepassxc-minimal", "pass"}
WINDOWS_PASSWORD_MANAGERS = ("1Password", "Bitwarden", "KeePass", "Password Depot")
WINDOWS_ARCHIVERS = ("7-Zip", "Gpg4win", "WinRAR", "WinZip")
MICROSOFT_OFFICE = ("Microsoft 365", "Microsoft Office")
ARCHIVERS = {"7zip", "p7zip-full"}


@pytest.fixture
def office(snapshot):
    """A host with LibreOffice."""
    if not snapshot.has_office:
        not_applicable("Auf diesem Host ist kein LibreOffice installiert.")
    return snapshot


@pytest.fixture
def mail(snapshot):
    """A host with Thunderbird."""
    if not snapshot.has_mail:
        not_applicable("Auf diesem Host ist kein Thunderbird installiert.")
    return snapshot


def only_admins_write(folders):
    """Trusted folders in which no ordinary user writes: none at all, or below a folder of the system."""
    listed = [folders] if isinstance(folders, str) else folders
    return all(not one or one.startswith(("file:///opt/", "file:///srv/", "file:///usr/")) for one in listed)


@pytest.mark.parametrize(("path", "admitted"), OPTIONS)
def test_office_obeys_the_practice(office, path, admitted, measured):
    """A setting that a user can loosen protects until the first document that asks for it."""
    value = office.office_option(path)
    measured(f"LibreOffice, {path}: {'nicht fest vorgegeben' if value is None else value or 'leer'}")
    assert value == admitted


@requirement("2025-A1-40")
def test_office_trusts_no_folder_that_users_write_to(office, measured):
    """A macro that arrives by mail runs as soon as it is saved to a trusted folder."""
    folders = office.office_option(SCRIPTING + "SecureURL")
    measured(f"Ordner mit erlaubten Makros: {'nicht fest vorgegeben' if folders is None else folders or 'keine'}")
    assert folders is not None
    assert only_admins_write(folders)


@requirement("2021-A1-05", "2025-A1-50")
def test_office_stores_nothing_with_remote_services(office, measured):
    """Two clicks in the menu carry a finding to Google Drive or OneDrive otherwise."""
    off = {"OpenRemote", "SaveAsRemote"} & office.disabled_office_commands
    measured(f"Gesperrte Menübefehle für entfernte Dienste: {', '.join(sorted(off)) or 'keine'}")
    assert off == {"OpenRemote", "SaveAsRemote"}


@requirement("2021-A1-06")
def test_documents_can_be_cleaned_before_they_leave(office, measured):
    """A picture or a foreign document carries its history along, whatever LibreOffice does on saving."""
    found = {"mat2", "metadata-cleaner"} & office.software
    measured(f"Programme zum Entfernen von Metadaten: {', '.join(sorted(found)) or 'keine'}")
    assert found


@requirement("2021-A1-07")
def test_passwords_have_a_place(snapshot, measured):
    """Whoever has to remember twenty passwords uses one of them twenty times."""
    if not snapshot.browsers:
        not_applicable("Auf diesem Host ist kein Browser installiert.")
    found = PASSWORD_MANAGERS & snapshot.software
    measured(f"Passwortmanager: {', '.join(sorted(found)) or 'keiner'}")
    assert found


@requirement("KVWL-22")
def test_documents_can_be_encrypted_before_they_leave(snapshot, measured):
    """Whoever has no tool at hand sends the finding in the clear."""
    if not (snapshot.has_office or snapshot.has_mail):
        not_applicable("Auf diesem Host ist weder LibreOffice noch Thunderbird installiert.")
    found = (ARCHIVERS | {"gnupg"}) & snapshot.software
    measured(f"Programme zum Verschlüsseln: {', '.join(sorted(found)) or 'keine'}")
    assert "gnupg" in found
    assert ARCHIVERS & found


@pytest.mark.parametrize(("preference", "admitted"), PREFERENCES)
def test_mail_program_has_the_preference_locked(mail, preference, admitted, measured):
    """What a user can switch back on is a suggestion, not a setting."""
    value = mail.mail_preference(preference)
    measured(f"Thunderbird, {preference}: {'nicht gesperrt' if value is None else value}")
    assert (type(value), value) in [(type(one), one) for one in admitted]


@requirement("2021-A1-18")
def test_mail_program_sends_no_reports_about_its_users(mail, measured):
    """Usage data tells others with whom a practice corresponds, and how often."""
    off = mail.mail_policy("DisableTelemetry")
    measured(f"Thunderbird, Nutzungsdaten: {'abgeschaltet' if off is True else 'nicht fest abgeschaltet'}")
    assert off is True


@requirement("2021-A2-03")
def test_mail_program_speaks_only_current_tls(mail, measured):
    """A mailbox password sent over TLS 1.0 can be listened to."""
    oldest = mail.mail_policy("SSLVersionMin")
    measured(f"Thunderbird, ältestes TLS: {oldest or 'nicht vorgegeben'}")
    assert bound("2021-A2-03", "tls_version").admits(str(oldest).replace("tls", "TLSv"))


@pytest.fixture
def windows_libreoffice(windows):
    """A Windows host with LibreOffice."""
    if not windows.installed("LibreOffice"):
        not_applicable("Auf diesem Host ist kein LibreOffice installiert.")
    return windows


@pytest.fixture
def windows_mail(windows):
    """A Windows host with Thunderbird."""
    if not windows.installed("Mozilla Thunderbird"):
        not_applicable("Auf diesem Host ist kein Thunderbird installiert.")
    return windows


@pytest.fixture
def microsoft_office(windows):
    """A Windows host with Microsoft Office."""
    if not windows.installed(*MICROSOFT_OFFICE):
        not_applicable("Auf diesem Host ist kein Microsoft Office installiert.")
    return windows


@pytest.fixture
def obedient_office(microsoft_office):
    """A Microsoft Office that obeys all policies."""
    business = [name for name in microsoft_office.installed(*MICROSOFT_OFFICE) if "business" in name.lower()]
    if business:
        not_tested(f"{business[0]} beachtet diese Richtlinien nicht; die Einstellungen bitte im Programm prüfen.")
    return microsoft_office


def unlike(found, *admitted):
    """Whose value is another one."""
    return [sid for sid, value in found.items() if value not in admitted]


@pytest.mark.parametrize(("path", "admitted"), OPTIONS)
def test_libreoffice_obeys_the_practice_on_windows(windows_libreoffice, path, admitted, measured):
    """A setting that a user can loosen protects until the first document that asks for it."""
    value = windows_libreoffice.office_option(path)
    measured(f"LibreOffice, {path}: {'nicht fest vorgegeben' if value is None else value or 'leer'}")
    assert value == admitted


@requirement("2025-A1-40")
def test_libreoffice_trusts_no_folder_of_a_user_on_windows(windows_libreoffice, measured):
    """A macro that arrives by mail runs as soon as it is saved to a trusted folder."""
    folders = windows_libreoffice.office_option(SCRIPTING + "SecureURL")
    measured(f"Ordner mit erlaubten Makros: {'nicht fest vorgegeben' if folders is None else folders or 'keine'}")
    assert folders is not None
    assert not [one for one in folders.split() if "/users/" in one.lower()]


@requirement("2021-A1-05", "2025-A1-50")
def test_libreoffice_stores_nothing_with_remote_services_on_windows(windows_libreoffice, measured):
    """Two clicks in the menu carry a finding to Google Drive or OneDrive otherwise."""
    off = {"OpenRemote", "SaveAsRemote"} & windows_libreoffice.disabled_office_commands
    measured(f"Gesperrte Menübefehle für entfernte Dienste: {', '.join(sorted(off)) or 'keine'}")
    assert off == {"OpenRemote", "SaveAsRemote"}


@pytest.mark.parametrize(("preference", "admitted"), PREFERENCES)
def test_mail_program_has_the_preference_locked_on_windows(windows_mail, preference, admitted, measured):
    """What a user can switch back on is a suggestion, not a setting."""
    value = windows_mail.mail_preference(preference)
    measured(f"Thunderbird, {preference}: {'nicht gesperrt' if value is None else value}")
    assert (type(value), value) in [(type(one), one) for one in admitted]


@requirement("2021-A1-18")
def test_mail_program_sends_no_reports_on_windows(windows_mail, measured):
    """Usage data tells others with whom a practice corresponds, and how often."""
    off = windows_mail.mail_policy("DisableTelemetry")
    measured(f"Thunderbird, Nutzungsdaten: {'abgeschaltet' if off == 1 else 'nicht fest abgeschaltet'}")
    assert off == 1


@requirement("2021-A2-03")
def test_mail_program_speaks_only_current_tls_on_windows(windows_mail, measured):
    """A mailbox password sent over TLS 1.0 can be listened to."""
    oldest = windows_mail.mail_policy("SSLVersionMin")
    measured(f"Thunderbird, ältestes TLS: {oldest or 'nicht vorgegeben'}")
    assert bound("2021-A2-03", "tls_version").admits(str(oldest).replace("tls", "TLSv"))


@requirement("2025-A1-14")
def test_mail_program_updates_itself_on_windows(windows_mail, measured):
    """A mail program opens what strangers send, an outdated one with holes that they know."""
    automatic = windows_mail.mail_policy("AppAutoUpdate") == 1 and windows_mail.mail_policy("DisableAppUpdate") != 1
    measured(f"Thunderbird: automatische Updates {'fest vorgegeben' if automatic else 'nicht vorgegeben'}")
    assert automatic


@requirement("2025-A1-40")
@pytest.mark.parametrize("program", ["Access", "Excel", "PowerPoint", "Word"])
def test_office_runs_no_macro_from_the_internet(obedient_office, program, measured):
    """An application for a job with a macro inside has closed practices for weeks."""
    found = obedient_office.microsoft_office(rf"16.0\{program}\Security", "BlockContentExecutionFromInternet")
    wrong = unlike(found, 1)
    measured(f"{program}, Makros aus dem Internet: bei {len(wrong)} von {len(found)} Profilen nicht gesperrt")
    assert not wrong


@requirement("2025-A1-40")
@pytest.mark.parametrize("program", ["Access", "Excel", "PowerPoint", "Word"])
def test_office_runs_no_macro_that_nobody_signed(obedient_office, program, measured):
    """Yes is clicked quickly, and then it runs with all rights of the person."""
    found = obedient_office.microsoft_office(rf"16.0\{program}\Security", "VBAWarnings")
    wrong = unlike(found, 3, 4)
    measured(f"{program}, nicht signierte Makros: bei {len(wrong)} von {len(found)} Profilen möglich")
    assert not wrong


@requirement("2025-A1-40")
@pytest.mark.parametrize("program", ["Excel", "PowerPoint", "Word"])
def test_office_opens_foreign_documents_protected(obedient_office, program, measured):
    """In the protected view a document can be read, and does nothing."""
    key = rf"16.0\{program}\Security\ProtectedView"
    names = ("DisableInternetFilesInPV", "DisableAttachmentsInPV", "DisableUnsafeLocationsInPV")
    wrong = [name for name in names if unlike(obedient_office.microsoft_office(key, name), 0)]
    measured(f"{program}, geschützte Ansicht: {', '.join(wrong) + ' nicht vorgegeben' if wrong else 'immer'}")
    assert not wrong


@requirement("2025-A1-40")
def test_outlook_fetches_nothing_by_itself(obedient_office, measured):
    """A picture that is fetched tells the sender that somebody has opened the mail, and from where."""
    mail = r"16.0\Outlook\Options\Mail"
    demanded = {"BlockExtContent": 1, "UnblockSafeZone": 0, "Internet": 0}
    wrong = [name for name, value in demanded.items() if unlike(obedient_office.microsoft_office(mail, name), value)]
    measured(f"Outlook, externe Inhalte: {', '.join(wrong) + ' nicht vorgegeben' if wrong else 'nie von selbst'}")
    assert not wrong


@requirement("2025-A1-40")
def test_outlook_hands_out_no_programs(obedient_office, measured):
    """A program in an attachment is hardly ever what it says."""
    found = obedient_office.microsoft_office(r"16.0\Outlook\Security", "ShowLevel1Attach")
    wrong = unlike(found, 0)
    measured(f"Outlook, Programme als Anlage: bei {len(wrong)} von {len(found)} Profilen nicht fest gesperrt")
    assert not wrong


@requirement("2021-A1-05", "2025-A1-50")
def test_office_stores_nothing_in_a_cloud(microsoft_office, practice, measured):
    """The save button of Microsoft Office points to OneDrive where somebody is logged in."""
    allowed = bool(
        {"microsoft365", "onedrive"} & {name.lower() for name in practice.cloud_packages(microsoft_office.today)}
    )
    accounts = unlike(microsoft_office.microsoft_office(r"16.0\Common\SignIn", "SignInOptions"), 2, 3)
    services = unlike(microsoft_office.microsoft_office(r"16.0\Common\Privacy", "DisconnectedState"), 2, *[1] * allowed)
    optional = unlike(
        microsoft_office.microsoft_office(r"16.0\Common\Privacy", "ControllerConnectedServicesEnabled"), 2
    )
    measured(
        f"Microsoft Office: private Konten bei {len(accounts)}, verbundene Dienste bei {len(services)}, "
        f"optionale bei {len(optional)} Profilen möglich"
    )
    assert not accounts
    assert not services
    assert not optional


@requirement("2021-A1-18")
def test_office_sends_no_reports_about_its_users(microsoft_office, measured):
    """Which document was open for how long is nobody's business but the practice's."""
    found = microsoft_office.microsoft_office(r"Common\ClientTelemetry", "SendTelemetry")
    wrong = unlike(found, 3)
    measured(f"Microsoft Office, Diagnosedaten: bei {len(wrong)} von {len(found)} Profilen nicht abgeschaltet")
    assert not wrong


@requirement("2021-A1-06")
def test_word_tells_what_a_document_gives_away(obedient_office, measured):
    """A recorded change shows the recipient what stood there before."""
    names = ("WarnRevisions", "ShowMarkupOpenSave")
    wrong = [name for name in names if unlike(obedient_office.microsoft_office(r"16.0\Word\Options", name), 1)]
    measured(f"Word warnt vor Änderungen und Kommentaren: {', '.join(wrong) + ' nicht vorgegeben' if wrong else 'ja'}")
    assert not wrong


@requirement("2021-A1-07")
def test_passwords_have_a_place_on_windows(windows, measured):
    """Whoever has to remember twenty passwords uses one of them twenty times."""
    if windows.is_server:
        not_applicable("Auf einem Server benutzt niemand Webanwendungen.")
    found = windows.installed(*WINDOWS_PASSWORD_MANAGERS)
    measured(f"Passwortmanager: {', '.join(found) or 'keiner'}")
    assert found


@requirement("KVWL-22")
def test_documents_can_be_encrypted_on_windows(windows, measured):
    """Whoever has no tool at hand sends the finding in the clear."""
    if not windows.installed("LibreOffice", "Mozilla Thunderbird", *MICROSOFT_OFFICE):
        not_applicable("Auf diesem Host ist weder ein Büro- noch ein Mailprogramm installiert.")
    found = windows.installed(*WINDOWS_ARCHIVERS)
    measured(f"Programme zum Verschlüsseln: {', '.join(found) or 'keine'}")
    assert found
