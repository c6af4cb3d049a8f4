"""What stays on a host although nobody needs it: trash, temporary files, crash dumps, reports to others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from praxisschild.checks import bound, requirement

# they send something about the host or its users to somebody else
REPORTING_PROGRAMS = {
    "apport",
    "gnome-abrt",
    "kerneloops",
    "popularity-contest",
    "reportbug",
    "ubuntu-report",
    "whoopsie",
}
REPORTING_UNITS = ("apport.service", "fwupd-refresh.timer", "motd-news.timer", "whoopsie.service", "apt-news.service")
VOICE_ASSISTANTS = {
    "almond",
    "genie-server",
    "jasper",
    "leon",
    "mycroft-core",
    "openvoiceos",
    "rhasspy",
    "snips-platform-voice",
    "ai.mycroft.mycroft",
    "edu.stanford.Almond",
    "mycroft",
}


@requirement("KVWL-01")
def test_trash_of_every_home_is_emptied_every_day(snapshot, measured):
    """Only GNOME empties its own trash, and only for somebody who is logged in."""
    found = [timer for name, timer in snapshot.timers.items() if "aufraeumen" in name and snapshot.is_enabled(name)]
    periods = [timer.every for timer in found if timer.every and timer.next]
    oldest = snapshot.oldest_trash
    measured(
        f"Papierkörbe werden geleert: {f'alle {min(periods).days} Tage' if periods else 'nie'}; "
        f"Ältestes darin: {oldest.days} Tage"
    )
    assert periods
    assert min(periods) <= timedelta(days=1)
    assert all(timer.result in {None, "success"} for timer in found)


@requirement("KVWL-01")
def test_nothing_old_lies_in_a_trash(snapshot, measured):
    """A deleted finding that waits in the trash for years has not been deleted."""
    # the day on which it becomes too old, and the one on which it is removed
    limit = timedelta(days=bound("KVWL-01", "trash_age").at_most + 2)
    measured(f"Ältestes in den Papierkörben: {snapshot.oldest_trash.days} Tage")
    assert snapshot.oldest_trash <= limit


@requirement("2021-A1-18")
@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp"])  # noqa: S108 - looked at, not used
def test_temporary_files_do_not_stay(snapshot, folder, measured):
    """What a program wrote down for a moment, a printed letter for example, stays for years otherwise."""
    limit = timedelta(days=bound("2021-A1-18", "temporary_age").at_most)
    age = snapshot.temporary_age(folder)
    measured(f"Ungenutzte Dateien in {folder}: {f'nach {age.days} Tagen entfernt' if age else 'bleiben'}")
    assert age is not None
    assert age <= limit
    assert snapshot.is_active("systemd-tmpfiles-clean.timer")


@requirement("2021-A1-18")
def test_a_crash_leaves_no_copy_of_the_memory(snapshot, measured):
    """The memory of the practice's software is full of patients, and a dump of it lies around unencrypted."""
    found = snapshot.crash_dumps
    measured(
        f"Speicherabbilder: systemd-coredump {found['storage']}, Grenze für Dienste {found['services']}, "
        f"vorhanden: {found['kept']}"
    )
    assert found["storage"] == "none"
    assert found["services"] == "0"
    assert not found["kept"]


@requirement("2021-A1-18")
def test_no_program_reports_about_the_host(snapshot, measured):
    """What is installed, where the host stands and what was on the screen is nobody's business."""
    programs = REPORTING_PROGRAMS & snapshot.software
    # a unit that is not there cannot run, one that is masked cannot be started either
    units = {unit for unit in REPORTING_UNITS if snapshot.units.get(unit, {}).get("enabled") != "masked"}
    calls = snapshot.checks_connectivity
    measured(
        f"Programme, die berichten: {', '.join(sorted(programs)) or 'keine'}; "
        f"nicht gesperrte Dienste: {', '.join(sorted(units)) or 'keine'}; "
        f"Verbindungstest im Internet: {'ja' if calls else 'nein'}"
    )
    assert not programs
    assert not units
    assert not calls


@requirement("2021-A2-07")
def test_no_voice_assistant_is_installed(snapshot, measured):
    """An assistant that waits for its name listens to the consultation, too."""
    found = VOICE_ASSISTANTS & snapshot.software
    measured(f"Sprachassistenten: {', '.join(sorted(found)) or 'keine'}")
    assert not found
