"""Punches and what was said of them, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.attendance.punch import Correction, Punch
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


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M:%S}"
