"""Whether this Windows is one that a practice can be secured with at all."""

from __future__ import annotations

from praxisschild.checks import requirement

# Microsoft: "Compare Windows editions"; BitLocker overview, "Windows edition and licensing requirements"; the table
# "Edition" of each policy in the Policy CSP reference
LACKING = (
    "keine Anmeldung an einer Domäne",
    "keine Verschlüsselung von Wechseldatenträgern (BitLocker To Go)",
    "Festplatten nur mit automatischer Geräteverschlüsselung, ohne Verwaltung von Schlüssel und Verfahren",
    "viele Gruppenrichtlinien, etwa für Kamera, Mikrofon und Updates, ohne zugesagte Wirkung",
)


@requirement("2021-A2-05", "2021-A3-10", "KVWL-07")
def test_edition_of_windows_can_be_managed(windows, measured):
    """On Windows Home these demands cannot be met, whatever is set there."""
    measured(f"{windows.distribution}: {'; '.join(LACKING)}" if windows.is_home else windows.distribution)
    assert not windows.is_home, "Windows Home; ein Upgrade auf Pro behält Daten und Programme"
