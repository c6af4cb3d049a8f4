"""A calendar of what falls due, as every calendar program reads it (RFC 5545)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from icalendar import Alarm, Calendar
from icalendar import Event as CalendarEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTICE = timedelta(days=14)


@dataclass(frozen=True)
class Event:
    """A whole day on which something falls due; `uid` stays the same from one calendar to the next."""

    uid: str
    day: date
    summary: str
    description: str


def render(practice: str, events: Iterable[Event], now: datetime) -> bytes:
    """The calendar; every event reminds two weeks before.

    Args:
        practice: whose calendar it is.
        events: what falls due.
        now: the time of writing (aware).
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Praxisschild//DE")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"IT-Sicherheit {practice}")
    for event in sorted(events, key=lambda one: (one.day, one.uid)):
        entry = CalendarEvent()
        entry.add("uid", f"{event.uid}.{event.day:%Y%m%d}.praxisschild")
        entry.add("dtstamp", now)
        entry.add("dtstart", event.day)
        entry.add("dtend", event.day + timedelta(days=1))
        entry.add("summary", event.summary)
        entry.add("description", event.description)
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", event.summary)
        alarm.add("trigger", -NOTICE)
        entry.add_component(alarm)
        calendar.add_component(entry)
    return bytes(calendar.to_ical())
