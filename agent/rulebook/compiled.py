"""From a text whose shape and names are right to the values that decide."""

from __future__ import annotations

from collections import defaultdict

from agent.access.calendar import SpecialDay, SpecialDays
from agent.access.factors import FACE
from agent.access.rules import AntiPassback, DoorRules, Grant, Mode, Rules, Zone
from agent.access.schedule import ALWAYS, Period, Schedule
from agent.attendance.rules import AttendanceRules, Deduction, Key, PunchType, Rounding, Shift, TypeBy
from agent.rulebook.hours import Attendance
from agent.rulebook.tables import DoorTable, GrantTable, Rulebook, ZoneTable, days_of, rank


def compiled(book: Rulebook, version: int) -> Rules:
    """Returns the rules that the text writes."""
    schedules = {ALWAYS.name: ALWAYS} | {name: _schedule(name, keys) for name, keys in book.schedules.items()}
    return Rules(
        version=version,
        calendar=SpecialDays(tuple(SpecialDay(day.name, day.kind, day.when) for day in book.days)),
        zone=book.time_zone,
        schedules=schedules,
        doors={name: _door(name, door) for name, door in book.doors.items()},
        zones={name: _zone(name, zone) for name, zone in book.zones.items()},
        grants=_grants(book.grants),
        attendance=_attendance(book, schedules),
    )


def _schedule(name: str, keys: dict[str, list[Period]]) -> Schedule:
    week: list[tuple[Period, ...]] = [()] * 7
    for key in sorted(keys, key=rank, reverse=True):  # the narrower wins
        for day in days_of(key):
            week[day] = tuple(keys[key])
    return Schedule(name, tuple(week), {key: tuple(periods) for key, periods in keys.items() if not days_of(key)})


def _zone(name: str, zone: ZoneTable) -> Zone:
    return Zone(
        name=name,
        anti_passback=AntiPassback(zone.anti_passback),
        seconds=60.0 * (zone.timed_minutes or 0.0),
        forget_hours=zone.forget_hours,
        silent_peers_deny=zone.peers_silent == "deny",
        exempt=frozenset(zone.exempt),
    )


def _door(name: str, door: DoorTable) -> DoorRules:
    return DoorRules(
        name=name,
        factors=door.factors or FACE,
        factors_in=tuple(door.factors_in.items()),
        mode=Mode(door.mode),
        unlocked=door.unlocked,
        modes_by=frozenset(door.modes_by),
        two_person=door.two_person,
        two_person_seconds=door.two_person_seconds,
        factor_seconds=door.factor_seconds,
        signature_seconds=door.signature_seconds,
        enters=door.enters,
        leaves=door.leaves,
        passes_on_opening=door.passes_on_opening,
        interlock=tuple(dict.fromkeys(door.interlock)),
        pulse_seconds=door.pulse_seconds,
        extended_seconds=door.extended_seconds,
        pin_every_hours=door.pin_every_hours,
        failures=door.failures,
        lockout_seconds=door.lockout_seconds,
        longest_lockout_seconds=door.longest_lockout_seconds,
    )


def _grants(tables: list[GrantTable]) -> dict[str, tuple[Grant, ...]]:
    """By group, one of each schedule: a decision looks at no more than there are schedules."""
    doors: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for table in tables:
        for group in table.groups:
            doors[group][table.schedule].update(table.doors)
    shared: dict[Grant, Grant] = {}  # equal ones are one
    return {
        group: tuple(
            shared.setdefault(grant, grant)
            for schedule, through in schedules.items()
            for grant in (Grant(frozenset({group}), frozenset(through), schedule),)
        )
        for group, schedules in doors.items()
    }


def _attendance(book: Rulebook, schedules: dict[str, Schedule]) -> AttendanceRules:
    """Without the table nobody punches: who comes and goes when is recorded for a purpose, or not at all."""
    table = book.attendance or Attendance(enabled=False)
    return AttendanceRules(
        enabled=table.enabled,
        terminals=frozenset(table.terminals),
        doors={door: TypeBy(way) for door, way in table.doors.items()},
        type_by=TypeBy(table.type_by),
        fixed={door: PunchType(type_) for door, type_ in table.fixed.items()},
        by_schedule=tuple((one.schedule, PunchType(one.type)) for one in table.by_schedule),
        keys={name: Key(name, PunchType(key.type), key.job) for name, key in table.keys.items()},
        repeat_seconds=table.repeat_seconds,
        day_starts=table.day_starts,
        longest_hours=table.longest_hours,
        breaks_paid=table.breaks_paid,
        deductions=tuple(Deduction(one.after_minutes, one.minutes) for one in table.deductions),
        rounding={PunchType(type_): Rounding(one.minutes, one.direction) for type_, one in table.rounding.items()},
        overtime_daily_minutes=table.overtime_daily_minutes,
        overtime_weekly_minutes=table.overtime_weekly_minutes,
        shifts={
            name: Shift(name, schedules[one.schedule], one.break_minutes, one.late_minutes, one.early_minutes)
            for name, one in book.shifts.items()
        },
        work=tuple((frozenset(one.groups), one.shift) for one in book.work),
    )
