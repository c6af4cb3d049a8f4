"""LibreOffice and Thunderbird with bait before them, and documents that an ordinary user cleans and encrypts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, not_applicable, not_tested, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost

pytestmark = pytest.mark.probe

SCRIPTING = "/org.openoffice.Office.Common/Security/Scripting"
MISC = "/org.openoffice.Office.Common/Misc"
LINKS = "/org.openoffice.Office.Writer/Content/Update"
OPTIONS = [
    pytest.param(
        SCRIPTING, "RemovePersonalInfoOnSaving", True, id="RemovePersonalInfoOnSaving", marks=requirement("2021-A1-06")
    ),
    pytest.param(
        SCRIPTING, "KeepDocUserInfoOnSaving", False, id="KeepDocUserInfoOnSaving", marks=requirement("2021-A1-06")
    ),
    pytest.param(SCRIPTING, "MacroSecurityLevel", 3, id="MacroSecurityLevel", marks=requirement("2025-A1-40")),
    pytest.param(SCRIPTING, "DisableActiveContent", True, id="DisableActiveContent", marks=requirement("2025-A1-40")),
    pytest.param(
        SCRIPTING, "BlockUntrustedRefererLinks", True, id="BlockUntrustedRefererLinks", marks=requirement("2025-A1-40")
    ),
    pytest.param(LINKS, "Link", 2, id="Link", marks=requirement("2025-A1-40")),
    pytest.param(MISC, "CmisServersUrls", [], id="CmisServersUrls", marks=requirement("2021-A1-05", "2025-A1-50")),
    pytest.param(MISC, "CrashReport", False, id="CrashReport", marks=requirement("2021-A1-18")),
]
PREFERENCES = [
    pytest.param(
        "mailnews.message_display.disable_remote_image",
        True,
        id="mailnews.message_display.disable_remote_image",
        marks=requirement("2025-A1-40"),
    ),
    pytest.param("mail.inline_attachments", False, id="mail.inline_attachments", marks=requirement("2025-A1-40")),
    pytest.param(
        "mail.phishing.detection.enabled", True, id="mail.phishing.detection.enabled", marks=requirement("2025-A1-40")
    ),
    pytest.param("mail.mdn.report.enabled", False, id="mail.mdn.report.enabled", marks=requirement("2025-A1-40")),
    pytest.param(
        "mail.cloud_files.enabled", False, id="mail.cloud_files.enabled", marks=requirement("2021-A1-05", "2025-A1-50")
    ),
    pytest.param(
        "datareporting.healthreport.uploadEnabled",
        False,
        id="datareporting.healthreport.uploadEnabled",
        marks=requirement("2021-A1-18"),
    ),
    pytest.param(
        "security.tls.version.min", 3, id="security.tls.version.min", marks=requirement("2021-A2-03")
    ),  # 3 is TLS 1.2
]


@pytest.fixture
def office(remote: RemoteHost) -> dict[str, Any]:
    """What LibreOffice says and does, after one start with a user's most careless settings."""
    wanted: dict[str, list[str]] = {}
    for row in OPTIONS:
        wanted.setdefault(str(row.values[0]), []).append(str(row.values[1]))
    answer: dict[str, Any] = ask(remote, "libreoffice", json.dumps(wanted))
    if not answer["installed"]:
        not_applicable("Auf diesem Host ist kein LibreOffice installiert.")
    return answer


@pytest.fixture
def mail(remote: RemoteHost) -> dict[str, Any]:
    """What Thunderbird says and does, after one start with a user's most careless settings."""
    answer: dict[str, Any] = ask(remote, "thunderbird", *(str(row.values[0]) for row in PREFERENCES))
    if not answer["installed"]:
        not_applicable("Auf diesem Host ist kein Thunderbird installiert.")
    return answer


@pytest.fixture
def documents(remote: RemoteHost, snapshot: Any) -> dict[str, Any]:
    """What is left of an author after cleaning, and of a text after encrypting."""
    if not (snapshot.has_office or snapshot.has_mail):
        not_applicable("Auf diesem Host ist weder LibreOffice noch Thunderbird installiert.")
    answer: dict[str, Any] = ask(remote, "documents")
    return answer


@pytest.mark.parametrize(("path", "option", "value"), OPTIONS)
def test_office_says_that_it_obeys(
    office: dict[str, Any], path: str, option: str, value: object, measured: Measured
) -> None:
    """A policy in a file protects nobody if LibreOffice does not read it, or lets its user overrule it."""
    found = office["options"][f"{path}/{option}"]
    if found is None:
        not_applicable(f"Diese Fassung von LibreOffice kennt {option} noch nicht.")
    measured(f"LibreOffice: {option} = {found['value']} ({'gesperrt' if found['locked'] else 'änderbar'})")
    assert found == {"value": value, "locked": True}


@requirement("2025-A1-40")
def test_office_runs_no_macro_of_a_document(office: dict[str, Any], measured: Measured) -> None:
    """Most encryption trojans begin as a macro in an attached letter."""
    measured(f"Makro im geöffneten Dokument: {'ausgeführt' if office['macro_ran'] else 'verweigert'}")
    assert not office["macro_ran"]


@requirement("2025-A1-40")
def test_office_fetches_nothing_for_a_document(office: dict[str, Any], measured: Measured) -> None:
    """A picture that is fetched on opening tells its sender who reads the letter, and when."""
    measured(f"Anfragen ins Netz beim Öffnen eines Dokuments: {len(office['requests'])}")
    assert not office["requests"]


@requirement("2021-A1-06")
def test_saved_document_names_no_author(office: dict[str, Any], measured: Measured) -> None:
    """The recipient of a letter need not learn who wrote it, for how long, and from which template."""
    left = {name: parts for name, parts in office["author_in"].items() if parts}
    times = [name for name, about in office["meta"].items() if "PT2H31M7S" in about or "printed-by" in about]
    measured(f"Verfasser noch genannt in: {', '.join(left) or 'keinem Dokument'}; Bearbeitungszeit: {len(times)}")
    assert set(office["author_in"]) == {"brief.odt", "brief.docx"}
    assert not left
    assert not times


@requirement("2021-A1-06")
def test_cleaned_file_names_no_author(documents: dict[str, Any], measured: Measured) -> None:
    """A tool that only seems to clean is worse than none."""
    if not documents["cleaner"]:
        measured("Es ist kein Programm zum Entfernen von Metadaten installiert.")
    left = {name: parts for name, parts in documents["left_in"].items() if parts != []}
    measured(f"bereinigt: {', '.join(documents['left_in']) or 'nichts'}; Reste: {', '.join(left) or 'keine'}")
    assert documents["left_in"]
    assert not left


@requirement("KVWL-22")
@pytest.mark.parametrize("tool", ["archive", "gpg"])
def test_encrypted_file_is_readable_with_the_password_alone(
    documents: dict[str, Any], tool: str, measured: Measured
) -> None:
    """Encryption is proven by what cannot be read, and by what still can."""
    found = documents[tool] or {}
    name = {"archive": "7-Zip-Archiv", "gpg": "GnuPG"}[tool]
    measured(f"{name}: {'verschlüsselt und wieder lesbar' if all(found.values()) and found else 'nicht möglich'}")
    assert found == {"encrypted": True, "opens": True}


@pytest.mark.parametrize(("preference", "value"), PREFERENCES)
def test_mail_program_says_that_it_obeys(
    mail: dict[str, Any], preference: str, value: object, measured: Measured
) -> None:
    """What a user can switch back on is a suggestion, not a setting."""
    found = mail["preferences"][preference]
    state = "gesperrt" if found["locked"] else "änderbar"
    measured(f"Thunderbird {mail['version']}: {preference} = {found['value']} ({state})")
    assert found == {"value": value, "locked": True}


@requirement("2025-A1-40")
def test_mail_program_understands_every_policy(mail: dict[str, Any], measured: Measured) -> None:
    """A misspelt or outdated policy looks like protection and is none."""
    measured(f"{len(mail['policies'])} Richtlinien, Beanstandungen: {'; '.join(mail['errors']) or 'keine'}")
    assert mail["policies"]
    assert not mail["errors"]


@requirement("2025-A1-40")
def test_opened_mail_fetches_and_starts_nothing(mail: dict[str, Any], measured: Measured) -> None:
    """A picture that is fetched on opening tells a sender of spam that somebody reads, and a script needs no more."""
    if not mail["shown"]:
        not_tested("Thunderbird hat die Probenachricht nicht angezeigt.")
    ran = "ausgeführt" if mail["script_ran"] else "nicht ausgeführt"
    measured(f"Anfragen ins Netz beim Öffnen einer Nachricht: {len(mail['requests'])}; Skript: {ran}")
    assert not mail["requests"]
    assert not mail["script_ran"]
