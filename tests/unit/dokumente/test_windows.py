"""Documents of a practice with Windows say what was measured there, and that it was a stand-in."""

from __future__ import annotations

import pytest

from praxisschild.dokumente.compose import compose
from tests.unit.dokumente.test_compose import tables

HOSTS = ["pc-1", "pc-2", "winserver-1"]
ADMINISTRATORS = "S-1-5-32-544"


def rows(facts, document, heading, host):
    return [row for row in tables(compose(document, facts), heading) if row[0] == f"{host} (Nachbildung)"]


@pytest.mark.parametrize("host", HOSTS)
def test_the_accounts_are_those_that_can_log_in(host, windowspraxis, windows_snapshots):
    found = windows_snapshots[host]
    administrators = found["groups"][ADMINISTRATORS]
    expected = {
        one["name"]: "ja" if one["sid"] in administrators else "nein" for one in found["accounts"] if one["enabled"]
    }
    written = rows(windowspraxis, "rechte-und-rollenkonzept", "Konten auf den Rechnern", host)
    assert expected
    assert {row[1]: row[4] for row in written} == expected


@pytest.mark.parametrize("host", HOSTS)
def test_system_and_end_of_updates_are_told(host, windowspraxis, windows_snapshots):
    ((_, system, until, *_),) = rows(windowspraxis, "geraeteverzeichnis", "Rechner", host)
    assert str(windows_snapshots[host]["computer"]["build"]) in system
    assert until.count(".") == 2


def test_shares_and_ports_of_the_server(windowspraxis):
    shares = rows(windowspraxis, "rechte-und-rollenkonzept", "Freigaben im Netz", "winserver-1")
    assert [row[1] for row in shares] == ["Praxisdaten"]
    ports = rows(windowspraxis, "netzdokumentation", "Offene Ports", "winserver-1")
    assert {row[1] for row in ports} >= {"445/tcp", "5986/tcp"}
    assert "von überall" not in {row[3] for row in ports}


def test_nothing_is_a_gap_that_was_measured(windowspraxis):
    for name in ("rechte-und-rollenkonzept", "netzdokumentation", "geraeteverzeichnis", "backup-konzept"):
        told = [gap.what for gap in compose(name, windowspraxis).gaps]
        assert not [what for what in told if "Messwerte" in what]
