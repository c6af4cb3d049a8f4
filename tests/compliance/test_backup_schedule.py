"""Whether the practice could go on after a fire, a theft or an encryption trojan."""

from __future__ import annotations

from datetime import timedelta

import pytest

from praxisschild.checks import ago, bound, not_applicable, requirement


@requirement("2021-A1-14")
def test_backups_start_by_themselves_every_day(snapshot, measured):
    """A backup that somebody has to think of is missing on the day it is needed."""
    limit = timedelta(hours=bound("2021-A1-14", "daily_backup_age").at_most)
    armed = {
        timer.timer: timer.every
        for timer in snapshot.backup_timers
        if timer.every and timer.next and snapshot.is_enabled(timer.timer)
    }
    measured(f"Zeitgeber für Sicherungen: {', '.join(sorted(armed)) or 'keine'}")
    assert armed
    assert min(armed.values()) <= limit


@requirement("2021-A1-14", "2025-A3-16")
def test_last_backup_is_from_today(snapshot, measured):
    """A schedule proves nothing: only a backup that ended well can be restored."""
    limit = timedelta(hours=bound("2021-A1-14", "daily_backup_age").at_most)
    age = snapshot.age(report for report in snapshot.backup_reports if report.stores)
    failed = sorted(report.job for report in snapshot.backup_reports if not report.succeeded)
    measured(f"Letzte erfolgreiche Sicherung: {ago(age)}; gescheitert: {', '.join(failed) or 'keine'}")
    assert age is not None
    assert age <= limit
    assert not failed


@requirement("2021-A1-14", "2025-A1-22")
def test_a_copy_lies_on_a_medium_that_is_not_connected(snapshot, measured):
    """What hangs on the network, an encryption trojan takes along."""
    limit = timedelta(days=bound("2025-A1-22", "removable_copy_age").at_most)
    media = [report for report in snapshot.backup_reports if report.stores and report.target == "medium"]
    if not media and any(report.target == "server" for report in snapshot.backup_reports):
        not_applicable("Dieser Host sichert auf den Server der Praxis; die getrennte Kopie entsteht dort.")
    age = snapshot.age(media)
    measured(f"Letzte Kopie auf ein abnehmbares Medium: {ago(age)}")
    assert age is not None
    assert age <= limit


@requirement("2021-A1-14", "2025-A1-22", "2025-A3-16")
def test_backups_are_encrypted(snapshot, measured):
    """A stolen medium must not be a stolen patient file."""
    encrypted, demanded = snapshot.backups_are_encrypted, bound("2025-A1-22", "encrypted").equals
    measured(f"Sicherungen verschlüsselt: {'ja' if encrypted else 'nein'}")
    assert encrypted or not demanded


@requirement("2025-A1-22")
def test_only_root_can_read_the_key_of_the_backups(snapshot, measured):
    """With the key anybody opens, or deletes, what should save the practice."""
    modes = snapshot.backup_password_modes
    exposed = {path for path, found in modes.items() if found is None or found[0] & 0o077 or found[1] != 0}
    measured(f"Schlüsseldateien: {len(modes)}, davon für andere lesbar oder fehlend: {len(exposed)}")
    assert modes
    assert not exposed


@requirement("2021-A1-14", "2025-A1-23", "2025-A3-16")
@pytest.mark.parametrize("period", ["daily", "weekly", "monthly"])
def test_enough_older_states_are_kept(snapshot, period, measured):
    """Damage that is noticed after weeks needs a backup from before."""
    kept, least = snapshot.backups_kept[period], bound("2025-A1-23", f"keep_{period}").at_least
    german = {"daily": "Tages", "weekly": "Wochen", "monthly": "Monats"}[period]
    measured(f"Aufbewahrte {german}sicherungen: {kept}")
    assert kept >= least


@requirement("2021-A1-14", "2025-A1-25")
def test_restoring_was_tried_not_long_ago(snapshot, measured):
    """Whether a backup is good shows when it is read back, not when it is written."""
    limit = timedelta(days=bound("2025-A1-25", "restore_test_age").at_most)
    age = snapshot.age(report for report in snapshot.backup_reports if report.reads_back)
    measured(f"Letzte erfolgreiche Rücksicherungsprobe: {ago(age)}")
    assert age is not None
    assert age <= limit


@requirement("2025-A3-16")
def test_every_mail_on_the_host_is_backed_up(snapshot, measured):
    """A mailbox is often the only proof of what was agreed, and nobody thinks of it as a file."""
    stores = snapshot.mail_stores
    if not stores:
        not_applicable("Auf diesem Host liegen keine E-Mails.")
    told = (f"{store.kind} {store.backed_up} von {store.count}" for store in stores)
    measured(f"Gesicherte Postfächer: {', '.join(told)}")
    assert all(store.backed_up == store.count for store in stores)
