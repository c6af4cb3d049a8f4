"""Forty hosts with 150 checks each: what a report of them may cost.

Seconds are the process's own, so that a busy machine fails nothing; the bounds leave a slow one room.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from praxisschild.evidence import load_bundle, load_snapshot, write_bundle
from praxisschild.formats import html
from praxisschild.trend import trend_of
from tests.factories import ENDED, LargeRun, large_run

if TYPE_CHECKING:
    from praxisschild.results import Trend

# not ru_maxrss: that of a new process begins with what its parent had
pytestmark = pytest.mark.slow  # large on purpose
MEMORY = """
import re, sys
from pathlib import Path
from praxisschild.evidence import write_bundle
from tests.factories import large_run
large = large_run()
write_bundle(Path(sys.argv[1]), large.run, large.snapshots)
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def with_trend(large: LargeRun) -> Trend:
    """Twelve runs, of which the last changed a fifth of all checks."""
    return trend_of(large.run, [large_run(seed=1).run] * 11)


def test_html_is_written_within_two_seconds(large):
    run = large.run.model_copy(update={"trend": with_trend(large)})
    html.render(run)  # what is loaded once is not what a report costs
    started = time.process_time()
    text = html.render(run)
    assert time.process_time() - started < 6
    assert text.count('<th scope="row">') > 6000


def test_bundle_is_at_most_ten_megabytes_and_comes_back(large, tmp_path):
    run = large.run.model_copy(update={"trend": with_trend(large)})
    assert len(run.trend.changes) > 10
    bundle = write_bundle(tmp_path, run, large.snapshots, no_pdf=pytest.fail)
    assert (bundle / "report.pdf").exists()
    assert sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file()) <= 10_000_000
    assert load_bundle(bundle) == run
    for host in run.hosts:
        assert load_snapshot(bundle, host) == large.snapshots[host.name]


def test_writing_it_takes_at_most_500_megabytes(tmp_path, project):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path)], cwd=project, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= 500


def test_all_hosts_switched_off_is_a_report_too():
    run = large_run(3, 10, unreached=3, ended=ENDED).run
    assert all(row.status.value != "passed" for row in run.requirements)
    assert "3 Hosts wurden nicht erreicht" in " ".join(html.render(run).split())
