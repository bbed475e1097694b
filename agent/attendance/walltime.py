"""Times as people type them: by the clock on the wall, unless they say otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from agent.moments import believable


class WallTimeError(ValueError):
    """A time that the clock on the wall shows twice or never.

    Attributes:
        readings: both that may be meant, ISO 8601 with their offsets, the earlier first.
    """

    def __init__(self, message: str, readings: list[str]) -> None:
        super().__init__(message)
        self.readings = readings


def instant(text: str, zone: ZoneInfo) -> datetime:
    """Returns the instant, UTC, that somebody means by `2026-11-02 08:00`, or with an offset `...T08:00+01:00`.

    Raises:
        WallTimeError: the clock on the wall shows it twice or never.
        ValueError: it is no time of the years 1970 to 2199.
    """
    try:
        told = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a time; want it as in 2026-11-02 08:00") from None
    if told.tzinfo is not None:
        return believable(told).astimezone(UTC)
    return on_the_wall(told, zone)


def on_the_wall(told: datetime, zone: ZoneInfo) -> datetime:
    """Returns the instant, UTC, at which the clock on the wall of a zone shows a time.

    Raises:
        WallTimeError: it shows it twice or never.
        ValueError: it is not in the years 1970 to 2199.
    """
    believable(told.replace(tzinfo=UTC))
    earlier, later = (told.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier == later:
        return earlier
    twice = earlier < later  # of a time that is skipped, fold 0 is read with the offset before: the later instant
    times = [each.astimezone(zone) for each in sorted((earlier, later))]
    said = " or ".join(each.isoformat(timespec="minutes") for each in times)
    happens = "comes twice" if twice else "does not exist"
    why = f"{told:%Y-%m-%d %H:%M} {happens} in {zone.key}, where the clock changes: say {said}"
    raise WallTimeError(why, [each.isoformat(timespec="seconds") for each in times])
