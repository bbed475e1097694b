"""The doorkeeper by what people do at a door; its parts have tests of their own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.access.around import Passage
from agent.access.factors import Factors
from agent.access.holder import Standing, State
from agent.access.refusals import wall
from agent.access.rules import Mode
from agent.types import Alarm, Outcome, Reason, Shown
from tests.fakes.doorways import ANNA, BEN, MONDAY, Doorway, door, register, rules

GRANTED, DENIED, PENDING = Outcome.GRANTED, Outcome.DENIED, Outcome.PENDING
CHIEF = replace(ANNA, groups=frozenset({"staff", "chiefs"}))
BY_CHIEFS = frozenset({"cli", "mqtt", "chiefs"})


def told(decision):
    return decision.outcome, decision.reason, decision.person


class TestWithoutRulesBeingInTheWay:
    """What `agent.access.verdicts` did before."""

    @pytest.mark.parametrize("open_without_storage", [True, False])
    def test_a_match_opens(self, open_without_storage):
        decision = Doorway().set(open_without_storage=open_without_storage).face("anna")
        assert told(decision) == (GRANTED, Reason.MATCH, "anna")
        assert (decision.seconds, decision.shown, decision.schedule) == (5.0, (Shown.FACE,), "always")
        assert decision.detail == "0.70 to anna, need 0.50"

    @pytest.mark.parametrize("storage_ok", [True, False])
    @pytest.mark.parametrize(
        "reason",
        [Reason.UNKNOWN, Reason.AMBIGUOUS, Reason.INCONSISTENT, Reason.EMPTY_GALLERY, Reason.POOR_QUALITY],
    )
    def test_everything_else_stays_shut_with_its_reason(self, reason, storage_ok):
        decision = Doorway().set(storage_ok=storage_ok, open_without_storage=True).nobody(reason)
        assert told(decision) == (DENIED, reason, None)

    def test_without_storage_the_policy_decides(self):
        shut = Doorway().set(storage_ok=False).face("anna")
        assert told(shut) == (DENIED, Reason.STORAGE_FAILED, "anna")
        assert shut.sighting.reason is Reason.MATCH
        assert told(Doorway().set(storage_ok=False, open_without_storage=True).face("anna"))[0] is GRANTED

    def test_a_face_that_the_register_has_forgotten_is_unknown(self):
        assert told(Doorway().face("zoe")) == (DENIED, Reason.UNKNOWN, None)


class TestFactors:
    def test_a_face_and_a_pin(self):
        doorway = Doorway(door("face+pin"))
        assert told(doorway.face("anna")) == (PENDING, Reason.PIN_NEEDED, "anna")
        doorway.wait(14)
        granted = doorway.pin("4711")
        assert told(granted) == (GRANTED, Reason.CREDENTIAL, "anna")
        assert granted.shown == (Shown.FACE, Shown.PIN)
        assert granted.sighting.person == "anna"

    def test_a_pin_that_comes_too_late_is_not_looked_at(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        (late,) = doorway.wait(15)
        assert told(late) == (DENIED, Reason.INCOMPLETE, "anna")
        assert told(doorway.pin("4711")) == (PENDING, Reason.FACE_NEEDED, None)

    def test_time_that_is_over_counts_before_the_next_tick(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        doorway.set(at=MONDAY + timedelta(seconds=15))
        assert doorway.pin("4711").outcome is PENDING
        assert [late.reason for late in doorway.wait(0)] == [Reason.INCOMPLETE]

    def test_a_wrong_pin_may_be_typed_again(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        wrong = doorway.pin("0000")
        assert (told(wrong), wrong.detail) == ((DENIED, Reason.WRONG_PIN, "anna"), "4 more tries")
        assert doorway.pin("4711").outcome is GRANTED

    def test_after_a_refusal_nothing_is_said_of_who_goes_away(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        doorway.pin("0000")
        assert (doorway.wait(14), doorway.keeper.take_gone()) == ([], [])
        assert doorway.wait(60) == []
        assert doorway.keeper.take_gone() == ["anna"]
        assert doorway.keeper.take_gone() == []

    def test_a_pin_alone_wants_the_badge_number(self):
        doorway = Doorway(door("pin"))
        assert told(doorway.pin("4711")) == (DENIED, Reason.UNKNOWN_CREDENTIAL, None)
        assert told(doorway.pin("4711", "1-anna")) == (GRANTED, Reason.CREDENTIAL, "anna")

    def test_looking_up_again_does_not_give_more_time(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        doorway.wait(10)
        doorway.face("anna")
        assert [late.reason for late in doorway.wait(5)] == [Reason.INCOMPLETE]

    def test_a_strange_face_after_a_badge_number_is_only_strange(self):
        doorway = Doorway(door("face+pin"))
        doorway.badge("1-anna")
        assert told(doorway.nobody()) == (DENIED, Reason.UNKNOWN, None)

    def test_the_badge_number_may_come_first(self):
        doorway = Doorway(door("pin"))
        assert told(doorway.badge("1-anna")) == (PENDING, Reason.PIN_NEEDED, "anna")
        assert doorway.pin("4711").outcome is GRANTED

    def test_a_badge_number_shows_nothing(self):
        doorway = Doorway(door("face+pin"))
        doorway.badge("1-anna")
        assert doorway.pin("4711").reason is Reason.FACE_NEEDED

    def test_a_card_alone(self):
        assert told(Doorway(door("card")).card("card-anna")) == (GRANTED, Reason.CREDENTIAL, "anna")

    def test_any_of_several_ways(self):
        doorway = Doorway(door("face, card+pin"))
        assert doorway.card("card-anna").reason is Reason.PIN_NEEDED  # the way that has begun
        assert doorway.pin("4711").outcome is GRANTED
        assert doorway.face("ben").outcome is GRANTED

    def test_a_card_and_a_pin_in_one(self):
        assert Doorway(door("card+pin")).card("card-anna", pin="4711").shown == (Shown.CARD, Shown.PIN)

    def test_a_card_at_a_door_that_only_looks_leads_nowhere(self):
        doorway = Doorway()
        assert told(doorway.card("card-anna")) == (PENDING, Reason.FACE_NEEDED, "anna")
        assert told(doorway.face("ben")) == (GRANTED, Reason.MATCH, "ben")
        assert doorway.wait(60) == []

    def test_a_pin_at_a_door_that_only_looks_is_not_looked_at(self):
        doorway = Doorway()
        assert [doorway.pin("0000", "1-anna").reason for _ in range(9)] == [Reason.FACE_NEEDED] * 9
        assert doorway.keeper.take_changes() == {}

    def test_a_face_at_a_door_for_cards_leads_nowhere(self):
        doorway = Doorway(door("card"))
        assert told(doorway.face("anna")) == (PENDING, Reason.CARD_NEEDED, "anna")
        assert told(doorway.nobody()) == (PENDING, Reason.CARD_NEEDED, None)
        assert told(doorway.card("card-ben")) == (GRANTED, Reason.CREDENTIAL, "ben")

    def test_a_person_may_have_to_show_something_else(self):
        carl = replace(ANNA, id="carl", factors=Factors.parse("card"))
        doorway = Doorway(door("face"), carl)
        assert doorway.face("carl").reason is Reason.CARD_NEEDED
        assert doorway.card("card-carl").outcome is GRANTED

    def test_in_a_schedule_something_else_is_asked_for(self):
        doorway = Doorway(door("face", factors_in=(("office", Factors.parse("face+pin")),)))
        assert doorway.face("anna").reason is Reason.PIN_NEEDED
        assert doorway.set(at=MONDAY + timedelta(hours=12)).face("anna").outcome is GRANTED

    def test_who_comes_next_begins_anew(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        assert doorway.face("ben").reason is Reason.PIN_NEEDED
        assert [told(late) for late in doorway.wait(0)] == [(DENIED, Reason.INCOMPLETE, "anna")]
        assert doorway.pin("4711").reason is Reason.WRONG_PIN
        assert told(doorway.pin("2580")) == (GRANTED, Reason.CREDENTIAL, "ben")

    def test_two_credentials_of_two_people_are_a_wrong_card(self):
        doorway = Doorway(door("card+pin"))
        decision = doorway.card("card-anna", badge="1-ben", pin="2580")
        assert told(decision) == (DENIED, Reason.WRONG_CARD, None)


class TestCardThenFace:
    def test_the_face_is_compared_with_the_holder_alone(self):
        doorway = Doorway(door("card+face"))
        assert doorway.keeper.claim is None
        assert doorway.card("card-anna").reason is Reason.FACE_NEEDED
        assert doorway.keeper.claim == "anna"
        doorway.wait(1)
        granted = doorway.face("anna")
        assert (told(granted), granted.shown) == (
            (GRANTED, Reason.CREDENTIAL, "anna"),
            (Shown.CARD, Shown.FACE),
        )
        assert doorway.keeper.claim is None

    def test_the_claim_ends_with_its_time(self):
        doorway = Doorway(door("card+face"))
        doorway.card("card-anna")
        doorway.wait(15)
        assert doorway.keeper.claim is None

    def test_a_face_that_was_seen_before_does_not_count(self):
        doorway = Doorway(door("card+face"))
        before = doorway.around.at
        doorway.wait(1)
        doorway.card("card-anna")
        assert doorway.keeper.see(replace(_sighting("anna"), at=before), doorway.around) is None
        assert doorway.keeper.claim == "anna"

    def test_a_key_pressed_after_the_card_does_not_spoil_the_face_between(self):
        doorway = Doorway(door("card+face"))
        doorway.card("card-anna")
        doorway.wait(1)
        seen = replace(_sighting("anna"), at=doorway.around.at)
        doorway.wait(1)
        doorway.press(key="out")
        doorway.card("card-anna")
        assert doorway.keeper.see(seen, doorway.around).outcome is GRANTED

    def test_a_face_before_the_card_is_looked_at_again(self):
        doorway = Doorway(door("card+face"))
        assert doorway.face("anna").reason is Reason.CARD_NEEDED
        assert doorway.card("card-anna").reason is Reason.FACE_NEEDED

    def test_another_face_is_a_failure_of_the_card(self):
        doorway = Doorway(door("card+face"))
        doorway.card("card-anna")
        assert told(doorway.nobody()) == (DENIED, Reason.FACE_MISMATCH, "anna")
        assert told(doorway.face("ben")) == (DENIED, Reason.FACE_MISMATCH, "anna")
        assert doorway.keeper.take_changes()["anna"].failures == 2
        assert doorway.face("anna").outcome is GRANTED

    def test_a_bad_picture_is_asked_for_again(self):
        doorway = Doorway(door("card+face"))
        doorway.card("card-anna")
        assert told(doorway.nobody(Reason.POOR_QUALITY)) == (PENDING, Reason.FACE_NEEDED, "anna")
        (late,) = doorway.wait(15)
        assert late.sighting.reason is Reason.POOR_QUALITY

    def test_face_and_card_search_everybody_in_either_order(self):
        for first, second in (("face", "card"), ("card", "face")):
            doorway = Doorway(door("face+card"))
            show = {"face": lambda d=doorway: d.face("anna"), "card": lambda d=doorway: d.card("card-anna")}
            assert show[first]().outcome is PENDING
            assert doorway.keeper.claim is None
            assert show[second]().outcome is GRANTED

    def test_the_card_of_somebody_else(self):
        doorway = Doorway(door("face+card"))
        doorway.face("anna")
        assert told(doorway.card("card-ben")) == (DENIED, Reason.WRONG_CARD, "anna")
        assert doorway.card("card-anna").outcome is GRANTED


class TestFailures:
    def lock_out(self, doorway, tries=5):
        decisions = [doorway.pin("0000", "1-anna") for _ in range(tries)]
        assert [decision.reason for decision in decisions] == [Reason.WRONG_PIN] * tries
        return decisions

    def test_five_wrong_pins_lock_out_with_one_alarm(self):
        doorway = Doorway(door("pin"))
        decisions = self.lock_out(doorway)
        assert [decision.alarms for decision in decisions] == [()] * 4 + [(Alarm.LOCKED_OUT,)]
        locked = doorway.pin("4711", "1-anna")
        assert (told(locked), locked.alarms) == ((DENIED, Reason.LOCKED_OUT, "anna"), ())

    def test_each_lockout_is_twice_as_long_up_to_the_maximum(self):
        doorway = Doorway(door("pin", longest_lockout_seconds=100.0))
        for seconds in (30, 60, 100, 100):
            self.lock_out(doorway)
            doorway.wait(seconds - 1)
            assert doorway.pin("0000", "1-anna").reason is Reason.LOCKED_OUT
            doorway.wait(1)

    def test_a_success_starts_over(self):
        doorway = Doorway(door("pin"))
        self.lock_out(doorway)
        doorway.wait(30)
        self.lock_out(doorway, 4)
        assert doorway.pin("4711", "1-anna").outcome is GRANTED
        self.lock_out(doorway)
        doorway.wait(30)
        assert doorway.pin("4711", "1-anna").outcome is GRANTED

    def test_it_survives_a_restart(self):
        doorway = Doorway(door("pin"))
        self.lock_out(doorway)
        again = Doorway(door("pin"), standings=doorway.keeper.take_changes())
        assert again.pin("4711", "1-anna").reason is Reason.LOCKED_OUT
        again.wait(30)
        self.lock_out(again)
        again.wait(59)
        assert again.pin("4711", "1-anna").reason is Reason.LOCKED_OUT

    def test_a_clock_that_is_set_back_neither_lets_in_early_nor_locks_for_ever(self):
        doorway = Doorway(door("pin"))
        self.lock_out(doorway)
        doorway.wait(-7200)
        assert doorway.pin("4711", "1-anna").reason is Reason.LOCKED_OUT
        doorway.wait(29)
        assert doorway.pin("4711", "1-anna").reason is Reason.LOCKED_OUT
        doorway.wait(1)
        assert doorway.pin("4711", "1-anna").outcome is GRANTED

    def test_an_attempt_does_not_wait_for_a_clock_that_is_set_back(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        assert doorway.wait(-7200) == []
        assert [late.reason for late in doorway.wait(15)] == [Reason.INCOMPLETE]

    def test_a_face_that_is_enough_still_opens_and_resets_nothing(self):
        doorway = Doorway(door("face, pin"))
        self.lock_out(doorway)
        assert doorway.face("anna").outcome is GRANTED
        assert doorway.pin("4711", "1-anna").reason is Reason.LOCKED_OUT

    def test_a_face_is_told_at_once_where_the_pin_is_locked_out(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        for _ in range(5):
            doorway.pin("0000")
        assert told(doorway.face("anna")) == (DENIED, Reason.LOCKED_OUT, "anna")

    def test_after_a_short_one_the_face_has_to_be_shown_again(self):
        doorway = Doorway(door("face+pin", lockout_seconds=5.0))
        doorway.face("anna")
        for _ in range(5):
            doorway.pin("0000")
        doorway.wait(5)
        assert doorway.pin("4711").reason is Reason.FACE_NEEDED

    def test_others_are_not_locked_out(self):
        doorway = Doorway(door("pin"))
        self.lock_out(doorway)
        assert doorway.pin("2580", "1-ben").outcome is GRANTED

    def test_unknown_cards_lock_out_all_cards_and_no_faces(self):
        doorway = Doorway(door("face, card"))
        assert [doorway.card(f"{n}").reason for n in range(5)] == [Reason.UNKNOWN_CREDENTIAL] * 5
        assert told(doorway.card("card-anna")) == (DENIED, Reason.LOCKED_OUT, None)
        assert doorway.face("anna").outcome is GRANTED
        doorway.wait(30)
        assert doorway.card("card-anna").outcome is GRANTED
        assert doorway.keeper.take_changes()[""] == Standing()

    def test_who_may_not_come_in_is_told_so_whatever_the_pin(self):
        doorway = Doorway(door("pin"), replace(ANNA, state=State.SUSPENDED))
        assert [doorway.pin(pin, "1-anna").reason for pin in ("0000", "4711")] == [Reason.SUSPENDED] * 2
        assert doorway.keeper.take_changes() == {}


class TestPinEveryFewHours:
    HOURS = 72

    def doorway(self, pin_at=None):
        standings = {"anna": Standing(pin_at=pin_at)} if pin_at else {}
        return Doorway(door("face", pin_every_hours=72), standings=standings)

    def test_the_first_time(self):
        doorway = self.doorway()
        assert doorway.face("anna").reason is Reason.PIN_NEEDED
        assert doorway.pin("4711").outcome is GRANTED
        assert doorway.keeper.take_changes()["anna"].pin_at == MONDAY
        doorway.wait(72 * 3600)
        assert doorway.face("anna").outcome is GRANTED
        doorway.wait(1)
        assert doorway.face("anna").reason is Reason.PIN_NEEDED

    def test_a_time_in_the_future_is_none(self):
        assert self.doorway(MONDAY + timedelta(hours=1)).face("anna").reason is Reason.PIN_NEEDED
        assert self.doorway(MONDAY + timedelta(seconds=1)).face("anna").outcome is GRANTED


class TestDuress:
    def test_it_opens_as_ever_but_for_the_alarm(self):
        def come(pin):
            doorway = Doorway(door("face+pin"))
            doorway.face("anna")
            return doorway.pin(pin)

        forced = come("4799")
        assert forced.alarms == (Alarm.DURESS,)
        assert replace(forced, alarms=()) == come("4711")

    def test_the_alarm_does_not_wait_for_the_second_person(self):
        doorway = Doorway(door("pin", two_person="always"))
        assert doorway.pin("4799", "1-anna").alarms == (Alarm.DURESS,)
        assert doorway.pin("2580", "1-ben").alarms == ()

    def test_it_is_raised_where_somebody_is_forced_to_come_at_night(self):
        doorway = Doorway(door("pin"), schedule="office").set(at=MONDAY + timedelta(hours=12))
        forced = doorway.pin("4799", "1-anna")
        assert (forced.reason, forced.alarms) == (Reason.OUTSIDE_SCHEDULE, (Alarm.DURESS,))
        assert replace(forced, alarms=()) == doorway.pin("4711", "1-anna") == doorway.pin("0000", "1-anna")

    def test_it_is_raised_in_a_lockout_as_well(self):
        doorway = Doorway(door("pin"))
        for _ in range(5):
            doorway.pin("0000", "1-anna")
        forced = doorway.pin("4799", "1-anna")
        assert (forced.reason, forced.alarms) == (Reason.LOCKED_OUT, (Alarm.DURESS,))
        assert replace(forced, alarms=()) == doorway.pin("4711", "1-anna")


def test_somebody_on_the_blocklist_is_told_apart_from_a_wrong_face():
    doorway = Doorway(door("card+face"), ANNA, replace(BEN, state=State.BLOCKED))
    doorway.card("card-anna")
    assert doorway.face("ben").alarms == (Alarm.BLOCKED_PERSON,)
    assert doorway.face("anna").outcome is GRANTED


def test_somebody_on_the_blocklist_raises_an_alarm_whatever_else_holds():
    for mode in Mode:
        blocked = Doorway(None, replace(ANNA, state=State.BLOCKED), mode=mode).face("anna")
        assert (told(blocked), blocked.alarms) == ((DENIED, Reason.BLOCKED, "anna"), (Alarm.BLOCKED_PERSON,))


def test_a_visitor_is_let_in_for_the_hours_of_the_visit():
    visitor = replace(ANNA, valid_from=MONDAY, valid_to=MONDAY + timedelta(hours=2), visitor=True)
    doorway = Doorway(None, visitor)
    assert doorway.face("anna").outcome is GRANTED
    doorway.wait(2 * 3600 - 1)
    assert doorway.face("anna").outcome is GRANTED
    doorway.wait(1)
    ended = doorway.face("anna")
    assert (ended.reason, ended.detail) == (Reason.NO_LONGER_VALID, "visitor's hours over since 2026-11-23 11:00")


def test_who_needs_more_time_gets_it():
    assert Doorway(None, replace(ANNA, extended=True)).face("anna").seconds == 15.0
    assert Doorway(door(pulse_seconds=20.0), replace(ANNA, extended=True)).face("anna").seconds == 20.0
    assert Doorway(door(pulse_seconds=3.0)).face("anna").seconds == 3.0


class TestTwoPeople:
    def test_the_second_opens(self):
        doorway = Doorway(door(two_person="always"))
        assert told(doorway.face("anna")) == (PENDING, Reason.SECOND_PERSON_NEEDED, "anna")
        doorway.wait(19)
        both = doorway.face("ben")
        assert (told(both), both.companion) == ((GRANTED, Reason.MATCH, "ben"), "anna")
        assert doorway.wait(60) == []

    def test_the_same_person_is_no_second(self):
        doorway = Doorway(door(two_person="always"))
        doorway.face("anna")
        doorway.wait(15)
        assert doorway.face("anna").reason is Reason.SECOND_PERSON_NEEDED
        assert [late.reason for late in doorway.wait(5)] == [Reason.NO_SECOND_PERSON]

    def test_the_second_has_to_be_allowed_alone(self):
        doorway = Doorway(door(two_person="always"), ANNA, replace(BEN, groups=frozenset()))
        doorway.face("anna")
        assert told(doorway.face("ben")) == (DENIED, Reason.NO_ACCESS, "ben")

    def test_the_second_shows_all_factors(self):
        doorway = Doorway(door("face+pin", two_person="always"))
        doorway.face("anna")
        doorway.pin("4711")
        assert doorway.face("ben").reason is Reason.PIN_NEEDED
        assert doorway.pin("4711").reason is Reason.WRONG_PIN
        assert doorway.pin("2580").companion == "anna"

    def test_the_first_must_still_be_allowed_when_the_second_comes(self):
        doorway = Doorway(door(two_person="always"))
        doorway.face("anna")
        doorway.keeper.register = register(replace(ANNA, state=State.SUSPENDED), BEN)
        assert told(doorway.face("ben")) == (PENDING, Reason.SECOND_PERSON_NEEDED, "ben")
        assert [told(late) for late in doorway.wait(0)] == [(DENIED, Reason.SUSPENDED, "anna")]

    def test_one_is_enough_outside_the_schedule(self):
        doorway = Doorway(door(two_person="office")).set(at=MONDAY + timedelta(hours=12))
        assert doorway.face("anna").outcome is GRANTED


class TestModes:
    def test_free_access_waits_for_no_second_person(self):
        doorway = Doorway(door(two_person="always"))
        doorway.face("anna")
        doorway.keeper.set_mode(Mode.FREE_ACCESS)
        assert doorway.nobody().reason is Reason.FREE_ACCESS
        assert doorway.wait(60) == []

    def test_free_access_lets_in_everybody_and_says_who_where_it_knows(self):
        doorway = Doorway(door("face+pin"), mode=Mode.FREE_ACCESS)
        assert told(doorway.nobody()) == (GRANTED, Reason.FREE_ACCESS, None)
        assert told(doorway.face("anna")) == (GRANTED, Reason.FREE_ACCESS, "anna")
        assert told(doorway.card("card-anna")) == (GRANTED, Reason.FREE_ACCESS, "anna")
        assert told(doorway.card("nobody's")) == (GRANTED, Reason.FREE_ACCESS, None)
        assert told(doorway.pin("0000", "1-anna")) == (GRANTED, Reason.FREE_ACCESS, None)
        assert told(doorway.pin("4711", "1-anna")) == (GRANTED, Reason.FREE_ACCESS, "anna")
        assert doorway.wait(60) == []

    def test_free_access_is_no_way_to_try_pins(self):
        doorway = Doorway(door("pin"), mode=Mode.FREE_ACCESS)
        assert [doorway.pin("0000", "1-anna").alarms for _ in range(5)][-1] == (Alarm.LOCKED_OUT,)
        assert doorway.pin("4711", "1-anna").person is None

    def test_locked_down_denies_everybody(self):
        doorway = Doorway(door("face, card, pin"), mode=Mode.LOCKED_DOWN)
        decisions = [doorway.face("anna"), doorway.nobody(), doorway.card("card-anna"), doorway.pin("4711", "1-anna")]
        assert [decision.reason for decision in decisions] == [Reason.LOCKED_DOWN] * 4
        assert not doorway.keeper.unlocked(doorway.around)

    def test_the_mode_of_the_rules_holds_until_another_is_chosen(self):
        doorway = Doorway(door(mode=Mode.LOCKED_DOWN))
        assert doorway.face("anna").reason is Reason.LOCKED_DOWN
        doorway.keeper.set_mode(Mode.NORMAL)
        assert doorway.face("anna").outcome is GRANTED
        doorway.keeper.set_mode(None)
        assert doorway.keeper.mode is Mode.LOCKED_DOWN

    def test_unlocked_by_schedule(self):
        doorway = Doorway(door(mode=Mode.SCHEDULED, unlocked="office"))
        assert doorway.keeper.unlocked(doorway.around)
        assert doorway.nobody().reason is Reason.FREE_ACCESS
        doorway.set(at=MONDAY + timedelta(hours=10))
        assert not doorway.keeper.unlocked(doorway.around)
        assert doorway.nobody().reason is Reason.UNKNOWN

    def test_a_clock_that_may_be_wrong_unlocks_nothing_by_a_schedule(self):
        for mode, unlocked in ((Mode.SCHEDULED, False), (Mode.FIRST_PERSON, False), (Mode.FREE_ACCESS, True)):
            doorway = Doorway(door(mode=mode, unlocked="office")).set(clock_ok=False)
            assert doorway.face("anna").outcome is GRANTED
            assert doorway.keeper.unlocked(doorway.around) is unlocked
            assert (doorway.nobody().reason is Reason.FREE_ACCESS) is unlocked

    def test_unlocked_after_the_first_person(self):
        doorway = Doorway(door(mode=Mode.FIRST_PERSON, unlocked="office"))
        assert doorway.nobody().reason is Reason.UNKNOWN
        assert not doorway.keeper.unlocked(doorway.around)
        assert doorway.face("anna").reason is Reason.MATCH
        assert doorway.keeper.unlocked(doorway.around)
        assert doorway.nobody().reason is Reason.FREE_ACCESS
        restarted = Doorway(door(mode=Mode.FIRST_PERSON, unlocked="office"), opened_on=doorway.keeper.opened_on)
        assert restarted.keeper.unlocked(restarted.around)
        doorway.set(at=MONDAY + timedelta(days=1))
        assert not doorway.keeper.unlocked(doorway.around)

    def test_a_mode_does_not_keep_a_door_unlocked_while_the_other_of_the_lock_is_open(self):
        doorway = Doorway(door(interlock=("inner",)), mode=Mode.FREE_ACCESS)
        assert doorway.keeper.unlocked(doorway.around)
        doorway.set(open_doors=frozenset({"inner"}))
        assert not doorway.keeper.unlocked(doorway.around)
        assert doorway.face("anna").reason is Reason.INTERLOCK

    def test_somebody_who_may_changes_it_at_the_door(self):
        doorway = Doorway(door("card+pin", modes_by=BY_CHIEFS), CHIEF, BEN)
        assert doorway.card("card-anna", mode="free_access").reason is Reason.PIN_NEEDED
        assert doorway.keeper.mode is Mode.NORMAL
        assert doorway.pin("4711").outcome is GRANTED
        change = doorway.keeper.take_mode_change()
        assert (change.mode, change.by) == (Mode.FREE_ACCESS, "anna") == (doorway.keeper.mode, "anna")
        assert doorway.keeper.take_mode_change() is None

    def test_and_back_again_out_of_free_access_and_a_lockdown(self):
        for mode in (Mode.FREE_ACCESS, Mode.LOCKED_DOWN):
            doorway = Doorway(door("card+pin", modes_by=BY_CHIEFS), CHIEF, mode=mode)
            assert doorway.card("card-anna", mode="normal").reason is Reason.PIN_NEEDED
            assert doorway.pin("4711").outcome is GRANTED
            assert doorway.keeper.mode is Mode.NORMAL

    def test_who_locks_down_is_not_let_in(self):
        doorway = Doorway(door("card", modes_by=BY_CHIEFS), CHIEF)
        assert doorway.card("card-anna", mode="locked_down").reason is Reason.LOCKED_DOWN
        assert doorway.keeper.mode is Mode.LOCKED_DOWN

    @pytest.mark.parametrize(
        ("person", "asked", "reason"),
        [
            pytest.param("ben", {"mode": "normal"}, Reason.NO_ACCESS, id="by somebody who may not"),
            pytest.param("anna", {"mode": "ajar"}, Reason.NO_ACCESS, id="one that there is not"),
        ],
    )
    def test_otherwise_it_stays(self, person, asked, reason):
        doorway = Doorway(door("card", modes_by=BY_CHIEFS), CHIEF, BEN)
        assert doorway.card(f"card-{person}", **asked).reason is reason
        assert doorway.keeper.take_mode_change() is None

    def test_a_mode_is_not_asked_for_by_whoever_stands_near(self):
        doorway = Doorway(door("face", modes_by=BY_CHIEFS), CHIEF)
        assert doorway.press(mode="free_access").outcome is DENIED
        doorway.face("anna")
        assert doorway.keeper.mode is Mode.NORMAL


def test_what_can_be_no_card_is_one_that_nobody_has():
    doorway = Doorway(door("card"))
    assert doorway.card("12").reason is Reason.UNKNOWN_CREDENTIAL  # typed at a keypad, or read in part


class TestRepeats:
    def test_the_door_opens_again_and_nothing_is_asked_again(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        doorway.pin("4711")
        doorway.wait(20)
        again = doorway.face("anna", repeat=True)
        assert (told(again)[0], again.person, again.repeat) == (GRANTED, "anna", True)

    def test_for_one_of_two_who_were_needed_only_while_it_is_open_for_both(self):
        doorway = Doorway(door("face+pin", two_person="always"))
        doorway.face("anna")
        doorway.pin("4711")
        doorway.face("ben")
        doorway.pin("2580")
        doorway.wait(4)
        for person in ("anna", "ben"):
            again = doorway.face(person, repeat=True)
            assert (told(again)[0], again.person, again.repeat, again.companion) == (GRANTED, person, True, None)
        doorway.wait(2)
        assert doorway.face("anna", repeat=True).reason is Reason.PIN_NEEDED
        assert doorway.pin("4711").reason is Reason.SECOND_PERSON_NEEDED

    def test_not_long_after(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        doorway.pin("4711")
        doorway.wait(61)
        assert doorway.face("anna", repeat=True).reason is Reason.PIN_NEEDED

    def test_not_for_somebody_who_was_refused(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        assert doorway.face("anna", repeat=True).reason is Reason.PIN_NEEDED

    def test_a_face_opens_no_door_that_was_opened_without_it(self):
        doorway = Doorway(door("card"))
        doorway.face("anna")  # the gate has seen her, and will say so
        assert doorway.card("card-anna").outcome is GRANTED
        assert doorway.face("anna", repeat=True).reason is Reason.CARD_NEEDED
        either = Doorway(door("face, card"))
        either.card("card-anna")
        assert either.face("anna", repeat=True).repeat

    def test_not_in_a_lockdown_nor_while_the_other_door_is_open(self):
        doorway = Doorway(door(interlock=("inner",)))
        doorway.face("anna")
        doorway.set(open_doors=frozenset({"inner"}))
        assert doorway.face("anna", repeat=True).reason is Reason.INTERLOCK
        doorway.keeper.set_mode(Mode.LOCKED_DOWN)
        assert doorway.face("anna", repeat=True).reason is Reason.LOCKED_DOWN

    def test_not_for_somebody_who_is_put_on_the_blocklist_meanwhile(self):
        for mode in (Mode.NORMAL, Mode.FREE_ACCESS):
            doorway = Doorway(mode=mode)
            doorway.face("anna")
            doorway.keeper.register = register(replace(ANNA, state=State.BLOCKED))
            assert doorway.face("anna", repeat=True).reason is Reason.BLOCKED

    def test_free_access_is_nothing_to_be_repeated(self):
        doorway = Doorway(door("face+pin"), mode=Mode.FREE_ACCESS)
        doorway.face("anna")
        assert doorway.face("anna", repeat=True).repeat
        doorway.keeper.set_mode(Mode.NORMAL)
        assert doorway.face("anna", repeat=True).reason is Reason.PIN_NEEDED


class TestKeys:
    def test_a_key_before_or_with_what_is_shown(self):
        doorway = Doorway(door("face, pin"))
        assert doorway.press(key="break_start") is None
        assert doorway.face("anna").key == "break_start"
        assert doorway.face("ben").key is None
        assert doorway.pin("4711", "1-anna", key="out").key == "out"

    def test_a_key_while_a_pin_is_asked_for(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        assert doorway.press(key="out").reason is Reason.PIN_NEEDED
        assert doorway.pin("4711").key == "out"

    def test_a_key_after_the_face_is_that_of_who_stands_there(self):
        doorway = Doorway()
        assert doorway.face("anna").key is None
        doorway.wait(2)
        assert doorway.press(key="out") is None
        again = doorway.face("anna", repeat=True)
        assert (again.outcome, again.repeat, again.key) == (GRANTED, True, "out")
        assert doorway.face("anna", repeat=True).key is None
        assert doorway.face("ben").key is None

    def test_a_key_waits_on_where_who_stands_there_is_refused(self):
        doorway = Doorway(door(interlock=("inner",)))
        doorway.face("anna")
        doorway.press(key="out")
        doorway.set(open_doors=frozenset({"inner"}))
        assert doorway.face("anna", repeat=True).reason is Reason.INTERLOCK
        doorway.set(open_doors=frozenset())
        assert doorway.face("anna", repeat=True).key == "out"

    def test_a_key_waits_for_nobody_for_long(self):
        doorway = Doorway()
        doorway.press(key="out")
        doorway.wait(15)
        assert doorway.face("anna").key is None


class TestChanges:
    def test_new_rules_ask_the_running_attempt_for_more(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        doorway.keeper.rules = rules(door("face+card"))
        assert doorway.pin("4711").reason is Reason.CARD_NEEDED
        assert doorway.card("card-anna").outcome is GRANTED

    def test_somebody_who_is_removed_meanwhile_is_nobody(self):
        doorway = Doorway(door("face+pin"))
        doorway.face("anna")
        doorway.keeper.register = register(BEN)
        assert told(doorway.pin("4711")) == (PENDING, Reason.FACE_NEEDED, None)
        assert doorway.press(key="in").outcome is DENIED

    def test_what_is_stored_is_taken_over_but_for_what_is_not_stored_yet(self):
        doorway = Doorway(door("pin"))
        doorway.pin("0000", "1-anna")
        doorway.keeper.recall({"anna": Standing(), "ben": Standing(zone="lab", zone_at=MONDAY)})
        assert doorway.keeper.take_changes()["anna"].failures == 1
        doorway.keeper.hear(Passage("ben", "", MONDAY - timedelta(seconds=1)))
        assert doorway.keeper.take_changes() == {}


def _sighting(person):
    return Doorway().face(person).sighting


def test_what_no_card_can_have_on_it_is_an_unknown_card():
    assert told(Doorway(door("card")).card("?")) == (DENIED, Reason.UNKNOWN_CREDENTIAL, None)


@pytest.mark.parametrize("mode", ["scheduled", "first_person"])
def test_a_mode_that_wants_a_schedule_is_refused_at_a_door_without_one(mode):
    at = Doorway(door("card", modes_by=BY_CHIEFS), CHIEF)
    decision = at.card("card-anna", mode=mode)
    assert told(decision) == (DENIED, Reason.NO_ACCESS, "anna")
    assert "schedule" in decision.detail
    assert at.keeper.take_mode_change() is None


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)], ids=str)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_validity_at_the_end_of_the_calendar_can_be_told(at, zone):
    assert wall(at, ZoneInfo(zone)).lstrip("0").startswith(str(at.year))
