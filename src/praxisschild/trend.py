"""What changed since the last run, and how the runs before it came out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from praxisschild.errors import InputError
from praxisschild.evidence import load_bundle
from praxisschild.reassessment import in_edition
from praxisschild.results import Change, Count, PastRun, Section, Status, Trend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from praxisschild.catalogue import Catalogue
    from praxisschild.results import RequirementResult, Run

LONGEST = 12  # runs that a trend tells of, this one included
# what nobody measured and what does not apply has no rank: coming from or going there is told apart
_RANKS = {
    Status.FAILED: 0,
    Status.EXPIRED: 1,
    Status.DEVIATION: 2,
    Status.ATTESTED: 4,
    Status.PASSED: 4,
}
_PENDING = 3  # technically fulfilled, and a part is open


def trend_of(run: Run, earlier: Iterable[Run]) -> Trend:
    """The trend of a run; `earlier` are the practice's runs before it by the same edition, the newest first.

    Only runs of the same extent are compared: one without probes, or of a single host, says nothing about a full one.
    No more of `earlier` is taken than are told of, so that it may read each one when asked for it.
    """
    past, changes = [_past(run)], None
    for other in earlier:
        if other.limits != run.limits or other.practice.edition != run.practice.edition:
            continue
        if changes is None:
            changes = tuple(_changes(run, other))
        past.append(_past(other))
        if len(past) == LONGEST:
            break
    return Trend(runs=tuple(reversed(past)), changes=changes or ())


def earlier_runs(bundles: Iterable[Path], catalogue: Catalogue, edition: str) -> Iterator[Run]:
    """The runs of these bundles by that edition's numbering, each read when it is asked for.

    A bundle that cannot be read is passed over: it is for `evidence verify` to say so, and no reason not to report.
    """
    for bundle in bundles:
        try:
            yield in_edition(load_bundle(bundle), catalogue, edition)
        except InputError:
            continue


def _past(run: Run) -> PastRun:
    rows = [row for row in run.requirements if row.section is Section.DIRECTIVE]
    members: dict[str, list[RequirementResult]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.status.severity, not row.pending)):
        members[row.tally].append(row)
    counts = (Count(name=name, status=same[0].status, number=len(same)) for name, same in members.items())
    return PastRun(ended=run.ended, counts=tuple(counts))


def _changes(run: Run, last: Run) -> Iterable[Change]:
    """Rows that came out otherwise, what got worse first."""
    before = {row.id: row for row in last.requirements}
    found = []
    for row in run.requirements:
        old = before.get(row.id)
        if old and (old.tally, _failed_on(old)) != (row.tally, _failed_on(row)):
            found.append(
                Change(
                    requirement=row.id,
                    before=old.tally,
                    before_status=old.status,
                    before_reason=_reason(old),
                    after=row.tally,
                    after_status=row.status,
                    after_reason=_reason(row),
                    direction=_direction(old, row),
                )
            )
    order = ("worse", "better", "other")
    return sorted(found, key=lambda change: order.index(change.direction))


def _failed_on(row: RequirementResult) -> set[str | None]:
    return {verdict.host for verdict in row.hosts if verdict.status is Status.FAILED}


def _reason(row: RequirementResult) -> str:
    """Why the row is not plainly fulfilled; empty if it is."""
    open_parts = [part.label for part in row.pending] if row.status is not Status.NOT_TESTED else []
    return row.reason or "; ".join(open_parts)


def _direction(old: RequirementResult, new: RequirementResult) -> Literal["better", "worse", "other"]:
    then, now = _rank(old), _rank(new)
    if Status.NOT_APPLICABLE in {old.status, new.status}:
        return "other"
    if then is None:
        return "other" if now is None else "worse" if now < _RANKS[Status.DEVIATION] else "better"
    if now is None:
        # what was proven is no longer; what was broken may be so still
        return "worse" if then >= _RANKS[Status.DEVIATION] else "other"
    if then == now:
        hosts_then, hosts_now = _failed_on(old), _failed_on(new)
        return "worse" if hosts_now > hosts_then else "better" if hosts_now < hosts_then else "other"
    return "better" if now > then else "worse"


def _rank(row: RequirementResult) -> int | None:
    rank = _RANKS.get(row.status)
    return _PENDING if rank == _RANKS[Status.PASSED] and row.pending else rank
