"""Moments, sizes and schedules as a practice reads them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_WEEKDAYS = {
    "Mon": "montags",
    "Tue": "dienstags",
    "Wed": "mittwochs",
    "Thu": "donnerstags",
    "Fri": "freitags",
    "Sat": "samstags",
    "Sun": "sonntags",
}
_CALENDAR = re.compile(
    r"(?:(?P<weekday>Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?\*-\*-(?P<day>\*|\d\d?) (?P<hour>\d\d?):(?P<minute>\d\d)(?::00)?"
)


@cache
def zone() -> tzinfo:
    """What clocks in Germany show; UTC on a machine without a table of time zones."""
    try:
        return ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        return UTC


def day(when: date) -> str:
    """A day as Germans write it."""
    return f"{when:%d.%m.%Y}"


def moment(when: datetime) -> str:
    """A point in time, to the minute, as a clock in Germany shows it."""
    return f"{when.astimezone(zone()):%d.%m.%Y, %H:%M}\N{NO-BREAK SPACE}Uhr"


def local_day(when: datetime) -> str:
    """The day that it was in Germany then."""
    return day(when.astimezone(zone()).date())


def size(octets: int) -> str:
    """An amount of data, in the unit that leaves up to three digits."""
    value = float(octets)
    for unit in ("Byte", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    digits = 0 if unit == "Byte" or value >= 10 else 1
    return f"{value:.{digits}f}\N{NO-BREAK SPACE}{unit}".replace(".", ",")


def schedule(calendar: str) -> str:
    """A systemd calendar expression in words; one that is not understood stays as it is.

    The host's own clock counts, which this does not convert.
    """
    found = _CALENDAR.fullmatch(calendar.strip())
    if not found:
        return f"nach Zeitplan „{calendar}“"
    clock = f"{int(found['hour']):02d}:{found['minute']}\N{NO-BREAK SPACE}Uhr"
    if found["weekday"]:
        return f"{_WEEKDAYS[found['weekday']]}, {clock}" if found["day"] == "*" else f"nach Zeitplan „{calendar}“"
    return f"täglich, {clock}" if found["day"] == "*" else f"am {int(found['day'])}. des Monats, {clock}"


def listed(words: list[str] | tuple[str, ...], empty: str = "–") -> str:
    """Words with commas between, or the word for none."""
    return ", ".join(words) or empty
