"""What a Windows host does when nobody sits at it, and what it gives away when somebody does."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement

SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft"
WAKING = rf"{POLICIES}\Power\PowerSettings\0e796bdb-100d-47d6-a2d5-f7d2daa51f51"
GERMAN = {"Camera": "Kamera", "Microphone": "Mikrofon"}


@requirement("2021-A1-13")
def test_windows_locks_itself_after_a_while(windows, measured):
    """Whoever passes an open screen reads patients' names, or types."""
    limit = bound("2021-A1-13", "lock_after").at_most
    seconds = windows.registry(SYSTEM, "InactivityTimeoutSecs") or 0
    measured(f"Sperre nach {seconds} Sekunden ohne Eingabe" if seconds else "Sperrt sich nicht von selbst")
    assert 0 < seconds <= limit


@requirement("2021-A1-13")
def test_screen_saver_of_everybody_locks(windows, measured):
    """The lock of the host waits for its next start; the screen saver does not."""
    limit = bound("2021-A1-13", "lock_after").at_most
    found = windows.screen_savers
    open_ones = [sid for sid, seconds in found.items() if seconds is None or seconds > limit]
    longest = max((seconds for seconds in found.values() if seconds), default=None)
    measured(
        f"Bildschirmschoner mit Kennwort: bei {len(found) - len(open_ones)} von {len(found)} Profilen, "
        f"spätestens nach {longest or '–'} Sekunden"
    )
    assert not open_ones


@requirement("2021-A1-13")
def test_windows_asks_for_the_password_when_it_wakes(windows, measured):
    """A notebook that was closed for a moment is open to whoever opens it."""
    asks = {name: windows.registry(WAKING, f"{name}SettingIndex") for name in ("AC", "DC")}
    measured(f"Kennwort nach dem Ruhezustand: {'fest vorgegeben' if set(asks.values()) == {1} else 'nicht vorgegeben'}")
    assert asks == {"AC": 1, "DC": 1}


@requirement("2021-A1-13")
def test_a_locked_screen_tells_nothing(windows, measured):
    """A message on the locked screen is read in passing, a name in it too."""
    off = windows.registry(rf"{POLICIES}\Windows\System", "DisableLockScreenAppNotifications")
    measured(f"Mitteilungen auf dem Sperrbildschirm: {'aus' if off == 1 else 'erlaubt'}")
    assert off == 1


@requirement("2021-A1-13")
def test_no_restart_logs_anybody_in(windows, measured):
    """After an update at night somebody would be logged in whom nobody has seen."""
    off = windows.registry(SYSTEM, "DisableAutomaticRestartSignOn")
    measured(f"Anmeldung von selbst nach einem Neustart: {'aus' if off == 1 else 'erlaubt'}")
    assert off == 1


@requirement("2021-A1-12")
@pytest.mark.parametrize("device", GERMAN)
def test_no_app_gets_the_camera_or_microphone(windows, device, measured):
    """An app that listens in the consulting room breaks medical confidentiality without anybody noticing."""
    closed = windows.is_closed_to_apps(device)
    measured(f"{GERMAN[device]} für Apps: {'gesperrt' if closed else 'nicht gesperrt'}")
    assert closed


@requirement("2021-A1-12")
@pytest.mark.parametrize("device", GERMAN)
def test_no_program_gets_the_camera_or_microphone(windows, device, measured):
    """The policy for apps does not reach ordinary programs, and malware is one."""
    closed = windows.is_closed_to_programs(device)
    measured(f"{GERMAN[device]} für alle Programme (Schalter des Geräts): {'aus' if closed else 'an'}")
    assert closed


@requirement("2021-A1-12")
def test_camera_of_a_windows_host_is_off(windows, measured):
    """A camera that no driver is started for cannot be switched on by anybody."""
    allowed = windows.registry(rf"{POLICIES}\Camera", "AllowCamera")
    measured(f"Kamera: {'durch Richtlinie abgeschaltet' if allowed == 0 else 'nicht abgeschaltet'}")
    assert allowed == 0


@requirement("2021-A1-28")
def test_a_medium_starts_nothing(windows, measured):
    """A stick that somebody found would start what is on it."""
    explorer = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\Explorer"
    drives, files = windows.registry(explorer, "NoDriveTypeAutoRun"), windows.registry(explorer, "NoAutorun")
    devices = windows.registry(rf"{POLICIES}\Windows\Explorer", "NoAutoplayfornonVolume")
    measured(
        f"Automatische Wiedergabe: {'für alle Laufwerke aus' if drives == 255 else 'nicht für alle Laufwerke aus'}; "
        f"autorun.inf: {'wird nicht ausgeführt' if files == 1 else 'nicht gesperrt'}; "
        f"Kameras und Telefone: {'aus' if devices == 1 else 'nicht gesperrt'}"
    )
    assert drives == 255
    assert files == 1
    assert devices == 1


@requirement("2021-A1-19")
def test_windows_stops_programs_that_nobody_knows(windows, measured):
    """The attachment of a good forgery is a program that nobody has seen before."""
    system = rf"{POLICIES}\Windows\System"
    on, level = windows.registry(system, "EnableSmartScreen"), windows.registry(system, "ShellSmartScreenLevel")
    measured(
        f"SmartScreen: {'an' if on == 1 else 'nicht vorgegeben'}, {'ohne' if level == 'Block' else 'mit'} Umgehung"
    )
    assert on == 1
    assert level == "Block"


@requirement("KVWL-08")
@pytest.mark.parametrize("feature", ["TelnetClient", "TFTP", "Printing-Foundation-InternetPrinting-Client"])
def test_no_feature_is_on_that_nobody_needs(windows, feature, measured):
    """What nobody uses is attack surface and nothing else."""
    on = windows.feature(feature)
    measured(f"Windows-Feature {feature}: {'an' if on else 'aus'}")
    assert not on


@requirement("2025-A1-26")
def test_no_powershell_without_a_log(windows, measured):
    """Version 2 knows neither logging nor the malware scanner, so intruders ask for it."""
    found = [
        name for name in ("MicrosoftWindowsPowerShellV2", "MicrosoftWindowsPowerShellV2Root") if windows.feature(name)
    ]
    measured(f"PowerShell 2.0: {'vorhanden' if found else 'nicht vorhanden'}")
    assert not found


@requirement("KVWL-08")
@pytest.mark.parametrize("service", ["SSDPSRV", "upnphost", "XblAuthManager", "XblGameSave", "XboxNetApiSvc"])
def test_no_service_runs_that_nobody_needs(windows, service, measured):
    """A service that announces the host, or plays games, has no business in a practice."""
    found = windows.service(service)
    if found is None:
        not_applicable(f"Den Dienst {service} gibt es auf diesem Host nicht.")
    measured(f"Dienst {service}: {'läuft' if found.running else 'läuft nicht'}, Starttyp {found.start}")
    assert found.start == 4
    assert not found.running


@requirement("2025-A1-26")
def test_nobody_reads_the_registry_from_elsewhere(windows, measured):
    """Whoever has stolen a password need not even log in to look around."""
    found = windows.service("RemoteRegistry")
    if found is None:
        not_applicable("Den Dienst Remoteregistrierung gibt es auf diesem Host nicht.")
    measured(f"Remoteregistrierung: {'läuft' if found.running else 'läuft nicht'}, Starttyp {found.start}")
    assert found.start == 4
    assert not found.running
