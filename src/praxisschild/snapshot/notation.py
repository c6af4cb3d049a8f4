"""Values in the notation of GVariant and systemd, as Python values."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from typing import Any


def gvariant(text: str) -> Any:
    """A value in GVariant's text form as a Python value; what is not understood stays text."""
    text = re.sub(r"^(@\S+|byte|u?int(16|32|64)|double|handle|objectpath|signature)\s+", "", text.strip())
    if text in {"true", "false"}:
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


_UNITS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "d": 86400, "w": 604800}


def seconds(text: str) -> int | None:
    """A systemd time span such as ``10min`` or ``1h 30s`` in seconds; None for infinity and for no span."""
    parts = re.findall(r"(\d+)\s*([a-z]*)", text.strip().lower())
    if not parts or any(unit not in _UNITS for _, unit in parts):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


_WEEKDAY = re.compile(r"^((mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*)+", re.IGNORECASE)

_DATE = re.compile(r"(?:([\d*]+)-)?([\d*,./~]+)[-~]([\d*,./]+)(?:\s|$)")

_NAMED = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
    "quarterly": timedelta(days=92),
    "semiannually": timedelta(days=184),
    "yearly": timedelta(days=366),
}


def calendar_period(expression: str) -> timedelta | None:
    """The longest time between two runs that a systemd calendar expression describes, None if not understood.

    Covers what backups use: every hour, day, week, month or year, on named days and at named times.
    """
    text = expression.strip()
    if text.lower() in _NAMED:
        return _NAMED[text.lower()]
    weekday = _WEEKDAY.match(text)
    found = _DATE.match(text[weekday.end() :].strip() if weekday else text)
    year, month, day = (found.group(1) or "*", found.group(2), found.group(3)) if found else ("*", "*", "*")
    if year != "*" or (weekday and month != "*"):
        return None
    if weekday and day == "*":
        return _between_weekdays(weekday.group(0))
    return timedelta(days=366 if month != "*" else 31 if day != "*" else 1)


def _between_weekdays(text: str) -> timedelta:
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    days: set[int] = set()
    for part in filter(None, text.lower().split(",")):
        first, _, last = part.partition("..")
        start, end = names.index(first[:3]), names.index((last or first)[:3])
        days |= {number % 7 for number in range(start, end + 1 if end >= start else end + 8)}
    ordered = sorted(days)
    gaps = [later - earlier for earlier, later in zip(ordered, [*ordered[1:], ordered[0] + 7], strict=True)]
    return timedelta(days=max(gaps))


def instant(value: int) -> datetime:
    """Seconds since 1970 as an aware datetime."""
    return datetime.fromtimestamp(value, UTC)


def maybe_instant(value: int | None) -> datetime | None:
    """The same, None for an instant that never was."""
    return None if value is None else instant(value)
