"""How times and durations are written in reports."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def hours(seconds: int, *, signed: bool = False) -> str:
    """Returns 8:05; whole minutes, what is beyond them is cut off. Signed: +0:15, with a real minus sign below."""
    minutes = abs(seconds) // 60
    sign = "\u2212" if seconds < 0 and minutes else "+" if signed and minutes else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02}"


def clock(at: datetime, zone: ZoneInfo) -> str:
    """Returns 08:05, by the clock on the wall."""
    return f"{at.astimezone(zone):%H:%M}"
