"""What a Windows host does when nobody sits at it."""

from __future__ import annotations

from praxisschild.checks import bound, requirement

SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"


@requirement("2021-A1-13")
def test_windows_locks_itself_after_a_while(windows, measured):
    """Whoever passes an open screen reads patients' names, or types."""
    limit = bound("2021-A1-13", "lock_after").at_most
    seconds = windows.registry(SYSTEM, "InactivityTimeoutSecs") or 0
    measured(f"Sperre nach {seconds} Sekunden ohne Eingabe" if seconds else "Sperrt sich nicht von selbst")
    assert 0 < seconds <= limit
