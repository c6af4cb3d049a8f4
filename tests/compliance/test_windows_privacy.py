"""What leaves a Windows host although nobody sent it, and what stays although nobody needs it."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement

POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft\Windows"
SYNC_PROGRAMS = ("Dropbox", "Google Drive", "iCloud", "MEGAsync", "pCloud", "Box ", "MagentaCLOUD")
ENTERPRISE = {"Enterprise", "EnterpriseS", "Education", "IoTEnterprise"}
RECALL_SINCE = 26100
SMALL_DUMPS = {0, 3}  # CrashControl: 0 none, 3 small; 1 complete, 2 and 7 the kernel's memory


def switches(*rows):
    """Value below POLICIES, what it has to be, and what the report calls it."""
    return [
        pytest.param(key, name, admitted, words, id=name, marks=requirement(*requirements))
        for key, name, admitted, words, *requirements in rows
    ]


KEEPS = switches(
    ("SettingSync", "DisableSettingSync", 2, "Abgleich der Einstellungen aus", "2021-A1-16"),
    ("SettingSync", "DisableSettingSyncUserOverride", 1, "Abgleich nicht durch Nutzer einschaltbar", "2021-A1-16"),
    ("SettingSync", "EnableWindowsBackup", 0, "Windows-Sicherung in die Cloud aus", "2021-A1-16"),
    ("System", "EnableActivityFeed", 0, "Aktivitätsverlauf aus", "2021-A1-16"),
    ("System", "PublishUserActivities", 0, "Aktivitäten nicht veröffentlicht", "2021-A1-16"),
    ("System", "UploadUserActivities", 0, "Aktivitäten nicht hochgeladen", "2021-A1-16"),
    ("System", "AllowCrossDeviceClipboard", 0, "Zwischenablage nicht zwischen Geräten", "2021-A1-16"),
    ("System", "EnableCdp", 0, "Weiterarbeiten an anderen Geräten aus", "2021-A1-16"),
    ("Messaging", "AllowMessageSync", 0, "Nachrichten nicht abgeglichen", "2021-A1-16"),
)
TELLS = switches(
    ("Windows Error Reporting", "Disabled", 1, "Fehlerberichte aus", "2021-A1-18"),
    ("AdvertisingInfo", "DisabledByGroupPolicy", 1, "Werbe-ID aus", "2021-A1-18"),
    ("LocationAndSensors", "DisableLocation", 1, "Standort aus", "2021-A1-18"),
    ("AppPrivacy", "LetAppsGetDiagnosticInfo", 2, "keine Diagnosedaten für Apps", "2021-A1-18"),
    ("AppCompat", "DisableUAR", 1, "Schrittaufzeichnung aus", "2021-A1-18"),
    ("Windows Search", "DisableWebSearch", 1, "Suche nicht im Internet", "2021-A1-18"),
    ("Windows Search", "ConnectedSearchUseWeb", 0, "Suche ohne Ergebnisse aus dem Internet", "2021-A1-18"),
    ("Windows Search", "AllowCloudSearch", 0, "Suche nicht in der Cloud", "2021-A1-18"),
    ("Windows Search", "AllowCortana", 0, "Cortana aus", "2021-A2-07", "2021-A1-18"),
    ("AppPrivacy", "LetAppsActivateWithVoice", 2, "keine Sprachaktivierung", "2021-A2-07", "2021-A1-18"),
)


@requirement("2021-A1-05", "2021-A1-16", "2025-A1-50")
def test_onedrive_copies_nothing(windows, practice, measured):
    """Whoever saves a letter to Documents has sent it to a cloud without a word."""
    allowed = "onedrive" in {name.lower() for name in practice.cloud_packages(windows.today)}
    off = windows.registry(rf"{POLICIES}\OneDrive", "DisableFileSyncNGSC") == 1
    moves = windows.registry(r"HKLM\SOFTWARE\Policies\Microsoft\OneDrive", "KFMBlockOptIn") != 1
    private = [
        sid
        for sid, value in windows.of_users(r"Software\Policies\Microsoft\OneDrive", "DisablePersonalSync").items()
        if value != 1
    ]
    measured(
        f"OneDrive: {'abgeschaltet' if off else 'an'}{', als Cloud-Dienst mit C5-Testat erlaubt' if allowed else ''}; "
        f"Eigene Dateien: {'dürfen umziehen' if moves else 'bleiben'}; "
        f"privates OneDrive bei {len(private)} Profilen möglich"
    )
    assert off or allowed
    assert not moves
    assert not private


@requirement("2021-A1-05", "2021-A1-16")
def test_onedrive_starts_for_nobody(windows, practice, measured):
    """A program that starts at every log-in asks until somebody says yes."""
    if "onedrive" in {name.lower() for name in practice.cloud_packages(windows.today)}:
        not_applicable("OneDrive gehört zu einem erlaubten Cloud-Dienst mit C5-Testat.")
    found = {sid for name in ("OneDrive", "OneDriveSetup") for sid in windows.starts_for(name)}
    measured(f"OneDrive startet bei der Anmeldung für {len(found)} Profile")
    assert not found


@requirement("2021-A1-05", "2025-A1-50")
def test_no_program_copies_files_into_a_cloud_on_windows(windows, practice, measured):
    """A synchronised folder carries patient data out of the practice without anybody pressing a button."""
    allowed = tuple(name.lower() for name in practice.cloud_packages(windows.today))
    found = [name for name in windows.installed(*SYNC_PROGRAMS) if not (allowed and name.lower().startswith(allowed))]
    measured(f"Programme für Cloud-Speicher: {', '.join(found) or 'keine'}")
    assert not found


@pytest.mark.parametrize(("key", "name", "admitted", "words"), KEEPS)
def test_windows_keeps_to_this_host(windows, key, name, admitted, words, measured):
    """What one host knows, a private telephone of somebody's would know soon."""
    value = windows.registry(rf"{POLICIES}\{key}", name)
    measured(f"{words}: {'ja' if value == admitted else 'nicht vorgegeben'}")
    assert value == admitted


@requirement("2021-A1-16")
def test_nobody_logs_in_with_a_private_microsoft_account(windows, measured):
    """With the account comes its storage, and the host's key for recovery goes there."""
    system = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
    accounts = windows.registry(system, "NoConnectedUser")
    apps = windows.registry(r"HKLM\SOFTWARE\Policies\Microsoft\MicrosoftAccount", "DisableUserAuth")
    measured(
        f"Private Microsoft-Konten: Anmeldung {'gesperrt' if accounts == 3 else 'möglich'}, "
        f"in Apps {'gesperrt' if apps == 1 else 'möglich'}"
    )
    assert accounts == 3
    assert apps == 1


@requirement("2021-A1-18")
def test_windows_reports_as_little_as_its_edition_allows(windows, measured):
    """What a practice's host does is nobody's business but the practice's."""
    level = windows.registry(rf"{POLICIES}\DataCollection", "AllowTelemetry")
    none_at_all = level == 0 and (windows.is_server or windows.edition in ENTERPRISE)
    words = {0: "keine", 1: "erforderliche"}.get(level, "optionale")
    sent = words if none_at_all or level != 0 else "erforderliche (weniger lässt diese Edition nicht zu)"
    measured(f"Diagnosedaten an Microsoft: {sent}")
    assert level == 0 if windows.is_server or windows.edition in ENTERPRISE else level in {0, 1}


@requirement("2021-A1-18")
@pytest.mark.parametrize("service", ["DiagTrack", "dmwappushservice", "lfsvc"])
def test_no_service_collects_about_the_host(windows, service, measured):
    """A policy asks the collector to be quiet; one that does not run is."""
    found = windows.service(service)
    if found is None:
        not_applicable(f"Den Dienst {service} gibt es auf diesem Host nicht.")
    measured(f"Dienst {service}: {'läuft' if found.running else 'läuft nicht'}, Starttyp {found.start}")
    assert found.start == 4
    assert not found.running


@pytest.mark.parametrize(("key", "name", "admitted", "words"), TELLS)
def test_windows_tells_nobody(windows, key, name, admitted, words, measured):
    """A patient's name typed into the search box is sent off before it is typed out."""
    value = windows.registry(rf"{POLICIES}\{key}", name)
    measured(f"{words}: {'ja' if value == admitted else 'nicht vorgegeben'}")
    assert value == admitted


@requirement("2021-A1-18")
def test_the_search_box_suggests_nothing_from_the_internet(windows, measured):
    """Each letter that is typed there is a question to somebody else."""
    values = windows.of_users(r"Software\Policies\Microsoft\Windows\Explorer", "DisableSearchBoxSuggestions")
    found = [sid for sid, value in values.items() if value != 1]
    measured(f"Suchvorschläge aus dem Internet: bei {len(found)} von {len(values)} Profilen")
    assert not found


@requirement("2021-A2-07", "2021-A1-18")
def test_windows_remembers_no_screens(windows, measured):
    """A picture of the screen every few seconds is a second file on every patient."""
    if windows.is_server or windows.build < RECALL_SINCE:
        not_applicable("Recall gibt es auf diesem Windows nicht.")
    key = rf"{POLICIES}\WindowsAI"
    there, saves = windows.registry(key, "AllowRecallEnablement"), windows.registry(key, "DisableAIDataAnalysis")
    measured(
        f"Recall: {'nicht einschaltbar' if there == 0 else 'einschaltbar'}, "
        f"Bildschirmfotos {'aus' if saves == 1 else 'möglich'}"
    )
    assert there == 0
    assert saves == 1


@requirement("2021-A1-18")
def test_a_crash_of_windows_leaves_no_copy_of_the_memory(windows, measured):
    """The memory of the practice's software is full of patients, and a dump of it lies around unencrypted."""
    kind = windows.registry(r"HKLM\SYSTEM\CurrentControlSet\Control\CrashControl", "CrashDumpEnabled")
    words = {0: "keines", 3: "klein", None: "automatisch"}.get(kind, "groß")
    measured(f"Speicherabbild nach einem Absturz: {words}")
    assert kind in SMALL_DUMPS


@requirement("KVWL-01")
def test_the_recycle_bin_empties_itself(windows, measured):
    """A deleted finding that waits in the recycle bin for years has not been deleted."""
    if windows.is_server:
        not_applicable(
            "Windows Server hat keine Speicheroptimierung; gelöscht wird dort in den Freigaben, ohne Papierkorb."
        )
    limit = bound("KVWL-01", "trash_age").at_most
    key = rf"{POLICIES}\StorageSense"
    on = windows.registry(key, "AllowStorageSenseGlobal") == 1
    days = windows.registry(key, "ConfigStorageSenseRecycleBinCleanupThreshold") if on else None
    measured(f"Papierkorb wird geleert: {f'nach {days} Tagen' if days else 'nie'}")
    assert days is not None
    assert 0 < days <= limit


@requirement("2021-A1-18")
def test_temporary_files_of_windows_do_not_stay(windows, measured):
    """What a program wrote down for a moment, a printed letter for example, stays for years otherwise."""
    if windows.is_server:
        not_applicable("Windows Server hat keine Speicheroptimierung.")
    key = rf"{POLICIES}\StorageSense"
    on = (
        windows.registry(key, "AllowStorageSenseGlobal"),
        windows.registry(key, "AllowStorageSenseTemporaryFilesCleanup"),
    )
    measured(f"Temporäre Dateien: {'werden entfernt' if on == (1, 1) else 'bleiben'}")
    assert on == (1, 1)
