"""What had drifted since the last run and what was put right, from a drift run's folder.

The folder holds ``before`` (the bundle of the verification before the correction) and ``changes/<host>.json`` (what
every role changed, or with --check would have changed, on that host).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from praxisschild.evidence import load_bundle
from praxisschild.results import Drift, DriftItem, Status

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from praxisschild.results import CheckResult, Run


def drift_since(folder: Path, last: Run | None, now: Iterable[CheckResult]) -> Drift:
    """Checks that failed before, and items that the roles found different; corrected is what no longer is.

    A check that already failed in the ``last`` run is no drift: nobody left the host any better.

    Raises:
        InputError: the folder holds no readable bundle.
    """
    before = next((path for path in sorted((folder / "before").rglob("results.json"))), folder / "before")
    known = {(check.check, check.host) for check in last.checks if check.status is Status.FAILED} if last else set()
    failed = [
        check
        for check in load_bundle(before.parent).checks
        if check.status is Status.FAILED and (check.check, check.host) not in known
    ]
    passed = {(check.check, check.host) for check in now if check.status is Status.PASSED}
    drifted, corrected = [], []
    for check in failed:
        item = DriftItem(
            host=check.host or "",
            kind="check",
            name="; ".join(check.measured) or check.check,
            requirements=check.requirements,
        )
        drifted.append(item)
        if (check.check, check.host) in passed:
            corrected.append(item)
    for path in sorted(folder.glob("changes/*.json")):
        for change in json.loads(path.read_text(encoding="utf-8")):
            if change["kind"] == "handler":
                continue  # follows from a change, is none itself
            item = DriftItem(
                host=path.stem,
                kind=change["kind"],
                name=change["name"],
                requirements=tuple(change["requirements"]),
                detail=f"Rolle {change['role']}",
            )
            drifted.append(item)
            if not change["check_mode"]:
                corrected.append(item)
    return Drift(drifted=tuple(drifted), corrected=tuple(corrected))
