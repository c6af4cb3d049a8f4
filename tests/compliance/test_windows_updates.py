"""Whether updates reach a Windows host in time, and whether software for which none will come is known."""

from __future__ import annotations

from datetime import timedelta

from praxisschild.checks import ago, bound, requirement

POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate"
AUTOMATIC = rf"{POLICY}\AU"
INSTALL = 4
DISABLED = 4
# deadlines before they were split into quality and feature updates have the first name
DEADLINES = ("SetComplianceDeadline", "SetComplianceDeadlineForQU")


@requirement("2025-A1-14")
def test_windows_updates_install_themselves(windows, measured):
    """Most attacks use a hole for which an update has long been available."""
    off = windows.registry(AUTOMATIC, "NoAutoUpdate") == 1
    mode = windows.registry(AUTOMATIC, "AUOptions")
    service = windows.service("wuauserv")
    stopped = service is None or service.start == DISABLED
    # without a policy a PC installs by itself; a server only when somebody says so
    installs = mode == INSTALL or (mode is None and not windows.is_server)
    measured(
        f"Automatische Installation: {'aus' if off else 'ja' if installs else 'nein, nur Meldung oder Download'}; "
        f"Dienst: {'abgeschaltet' if stopped else 'bereit'}; Zugang gesperrt: "
        f"{'ja' if windows.registry(POLICY, 'DisableWindowsUpdateAccess') == 1 else 'nein'}"
    )
    assert not off
    assert installs
    assert not stopped
    assert windows.registry(POLICY, "DisableWindowsUpdateAccess") != 1


@requirement("2025-A1-14")
def test_windows_updates_cannot_be_put_off_for_long(windows, measured):
    """Whoever is asked in the middle of the surgery says: later."""
    limit = bound("2025-A1-14", "security_update_age").at_most
    enforced = any(windows.registry(POLICY, name) == 1 for name in DEADLINES)
    days = [
        windows.registry(POLICY, name)
        for name in ("ConfigureDeadlineForQualityUpdates", "ConfigureDeadlineGracePeriod")
    ]
    deferred = (
        windows.registry(POLICY, "DeferQualityUpdatesPeriodInDays") or 0
        if windows.registry(POLICY, "DeferQualityUpdates") == 1
        else 0
    )
    paused = bool(windows.registry(POLICY, "PauseQualityUpdatesStartTime"))
    longest = int(deferred) + sum(int(one or 0) for one in days) if enforced and None not in days else None
    words = "keine Frist" if longest is None else f"{longest} Tage nach Erscheinen"
    measured(
        f"Spätestens installiert und neu gestartet: {words}; "
        f"anhalten {'möglich' if windows.registry(POLICY, 'SetDisablePauseUXAccess') != 1 else 'gesperrt'}"
        f"{', zurzeit angehalten' if paused else ''}"
    )
    assert longest is not None
    assert longest <= limit
    assert windows.registry(POLICY, "SetDisablePauseUXAccess") == 1
    assert not paused


@requirement("2025-A1-14")
def test_windows_no_security_update_waits(windows, measured):
    """Automatic updates that fail silently look like automatic updates."""
    limit = timedelta(days=bound("2025-A1-14", "security_update_age").at_most)
    ages, searched = windows.security_update_ages, windows.update_search_age
    oldest = max(ages.values(), default=timedelta(0))
    waiting = ", ".join(f"{name} (seit {age.days} Tagen erschienen)" for name, age in sorted(ages.items())) or "keine"
    measured(
        f"Ausstehende Sicherheitsupdates: {waiting}; zuletzt gesucht: {ago(searched)}, installiert: "
        f"{ago(windows.update_installation_age)}{'; ein Neustart steht aus' if windows.waits_for_restart else ''}"
    )
    assert oldest <= limit
    assert searched is not None
    assert searched <= limit


@requirement("2025-A1-16")
def test_windows_software_without_updates_is_identified(windows, measured):
    """A product that its maker has given up looks like any other until somebody keeps a list."""
    known = windows.knows_release
    given_up = ", ".join(windows.programs_without_updates) or "keines, das am Namen zu erkennen ist"
    measured(
        f"{windows.distribution}: Ende der Updates {'bekannt' if known else 'unbekannt'}; "
        f"{windows.programs} Programme abgeglichen, ohne Sicherheitsupdates: {given_up}"
    )
    assert known


@requirement("2025-A1-17")
def test_windows_release_gets_security_updates(windows, practice, host_name, measured):
    """Every hole that is found from then on stays open for good."""
    name, until = windows.release_support
    supported = until >= windows.today
    separated = host_name in practice.separated_hosts
    apart = "; laut Praxis getrennt, zu prüfen am Netzübergang" if separated else "; nicht getrennt"
    measured(f"{name}: Sicherheitsupdates bis {until:%d.%m.%Y}{'' if supported else apart}")
    assert supported or separated


@requirement("2025-A1-17")
def test_windows_no_program_without_security_updates_is_in_use(windows, practice, host_name, measured):
    """One program that nobody repairs any more is a way in for everything else."""
    given_up = windows.programs_without_updates
    separated = host_name in practice.separated_hosts
    apart = "; getrennt" if given_up and separated else ""
    measured(f"Programme ohne Sicherheitsupdates: {', '.join(given_up) or 'keine bekannt'}{apart}")
    assert not given_up or separated
