"""A judge's figure that gets worse is named; one that a role merely adds to is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.judges import Figure, Opinion, compare

BEFORE = Opinion(
    lynis={"index": 60, "warnings": 1, "suggestions": 49, "seconds": 20.0},
    ssh={"fail": 6, "warn": 18},
    exposure={"ssh.service": 9.6, "cron.service": 9.6},
)


def worse(after: Opinion, before: Opinion = BEFORE) -> list[str]:
    return [figure.worse for figure in compare("server-1", before, after) if figure.worse]


def test_the_same_is_not_worse():
    assert worse(BEFORE) == []
    assert {figure.judge for figure in compare("server-1", BEFORE, BEFORE)} == {
        "Lynis",
        "ssh-audit",
        "systemd-analyze security",
        "testssl.sh",
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lynis": {**BEFORE.lynis, "index": 59}}, "60 → 59"),
        ({"lynis": {**BEFORE.lynis, "warnings": 2}}, "1 → 2"),
        ({"ssh": {"fail": 7, "warn": 0}}, "6 → 7"),
        ({"exposure": {"ssh.service": 9.7, "cron.service": 1.0}}, "ssh.service 9.6 → 9.7"),
        ({"tls": {443: ["HIGH TLS1: offered"]}}, "HIGH TLS1: offered"),
    ],
)
def test_what_is_worse_is_named(change, told):
    assert worse(replace(BEFORE, **change)) == [told]


def test_better_figures_and_new_units_are_no_finding():
    after = Opinion(
        lynis={"index": 80, "warnings": 0, "suggestions": 10, "seconds": 30.0},
        ssh={"fail": 0, "warn": 0},
        exposure={"ssh.service": 9.6, "praxisschild-backup@.service": 9.9, "clamav-daemon.service": 9.6},
        tls={6514: ["MEDIUM cert_chain: private authority"]},
    )
    assert worse(after) == []
    shown = {figure.what: figure.after for figure in compare("server-1", BEFORE, after)}
    assert shown["server-1: our own units"].startswith("9.90 (1, ")
    assert "clamav-daemon.service" in shown["server-1: units of packages that roles install"]
    assert shown["server-1: TLS on port 6514"] == "1 findings"


def test_an_open_tls_port_may_get_no_new_finding():
    before = replace(BEFORE, tls={443: ["MEDIUM a: b"]})
    assert worse(replace(before, tls={443: ["MEDIUM a: b", "MEDIUM c: d"]}), before) == ["MEDIUM c: d"]


def test_no_tls_port_is_said_in_words():
    assert Figure("testssl.sh", "server-1: no port speaks TLS", "skipped", "skipped") in compare(
        "server-1", BEFORE, BEFORE
    )
