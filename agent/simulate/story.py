"""A replay as people read it, and as programs do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.access.told import TOLD
from agent.reports.rows import as_json, day_table
from agent.simulate.outcome import Decided, Noted, Replayed

_WORDS = {
    "unlocked": "unlocked",
    "locked": "locked again",
    "mode": "mode",
    "alarm": "alarm",
    "cleared": "cleared",
    "not_passed": "not opened by",
}


def lines(replayed: Replayed) -> Iterator[str]:
    """Yields the text: a line a decision under the day, then the timesheet."""
    zone = replayed.attendance.rules.zone
    doors = max((len(told.door) for told in replayed.told), default=0)
    day = ""
    for told in replayed.told:
        local = told.at.astimezone(zone)
        if f"{local:%a %Y-%m-%d}" != day:
            day = f"{local:%a %Y-%m-%d}"
            yield day
        yield f"  {_clock(told.at, zone)}  {told.door:<{doors}}  {_gist(told)}".rstrip()
    headings, rows = day_table(replayed.attendance)
    if rows:
        yield ""
        yield from _aligned([list(headings), *rows])


def as_object(replayed: Replayed) -> dict[str, Any]:
    """Returns the same as JSON values; times in UTC."""
    return {
        "events": [_decided(told) if isinstance(told, Decided) else _noted(told) for told in replayed.told],
        "timesheet": as_json(replayed.attendance),
    }


def _gist(told: Decided | Noted) -> str:
    if isinstance(told, Noted):
        return f"{_WORDS[told.what]} {told.about.replace('_', ' ')}".rstrip()
    decision = told.decision
    head = f"{decision.outcome:<7}  {decision.reason:<20}  {_who(told):<12}  {TOLD[decision.reason]}"
    more = [
        f"{decision.seconds:g} s" if decision.seconds else "",
        decision.schedule or "",
        ", ".join(_punches(told)),
        "again" if decision.repeat else "",
        decision.detail,
        *(f"ALARM {alarm}" for alarm in decision.alarms),
    ]
    return f"{head}  [{'; '.join(text for text in more if text)}]".replace("  []", "")


def _who(told: Decided) -> str:
    person, companion = told.decision.person or "-", told.decision.companion
    return f"{companion} + {person}" if companion else person


def _punches(told: Decided) -> Iterator[str]:
    for punch in told.punches:
        kind = punch.type.replace("_", " ")
        yield f"{kind} {punch.job}" if punch.job else f"{kind} (repeat)" if punch.repeat else kind


def _clock(at: datetime, zone: ZoneInfo) -> str:
    """The time on the wall; of one that is shown twice it says which."""
    local = at.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M:%S}{local.isoformat()[-6:]}" if twice else f"{local:%H:%M:%S}"


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _decided(told: Decided) -> dict[str, Any]:
    decision = told.decision
    return {
        "at": _utc(told.at),
        "door": told.door,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "person": decision.person,
        "companion": decision.companion,
        "told": TOLD[decision.reason],
        "detail": decision.detail,
        "shown": list(decision.shown),
        "seconds": decision.seconds,
        "schedule": decision.schedule,
        "alarms": list(decision.alarms),
        "repeat": decision.repeat,
        "punches": [
            {"person": punch.person, "type": punch.type, "job": punch.job, "repeat": punch.repeat}
            for punch in told.punches
        ],
    }


def _noted(told: Noted) -> dict[str, Any]:
    return {"at": _utc(told.at), "door": told.door, "what": told.what, "about": told.about}


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
