"""In or out: what a punch is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from agent.access.rules import Rules
from agent.access.schedule import span_at
from agent.attendance.days import logical_day
from agent.attendance.punch import Punch, Punched
from agent.attendance.rules import AttendanceRules, Key, PunchType, TypeBy

LOOK_BACK: Final = timedelta(hours=48)
"""So much of a person's punches is enough to tell the next one's type, whatever `longest_hours` up to this says."""
_NEXT: Final = {
    PunchType.IN: PunchType.OUT,
    PunchType.BREAK_START: PunchType.BREAK_END,
    PunchType.BREAK_END: PunchType.OUT,
    PunchType.OUT: PunchType.IN,
}


def classify(rules: Rules, door: str, last: Sequence[Punch], at: datetime, key: str | None = None) -> Punched:
    """Returns what a punch is.

    A key that was pressed says it, except at a terminal with a fixed type; the key that begins a break ends it where
    one is on. A key that the rules do not know (any more) is as none: a punch is never lost to it. Where no schedule
    holds, and where no type is fixed for a terminal that should have one, it is the opposite of the last one.

    Two punches closer than `repeat_seconds` are one, however many follow, but for one that says in so many words
    (by a key, or at a terminal with a fixed type) that it is something else.

    Args:
        rules: of the site.
        door: the name of the device.
        last: punches of this person as corrected, in order; those of `LOOK_BACK` are enough.
        at: when this one is made.
        key: the key that was pressed.
    """
    ours = rules.attendance
    before = [punch for punch in last if punch.at <= at]
    way = ours.doors.get(door, ours.type_by)
    pressed = find_key(ours, key)
    if way is TypeBy.FIXED and door in ours.fixed:
        kind, by, said = ours.fixed[door], TypeBy.FIXED, ours.fixed[door]
    elif pressed:
        kind, by, said = _of_key(ours, pressed, before, at), TypeBy.KEY, pressed.type
    else:
        (kind, by), said = _guess(rules, way, before, at), None
    job = pressed.job if pressed and pressed.type is said else None
    if before and at - before[-1].at < timedelta(seconds=ours.repeat_seconds):
        previous = before[-1]
        same = said is None or (key is not None and key == previous.key) or (said, job) == (previous.type, previous.job)
        if same:
            return Punched(previous.type, by, previous.job, repeat=True)
    return Punched(kind, by, job, repeat=False)


def find_key(rules: AttendanceRules, name: str | None) -> Key | None:
    """Returns a key by its name; the four types are keys too."""
    if name is None or name in rules.keys:
        return None if name is None else rules.keys[name]
    return Key(name, PunchType(name)) if name in set(PunchType) else None


def _of_key(rules: AttendanceRules, pressed: Key, before: Sequence[Punch], at: datetime) -> PunchType:
    on_break = _state(rules, before, at) is PunchType.BREAK_START
    return PunchType.BREAK_END if pressed.type is PunchType.BREAK_START and on_break else pressed.type


def _guess(rules: Rules, way: TypeBy, before: Sequence[Punch], at: datetime) -> tuple[PunchType, TypeBy]:
    ours = rules.attendance
    if way is TypeBy.SCHEDULE:
        for name, kind in ours.by_schedule:
            if span_at(rules.schedules[name], at, rules.zone, rules.calendar):
                return kind, way
    if way is TypeBy.FIRST_LAST:
        today = logical_day(at, rules.zone, ours.day_starts)
        first = not any(logical_day(punch.at, rules.zone, ours.day_starts) == today for punch in before)
        return (PunchType.IN if first else PunchType.OUT), way
    return _NEXT[_state(ours, before, at)], TypeBy.TOGGLE


def _state(rules: AttendanceRules, before: Sequence[Punch], at: datetime) -> PunchType:
    """Returns the type of the last punch that counts; OUT where there is none or an `in` is too long ago."""
    counted = [punch for punch in before if not punch.repeat]
    if not counted or counted[-1].type is PunchType.OUT:
        return PunchType.OUT
    came = counted[-1]
    for punch in reversed(counted):
        if punch.type is PunchType.OUT:
            break
        came = punch
        if punch.type is PunchType.IN:
            break
    return PunchType.OUT if at - came.at > timedelta(hours=rules.longest_hours) else counted[-1].type
