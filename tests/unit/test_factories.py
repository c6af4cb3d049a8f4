from __future__ import annotations

from collections import Counter

from praxisschild.results import Status


def test_large_run_is_as_large_as_it_says_and_everything_occurs_in_it(large):
    per_host = Counter(check.host for check in large.run.checks)
    assert len(large.run.hosts) == 40
    assert set(per_host.values()) == {150}
    assert len({(check.check, check.host) for check in large.run.checks}) == 6000
    assert {row.status for row in large.run.requirements} == set(Status)
