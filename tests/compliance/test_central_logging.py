"""Whether what happened can still be read tomorrow, in one place, and whether somebody is told today."""

from __future__ import annotations

from datetime import timedelta

import pytest

from praxisschild.checks import bound, not_applicable, requirement

CLEAR_TEXT_PORTS = {514, 601}


@pytest.fixture
def store(snapshot, practice, host_name):
    """What the log host keeps; on other hosts the check has no object."""
    if practice.log_host not in {None, host_name}:
        not_applicable("Dieser Host bewahrt keine Protokolle anderer auf.")
    return snapshot.log_store


@pytest.fixture
def alarm(snapshot, practice, host_name):
    """The alarm that is raised here."""
    if practice.log_host not in {None, host_name}:
        not_applicable("Den Alarm gibt der Protokollserver.")
    return snapshot.alarm


@pytest.fixture
def audit(snapshot):
    """The kernel's audit, where there is a kernel of its own."""
    if not snapshot.own_kernel:
        not_applicable("Der Host ist ein Container; was sein Kernel aufzeichnet, bestimmt eine andere Maschine.")
    return snapshot.audit


@requirement("2021-A2-11")
def test_journal_survives_a_restart(snapshot, measured):
    """Whoever breaks in restarts the computer and is forgotten."""
    measured(f"Journal auf der Festplatte: {'ja' if snapshot.journal_on_disk else 'nein'}")
    assert snapshot.journal_on_disk


@requirement("2021-A1-18")
def test_journal_forgets_in_time(snapshot, measured):
    """A log says who worked when: it is personal data, and there for a purpose."""
    limit = timedelta(days=bound("2021-A1-18", "log_retention").at_most)
    kept = snapshot.journal_retention
    measured(f"Einträge des Journals werden gelöscht nach: {f'{kept.days} Tagen' if kept else 'keiner Frist'}")
    assert kept is not None
    assert kept <= limit


@requirement("2021-A2-11")
def test_messages_go_encrypted_to_the_log_host(snapshot, practice, host_name, measured):
    """On the attacked computer the traces are deleted first; what lies elsewhere stays."""
    if practice.log_host == host_name:
        not_applicable("Dieser Host ist der Protokollserver.")
    forwards = snapshot.log_forwards
    safe = [one for one in forwards if one.encrypted and one.peers]
    connected = [one for one in safe if one.port in snapshot.log_connections]
    measured(
        f"Ziele: {', '.join(f'{one.target}:{one.port}' for one in forwards) or 'keine'}; verschlüsselt und mit "
        f"geprüftem Namen: {len(safe)}, davon jetzt verbunden: {len(connected)}"
    )
    assert connected
    assert safe == list(forwards)


@requirement("2021-A2-11")
def test_messages_wait_on_disk_while_the_log_host_is_away(snapshot, practice, host_name, measured):
    """An attack begins where nobody writes it down: with the log host switched off."""
    if practice.log_host == host_name:
        not_applicable("Dieser Host ist der Protokollserver.")
    waiting = [one for one in snapshot.log_forwards if one.spool and one.patient]
    measured(f"Ziele mit Warteschlange auf der Festplatte: {len(waiting)} von {len(snapshot.log_forwards)}")
    assert snapshot.log_forwards
    assert len(waiting) == len(snapshot.log_forwards)


@requirement("2021-A2-11")
def test_certificate_is_good_for_a_while(snapshot, practice, host_name, measured):
    """With the certificate the log ends, silently and on all hosts in the same week."""
    if practice.log_host == host_name and not snapshot.log_inputs:
        not_applicable("Der einzige Host der Praxis sendet nichts und nimmt nichts an.")
    least = timedelta(days=bound("2021-A2-11", "certificate_left").at_least)
    found = snapshot.log_certificates
    left = [one.until - snapshot.collected_at for one in found if one.until]
    measured(
        f"Zertifikate: {len(found)}, kürzeste Restlaufzeit: {f'{min(left).days} Tage' if left else 'keine'}; "
        f"Schlüssel für andere lesbar: {sum(not one.key_is_private for one in found)}"
    )
    assert found
    assert len(left) == len(found)
    assert min(left) >= least
    assert all(one.key_is_private for one in found)


@requirement("2021-A2-11")
def test_only_hosts_with_a_certificate_can_write_to_the_log(snapshot, practice, host_name, measured):
    """A log in which everybody may write proves nothing."""
    if practice.log_host != host_name:
        unasked = [one for one in snapshot.log_inputs if one.port]
        measured(f"Nimmt Meldungen aus dem Netz an: {', '.join(str(one.port) for one in unasked) or 'nein'}")
        assert not unasked
        assert snapshot.log_forwards, "nothing is sent either"
        return
    devices = {one.port for one in snapshot.log_inputs if one.module == "imudp"} if practice.log_senders else set()
    open_to_all = sorted(
        one.port for one in snapshot.log_inputs if not (one.encrypted and one.peers) and one.port not in devices
    )
    listening = sorted(
        {one.port for one in snapshot.sockets if not one.is_local and one.port in CLEAR_TEXT_PORTS - devices}
    )
    measured(
        f"Eingänge mit geprüftem Zertifikat: {sum(one.encrypted and bool(one.peers) for one in snapshot.log_inputs)}, "
        f"ohne: {len(open_to_all)}; offene Klartext-Ports: {', '.join(map(str, listening)) or 'keine'}"
    )
    assert not open_to_all
    assert not listening
    assert snapshot.log_store, "nothing is kept"


@requirement("2021-A2-11")
def test_logs_are_kept_long_enough(store, measured):
    """Many a break-in is noticed after weeks only."""
    least = timedelta(days=bound("2021-A2-11", "log_retention").at_least)
    kept = store.keeps if store else None
    measured(f"Protokolle werden aufbewahrt: {f'{kept.days} Tage' if kept else 'keine Frist festgelegt'}")
    assert kept is not None
    assert kept >= least


@requirement("2021-A1-18", "2021-A2-11")
def test_logs_are_deleted_in_time(practice, store, snapshot, measured):
    """What nobody needs any more can only do harm."""
    if practice.log_host is None:
        not_applicable("Diese Praxis führt keinen Protokollserver; jeder Host löscht sein eigenes Protokoll.")
    limit = timedelta(days=bound("2021-A1-18", "log_retention").at_most)
    kept = store.keeps if store else None
    age = snapshot.collected_at - store.oldest if store and store.oldest else timedelta()
    measured(f"gelöscht nach: {f'{kept.days} Tagen' if kept else 'keiner Frist'}; ältestes Protokoll: {age.days} Tage")
    assert kept is not None
    assert kept <= limit
    assert age <= limit + timedelta(days=2)


@requirement("2021-A2-11")
def test_logs_are_for_administrators_only(store, measured):
    """Who logged in where and when concerns no colleague."""
    exposed = store.exposed if store else ()
    measured(f"Für andere als root zugängliche Protokolle: {len(exposed) if store else 'es gibt keine Protokolle'}")
    assert store
    assert not exposed


@requirement("2021-A2-11")
def test_somebody_is_told(alarm, snapshot, measured):
    """A log that nobody reads protects nobody."""
    most = bound("2021-A2-11", "alarmed_logins").at_most
    longest = timedelta(hours=bound("2021-A2-11", "alarm_delay").at_most)
    waiting = snapshot.collected_at - alarm.undelivered_since if alarm and alarm.undelivered_since else timedelta()
    measured(
        f"Alarm nach {alarm.failed_logins} Fehlversuchen; nicht zustellbar seit "
        f"{waiting.total_seconds() / 60:.0f} Minuten"
        if alarm
        else "Niemand wird alarmiert."
    )
    assert alarm
    assert alarm.recipient
    assert alarm.encrypted, "the mail would travel in the clear"
    assert 0 < alarm.failed_logins <= most
    assert snapshot.is_active("praxisschild-watch.service")
    assert waiting <= longest


@requirement("2021-A2-11")
def test_a_host_that_falls_silent_is_missed(alarm, snapshot, host_name, measured):
    """Whoever takes over a computer first stops it from telling."""
    most = bound("2021-A2-11", "host_silence").at_most
    expected = {host_name, *(peer for one in snapshot.log_inputs for peer in one.peers)}
    hours = alarm.silent_hours if alarm else {}
    unwatched = sorted(name for name in expected if not 0 < hours.get(name, 0) <= most)
    missed = alarm.missed if alarm else ()
    measured(f"nicht überwacht: {', '.join(unwatched) or 'keiner'}; schweigt: {', '.join(missed) or 'keiner'}")
    assert not unwatched
    assert not missed


@requirement("2021-A2-11")
@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/sudoers", "/etc/sudoers.d"])
def test_kernel_records_who_changes_accounts(audit, path, measured):
    """A new account, or a new right, is how a break-in comes to stay."""
    recorded = audit.recording and audit.watches(path)
    measured(f"Änderungen an {path} werden aufgezeichnet: {'ja' if recorded else 'nein'}")
    assert recorded


@requirement("2021-A2-11")
def test_kernel_records_who_changes_the_time(audit, measured):
    """Whoever turns back the clock writes his traces into yesterday."""
    calls = [name for name in ("clock_settime", "settimeofday") if audit.recording and audit.records_call(name)]
    measured(f"Aufgezeichnete Wege, die Uhr zu stellen: {', '.join(calls) or 'keine'}")
    assert len(calls) == 2


@requirement("2021-A2-11")
def test_a_full_audit_log_stops_nobody_from_working(audit, snapshot, measured):
    """A doctor needs the computer even when its log has no room left."""
    measured(f"Einstellungen, die den Host anhalten könnten: {', '.join(audit.halting) or 'keine'}")
    assert snapshot.is_active("auditd.service")
    assert not audit.halting
