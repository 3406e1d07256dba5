"""iCalendar text (RFC 5545) from plain events: the same events give the same bytes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

REFRESH = timedelta(hours=1)


@dataclass(frozen=True)
class CalendarEvent:
    """An event as it stands in a calendar; times are aware and written as UTC."""

    uid: str
    sequence: int
    title: str
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    place: str = ""
    text: str = ""
    address: str = ""
    is_cancelled: bool = False


def calendar(name: str, events: Iterable[CalendarEvent]) -> bytes:
    """The calendar of this name."""
    made = Calendar()
    made.add("prodid", "-//Linli//Rosters//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    made.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    made.add("x-published-ttl", REFRESH)
    for each in events:
        event = Event()
        event.add("uid", each.uid)
        event.add("sequence", each.sequence)
        event.add("summary", each.title)
        event.add("dtstart", each.starts_at.astimezone(UTC))
        event.add("dtend", each.ends_at.astimezone(UTC))
        # When it last changed, not when it was asked for: unchanged events stay the same bytes.
        event.add("dtstamp", each.changed_at.astimezone(UTC))
        event.add("last-modified", each.changed_at.astimezone(UTC))
        event.add("status", "CANCELLED" if each.is_cancelled else "CONFIRMED")
        event.add("transp", "TRANSPARENT" if each.is_cancelled else "OPAQUE")
        if each.place:
            event.add("location", each.place)
        if each.text:
            event.add("description", each.text)
        if each.address:
            event.add("url", each.address)
        made.add_component(event)
    text: bytes = made.to_ical()
    return text
