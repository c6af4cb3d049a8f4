"""The table of Windows' releases: whether it is whole, plausible, and of this year."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from praxisschild import windows_releases as releases

TUESDAY = 1
NOVEMBER = 11


def test_updates_end_on_a_tuesday_as_microsofts_do():
    """A slip of one day would let a host pass, or fail, on the wrong day."""
    ends = {one.name: (one.small, one.large) for one in releases.CLIENTS.values()}
    ends |= {name: (until, until) for name, until in releases.LONG_TERM.values()}
    ends |= {name: (until, until) for name, until in releases.SERVERS.values() if name != "Windows Server 23H2"}
    assert [name for name, days in ends.items() if any(day.weekday() != TUESDAY for day in days)] == []
    assert all(small <= large for small, large in ends.values())


def test_the_table_is_of_this_year():
    """A release of each autumn; without the newest, hosts that are up to date cannot be judged."""
    today = date.today()
    newest = today.year if today.month >= NOVEMBER else today.year - 1
    assert f"Windows 11 {newest % 100}H2" in {one.name for one in releases.CLIENTS.values()}, (
        "look the newest release up (sources at the top of windows_releases.py), add it, and set CHECKED"
    )
    assert today - releases.CHECKED < timedelta(days=400)


@pytest.mark.parametrize(
    ("build", "edition", "found"),
    [
        (26100, "Professional", ("Windows 11 24H2", date(2026, 10, 13))),
        (26100, "Enterprise", ("Windows 11 24H2", date(2027, 10, 12))),
        (26100, "EnterpriseS", ("Windows 11 LTSC 2024", date(2029, 10, 9))),
        (19045, "Core", ("Windows 10 22H2", date(2025, 10, 14))),
        (19044, "Professional", ("Windows 10 21H2", date(2023, 6, 13))),
        (19044, "EnterpriseS", ("Windows 10 LTSC 2021", date(2027, 1, 12))),
        (26200, "ProfessionalWorkstation", ("Windows 11 25H2", date(2027, 10, 12))),
        (99999, "Professional", None),
        (26200, "Erfunden", None),
    ],
)
def test_edition_and_build_decide(build, edition, found):
    assert releases.client(build, edition) == found


@pytest.mark.parametrize(
    ("name", "until"),
    [
        ("Microsoft SQL Server 2014 (64-Bit)", date(2024, 7, 9)),
        ("Microsoft SQL Server 2012 Native Client ", None),
        ("Microsoft Office Professional Plus 2016 - de-de", date(2025, 10, 14)),
        ("Microsoft Office Home and Business 2021 - de-de", date(2026, 10, 13)),
        ("Microsoft 365 Apps for Business - de-de", None),
        ("Praxissoftware 2016", None),
    ],
)
def test_programs_are_known_by_the_name_that_windows_shows(name, until):
    assert releases.program(name) == until
