"""The report that a practice reads: one self-contained HTML page in German, for screen, paper and screen reader."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from praxisschild.formats import outlook, view
from praxisschild.formats.stand_ins import marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from praxisschild.results import RequirementResult, Run, Status


def render(run: Run) -> str:
    """The report. All that it says comes from the run; nothing is fetched when it is opened."""
    style = (view.FOLDER / "report.css").read_text(encoding="utf-8") + view.page_header(run)
    script = (view.FOLDER / "report.js").read_text(encoding="utf-8")
    facts = view.facts(marked(run))
    return (
        view.environment()
        .get_template("report.html.j2")
        .render(
            facts,
            style=style,
            style_hash=_hash(style),
            script=script,
            script_hash=_hash(script),
            shares=_shares(facts["tally"]),
            verdicts=_verdicts(run.requirements),
            outlook=outlook,
            bar=lambda counts: _shares([(count.name, count.status, count.number) for count in counts]),
        )
    )


def _verdicts(rows: Sequence[RequirementResult]) -> list[tuple[str, int]]:
    """The verdicts that occur, worst first, and how often."""
    counts = Counter(row.label for row in sorted(rows, key=lambda row: (row.status.severity, not row.pending)))
    return list(counts.items())


def _shares(counts: Sequence[tuple[str, Status, int]]) -> list[tuple[Status, bool, float, float]]:
    """The segments of the summary's bar in per cent: status, whether a part is open, start, width."""
    whole = sum(number for _, _, number in counts) or 1
    shares, start = [], 0.0
    for name, status, number in counts:
        width = 100 * number / whole
        shares.append((status, name.endswith("offen"), round(start, 3), round(width, 3)))
        start += width
    return shares


def _hash(text: str) -> str:
    """What a Content-Security-Policy names to allow exactly this inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
