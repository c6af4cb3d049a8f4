"""Whether what happened on a Windows host can still be read tomorrow, and in one place."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement

LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
PROCESSES = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System\Audit"
SCRIPTS = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\PowerShell\ScriptBlockLogging"
SUCCESS, FAILURE, BOTH = 1, 2, 3
# what has to be recorded, and the least of it
RECORDED = {
    "{0CCE9215-69AE-11D9-BED3-505054503030}": ("Anmeldungen", BOTH),
    "{0CCE9217-69AE-11D9-BED3-505054503030}": ("Kontosperrungen", FAILURE),
    "{0CCE9235-69AE-11D9-BED3-505054503030}": ("Änderungen an Konten", BOTH),
    "{0CCE9237-69AE-11D9-BED3-505054503030}": ("Änderungen an Gruppen", SUCCESS),
    "{0CCE9245-69AE-11D9-BED3-505054503030}": ("Zugriffe auf Wechseldatenträger", BOTH),
    "{0CCE922B-69AE-11D9-BED3-505054503030}": ("gestartete Programme", SUCCESS),
    "{0CCE922F-69AE-11D9-BED3-505054503030}": ("Änderungen an der Überwachung", BOTH),
}


@requirement("2021-A2-11")
@pytest.mark.parametrize("subcategory", RECORDED)
def test_windows_records_what_matters(windows, subcategory, measured):
    """A break-in that nothing recorded never happened."""
    what, least = RECORDED[subcategory]
    found = windows.audit(subcategory)
    words = {0: "nichts", SUCCESS: "Erfolge", FAILURE: "Fehlschläge", BOTH: "Erfolge und Fehlschläge"}
    measured(f"Aufgezeichnet werden von {what}: {words[found]}")
    assert found & least == least


@requirement("2021-A2-11")
def test_windows_old_audit_categories_do_not_overrule_the_new(windows, measured):
    """With them, a policy of the last century switches off what this one records."""
    found = windows.registry(LSA, "SCENoApplyLegacyAuditPolicy")
    measured(f"Unterkategorien gehen vor: {'ja' if found != 0 else 'nein'}")
    assert found != 0  # without a value they do, since Windows Vista


@requirement("2021-A2-11")
@pytest.mark.parametrize("log", ["Security", "System", "Application"])
def test_windows_logs_are_large_enough(windows, log, measured):
    """A log of 20 MB forgets the break-in of last night in the course of the morning."""
    least = bound("2021-A2-11", "security_log_size" if log == "Security" else "log_size").at_least
    measured(f"Protokoll {log}: {windows.log_size(log)} MB")
    assert windows.log_size(log) >= least


@requirement("2021-A2-11")
def test_windows_a_full_log_stops_nobody_from_working(windows, measured):
    """A doctor needs the computer even when its log has no room left, and the log what happens next."""
    halts = windows.registry(LSA, "CrashOnAuditFail") or 0
    stuck = [log for log in ("Security", "System", "Application") if not windows.log_overwrites(log)]
    measured(
        f"Herunterfahren bei vollem Protokoll: {'ja' if halts else 'nein'}; "
        f"hört auf statt zu überschreiben: {', '.join(stuck) or 'keines'}"
    )
    assert not halts
    assert not stuck


@requirement("2021-A2-11")
def test_windows_records_what_programs_and_scripts_were_told(windows, measured):
    """That PowerShell ran says nothing; what it was told does."""
    lines = windows.registry(PROCESSES, "ProcessCreationIncludeCmdLine_Enabled") == 1
    scripts = windows.registry(SCRIPTS, "EnableScriptBlockLogging") == 1
    measured(f"Befehlszeilen: {'ja' if lines else 'nein'}; Skripte der PowerShell: {'ja' if scripts else 'nein'}")
    assert lines
    assert scripts


@requirement("2021-A2-11")
def test_windows_events_go_to_the_log_host(windows, practice, host_name, measured):
    """On the attacked computer the traces are deleted first; what lies elsewhere stays."""
    if practice.log_host == host_name:
        collector = windows.service("Wecsvc")
        measured(
            f"Dieser Host sammelt: {'ja' if collector and collector.running else 'nein, der Dienst läuft nicht'}; "
            "Alarme verschickt nur ein Protokollserver mit Linux"
        )
        assert collector
        assert collector.running
        assert collector.starts_with_windows
        return
    if practice.log_host is None:
        not_applicable("Die Praxis führt keinen Protokollserver; jeder Host bewahrt sein eigenes Protokoll.")
    targets, readable = windows.log_targets, windows.sender_reads_security_log
    sender = windows.service("WinRM")
    unable = f"keines; {practice.log_host} mit Linux kann Ereignisse von Windows ohne Zusatzprogramm nicht annehmen"
    measured(
        f"Ziele: {', '.join(targets) or unable}; das Sicherheitsprotokoll ist für den Absender "
        f"{'lesbar' if readable else 'nicht lesbar'}"
    )
    assert targets
    assert sender
    assert sender.starts_with_windows
    assert readable
