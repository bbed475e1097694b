import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.access.effects import Cleared, NotPassed, Passed, Raised, Relay
from agent.access.latch import LockSettings, RelockOn
from agent.access.lock import Lock
from agent.types import Alarm

OFF = Relay(on=False)
FREE = Relay(on=True)


def on(until):
    return Relay(on=True, until=until)


def lock(*, contact=False, **given):
    return Lock(LockSettings(**given), at=0.0, contact=contact)


def alarms(effects):
    return [effect for effect in effects if isinstance(effect, Raised | Cleared)]


class TestRelay:
    def test_it_starts_locked_and_waits_for_nothing(self):
        door = lock()
        assert (door.unlocked, door.deadline, door.tick(100)) == (False, None, ())

    def test_a_grant_releases_for_its_own_seconds(self):
        door = lock()
        assert door.grant(1, 15, "ada") == (on(16),)
        assert door.deadline == 16
        assert door.tick(15.9) == ()
        assert door.tick(16) == (OFF,)

    def test_a_grant_during_a_grant_makes_it_longer_and_never_shorter(self):
        door = lock()
        door.grant(0, 5, "ada")
        assert door.grant(3, 5, "bo") == (on(8),)
        assert door.grant(4, 1, "cy") == ()
        assert door.tick(8) == (OFF,)

    def test_repeated_grants_end_at_the_maximum_and_the_next_one_waits_for_the_rest(self):
        door = lock(max_open_seconds=10, rest_seconds=2)
        for second in range(10):
            door.grant(second, 5, "ada")
        assert door.tick(9.99) == ()
        assert door.grant(10.5, 5, "ada") == (OFF,)
        assert door.deadline == 12
        assert door.tick(12) == (on(17),)
        assert door.tick(17) == (OFF,)

    def test_a_grant_of_more_than_the_maximum_is_cut(self):
        assert lock(max_open_seconds=10).grant(0, 60) == (on(10),)

    def test_a_tick_that_comes_late_locks_before_the_next_grant_releases(self):
        door = lock()
        door.grant(0, 5, "ada")
        assert door.grant(60, 5, "bo")[:1] == (OFF,)

    def test_time_does_not_go_back(self):
        door = lock()
        door.grant(10, 5)
        assert door.grant(3, 5) == ()
        assert door.deadline == 15

    def test_the_exit_button_releases_for_its_seconds(self):
        assert lock(exit_seconds=7).exit_pressed(0) == (on(7),)

    def test_lock_ends_a_grant_and_a_hold(self):
        door = lock()
        door.grant(0, 5, "ada")
        assert door.lock(1) == (OFF,)
        door.hold(2)
        assert door.lock(3) == (OFF,)

    def test_a_hold_has_no_limit_and_a_grant_does_not_end_it(self):
        door = lock()
        assert door.hold(0) == (FREE,)
        assert door.grant(1, 5, "ada") == ()
        assert door.tick(100) == (NotPassed(("ada",)),)
        assert door.unlocked

    def test_when_the_mode_ends_a_grant_keeps_its_time(self):
        door = lock()
        door.keep(0, unlocked=True)
        door.grant(1, 5)
        assert door.keep(2, unlocked=False) == (on(6),)

    def test_lock_overrules_the_mode_until_it_ends(self):
        door = lock()
        door.keep(0, unlocked=True)
        assert door.lock(1) == (OFF,)
        assert door.keep(2, unlocked=True) == ()
        door.keep(3, unlocked=False)
        assert door.keep(4, unlocked=True) == (FREE,)

    def test_or_until_the_mode_is_asked_for_anew(self):
        door = lock()
        door.keep(0, unlocked=True)
        door.lock(1)
        assert door.keep(2, unlocked=True, anew=True) == (FREE,)


class TestLockDown:
    def test_it_ends_all_that_is_unlocked(self):
        door = lock()
        door.hold(0)
        assert door.lock_down(1, on=True) == (OFF,)
        assert door.lock_down(2, on=False) == ()

    def test_nothing_releases_but_the_exit_button(self):
        door = lock()
        door.lock_down(0, on=True)
        assert door.grant(1, 5, "ada") + door.hold(2) + door.keep(3, unlocked=True) == ()
        assert door.exit_pressed(4) == (on(9),)

    def test_the_mode_goes_on_afterwards(self):
        door = lock()
        door.keep(0, unlocked=True)
        door.lock_down(1, on=True)
        assert door.lock_down(2, on=False) == (FREE,)

    def test_saying_it_again_does_not_cut_the_exit_short(self):
        door = lock()
        door.lock_down(0, on=True)
        door.exit_pressed(1)
        assert door.lock_down(2, on=True) == ()


class TestPassing:
    def test_opening_after_a_grant_is_a_passage_of_all_who_were_granted(self):
        door = lock()
        door.grant(0, 5, "ada")
        door.grant(1, 5, "bo")
        door.grant(1, 5, "ada")
        assert door.opened(2) == (Passed(("ada", "bo")),)

    def test_who_is_granted_while_it_stands_open_passes_at_once(self):
        door = lock()
        door.grant(0, 5, "ada")
        door.opened(1)
        assert door.grant(2, 5, "bo") == (on(7), Passed(("bo",)))

    def test_who_does_not_open_has_not_passed_when_the_grace_is_over(self):
        door = lock()
        door.grant(0, 5, "ada")
        assert door.tick(5) == (OFF,)
        assert door.deadline == 6
        assert door.tick(6) == (NotPassed(("ada",)),)

    def test_an_opening_within_the_grace_was_on_its_way(self):
        door = lock()
        door.grant(0, 5, "ada")
        assert door.opened(5.9) == (OFF, Passed(("ada",)))

    def test_the_exit_button_passes_nobody_known(self):
        door = lock()
        door.exit_pressed(0)
        assert door.opened(1) == (Passed((), others=True),)
        door.closed(2)
        door.exit_pressed(10)
        assert door.tick(20) == (OFF,)

    def test_without_a_contact_a_grant_is_a_passage(self):
        assert lock(contact=None).grant(0, 5, "ada") == (on(5), Passed(("ada",)))

    @pytest.mark.parametrize(
        ("relock", "opening", "closing"),
        [(RelockOn.CLOSING, (), (OFF,)), (RelockOn.OPENING, (OFF,), ()), (RelockOn.TIME, (), ())],
    )
    def test_relocking_by_the_contact(self, relock, opening, closing):
        door = lock(relock=relock)
        door.grant(0, 5)
        assert door.opened(1)[1:] == opening
        assert door.closed(2) == closing

    def test_who_was_granted_while_it_stood_open_is_not_locked_out_by_its_closing(self):
        door = lock()
        door.grant(0, 5, "ada")
        door.opened(1)
        door.grant(2, 5, "bo")
        assert door.closed(3) == ()
        assert door.opened(4) == ()
        assert door.closed(5) == (OFF,)

    def test_who_is_seen_again_while_passing_is_nobody_else(self):
        door = lock()
        door.grant(0, 5, "ada")
        door.opened(1)
        door.grant(2, 5, "ada")
        assert door.closed(3) == (OFF,)


class TestHeldOpen:
    def test_the_pre_alarm_and_the_alarm_count_from_the_end_of_the_grant(self):
        door = lock(held_open_soon_seconds=10, held_open_seconds=20)
        door.grant(0, 5)
        door.opened(1)
        door.tick(14.9)
        assert door.tick(15) == (Raised(Alarm.HELD_OPEN_SOON),)
        assert door.tick(25) == (Raised(Alarm.HELD_OPEN),)
        assert door.deadline is None
        assert door.alarms == {Alarm.HELD_OPEN_SOON, Alarm.HELD_OPEN}
        assert door.closed(30) == (Cleared(Alarm.HELD_OPEN_SOON), Cleared(Alarm.HELD_OPEN))

    def test_relocking_on_opening_leaves_the_time_that_was_granted(self):
        door = lock(relock=RelockOn.OPENING, held_open_soon_seconds=10)
        door.grant(0, 5)
        door.opened(1)
        assert door.deadline == 15

    def test_another_grant_gives_more_time(self):
        door = lock(held_open_soon_seconds=10)
        door.grant(0, 5)
        door.opened(1)
        door.grant(4, 5)
        assert alarms(door.tick(18.9)) == []
        assert alarms(door.tick(19)) == [Raised(Alarm.HELD_OPEN_SOON)]

    def test_never_while_it_is_held_and_from_the_end_of_that(self):
        door = lock(held_open_soon_seconds=10)
        door.keep(0, unlocked=True)
        door.opened(1)
        assert door.tick(1000) == ()
        door.keep(2000, unlocked=False)
        assert alarms(door.tick(2010)) == [Raised(Alarm.HELD_OPEN_SOON)]

    def test_a_door_locked_by_command_while_open_is_to_be_closed_at_once(self):
        door = lock(held_open_soon_seconds=10)
        door.grant(0, 25)
        door.opened(1)
        door.lock(2)
        assert alarms(door.tick(12)) == [Raised(Alarm.HELD_OPEN_SOON)]

    def test_a_door_that_is_open_at_the_start_has_to_be_closed(self):
        door = lock(contact=True, held_open_soon_seconds=10)
        assert door.tick(10) == (Raised(Alarm.HELD_OPEN_SOON),)


class TestForcedOpen:
    def test_opening_without_a_grant_is_forced_and_cleared_by_closing(self):
        door = lock()
        assert door.opened(1) == (Raised(Alarm.FORCED_OPEN),)
        assert door.opened(2) == ()
        assert door.closed(3) == (Cleared(Alarm.FORCED_OPEN),)
        assert door.closed(4) == ()

    def test_a_forced_door_is_not_also_held_open(self):
        door = lock()
        door.opened(1)
        assert door.tick(1000) == ()

    def test_a_bounce_after_closing_is_not_forced(self):
        door = lock()
        door.grant(0, 5)
        door.opened(1)
        door.closed(2)
        assert door.opened(2.5) == ()
        assert door.closed(2.6) == ()

    def test_a_forced_door_has_no_grace(self):
        door = lock()
        door.opened(1)
        door.closed(2)
        assert door.opened(2.1) == (Raised(Alarm.FORCED_OPEN),)

    def test_a_grant_while_it_is_forced_does_not_hush_the_alarm(self):
        door = lock()
        door.opened(1)
        assert door.grant(2, 5, "ada") == (on(7), Passed(("ada",)))
        assert door.alarms == {Alarm.FORCED_OPEN}


def test_tamper_is_raised_once_and_cleared_once():
    door = lock(contact=None)
    assert door.tamper(0, on=True) + door.tamper(1, on=True) == (Raised(Alarm.TAMPER),)
    assert door.tamper(2, on=False) + door.tamper(3, on=False) == (Cleared(Alarm.TAMPER),)


SECONDS = st.floats(0, 40, allow_subnormal=False) | st.sampled_from([0.0, 0.5, 1.0, 5.0, 15.0, 30.0])


class AnyDay(RuleBasedStateMachine):
    """Everything that can happen to a door, in any order and at any pace, with the driver late or on time."""

    relock = RelockOn.CLOSING

    def __init__(self):
        super().__init__()
        self.settings = LockSettings(relock=self.relock, max_open_seconds=12, held_open_soon_seconds=3)
        self.now = 1000.0
        self.door = Lock(self.settings, at=self.now, contact=False)
        self.energised_since = None  # by grants alone
        self.raised = set()

    def heed(self, effects, *, may_be_forced=False):
        for effect in effects:
            match effect:
                case Relay(on=True, until=None):
                    self.energised_since = None
                case Relay(on=True, until=until):
                    starts = self.energised_since if self.energised_since is not None else self.now
                    assert until - starts <= self.settings.max_open_seconds + 1e-6
                    self.energised_since = starts
                case Relay(on=False):
                    self.energised_since = None
                case Raised(alarm):
                    assert alarm not in self.raised
                    assert alarm is not Alarm.FORCED_OPEN or may_be_forced
                    self.raised.add(alarm)
                case Cleared(alarm):
                    self.raised.remove(alarm)

    @rule(seconds=SECONDS, late=st.booleans())
    def wait(self, seconds, late):
        """A driver on time ticks at each deadline; one that is late only at the end."""
        until = self.now + seconds
        while not late and (due := self.door.deadline) is not None and due <= until:
            self.now = max(self.now, due)
            self.heed(self.door.tick(self.now))
        self.now = until
        if not late:
            self.heed(self.door.tick(self.now))

    @rule(seconds=st.floats(0.1, 60), person=st.sampled_from(["ada", "bo", None]))
    def grant(self, seconds, person):
        self.wait(0, late=False)
        self.heed(self.door.grant(self.now, seconds, person))

    @rule()
    def leave(self):
        self.wait(0, late=False)
        self.heed(self.door.exit_pressed(self.now))
        assert self.door.unlocked or self.door.deadline is not None

    @rule()
    def lock(self):
        self.heed(self.door.lock(self.now))
        assert not self.door.unlocked

    @rule()
    def hold(self):
        self.heed(self.door.hold(self.now))

    @rule(unlocked=st.booleans(), anew=st.booleans())
    def keep(self, unlocked, anew):
        self.heed(self.door.keep(self.now, unlocked=unlocked, anew=anew))

    @rule(on=st.booleans())
    def lock_down(self, on):
        self.heed(self.door.lock_down(self.now, on=on))

    @precondition(lambda self: not self.door.contact)
    @rule()
    def open(self):
        self.wait(0, late=False)
        allowed = self.door.unlocked
        self.heed(self.door.opened(self.now), may_be_forced=not allowed)

    @rule(seconds=st.floats(0.1, 10))
    def enter(self, seconds):
        """A grant that is used at once never forces the door."""
        self.grant(seconds, "ada")
        if self.door.unlocked and not self.door.contact:
            self.heed(self.door.opened(self.now))

    @rule()
    def close(self):
        self.heed(self.door.closed(self.now))
        assert not self.raised - {Alarm.TAMPER}

    @rule(on=st.booleans())
    def tamper(self, on):
        self.heed(self.door.tamper(self.now, on=on))

    @invariant()
    def alarms_are_those_that_were_told(self):
        assert self.door.alarms == self.raised

    @invariant()
    def a_release_that_runs_is_waited_for(self):
        due = self.door.deadline
        assert due is None or math.isfinite(due)
        if self.energised_since is not None:
            assert due - self.energised_since <= self.settings.max_open_seconds + 1e-6


class OnOpening(AnyDay):
    relock = RelockOn.OPENING


class OnTime(AnyDay):
    relock = RelockOn.TIME


ANY_DAY = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnyDay, TestAnyDayOnOpening, TestAnyDayOnTime = AnyDay.TestCase, OnOpening.TestCase, OnTime.TestCase
TestAnyDay.settings = TestAnyDayOnOpening.settings = TestAnyDayOnTime.settings = ANY_DAY


class Grants(RuleBasedStateMachine):
    """Grants alone, as fast as one likes: the relay is never on for longer than the maximum, and rests after it."""

    def __init__(self):
        super().__init__()
        self.settings = LockSettings(max_open_seconds=10, rest_seconds=1)
        self.now, self.on_since, self.rest_until = 0.0, None, -math.inf
        self.door = Lock(self.settings, at=0.0, contact=False)

    @rule(pause=st.floats(0, 12), seconds=st.floats(0.1, 30))
    def grant(self, pause, seconds):
        until = self.now + pause
        while (due := self.door.deadline) is not None and due <= until:
            self.now = max(self.now, due)
            self.heed(self.door.tick(self.now))
        self.now = until
        self.heed(self.door.grant(self.now, seconds, "ada"))

    def heed(self, effects):
        for effect in effects:
            match effect:
                case Relay(on=True) if self.on_since is None:
                    assert self.now >= self.rest_until - 1e-6
                    self.on_since = self.now
                case Relay(on=False):
                    took = self.now - self.on_since
                    assert took <= 10 + 1e-6
                    self.rest_until = self.now + (self.settings.rest_seconds if took >= 10 - 1e-6 else 0.0)
                    self.on_since = None

    @invariant()
    def the_relay_is_not_on_for_too_long(self):
        assert self.on_since is None or self.now - self.on_since <= 10 + 1e-6


TestGrants = Grants.TestCase
TestGrants.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
