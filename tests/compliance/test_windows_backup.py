"""Whether the practice could go on with a Windows host's data after a fire, a theft or an encryption trojan."""

from __future__ import annotations

from datetime import timedelta

import pytest

from praxisschild.checks import ago, bound, not_applicable, requirement

DAILY = r"\Praxisschild\Sicherung daily"


@requirement("2021-A1-14")
def test_windows_backups_start_by_themselves_every_day(windows, measured):
    """A backup that somebody has to think of is missing on the day it is needed."""
    task = windows.task(DAILY)
    daily = bool(task and task.xml and "<DaysInterval>1</DaysInterval>" in task.xml)
    state = "keine" if task is None else "eingeschaltet" if task.enabled else "abgeschaltet"
    measured(
        f"Aufgabe für die tägliche Sicherung: {state}; "
        f"Programm: {'vorhanden' if windows.has_backup_program else 'restic fehlt (https://restic.net)'}"
    )
    assert task
    assert task.enabled
    assert daily
    assert windows.backup_is_set_up
    assert windows.has_backup_program


@requirement("2021-A1-14", "2025-A3-16")
def test_windows_last_backup_is_from_today(windows, measured):
    """A schedule proves nothing: only a backup that ended well can be restored."""
    limit = timedelta(hours=bound("2021-A1-14", "daily_backup_age").at_most)
    stored = [report for report in windows.backup_reports if report.stores and report.target != "image"]
    age = windows.age(stored)
    failed = sorted(report.job for report in windows.backup_reports if not report.succeeded)
    measured(f"Letzte erfolgreiche Sicherung: {ago(age)}; gescheitert: {', '.join(failed) or 'keine'}")
    assert age is not None
    assert age <= limit
    assert not failed


@requirement("2021-A1-14", "2025-A1-22")
def test_windows_a_copy_lies_on_a_medium_that_is_not_connected(windows, measured):
    """What hangs on the network, an encryption trojan takes along."""
    limit = timedelta(days=bound("2025-A1-22", "removable_copy_age").at_most)
    media = [report for report in windows.backup_reports if report.stores and report.target == "medium"]
    if not media and any(report.target == "server" for report in windows.backup_reports):
        not_applicable("Dieser Host sichert auf den Server der Praxis; die getrennte Kopie entsteht dort.")
    age = windows.age(media)
    measured(f"Letzte Kopie auf ein abnehmbares Medium: {ago(age)}")
    assert age is not None
    assert age <= limit


@requirement("2025-A1-22")
def test_windows_only_administrators_can_read_the_key_of_the_backups(windows, measured):
    """With the key anybody opens, or deletes, what should save the practice."""
    private = "nur für Administratoren" if windows.backup_is_private else "für andere zugänglich oder nicht da"
    measured(f"Kennwort und Vorgaben der Sicherung: {private}")
    assert windows.backup_is_set_up
    assert windows.backup_is_private


@requirement("2021-A1-14", "2025-A1-23", "2025-A3-16")
@pytest.mark.parametrize("period", ["daily", "weekly", "monthly"])
def test_windows_enough_older_backups_are_kept(windows, period, measured):
    """Damage that is noticed after weeks needs a backup from before."""
    kept, least = windows.backup_keeps.get(period, 0), bound("2025-A1-23", f"keep_{period}").at_least
    german = {"daily": "Tages", "weekly": "Wochen", "monthly": "Monats"}[period]
    measured(f"Aufbewahrte {german}sicherungen: {kept}")
    assert kept >= least


@requirement("2021-A1-14", "2025-A1-25")
def test_windows_restoring_was_tried_not_long_ago(windows, measured):
    """Whether a backup is good shows when it is read back, not when it is written."""
    limit = timedelta(days=bound("2025-A1-25", "restore_test_age").at_most)
    tried = [report for report in windows.backup_reports if report.reads_back]
    age = windows.age(tried)
    compared = sum(one.compared or 0 for one in tried)
    measured(f"Letzte erfolgreiche Rücksicherungsprobe: {ago(age)}; verglichene Dateien: {compared}")
    assert age is not None
    assert age <= limit


@requirement("2021-A1-14", "2025-A1-22")
def test_windows_image_of_the_server_is_recent_and_encrypted(windows, measured):
    """Without it, days go by until a server that burnt down is itself again; with it, a thief has everything."""
    drive = windows.backup_image_drive
    if drive is None:
        not_applicable("Für diesen Host ist kein Abbild des ganzen Systems vorgesehen.")
    age = windows.age(report for report in windows.backup_reports if report.target == "image")
    encrypted = [one for one in windows.volumes if one.letter == drive.upper() and one.encrypted and one.protected]
    local = drive[1:2] == ":"
    measured(
        f"Letztes Abbild: {ago(age)}; {drive} {'ist' if encrypted or not local else 'ist nicht'} verschlüsselt; "
        f"Windows Server-Sicherung: {'installiert' if windows.feature('WindowsServerBackup') else 'fehlt'}"
    )
    assert windows.feature("WindowsServerBackup")
    assert age is not None
    assert age <= timedelta(days=bound("2021-A1-14", "weekly_backup_age").at_most)
    assert encrypted or not local
