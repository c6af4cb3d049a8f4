"""What documents and mails may start, fetch and give away on a workstation."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement

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
PASSWORD_MANAGERS = {"1password", "bitwarden", "keepass2", "keepassxc", "keepassxc-full", "keepassxc-minimal", "pass"}
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


@pytest.mark.parametrize(
    ("preference", "admitted"),
    [
        pytest.param(
            "mailnews.message_display.disable_remote_image",
            [True],
            id="mailnews.message_display.disable_remote_image",
            marks=requirement("2025-A1-40"),
        ),
        pytest.param("mail.inline_attachments", [False], id="mail.inline_attachments", marks=requirement("2025-A1-40")),
        pytest.param(
            "mailnews.display.html_as", [1, 3], id="mailnews.display.html_as", marks=requirement("2025-A1-40")
        ),
        pytest.param(
            "mailnews.start_page.enabled", [False], id="mailnews.start_page.enabled", marks=requirement("2025-A1-40")
        ),
        pytest.param("pdfjs.enableScripting", [False], marks=requirement("2025-A1-40")),
        pytest.param(
            "mail.phishing.detection.enabled",
            [True],
            id="mail.phishing.detection.enabled",
            marks=requirement("2025-A1-40"),
        ),
        pytest.param("mail.mdn.report.enabled", [False], id="mail.mdn.report.enabled", marks=requirement("2025-A1-40")),
        pytest.param(
            "mail.cloud_files.enabled",
            [False],
            id="mail.cloud_files.enabled",
            marks=requirement("2021-A1-05", "2025-A1-50"),
        ),
        pytest.param("mail.e2ee.auto_disable", [False], id="mail.e2ee.auto_disable", marks=requirement("KVWL-22")),
    ],
)
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
