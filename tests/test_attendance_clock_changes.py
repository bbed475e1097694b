"""Both changes of the clock, in five zones, and an oracle that counts second by second."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.attendance.plan import Employee
from agent.attendance.punch import Punch
from agent.attendance.rules import PunchType
from agent.attendance.timesheet import timesheets
from tests.fakes.timeclock import punch, shift, site, wall

STAFF = {"anna": Employee(frozenset({"staff"}))}
IN, OUT, START, END = PunchType.IN, PunchType.OUT, PunchType.BREAK_START, PunchType.BREAK_END
# The night in which the clock changes: by how many minutes that night is longer or shorter
CHANGES = [
    pytest.param("Europe/Berlin", "2026-03-28", -60, id="Berlin, forward"),
    pytest.param("Europe/Berlin", "2026-10-24", 60, id="Berlin, back"),
    pytest.param("America/New_York", "2026-03-07", -60, id="New York, forward"),
    pytest.param("America/New_York", "2026-10-31", 60, id="New York, back"),
    pytest.param("Australia/Lord_Howe", "2026-10-03", -30, id="Lord Howe, forward by half an hour"),
    pytest.param("Australia/Lord_Howe", "2026-04-04", 30, id="Lord Howe, back by half an hour"),
    pytest.param("America/Santiago", "2026-09-05", -60, id="Santiago, forward at midnight"),
    pytest.param("America/Santiago", "2026-04-04", 60, id="Santiago, back at midnight"),
    pytest.param("Asia/Tokyo", "2026-03-28", 0, id="Tokyo, never"),
]


@pytest.mark.parametrize(("name", "evening", "minutes"), CHANGES)
class TestAShiftOverTheChange:
    def sheet(self, name, evening, ins_and_outs):
        zone, day = ZoneInfo(name), date.fromisoformat(evening)
        rules = site(zone=zone, **shift("22:00-06:00", days="1111111"))
        made = [punch(kind, wall(f"{day + timedelta(days=later)} {at}", zone)) for kind, at, later in ins_and_outs]
        (found,) = timesheets(made, rules, day, day + timedelta(days=1), people=STAFF, at=made[-1].at)
        return found.days

    def test_has_its_real_hours(self, name, evening, minutes):
        night, next_day = self.sheet(name, evening, [("in", "22:00", 0), ("out", "06:00", 1)])
        assert night.worked_seconds == 8 * 3600 + minutes * 60
        assert (night.planned_seconds, night.balance_seconds, night.flags) == (night.worked_seconds, 0, ())
        assert next_day.worked_seconds == 0

    def test_a_break_before_and_one_after(self, name, evening, minutes):
        pauses = [("(", "23:00", 0), (")", "23:15", 0), ("(", "05:00", 1), (")", "05:30", 1)]
        night, _ = self.sheet(name, evening, [("in", "22:00", 0), *pauses, ("out", "06:00", 1)])
        assert night.break_seconds == 45 * 60
        assert night.worked_seconds == 8 * 3600 + (minutes - 45) * 60


class TestTheHourThatComesTwice:
    def test_is_two_hours(self):
        """In at the first 02:30, out at the second: an hour was worked, though the clock shows none."""
        made = [punch("in", wall("2026-10-25 02:30")), punch("out", wall("2026-10-25 02:30*"))]
        (found,) = timesheets(made, site(), date(2026, 10, 25), date(2026, 10, 25), people={}, at=made[1].at)
        assert found.total("worked_seconds") == 3600


ZONES = {
    name: datetime.fromisoformat(at).replace(tzinfo=UTC)
    for name, at in {
        "Europe/Berlin": "2026-10-24T20:00:00",
        "America/New_York": "2026-03-08T01:00:00",
        "Australia/Lord_Howe": "2026-04-04T10:00:00",
    }.items()
}  # an evening before the change
STEP = st.tuples(st.integers(0, 4 * 3600), st.sampled_from([IN, OUT, START, END]))


def count_seconds(made, longest, until):
    """Second by second: what is worked is put on the account of the day of its `in` when somebody goes."""
    came = paused = None
    pending, days = 0, {}
    at, queue = made[0].at, list(made)
    while at <= until:
        if came is not None and at - came > longest:
            came, pending = None, 0
        while queue and queue[0].at == at:
            kind = queue.pop(0).type
            if kind is IN:
                came, paused, pending = at, None, 0
            elif kind is OUT and came is not None:
                day = came.astimezone(ZONE[0]).date()
                days[day] = days.get(day, 0) + pending
                came = None
            elif kind is START and came is not None:
                paused = paused or at
            elif kind is END:
                paused = None
        pending += came is not None and paused is None
        at += timedelta(seconds=1)
    return days


ZONE: list[ZoneInfo] = [ZoneInfo("UTC")]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(ZONES)), st.lists(STEP, min_size=1, max_size=12))
@example("Europe/Berlin", [(0, IN), (4 * 3600, START), (0, END), (4 * 3600, IN), (100, OUT)])
def test_an_oracle_that_counts_second_by_second_agrees(name, steps):
    zone, at, made = ZoneInfo(name), ZONES[name], []
    for number, (seconds, kind) in enumerate(steps):
        at += timedelta(seconds=seconds)
        made.append(Punch(f"{number:02}", "anna", at, kind))
    ZONE[0] = zone
    longest = timedelta(hours=6)
    want = count_seconds(made, longest, at)
    first, last = (moment.astimezone(zone).date() for moment in (made[0].at, at))
    later = at + timedelta(days=2)
    (found,) = timesheets(made, site(zone=zone, longest_hours=6.0), first, last, people={}, at=later)
    assert {day.day: day.worked_seconds for day in found.days if day.worked_seconds} == {
        day: seconds for day, seconds in want.items() if seconds
    }
