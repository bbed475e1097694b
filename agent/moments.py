"""Times as people type them: with a UTC offset, or in the time zone of the site."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
WANTED = "want 2026-12-24, 2026-12-24T18:30, or with an offset 2026-12-24T18:30+01:00"
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2200, 1, 2, tzinfo=UTC)  # the last midnight of 2199, in any zone


def believable(at: datetime) -> datetime:
    """Returns an aware time as it is.

    Raises:
        ValueError: it is so far off that reckoning with it, an hour more or in another zone, is no time any more.
    """
    if not FIRST <= at <= LAST:
        raise ValueError("want a time in the years 1970 to 2199")
    return at


def moment(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """Returns the instant that is meant, UTC.

    Args:
        text: ISO 8601. Without an offset it is local. A date alone is its first instant; as an end its last, so that
            who may come "to 2026-12-24" may come on that day.
        zone: of the site.
        end: of something. An hour that clocks show twice, in autumn, is meant to be the first as a beginning, the
            second as an end.

    Raises:
        ValueError: it is no time, or one that clocks skip in spring, or not in the years 1970 to 2199.
    """
    text = text.strip()
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time: {WANTED}") from None
    believable(at if at.tzinfo else at.replace(tzinfo=UTC))
    if day:
        return datetime.combine(day + timedelta(days=1 if end else 0), time(), zone).astimezone(UTC)
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone, fold=1 if end else 0)
        if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at.replace(tzinfo=None):
            raise ValueError(f"{text} does not exist in {zone.key}: clocks are put forward over it")
    return at.astimezone(UTC)


def written(at: datetime, zone: ZoneInfo) -> str:
    """Returns the instant as local time with its offset, to the second: `moment` reads it back."""
    return at.astimezone(zone).isoformat(timespec="seconds")
