"""The report on paper: the whole run as a PDF to print, sign and keep, with results.json inside; needs no colour."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from praxisschild.formats import json as results_json
from praxisschild.formats import view
from praxisschild.formats.characters import paper_text
from praxisschild.formats.paper import Attached, to_pdf
from praxisschild.formats.stand_ins import marked
from praxisschild.results import Section, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from praxisschild.results import RequirementResult, Run

ATTACHMENT = "results.json"
DUE_WITHIN = 60  # days in which an attestation is named as running out
_MARKS = {
    Status.FAILED: "✗",
    Status.NOT_TESTED: "?",
    Status.EXPIRED: "◷",
    Status.DEVIATION: "≈",
    Status.ATTESTED: "✎",
    Status.PASSED: "✓",
    Status.NOT_APPLICABLE: "–",
}
_PART_MARK = "◐"
_LONGEST_NAME = 60  # characters of the practice's name that a line has room for
_BRIEF = 180  # characters of a finding in the summary; its requirement tells all of it


@dataclass(frozen=True)
class Finding:
    """What some checks found alike on the same hosts; `hosts` names these in German.

    `values` holds, per test function, what its checks measured, as one German text; hosts that measured differently
    are told apart in it. `first` and `last` are the times of the earliest and the latest of these checks.
    """

    status: Status
    reason: str
    probe: bool
    hosts: str
    values: tuple[tuple[str, str], ...]
    checks: int
    first: datetime | None
    last: datetime | None


def render(run: Run, *, results: bytes | None = None, fingerprint: str | None = None) -> bytes:
    """The report; the same arguments give the same bytes.

    Args:
        run: what was found.
        results: the results file of this run, which is embedded as it is; its SHA-256 stands on every page. Made anew
            if it is not at hand.
        fingerprint: of the key that signs the bundle, as `keys.fingerprint` writes it; None if nobody signs it.

    Raises:
        RunError: libraries are missing on this machine (with the way to install them), or no PDF came about.
    """
    results = results or results_json.render(run).encode()
    attached = Attached(ATTACHMENT, "Alle Ergebnisse dieses Berichts, maschinenlesbar", results)
    return to_pdf(_html(run, results, fingerprint), attached, run.ended)


def _html(run: Run, results: bytes, fingerprint: str | None) -> str:
    run = marked(run)
    digest = hashlib.sha256(results).hexdigest()
    text = view.environment().get_template("pdf.html.j2").render(
        view.facts(run),
        style=(view.FOLDER / "pdf.css").read_text(encoding="utf-8") + _running(run, digest),
        ended=run.ended.astimezone(UTC).isoformat(timespec="seconds"),
        chapters=_chapters(run.requirements),
        matrix=_matrix(run.requirements),
        findings=_findings(run),
        due=_due(run),
        remarks={row.id: _remarks(row) for row in run.requirements},
        digest=_in_groups(digest, 8),
        size_of_results=len(results),
        fingerprint=fingerprint,
        brief=_BRIEF,
        longest_name=_LONGEST_NAME,
        marks=_MARKS,
        part_mark=_PART_MARK,
        attachment=ATTACHMENT,
        due_within=DUE_WITHIN,
    )  # fmt: skip
    return paper_text(text)


def _running(run: Run, digest: str) -> str:
    """The head and the foot of every page; CSS has no other way to put a text there."""
    name = run.practice.name if len(run.practice.name) <= _LONGEST_NAME else f"{run.practice.name[:_LONGEST_NAME]}…"
    texts = {
        "@top-left": f"{name} · Nachweis der IT-Sicherheit, Fassung {run.practice.edition}",
        "@top-right": view.moment(run.ended),
        "@bottom-left": f"{ATTACHMENT}: SHA-256 {_in_groups(digest[:32], 8)} …",
    }
    boxes = "".join(f"{box} {{ content: {view.css_string(paper_text(text))} }}\n" for box, text in texts.items())
    return f"@page {{\n{boxes}}}\n"


def _chapters(rows: Sequence[RequirementResult]) -> list[tuple[str, str, list[tuple[str, list[RequirementResult]]]]]:
    """The rows as chapters: anchor, German title, and in it the groups with their rows, all in the run's order."""
    found = []
    for number, ((section, annex), members) in enumerate(groupby(rows, lambda row: (row.section, row.annex)), 1):
        title = f"Anlage {annex}" if section is Section.DIRECTIVE and annex else section.label
        groups = [(name, list(same)) for name, same in groupby(members, lambda row: row.group)]
        found.append((f"kapitel-{number}", title, groups))
    return found


def _matrix(rows: Iterable[RequirementResult]) -> tuple[list[int], list[tuple[str, Status, list[int]]]]:
    """How often each verdict occurs in each annex of the directive: the annexes, and per verdict their numbers."""
    directive = [row for row in rows if row.section is Section.DIRECTIVE]
    annexes = sorted({row.annex or 0 for row in directive})
    return annexes, [
        (name, status, [sum(row.tally == name and (row.annex or 0) == annex for row in directive) for annex in annexes])
        for name, status, _ in view.tally(directive)
    ]


def _findings(run: Run) -> dict[str, list[Finding]]:
    """Per requirement what was found, worst first; what many hosts and checks share is said once."""
    places = {host.name: number for number, host in enumerate(run.hosts)}
    return {identifier: _grouped(lines, places) for identifier, lines in view.lines(run).items()}


def _grouped(lines: Iterable[view.Line], places: dict[str, int]) -> list[Finding]:
    checks: dict[tuple[Status, str, bool, str], list[view.Line]] = defaultdict(list)
    for line in lines:
        checks[line.status, line.reason, line.probe, line.check].append(line)
    alike: dict[tuple[Status, str, bool, frozenset[str]], dict[str, list[view.Line]]] = defaultdict(dict)
    for (status, reason, probe, check), found in checks.items():
        alike[status, reason, probe, frozenset(line.host for line in found)][check] = found
    return [_finding(status, reason, probe, same, places) for (status, reason, probe, _), same in alike.items()]


def _finding(
    status: Status, reason: str, probe: bool, checks: dict[str, list[view.Line]], places: dict[str, int]
) -> Finding:
    values: dict[str, list[str]] = defaultdict(list)
    for check, lines in checks.items():
        if text := _measured(lines, places):
            values[check.partition("[")[0]].append(text)
    everything = [line for lines in checks.values() for line in lines]
    times = sorted(line.when for line in everything if line.when)
    return Finding(
        status=status,
        reason=reason,
        probe=probe,
        hosts=_names({line.host for line in everything}, places),
        values=tuple((function, "; ".join(texts)) for function, texts in values.items()),
        checks=sum(bool(check) for check in checks),
        first=times[0] if times else None,
        last=times[-1] if times else None,
    )


def _measured(lines: Iterable[view.Line], places: dict[str, int]) -> str:
    """What one check measured, once if it is the same on all hosts."""
    hosts_by_text: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        hosts_by_text["; ".join(line.measured)].append(line.host)
    if len(hosts_by_text) == 1:
        return next(iter(hosts_by_text))
    return "; ".join(f"{_names(hosts, places)}: {text or 'ohne Messwert'}" for text, hosts in hosts_by_text.items())


def _names(hosts: Iterable[str], places: dict[str, int]) -> str:
    """Hosts in the practice's order, those with consecutive numbers as a range; many are counted, too."""
    ordered = sorted(set(hosts), key=lambda name: (places.get(name, -1), name))
    if len(ordered) > 3 and ordered == list(places):
        return f"alle {len(ordered)} Hosts"
    text = ", ".join(_ranges(ordered))
    return f"{len(ordered)} Hosts: {text}" if len(ordered) > 3 else text


def _ranges(names: Sequence[str]) -> Iterator[str]:
    run: list[str] = []
    for name in [*names, ""]:
        if run and _successor(run[-1]) != name:
            yield from run if len(run) < 3 else [f"{run[0]} bis {run[-1]}"]
            run = []
        run.append(name)


def _successor(name: str) -> str | None:
    """The name with the next number; None for a name without a number, or with one that begins with 0."""
    match = re.fullmatch(r"(.*?)([1-9]\d*)", name)
    return f"{match[1]}{int(match[2]) + 1}" if match and not match[1][-1:].isdigit() else None


def _remarks(row: RequirementResult) -> list[str]:
    """What stands beside a row's verdict: why it is so, unless its table tells, and which parts are open."""
    said = [] if row.hosts else [row.reason]
    if row.attestation and row.attestation.fault:
        said.append(row.attestation.fault)
    elif row.hosts or row.status is not Status.NOT_TESTED:
        said += [part.label for part in row.pending]
    return list(dict.fromkeys(filter(None, said)))


def _due(run: Run) -> list[RequirementResult]:
    """Rows whose attestation counts, but soon runs out."""
    soon = run.ended.date() + timedelta(days=DUE_WITHIN)
    return [
        row
        for row in run.requirements
        if row.attestation and not row.attestation.fault and row.attestation.valid_until <= soon
    ]


def _in_groups(text: str, length: int) -> str:
    return " ".join(text[start : start + length] for start in range(0, len(text), length))
