"""Rosters from calendar files (RFC 5545): every event is work that somebody is to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.attendance.roster import Rostered, RosterError, checked

MOST: Final = 5000  # times that one event may recur
_WRONG: Final = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What icalendar and dateutil raise, and what reckoning does, where a property says what it cannot mean."""
_TOO_OFTEN: Final = {"SECONDLY", "MINUTELY", "HOURLY"}


def read_ics(data: bytes, zone: ZoneInfo, *, until: datetime, person: str | None = None) -> list[Rostered]:
    """Returns what a calendar file says.

    Events recur by the clock on the wall: a shift until 06:00 ends at 06:00 also in the night in which the clock
    changes. A time that the clock shows twice is the first, as RFC 5545, 3.3.5, has it. Cancelled events are left out.

    Args:
        data: the file.
        zone: of the site, for events that name none.
        until: recurring events are followed up to this time.
        person: whose calendar it is; None: each event names an attendee, whose id is before the @.

    Raises:
        RosterError: naming every event that is wrong.
        ImportError: icalendar is not installed.
    """
    from icalendar import Calendar

    try:
        events = [event for event in Calendar.from_ical(data).walk("VEVENT") if str(event.get("STATUS")) != "CANCELLED"]
        moved = {
            (str(event.get("UID")), _plain(event["RECURRENCE-ID"].dt, zone)) for event in events if _is_moved(event)
        }
    except _WRONG as error:
        raise RosterError(f"not a calendar file: {error}") from error
    found: list[Rostered] = []
    wrong = []
    for event in events:
        try:
            found += _work(event, person or _attendee(event), zone, until, moved)
        except _WRONG as error:
            wrong.append(f"event {event.get('UID', '')} {event.get('SUMMARY', '')}: {error}")
    if wrong:
        raise RosterError("\n".join(wrong))
    return sorted(set(found), key=lambda each: (each.person, each.starts_at))


def _work(event: Any, person: str, zone: ZoneInfo, until: datetime, moved: set[Any]) -> Iterator[Rostered]:
    """The times at which one event takes place."""
    begin, end = event.decoded("DTSTART"), _end(event)
    if not isinstance(begin, datetime) or not isinstance(end, datetime):
        raise ValueError("lasts whole days: want times")  # noqa: TRY004 - the file is wrong, not the program
    where: tzinfo = begin.tzinfo or zone
    start = begin.replace(tzinfo=None)
    lasts = (end.astimezone(where) if end.tzinfo else end).replace(tzinfo=None) - start
    gone = set() if _is_moved(event) else {at for uid, at in moved if uid == str(event.get("UID"))}
    for at in _starts(event, start, until.astimezone(where).replace(tzinfo=None), where):
        moment = at.replace(tzinfo=where).astimezone(UTC)
        if moment not in gone:
            yield checked(Rostered(person, moment, (at + lasts).replace(tzinfo=where).astimezone(UTC)))


def _starts(event: Any, start: datetime, until: datetime, where: tzinfo) -> Iterator[datetime]:
    """When an event begins, by the clock on the wall."""
    rule = event.get("RRULE")
    if rule is None:
        yield start
        return
    for number, at in enumerate(_times(event, rule, start, where)):
        if at > until:
            return
        if number >= MOST:
            raise ValueError(f"recurs more than {MOST} times: give it an end")
        yield at


def _times(event: Any, rule: Any, start: datetime, where: tzinfo) -> Iterator[datetime]:
    from dateutil.rrule import rrule, rruleset, rrulestr

    if isinstance(rule, list):
        raise ValueError("has several rules of recurrence: want one")  # noqa: TRY004 - the file is wrong
    if rule["FREQ"][0] in _TOO_OFTEN:
        raise ValueError(f"recurs {rule['FREQ'][0].lower()}: want days or longer")
    if any(interval < 1 for interval in rule.get("INTERVAL", ())):
        raise ValueError("recurs at once: want an INTERVAL of 1 or more")  # dateutil would look for it forever
    if "UNTIL" in rule:
        rule["UNTIL"] = [_wall(end, where) for end in rule["UNTIL"]]
    times = rruleset()
    parsed = rrulestr(rule.to_ical().decode(), dtstart=start)
    if isinstance(parsed, rrule):
        times.rrule(parsed)
    for name, take in (("RDATE", times.rdate), ("EXDATE", times.exdate)):
        lists = event.get(name, [])
        for each in lists if isinstance(lists, list) else [lists]:
            for day in each.dts:
                take(_wall(day.dt, where))
    return iter(times)


def _end(event: Any) -> Any:
    if "DTEND" in event:
        return event.decoded("DTEND")
    if "DURATION" in event:
        return event.decoded("DTSTART") + event.decoded("DURATION")
    raise ValueError("has no end")


def _wall(at: Any, where: tzinfo) -> datetime:
    """What the clock on the wall shows; of a day its last second, for UNTIL."""
    if not isinstance(at, datetime):
        return datetime(at.year, at.month, at.day) + timedelta(days=1, seconds=-1)  # noqa: DTZ001 - the wall's
    return (at.astimezone(where) if at.tzinfo else at).replace(tzinfo=None)


def _plain(at: Any, zone: ZoneInfo) -> datetime:
    moment: datetime = at if at.tzinfo else at.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def _is_moved(event: Any) -> bool:
    """Whether it stands for one time of a recurring event."""
    return "RECURRENCE-ID" in event and isinstance(event["RECURRENCE-ID"].dt, datetime)


def _attendee(event: Any) -> str:
    named = event.get("ATTENDEE")
    address = str(named[0] if isinstance(named, list) else named or "")
    person = address.lower().removeprefix("mailto:").partition("@")[0]
    if not person:
        raise ValueError("names no attendee: say whose calendar it is")
    return person
