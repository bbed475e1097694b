"""Zones: who is where, who may go through, and what other doors say."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.access.around import Passage
from agent.access.factors import Factors
from agent.access.holder import Standing
from agent.access.rules import AntiPassback, DoorRules, Zone
from agent.types import Alarm, Outcome, Reason
from tests.fakes.doorways import ANNA, MONDAY, Doorway, door

HARD = Zone("lab", AntiPassback.HARD, forget_hours=24.0)
SOFT = replace(HARD, anti_passback=AntiPassback.SOFT)
TIMED = replace(HARD, anti_passback=AntiPassback.TIMED, seconds=600.0)
INTO = door(enters="lab", leaves="")
OUT = door(enters="", leaves="lab")
SIDE = DoorRules("side", enters="", leaves="lab")
INSIDE, OUTSIDE = Standing(zone="lab", zone_at=MONDAY), Standing(zone="", zone_at=MONDAY)


def come(of, zone, standing=None, **around):
    doorway = Doorway(of, zones=(zone,), standings={"anna": standing} if standing else {}, more=(SIDE,))
    decision = doorway.set(**around).face("anna")
    return decision.reason, decision.alarms


@pytest.mark.parametrize(
    ("of", "zone", "standing", "reason", "alarms"),
    [
        pytest.param(INTO, HARD, None, Reason.MATCH, (), id="in, from nobody knows where"),
        pytest.param(INTO, HARD, OUTSIDE, Reason.MATCH, (), id="in, from outside"),
        pytest.param(INTO, HARD, INSIDE, Reason.PASSBACK, (), id="in twice"),
        pytest.param(OUT, HARD, None, Reason.MATCH, (), id="out, from nobody knows where"),
        pytest.param(OUT, HARD, INSIDE, Reason.MATCH, (), id="out, from inside"),
        pytest.param(OUT, HARD, OUTSIDE, Reason.PASSBACK, (), id="out without having come in"),
        pytest.param(INTO, SOFT, INSIDE, Reason.MATCH, (Alarm.PASSBACK,), id="in twice, softly"),
        pytest.param(OUT, SOFT, OUTSIDE, Reason.MATCH, (Alarm.PASSBACK,), id="out twice, softly"),
        pytest.param(INTO, TIMED, INSIDE, Reason.PASSBACK, (), id="in twice within the time"),
        pytest.param(OUT, TIMED, OUTSIDE, Reason.MATCH, (), id="out twice, where only time counts"),
        pytest.param(INTO, replace(HARD, exempt=ANNA.groups), INSIDE, Reason.MATCH, (), id="in twice, exempt"),
        pytest.param(
            INTO, replace(HARD, anti_passback=AntiPassback.OFF), INSIDE, Reason.MATCH, (), id="in twice, not watched"
        ),
    ],
)
def test_who_goes_where(of, zone, standing, reason, alarms):
    assert come(of, zone, standing) == (reason, alarms)


@pytest.mark.parametrize(
    ("zone", "standing", "expected"),
    [
        pytest.param(HARD, INSIDE, (Reason.MATCH, (Alarm.PASSBACK,)), id="allowed: let in with an alarm"),
        pytest.param(HARD, OUTSIDE, (Reason.MATCH, ()), id="allowed: nothing wrong as far as heard"),
        pytest.param(
            replace(HARD, silent_peers_deny=True), OUTSIDE, (Reason.PEERS_SILENT, ()), id="denied, whatever was heard"
        ),
        pytest.param(
            replace(TIMED, silent_peers_deny=True), None, (Reason.PEERS_SILENT, ()), id="denied by time as well"
        ),
        pytest.param(
            replace(SOFT, silent_peers_deny=True), INSIDE, (Reason.MATCH, (Alarm.PASSBACK,)), id="soft stays soft"
        ),
        pytest.param(
            replace(HARD, silent_peers_deny=True, exempt=ANNA.groups), INSIDE, (Reason.MATCH, ()), id="exempt"
        ),
    ],
)
def test_a_door_that_cannot_be_heard(zone, standing, expected):
    assert come(INTO, zone, standing, silent=frozenset({"side"})) == expected


def test_doors_of_other_zones_may_be_silent():
    assert come(INTO, replace(HARD, silent_peers_deny=True), silent=frozenset({"garage"})) == (Reason.MATCH, ())


def test_after_some_hours_nobody_knows():
    doorway = Doorway(INTO, zones=(HARD,), standings={"anna": INSIDE})
    doorway.wait(24 * 3600)
    assert doorway.face("anna").reason is Reason.PASSBACK
    doorway.wait(1)
    assert doorway.face("anna").outcome is Outcome.GRANTED


def test_timed_lets_in_when_the_time_is_over():
    doorway = Doorway(INTO, zones=(TIMED,))
    doorway.face("anna")
    doorway.wait(599)
    refused = doorway.face("anna")
    assert (refused.reason, refused.detail) == (Reason.PASSBACK, "in lab, may enter again in 1 s")
    doorway.wait(1)
    assert doorway.face("anna").outcome is Outcome.GRANTED


def test_a_clock_that_is_set_back_does_not_make_the_time_longer_than_it_is():
    doorway = Doorway(INTO, zones=(TIMED,))
    doorway.face("anna")
    doorway.wait(-86400)
    assert doorway.face("anna").reason is Reason.PASSBACK
    doorway.wait(600)
    assert doorway.face("anna").outcome is Outcome.GRANTED


def test_a_repeat_is_no_second_passage():
    doorway = Doorway(INTO, zones=(HARD,))
    doorway.face("anna")
    doorway.face("ben")
    assert [doorway.face(person, repeat=True).reason for person in ("anna", "ben")] == [Reason.MATCH] * 2
    assert [passage.person for passage in doorway.keeper.take_passages()] == ["anna", "ben"]


def test_a_grant_moves_a_person_and_other_doors_hear_of_it():
    doorway = Doorway(INTO, zones=(HARD,))
    doorway.face("anna")
    assert doorway.keeper.take_passages() == [Passage("anna", "lab", MONDAY)]
    assert doorway.keeper.take_passages() == []
    assert doorway.keeper.take_changes() == {"anna": INSIDE}


def test_both_of_two_people_move():
    doorway = Doorway(replace(INTO, two_person="always"), zones=(HARD,))
    doorway.face("anna")
    assert doorway.keeper.take_passages() == []
    doorway.face("ben")
    assert [passage.person for passage in doorway.keeper.take_passages()] == ["anna", "ben"]


def test_the_second_of_two_does_not_come_in_with_a_first_who_is_inside_already():
    doorway = Doorway(replace(INTO, two_person="always"), zones=(HARD,))
    doorway.face("anna")
    doorway.keeper.hear(Passage("anna", "lab", MONDAY))
    assert doorway.face("ben").reason is Reason.SECOND_PERSON_NEEDED
    assert [(late.person, late.reason) for late in doorway.wait(0)] == [("anna", Reason.PASSBACK)]


def test_a_door_that_only_leaves_a_zone_leads_outside():
    doorway = Doorway(door(leaves="lab"), zones=(HARD,), standings={"anna": INSIDE})
    doorway.face("anna")
    assert doorway.keeper.take_passages() == [Passage("anna", "", MONDAY)]


def test_a_door_without_zones_moves_nobody():
    doorway = Doorway()
    doorway.face("anna")
    assert (doorway.keeper.take_passages(), doorway.keeper.take_changes()) == ([], {})


class TestThroughWhenTheDoorOpens:
    def doorway(self):
        return Doorway(replace(INTO, passes_on_opening=True), zones=(HARD,))

    def test_who_does_not_open_stays_outside(self):
        doorway = self.doorway()
        assert doorway.face("anna").outcome is Outcome.GRANTED
        doorway.wait(120)
        assert doorway.face("anna").outcome is Outcome.GRANTED
        assert doorway.keeper.take_passages() == []

    def test_who_opens_is_inside(self):
        doorway = self.doorway()
        doorway.face("anna")
        doorway.wait(3)
        doorway.keeper.passed(("anna",), doorway.around)
        assert [(passage.person, passage.zone) for passage in doorway.keeper.take_passages()] == [("anna", "lab")]
        doorway.wait(120)
        assert doorway.face("anna").reason is Reason.PASSBACK

    def test_who_opens_once_is_inside_once(self):
        doorway = self.doorway()
        doorway.face("anna")
        for _ in range(2):
            doorway.keeper.passed(("anna",), doorway.around)
        assert len(doorway.keeper.take_passages()) == 1

    def test_the_first_of_two_is_inside_with_the_second(self):
        doorway = Doorway(replace(INTO, passes_on_opening=True, two_person="always"), zones=(HARD,))
        doorway.face("anna")
        doorway.face("ben")
        doorway.keeper.passed(("ben",), doorway.around)
        assert [passage.person for passage in doorway.keeper.take_passages()] == ["anna", "ben"]

    def test_where_the_grant_itself_counts_the_opening_moves_nobody(self):
        doorway = Doorway(INTO, zones=(HARD,))
        doorway.face("anna")
        doorway.keeper.take_passages()
        doorway.keeper.passed(("anna",), doorway.around)
        assert doorway.keeper.take_passages() == []


def test_a_card_that_is_read_twice_is_not_told_that_it_is_inside_already():
    doorway = Doorway(replace(INTO, factors=Factors.parse("card")), zones=(HARD,))
    assert doorway.card("card-anna").outcome is Outcome.GRANTED
    doorway.wait(0.005)
    assert doorway.card("card-anna") is None
    assert doorway.card("card-ben").outcome is Outcome.GRANTED
    doorway.wait(1)
    assert doorway.card("card-anna").reason is Reason.PASSBACK


class TestHearing:
    def test_somebody_who_went_in_elsewhere_is_inside(self):
        doorway = Doorway(INTO, zones=(HARD,))
        doorway.keeper.hear(Passage("anna", "lab", MONDAY))
        assert doorway.face("anna").reason is Reason.PASSBACK
        doorway.keeper.hear(Passage("anna", "", MONDAY + timedelta(seconds=5)))
        assert doorway.face("anna").outcome is Outcome.GRANTED

    def test_old_news_is_no_news(self):
        doorway = Doorway(INTO, zones=(HARD,))
        doorway.face("anna")
        doorway.keeper.take_changes()
        doorway.keeper.hear(Passage("anna", "", MONDAY - timedelta(seconds=5)))
        assert doorway.keeper.take_changes() == {}

    def test_a_door_whose_clock_is_wrong_does_not_outvote_the_others_for_long(self):
        doorway = Doorway(INTO, zones=(HARD,))
        doorway.wait(0)
        doorway.keeper.hear(Passage("anna", "lab", MONDAY + timedelta(days=365)))
        doorway.keeper.hear(Passage("anna", "", MONDAY + timedelta(seconds=1)))
        assert doorway.face("anna").outcome is Outcome.GRANTED

    def test_a_clock_that_was_set_back_does_not_make_news_old(self):
        doorway = Doorway(INTO, zones=(HARD,))
        doorway.face("anna")
        doorway.wait(-7200)
        doorway.keeper.hear(Passage("anna", "", doorway.around.at))
        assert doorway.face("anna").outcome is Outcome.GRANTED

    def test_people_whom_nobody_knows_here_take_no_room(self):
        doorway = Doorway(INTO, zones=(HARD,))
        for n in range(2000):
            doorway.keeper.hear(Passage(f"bogus-{n}", "lab", MONDAY))
        assert (doorway.keeper.take_changes(), doorway.keeper.whereabouts(9)) == ({}, ())

    def test_what_is_heard_is_stored_and_not_told_again(self):
        doorway = Doorway(INTO, zones=(HARD,))
        doorway.keeper.hear(Passage("anna", "lab", MONDAY))
        assert doorway.keeper.take_changes() == {"anna": INSIDE}
        assert doorway.keeper.take_passages() == []
