"""A signature at the door: only of whom something else has named, counted like a PIN, and never a way for nobody."""

from dataclasses import replace

import pytest

from agent.access.credentials import SIGNATURES
from agent.access.factors import Factors
from agent.types import Alarm, Outcome, Reason, Shown
from tests.fakes.doorways import ANNA, BEN, Doorway, door

GRANTED, DENIED, PENDING = Outcome.GRANTED, Outcome.DENIED, Outcome.PENDING


def told(decision):
    return decision.outcome, decision.reason, decision.person


@pytest.mark.parametrize(
    ("way", "first"),
    [
        ("face+signature", lambda doorway: doorway.face("anna")),
        ("card+signature", lambda doorway: doorway.card("card-anna")),
        ("pin+signature", lambda doorway: doorway.pin("4711", "1-anna")),
    ],
    ids=["after the face", "after the card", "after badge number and PIN"],
)
def test_whoever_was_named_signs_and_comes_in(way, first):
    doorway = Doorway(door(way))
    assert told(first(doorway)) == (PENDING, Reason.SIGNATURE_NEEDED, "anna")
    granted = doorway.sign("anna")
    assert told(granted) == (GRANTED, Reason.CREDENTIAL, "anna")
    assert granted.shown[-1] is Shown.SIGNATURE
    assert (granted.signature.references, granted.signature.threshold) == (1, 0.5)
    assert granted.signature.distance == pytest.approx(0.1, abs=1e-3)


def test_another_hand_is_refused_may_try_again_and_is_locked_out_at_last():
    doorway = Doorway(door("face+signature", failures=3))
    doorway.face("anna")
    first = doorway.sign("ben")
    assert (told(first), first.detail) == ((DENIED, Reason.WRONG_SIGNATURE, "anna"), "2 more tries")
    assert first.signature.distance > first.signature.threshold
    doorway.sign("ben")
    last = doorway.sign("ben")
    assert last.alarms == (Alarm.LOCKED_OUT,)
    assert told(doorway.face("anna"))[:2] == (DENIED, Reason.LOCKED_OUT)
    doorway.wait(31)
    doorway.face("anna")
    assert told(doorway.sign("anna"))[0] is GRANTED


def test_failures_of_a_signature_and_of_a_pin_count_together_and_success_starts_over():
    doorway = Doorway(door("face+signature", failures=3))
    for number in range(3):
        doorway.face("anna")
        assert doorway.sign("ben").detail == "2 more tries"
        assert told(doorway.sign("anna", 0.1 + 0.02 * number))[0] is GRANTED


def test_a_recording_of_a_reference_is_no_signature():
    doorway = Doorway(door("face+signature"))
    doorway.face("anna")
    refused = doorway.sign("anna", 0.0)
    assert told(refused) == (DENIED, Reason.WRONG_SIGNATURE, "anna")
    assert refused.signature.replayed


class TestARecordingOfWhatWasRight:
    """Nobody writes twice the same: what has let somebody in lets nobody in again."""

    def come(self, doorway, off):
        doorway.face("anna")
        return doorway.sign("anna", off)

    def test_is_refused_and_another_signature_is_not(self):
        doorway = Doorway(door("face+signature"))
        assert told(self.come(doorway, 0.1))[0] is GRANTED
        refused = self.come(doorway, 0.1)
        assert told(refused) == (DENIED, Reason.WRONG_SIGNATURE, "anna")
        assert refused.signature.replayed
        assert told(doorway.sign("anna", 0.12))[0] is GRANTED

    def test_also_after_a_restart_and_when_the_references_are_others(self):
        before = Doorway(door("face+signature"))
        self.come(before, 0.1)
        after = Doorway(door("face+signature"), standings=before.keeper.take_changes())
        after.keeper.register = replace(after.keeper.register)
        assert self.come(after, 0.1).signature.replayed

    def test_is_remembered_of_so_many_and_no_more(self):
        doorway = Doorway(door("face+signature"))
        offs = [0.1 + 0.005 * number for number in range(SIGNATURES + 1)]
        assert {told(self.come(doorway, off))[0] for off in offs} == {GRANTED}
        assert len(doorway.keeper.take_changes()["anna"].signed) == SIGNATURES
        assert self.come(doorway, offs[1]).signature.replayed
        assert told(doorway.sign("anna", offs[0]))[0] is GRANTED

    def test_what_was_refused_is_not_remembered(self):
        doorway = Doorway(door("face+signature"))
        doorway.face("anna")
        doorway.sign("ben")
        assert doorway.keeper.take_changes()["anna"].signed == ()


class TestTime:
    """To write takes longer than all else; each door says how long."""

    @pytest.fixture
    def doorway(self):
        return Doorway(door("face+signature", factor_seconds=15, signature_seconds=40))

    def test_to_sign_is_its_own(self, doorway):
        doorway.face("anna")
        assert doorway.wait(39) == []
        assert told(doorway.sign("anna"))[0] is GRANTED

    def test_is_over_at_last(self, doorway):
        doorway.face("anna")
        ((late, reason, _),) = map(told, doorway.wait(40))
        assert (late, reason) == (DENIED, Reason.INCOMPLETE)

    def test_begins_anew_after_one_that_was_refused(self, doorway):
        doorway.face("anna")
        doorway.wait(39)
        doorway.sign("ben")
        doorway.wait(39)
        assert told(doorway.sign("anna"))[0] is GRANTED

    def test_for_what_comes_before_is_as_ever(self):
        doorway = Doorway(door("pin+signature", factor_seconds=15, signature_seconds=40))
        doorway.badge("1-anna")
        assert [each.reason for each in doorway.wait(15)] == [Reason.INCOMPLETE]


def test_nobody_is_looked_up_by_a_signature():
    doorway = Doorway(door("face+signature"))
    assert told(doorway.sign("anna")) == (PENDING, Reason.FACE_NEEDED, None)
    doorway = Doorway(door("pin+signature"))
    assert told(doorway.sign("anna")) == (DENIED, Reason.UNKNOWN_CREDENTIAL, None)


def test_a_badge_number_alone_lets_nobody_try_signatures():
    doorway = Doorway(door("pin+signature", failures=2))
    assert told(doorway.pin(None, "1-anna"))[1] is Reason.PIN_NEEDED
    for _ in range(5):
        assert told(doorway.sign("ben")) == (PENDING, Reason.PIN_NEEDED, "anna")
    assert told(doorway.pin("4711"))[1] is Reason.SIGNATURE_NEEDED


def test_who_has_never_signed_is_told_so_or_takes_another_way():
    refused = Doorway(door("face+signature")).face("ben")
    assert (told(refused), refused.detail) == ((DENIED, Reason.NO_SIGNATURE, "ben"), "no signature is enrolled")
    doorway = Doorway(door("face+signature, face+pin"))
    assert told(doorway.face("ben")) == (PENDING, Reason.PIN_NEEDED, "ben")
    assert told(doorway.pin("2580"))[0] is GRANTED


def test_who_cannot_sign_today_takes_another_way():
    doorway = Doorway(door("face+signature, face+pin"))
    assert told(doorway.face("anna")) == (PENDING, Reason.SIGNATURE_NEEDED, "anna")
    assert told(doorway.pin("4711"))[0] is GRANTED


def test_a_door_without_an_encoder_says_so():
    doorway = Doorway(door("face+signature"), weigh=None)
    doorway.keeper.register = replace(doorway.keeper.register, signatures={})
    refused = doorway.face("anna")
    assert refused.detail == "this door has no encoder for signatures"
    assert told(refused) == (DENIED, Reason.NO_SIGNATURE, "anna")


def test_references_of_another_encoder_do_not_count():
    doorway = Doorway(door("face+signature"))
    doorway.face("anna")
    theirs = doorway.keeper.register.signatures["anna"]
    signatures = {"anna": replace(theirs, model="another")}
    doorway.keeper.register = replace(doorway.keeper.register, signatures=signatures)
    assert told(doorway.sign("anna")) == (DENIED, Reason.NO_SIGNATURE, "anna")


def test_a_signature_that_nobody_asked_for_changes_nothing():
    doorway = Doorway(door("face+pin"))
    doorway.face("anna")
    assert told(doorway.sign("ben")) == (PENDING, Reason.PIN_NEEDED, "anna")
    assert told(doorway.pin("4711"))[0] is GRANTED


def test_a_repeat_of_the_visit_does_not_say_that_somebody_signed_again():
    doorway = Doorway(door("face+signature"), ANNA, BEN)
    doorway.face("anna")
    doorway.sign("anna")
    again = doorway.face("anna", repeat=True)
    assert (told(again)[0], again.repeat, again.signature) == (GRANTED, True, None)


def test_the_duress_pin_is_told_also_where_no_signature_can_follow():
    doorway = Doorway(door("pin+signature"), replace(BEN, duress="2599"))
    denied = doorway.pin("2599", "1-ben")
    assert (denied.reason, denied.alarms) == (Reason.NO_SIGNATURE, (Alarm.DURESS,))


def test_ways_without_something_are_left_or_all_where_none_is():
    ways = Factors.parse("face+signature, face+pin")
    assert str(ways.without(Shown.SIGNATURE)) == "face+pin"
    assert str(Factors.parse("face+signature").without(Shown.SIGNATURE)) == "face+signature"
