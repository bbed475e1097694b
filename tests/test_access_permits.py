"""What the rules say of groups, a door and a moment."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.access.factors import Factors
from agent.access.holder import Holder
from agent.access.permits import factors_for, permit, two_needed, unlocked_span
from agent.access.schedule import span_at
from agent.rulebook.parse import open_rules, parse
from agent.types import Reason

RULES = parse(
    """
    time_zone = "Europe/Berlin"
    [schedules.office]
    mon-fri = ["08:00-18:00"]
    holiday = []
    [schedules.long]
    mon-fri = ["07:00-20:00"]
    [schedules.night]
    daily = ["22:00-06:00"]
    [schedules.never]
    daily = []
    [[days]]
    name = "Christmas"
    date = "12-24"
    to = "12-26"
    [doors.front]
    factors_in = { office = "face", night = "face+pin" }
    factors = "face+card"
    unlocked = "office"
    two_person = "night"
    [doors.back]
    [doors.store]
    [[grants]]
    groups = ["staff"]
    doors = ["front", "back"]
    schedule = "office"
    [[grants]]
    groups = ["bosses"]
    doors = ["front"]
    schedule = "long"
    [[grants]]
    groups = ["guards"]
    doors = ["*"]
    schedule = "night"
    [[grants]]
    groups = ["idle"]
    doors = ["front"]
    schedule = "never"
    [[grants]]
    groups = ["*"]
    doors = ["store"]
    """,
    version=1,
)


def berlin(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


class TestPermit:
    @pytest.mark.parametrize(
        ("groups", "door", "at", "expected", "detail"),
        [
            pytest.param("staff", "front", "2026-11-23 10:00", "office", "office until 18:00", id="in the hours"),
            pytest.param("staff", "front", "2026-11-23 19:00", "outside_schedule", "again Tue 08:00", id="after them"),
            pytest.param("staff", "front", "2026-11-23 07:00", "outside_schedule", "again 08:00", id="before them"),
            pytest.param(
                "staff", "front", "2026-12-24 10:00", "outside_schedule", "again Mon 08:00", id="at Christmas"
            ),
            pytest.param("staff", "store", "2026-11-23 10:00", "always", "always until Tue 00:00", id="everybody"),
            pytest.param("", "store", "2026-11-23 10:00", "always", "always until Tue 00:00", id="in no group"),
            pytest.param("", "front", "2026-11-23 10:00", "no_access", "none of the groups", id="in none"),
            pytest.param("staff", "cellar", "2026-11-23 10:00", "no_access", "none of", id="another door"),
            pytest.param("guards", "cellar", "2026-11-23 23:00", "night", "night until Tue 06:00", id="any door"),
            pytest.param("staff bosses", "front", "2026-11-23 10:00", "long", "long until 20:00", id="the longer"),
            pytest.param("staff bosses", "front", "2026-11-23 07:30", "long", "long until 20:00", id="the union"),
            pytest.param(
                "staff guards", "front", "2026-11-23 20:00", "outside_schedule", "again 22:00", id="the sooner"
            ),
            pytest.param("idle", "front", "2026-11-23 10:00", "outside_schedule", "not again", id="never"),
        ],
    )
    def test_may_they(self, groups, door, at, expected, detail):
        given = permit(RULES, groups.split(), door, berlin(at))
        assert (given.reason or given.schedule) == expected
        assert given.granted == (given.schedule is not None)
        assert given.detail.startswith(detail)
        assert (given.until is not None) == given.granted
        assert given.until is None or given.until > berlin(at)
        assert (given.next_at is not None) == given.detail.startswith("again")

    def test_without_rules_everybody_may(self):
        given = permit(open_rules(ZoneInfo("UTC")), (), "front", berlin("2026-11-23 03:00"))
        assert (given.granted, given.schedule, given.until) == (True, "always", None)

    def test_far_ahead_the_date_is_said(self):
        closed = '[[days]]\nname="works holidays"\ndate="2026-08-01"\nto="2026-08-20"\n[schedules.s]\nholiday=[]\n'
        rules = parse(
            f'time_zone="UTC"\n{closed}daily=["08:00-09:00"]\n[[grants]]\ngroups=["*"]\ndoors=["*"]\nschedule="s"',
            version=1,
        )
        given = permit(rules, (), "front", datetime(2026, 8, 3, tzinfo=UTC))
        assert given.detail == "again 2026-08-21 08:00"

    @settings(max_examples=100, deadline=None)
    @given(
        st.sets(st.sampled_from(["staff", "bosses", "guards", "idle", "strangers"])),
        st.sampled_from(["front", "back", "store", "cellar"]),
        st.integers(0, 14 * 24 * 4),
    )
    def test_as_if_all_grants_were_looked_through(self, groups, door, quarters):
        at = berlin("2026-12-20 00:00") + timedelta(minutes=15 * quarters)
        every = {grant for grants in RULES.grants.values() for grant in grants}
        names = {one.schedule for one in every if one.groups & {*groups, "*"} and one.doors & {door, "*"}}
        holds = [span_at(RULES.schedules[name], at, RULES.zone, RULES.calendar) for name in names]
        given = permit(RULES, groups, door, at)
        if not names:
            assert given.reason is Reason.NO_ACCESS
        elif any(holds):
            assert given.until == max(span.ends_at for span in holds if span)
        else:
            assert given.reason is Reason.OUTSIDE_SCHEDULE
            if given.next_at:
                assert permit(RULES, groups, door, given.next_at).granted
                assert not permit(RULES, groups, door, given.next_at - timedelta(microseconds=1)).granted


class TestDoor:
    NOON, EVENING, NIGHT = (berlin(f"2026-11-23 {time}") for time in ("12:00", "20:00", "23:00"))

    @pytest.mark.parametrize(
        ("at", "factors"),
        [(NOON, "face"), (EVENING, "face+card"), (NIGHT, "face+pin")],
        ids=["day", "evening", "night"],
    )
    def test_what_has_to_be_shown(self, at, factors):
        assert factors_for(RULES, "front", Holder("anna"), at) == Factors.parse(factors)
        assert factors_for(RULES, "front", None, at) == Factors.parse(factors)

    def test_what_is_written_for_a_person_wins(self):
        card = Factors.parse("card")
        assert factors_for(RULES, "front", Holder("anna", factors=card), self.NIGHT) == card

    def test_two_are_needed_in_their_schedule(self):
        assert two_needed(RULES, "front", self.NIGHT)
        assert not two_needed(RULES, "front", self.NOON)
        assert not two_needed(RULES, "back", self.NIGHT)

    def test_unlocked_by_schedule(self):
        assert unlocked_span(RULES, "front", self.NOON).ends_at == berlin("2026-11-23 18:00")
        assert unlocked_span(RULES, "front", self.NIGHT) is None
        assert unlocked_span(RULES, "back", self.NOON) is None
