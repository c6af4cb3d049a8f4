"""What the reports for people say, in one model: the page on screen and the paper show the same."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from praxisschild.coverage import CONCERN_LABELS, KIND_LABELS
from praxisschild.formats.stand_ins import MARK, warning
from praxisschild.german import zone
from praxisschild.i18n import _, german
from praxisschild.results import Part, Section, Status, size_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from praxisschild.coverage import CoverageRow
    from praxisschild.results import CheckResult, HostState, RequirementResult, Run

FOLDER = Path(__file__).parent
_LEGAL_BASES = {"2021": "§ 75b SGB V", "2025": "§ 390 SGB V"}
_CONFIDENCE = {
    "confirmed": "Nummer und Inhalt belegt",
    "derived": "Nummer von diesem Projekt vergeben",
    "excerpt": "Inhalt aus einem Auszug des Originals",
    "secondary": "Inhalt aus Sekundärquellen",
    "title_only": "nur Nummer und Titel belegt",
    "unverified": "Inhalt ungeprüft",
}
_KINDS = {"file": "Datei", "package": "Paket", "unit": "Dienst", "handler": "Neustart", "check": "Prüfung"}
_ZONE_NAMES = {"CET": "MEZ", "CEST": "MESZ"}


@dataclass(frozen=True)
class Line:
    """One line of a requirement's table: a check on a host, or a host that was not reached."""

    host: str
    status: Status
    measured: tuple[str, ...]
    reason: str
    check: str
    probe: bool
    when: datetime | None
    detail: str


@dataclass(frozen=True)
class Group:
    """The rows of one group of a section; `light` is ok, open, bad or none."""

    anchor: str
    section: Section
    name: str
    rows: tuple[RequirementResult, ...]

    @property
    def counts(self) -> list[tuple[str, Status, int]]:
        return tally(self.rows)

    @property
    def light(self) -> str:
        statuses = {row.status for row in self.rows}
        if statuses & {Status.FAILED, Status.EXPIRED}:
            return "bad"
        if statuses & {Status.NOT_TESTED, Status.DEVIATION} or any(row.pending for row in self.rows):
            return "open"
        return "none" if statuses == {Status.NOT_APPLICABLE} else "ok"


def facts(run: Run) -> dict[str, Any]:
    """What a report's template speaks of, by the names it uses."""
    directive = [row for row in run.requirements if row.section is Section.DIRECTIVE]
    return {
        "run": run,
        "stand_ins": warning(run),
        "legal_basis": _LEGAL_BASES.get(run.practice.edition),
        "size": size_label(run.practice.size),
        "applicable": sum(row.status is not Status.NOT_APPLICABLE or bool(row.pending) for row in directive),
        "directive": directive,
        "tally": tally(directive),
        "groups": _groups(run.requirements),
        "sections": [section for section in Section if any(row.section is section for row in run.requirements)],
        "failed": [row for row in directive if row.status is Status.FAILED],
        "expired": [
            row
            for row in directive
            if row.status is not Status.FAILED
            and Status.EXPIRED in {row.status, *(verdict.status for verdict in row.hosts)}
        ],
        "unreached": [host for host in run.hosts if not host.reached],
        "open_parts": _open_parts(directive),
        "lines": lines(run),
        "states": _host_counts(run.hosts, run.requirements),
        "corrected": set(run.drift.corrected) if run.drift else set(),
        "rows_of": _rows_of(run.requirements),
        "dropped": _dropped(run),
        "coverage": _annexes(run.coverage.rows) if run.coverage else [],
        "concern_labels": _in_german(CONCERN_LABELS),
        "kind_labels": _in_german(KIND_LABELS),
        "Status": Status,
        "Section": Section,
        "confidence": _CONFIDENCE,
        "kinds": _KINDS,
    }


def _in_german(labels: Mapping[Any, str]) -> dict[Any, str]:
    """The labels as a report says them, whatever the program speaks."""
    with german():
        return {key: _(label) for key, label in labels.items()}


def environment() -> Environment:
    """What renders the templates of this folder; times are shown as the clock on a German wall does."""
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    berlin = zone()
    found.filters.update(
        breakable=lambda name: Markup("/<wbr>").join(escape(part) for part in name.split("/")),
        day=lambda moment: f"{moment:%d.%m.%Y}" if isinstance(moment, date) else "",
        clock=lambda moment: f"{moment.astimezone(berlin):%d.%m.%Y, %H:%M}",
        moment=moment,
        host_label=lambda host: host or "Praxis",
    )
    return found


def tally(rows: Iterable[RequirementResult]) -> list[tuple[str, Status, int]]:
    """How many rows there are of each verdict, worst first: German name, status, number."""
    members: dict[str, list[RequirementResult]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.status.severity, not row.pending)):
        members[row.tally].append(row)
    return [(name, same[0].status, len(same)) for name, same in members.items()]


def _groups(rows: Sequence[RequirementResult]) -> list[Group]:
    found: dict[tuple[Section, str], list[RequirementResult]] = defaultdict(list)
    for row in rows:
        found[row.section, row.group].append(row)
    return [
        Group(f"gruppe-{number}", section, name, tuple(members))
        for number, ((section, name), members) in enumerate(found.items(), 1)
    ]


def _open_parts(rows: Sequence[RequirementResult]) -> list[tuple[str, list[RequirementResult]]]:
    """What is left to do besides failures: the task in German, and the rows that wait for it."""
    waiting = [row for row in rows if row.status not in {Status.FAILED, Status.EXPIRED}]
    unmeasured = [row for row in waiting if row.status is Status.NOT_TESTED and not row.hosts]
    tasks = [
        ("Bestätigung hinterlegen", [row for row in waiting if Part.ORGANISATIONAL in row.pending]),
        ("Mobilgeräteverwaltung anbinden", [row for row in waiting if Part.MDM in row.pending]),
        ("Technische Prüfung ausstehend", [row for row in unmeasured if not row.pending]),
        ("Prüfung wiederholen", [row for row in waiting if row.status is Status.NOT_TESTED and row.hosts]),
    ]
    return [(task, members) for task, members in tasks if members]


def _rows_of(rows: Sequence[RequirementResult]) -> dict[str, list[RequirementResult]]:
    """The rows in which the report speaks of an id, whatever edition that id is of."""
    found: dict[str, list[RequirementResult]] = defaultdict(list)
    for row in rows:
        for code in {row.id, *row.code_ids}:
            found[code].append(row)
    return found


def _dropped(run: Run) -> list[tuple[str, str, list[str]]]:
    """Settings left out: requirement, reason, hosts."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in run.dropped:
        found[item.requirement, item.reason].append(item.host)
    return [(requirement, reason, hosts) for (requirement, reason), hosts in found.items()]


def _annexes(rows: Sequence[CoverageRow]) -> list[tuple[str, list[CoverageRow]]]:
    """The coverage's rows per annex, the recommendations last."""
    found: dict[int | None, list[CoverageRow]] = defaultdict(list)
    for row in rows:
        found[row.annex].append(row)
    return [(f"Anlage {annex}" if annex else "KVWL", members) for annex, members in found.items()]


def lines(run: Run) -> dict[str, list[Line]]:
    """The lines of every requirement's table, worst first, by the requirement's id."""
    results = {(check.check, check.host): check for check in run.checks}
    return {row.id: _lines(row, results) for row in run.requirements}


def _lines(row: RequirementResult, results: Mapping[tuple[str, str | None], CheckResult]) -> list[Line]:
    found = []
    for verdict in row.hosts:
        host = verdict.host or "Praxis"
        if not verdict.checks:
            found.append(Line(host, verdict.status, (), verdict.reason, "", False, None, ""))
        for judged in verdict.checks:
            check = results.get((judged.check, verdict.host))
            # a deviation's or an unreached host's reason stands with the host, not with the check
            changed = check is None or judged.status is not check.status
            found.append(
                Line(
                    host=host,
                    status=judged.status,
                    measured=check.measured if check else (),
                    reason=verdict.reason if changed or check is None else check.reason or "",
                    check=_plain_name(judged.check, verdict.host),
                    probe=check.probe if check else False,
                    when=check.started if check else None,
                    detail=check.detail or "" if check else "",
                )
            )
    # hosts that the same check judged alike stand together, so that a report need not name it beside each of them
    return sorted(found, key=lambda line: (line.status.severity, line.check))


def _plain_name(check: str, host: str | None) -> str:
    """A test's name as a reader needs it: without its file, and without the host that stands beside it."""
    name, host = check.rpartition("::")[2], (host or "").removesuffix(f" ({MARK})")
    return name.removesuffix(f"[{host}]").replace(f"[{host}-", "[").replace(f"-{host}]", "]")


def _host_counts(
    hosts: Sequence[HostState], rows: Sequence[RequirementResult]
) -> list[tuple[HostState, list[tuple[Status, int]]]]:
    counts: dict[str | None, Counter[Status]] = defaultdict(Counter)
    for row in rows:
        for verdict in row.hosts:
            counts[verdict.host][verdict.status] += 1
    return [(host, sorted(counts[host.name].items(), key=lambda item: item[0].severity)) for host in hosts]


def moment(when: datetime) -> str:
    """Day and time as the clock on a German wall shows them, and which of its two zones that is."""
    local = when.astimezone(zone())
    name = local.tzname() or "UTC"
    return f"{local:%d.%m.%Y, %H:%M} Uhr ({_ZONE_NAMES.get(name, name)})"


def page_header(run: Run) -> str:
    """The running head and foot of the printed pages; CSS has no other way to put a text there."""
    head = css_string(f"{run.practice.name} · Nachweis der IT-Sicherheit, Fassung {run.practice.edition}")
    when = css_string(moment(run.ended))
    return f"@page {{ @top-left {{ content: {head} }} @top-right {{ content: {when} }} }}\n"


def css_string(text: str) -> str:
    """The text as a string of CSS, whatever it holds."""
    return '"' + re.sub(r"[^A-Za-z0-9 .,:()ÄÖÜäöüß·§-]", lambda match: f"\\{ord(match[0]):x} ", text) + '"'
