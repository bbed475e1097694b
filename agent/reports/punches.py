"""Punches and what was said of them, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NotRequired
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from agent.attendance.corrections import stands
from agent.attendance.punch import Clock, Correction, Punch
from agent.attendance.rules import PunchType
from agent.store import punches
from agent.store.db import Db


@dataclass(frozen=True, slots=True)
class Entry:
    """A punch as it was made, if it was, and all corrections that have to do with it."""

    punch: Punch | None  # None: added by the first of the corrections
    said: tuple[Correction, ...]

    @property
    def at(self) -> datetime:
        """When it was made, or added for."""
        return self.punch.at if self.punch else self.said[0].at or self.said[0].made_at

    @property
    def original(self) -> Punch:
        """The punch as it was made, or as it was added."""
        if self.punch is not None:
            return self.punch
        added = self.said[0]
        return Punch(added.id, added.person, self.at, added.type or PunchType.IN, job=added.job)

    def lines(self, zone: ZoneInfo) -> Iterator[list[str]]:
        """Yields lines of a table: id, person, when, what, how, where, remarks."""
        made = self.punch
        if made is not None:
            how = f"{made.by or ''}{f' {made.key}' if made.key else ''}{f' {made.job}' if made.job else ''}"
            clock = "" if made.clock == "synchronised" else f"clock {made.clock}"
            remarks = ", ".join(filter(None, ("repeat" if made.repeat else "", clock)))
            yield [made.id, made.person, _time(made.at, zone), made.type, how, made.device, remarks]
        for each in self.said:
            what = "void" if each.void else " ".join(filter(None, (each.type, each.job)))
            names = "" if each.punch is None or (made and each.punch == made.id) else f" of {each.punch}"
            when = _time(each.at, zone) if each.at else ""
            yield [each.id, each.person, when, what, f"  correction{names}", "", f"{each.by}: {each.why}"]


def history(db: Db, begin: datetime, end: datetime, person: str | None = None) -> list[Entry]:
    """Returns what was punched, added or moved there, from `begin` until before `end`, in order."""
    made, said = punches.made(db, begin, end, person), punches.corrections(db, person)
    by_root = defaultdict[str, list[Correction]](list)
    root: dict[str, str] = {}
    for each in said:  # what a correction names was there before it
        root[each.id] = root.get(each.punch, each.punch) if each.punch is not None else each.id
        by_root[root[each.id]].append(each)
    shown = {punch.id for punch in made}
    moved = {root[each.id] for each in said if each.at is not None and begin <= each.at < end} - shown
    made += [punch for id_ in sorted(moved) if (punch := punches.find(db, id_)) is not None]
    entries = [Entry(punch, tuple(by_root.get(punch.id, ()))) for punch in made]
    added = [each for each in said if each.punch is None and each.at is not None and begin <= each.at < end]
    entries += [Entry(None, tuple(by_root[each.id])) for each in added]
    return sorted(entries, key=lambda entry: entry.at)


class PunchTold(TypedDict):
    """A punch. Times are of the clock on the wall, with its offset."""

    at: str
    type: PunchType
    job: str | None
    says: str  # in words


class CorrectionTold(TypedDict):
    """A correction."""

    id: str
    by: str
    made: str
    void: bool
    at: str | None  # none: the time stays
    type: PunchType | None
    job: str | None
    stands: bool  # it was not taken back
    says: str
    why: NotRequired[str]  # for whoever may say one


class EntryTold(TypedDict):
    """A punch with all that was said of it."""

    id: str
    how: str  # it was made
    counts: PunchTold | None  # as it counts; none: it does not
    made: PunchTold
    said: list[CorrectionTold]


@dataclass(frozen=True, slots=True)
class Wall:
    """The clock on the wall on a day."""

    day: date
    zone: ZoneInfo

    @property
    def length_hours(self) -> float:
        """How long the day is: 23 or 25 hours where the clock changes, also 23.5 on Lord Howe."""
        days = (self.day, self.day + timedelta(days=1))
        begins, ends = (datetime.combine(day, time(), self.zone).timestamp() for day in days)
        return (ends - begins) / 3600

    def minute(self, at: datetime) -> str:
        """Returns what it shows: 08:05, or of another day 3 Nov 06:00."""
        local = at.astimezone(self.zone)
        return f"{'' if local.date() == self.day else f'{local.day} {local:%b} '}{local:%H:%M}"

    def second(self, at: datetime) -> str:
        """Returns it with seconds, where there are any, and where the clock changes with its offset."""
        local = at.astimezone(self.zone)
        offset = f" ({local.isoformat()[-6:]})" if self.length_hours != 24 else ""  # noqa: PLR2004 - most days
        return f"{self.minute(at)}{f':{local:%S}' if local.second else ''}{offset}"


def entry_json(entry: Entry, counts: Punch | None, wall: Wall, *, reasons: bool = True) -> EntryTold:
    """Returns an entry as JSON values.

    Args:
        entry: of a day.
        counts: the punch as it counts; None: it does not.
        wall: the clock on that day.
        reasons: with why it was corrected, which may be private.
    """
    by = defaultdict[str, list[Correction]](list)
    for each in entry.said:
        if each.punch is not None:
            by[each.punch].append(each)
    return {
        "id": entry.original.id,
        "how": _how(entry),
        "counts": _punch(counts, wall) if counts else None,
        "made": _punch(entry.original, wall),
        "said": [_said(each, by, wall, reasons=reasons) for each in entry.said],
    }


def _how(entry: Entry) -> str:
    made = entry.punch
    if made is None:
        return "added"
    by = f"key {made.key}" if made.key else f"by {made.by.value.replace('_', ' ')}" if made.by else ""
    clock = "" if made.clock is Clock.SYNCHRONISED else f"clock {made.clock}"
    return ", ".join(filter(None, (made.device, by, clock, "a repeat: shown, not counted" if made.repeat else "")))


def _punch(punch: Punch, wall: Wall) -> PunchTold:
    return {
        "at": punch.at.astimezone(wall.zone).isoformat(timespec="seconds"),
        "type": punch.type,
        "job": punch.job,
        "says": _says(punch.at, punch.type, punch.job, wall),
    }


def _said(each: Correction, by: Mapping[str, list[Correction]], wall: Wall, *, reasons: bool) -> CorrectionTold:
    made = each.made_at.astimezone(wall.zone)
    told: CorrectionTold = {
        "id": each.id,
        "by": each.by,
        "made": made.isoformat(timespec="seconds"),
        "void": each.void,
        "at": each.at.astimezone(wall.zone).isoformat(timespec="seconds") if each.at else None,
        "type": each.type,
        "job": each.job,
        "stands": stands(each, by) is not None,
        "says": "does not count" if each.void else _says(each.at, each.type, each.job, wall),
    }
    if reasons:
        told["why"] = each.why
    return told


def _says(at: datetime | None, kind: PunchType | None, job: str | None, wall: Wall) -> str:
    told = (wall.second(at) if at else "", kind.value.replace("_", " ") if kind else "")
    return " ".join(filter(None, (*told, "" if job is None else f"job {job}" if job else "no job")))


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M:%S}"
