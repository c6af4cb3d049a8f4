"""What is measured of the data backup, and what is set for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild import german
from praxisschild.dokumente.model import Line, Table
from praxisschild.dokumente.rows import NOTHING, Cells, cell, measured_table
from praxisschild.snapshot import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from praxisschild.dokumente.facts import Facts, HostFacts
    from praxisschild.snapshot import Snapshot, WindowsSnapshot
    from praxisschild.snapshot.storage import BackupReport

_JOBS = {
    "daily": "Tagessicherung",
    "medium": "Kopie auf Wechselmedium",
    "check": "Prüfung des Bestands",
    "restore-test": "Rücksicherungsprobe",
    "image": "Abbild des ganzen Servers",
}
_PROGRAM_WORD = "praxisschild-backup"


def target_of(facts: Facts) -> str:
    """The host that keeps the repositories: the one named, or the one that offers SSH to the practice."""
    named = {str(found) for host in facts.hosts if (found := facts.setting(host.name, "backup_schedule_target"))}
    offering = [service.host for service in facts.practice.services if service.port == 22]
    return german.listed(sorted(named), "") or next(iter(offering), "")


def _where(report: BackupReport, host: HostFacts, facts: Facts) -> str:
    target = target_of(facts)
    return {
        "local": f"auf {host.name} selbst",
        "server": f"auf {target}" if target else "auf dem Server",
        "medium": "Wechselmedium",
    }.get(report.target, report.target or "nicht gemeldet")


def _jobs(facts: Facts) -> Table:
    def ask(host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        reports = {report.job: report for report in snapshot.backup_reports}
        for timer in snapshot.backup_timers:
            job = _job_of(timer.timer, reports)
            report = reports.get(job)
            yield (
                _JOBS.get(job, timer.timer),
                german.listed([german.schedule(entry) for entry in timer.calendar]),
                _where(report, host, facts) if report else "nicht gemeldet",
                timer.tool or "nicht erkannt",
                _last(report),
            )

    def windows(host: HostFacts, snapshot: WindowsSnapshot) -> Iterator[Cells]:
        times = facts.setting(host.name, "backup_schedule_windows_times") or {}
        for report in snapshot.backup_reports:
            when = f"{times[report.job]} Uhr (eingestellt)" if report.job in times else NOTHING
            program = "Windows Server-Sicherung" if report.job == "image" else "restic"
            yield (_JOBS.get(report.job, report.job), when, _where(report, host, facts), program, _last(report))

    headings = ("Auftrag", "Wann", "Wohin", "Programm", "letzte gelungene Sicherung")
    return measured_table(facts, headings, (14, 16, 13, 17, 11, 15, 14), ask, "keine Sicherung eingerichtet", windows)


def _last(report: BackupReport | None) -> str:
    if report is None:
        return "nicht gemeldet"
    success = german.moment(report.last_success) if report.last_success else "noch keine"
    return success if report.succeeded else f"{success}; letzter Lauf gescheitert"


def _job_of(timer: str, reports: Mapping[str, BackupReport]) -> str:
    stem = timer.removesuffix(".timer")
    named = stem.removeprefix(f"{_PROGRAM_WORD}-")
    return named if named in reports or stem.startswith(_PROGRAM_WORD) else stem


def _scope(facts: Facts) -> Table:
    rows = []
    for host in facts.hosts:
        measured: tuple[Line, ...]
        try:
            measured = (cell(german.listed(host.ask(_amounts, _amounts), "nicht gemeldet")), host.measured_on)
        except Unreadable as unknown:
            measured = (cell(facts.unmeasured(host, str(unknown))),)
        settings = (_paths(facts, host, "backup_schedule_paths"), _paths(facts, host, "backup_schedule_exclude"))
        rows.append((cell(host.label), *map(cell, settings), *measured))
    headings = ("Rechner", "gesicherte Ordner (eingestellt)", "ausgenommen", "Umfang zuletzt", "gemessen am")
    return Table(headings, tuple(rows), (17, 28, 20, 19, 16))


def _amounts(snapshot: Snapshot | WindowsSnapshot) -> list[str]:
    """What the latest backups took in; the copy on the medium holds the same."""
    return [
        f"{report.files} Dateien, {german.size(report.size)}"
        for report in snapshot.backup_reports
        if report.stores and report.target != "medium" and report.files is not None and report.size is not None
    ]


def _paths(facts: Facts, host: HostFacts, name: str) -> str:
    found = facts.setting(host.name, name) or []
    return german.listed([str(path) for path in found] if isinstance(found, list) else [str(found)])


def _kept(facts: Facts) -> Table:
    def ask(_host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        kept = snapshot.backups_kept
        encrypted = "ja" if snapshot.backups_are_encrypted else "nein"
        yield (str(kept["daily"]), str(kept["weekly"]), str(kept["monthly"]), encrypted)

    def windows(_host: HostFacts, snapshot: WindowsSnapshot) -> Iterator[Cells]:
        kept = snapshot.backup_keeps
        # what restic writes is encrypted, or it does not write
        yield (*(str(kept.get(name, 0)) for name in ("daily", "weekly", "monthly")), "ja")

    headings = ("Tage", "Wochen", "Monate", "verschlüsselt")
    return measured_table(facts, headings, (26, 11, 11, 11, 17, 24), ask, windows=windows)


def _restores(facts: Facts) -> Table:
    def ask(_host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        timers = {name: timer for name, timer in snapshot.timers.items() if "restore" in name}
        planned = german.listed([german.schedule(one) for timer in timers.values() for one in timer.calendar])
        yield from _read_back(snapshot.backup_reports, planned)

    def windows(_host: HostFacts, snapshot: WindowsSnapshot) -> Iterator[Cells]:
        return _read_back(snapshot.backup_reports, "monatlich (eingestellt)")

    headings = ("letzte gelungene Probe", "letzter Lauf", "Umfang", "geplant")
    return measured_table(facts, headings, (18, 19, 13, 17, 18, 15), ask, "noch keine Rücksicherung erprobt", windows)


def _read_back(reports: Iterable[BackupReport], planned: str) -> Iterator[Cells]:
    for report in reports:
        if report.reads_back:
            yield (
                german.moment(report.last_success) if report.last_success else "noch keine gelungen",
                "gelungen" if report.succeeded else "gescheitert",
                "nicht gemeldet" if report.compared is None else f"{report.compared} Dateien verglichen",
                planned,
            )


TABLES: Mapping[str, Callable[[Facts], Table]] = {
    "backup.jobs": _jobs,
    "backup.scope": _scope,
    "backup.kept": _kept,
    "backup.restores": _restores,
}
MEASURED = frozenset(TABLES)
VALUES: Mapping[str, Callable[[Facts], str]] = {"backup.target": target_of}
