"""Every reason can be reached at a door, by as little as this, and has the sentence that deploy/MQTT.md has."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.access.holder import State
from agent.access.rules import AntiPassback, DoorRules, Mode, Zone
from agent.access.told import TOLD
from agent.types import Outcome, Reason
from tests.fakes.doorways import ANNA, MONDAY, Doorway, door

ZONE = Zone("lab", AntiPassback.HARD)
INTO = door(enters="lab")
HOUR = timedelta(hours=1)


def last(*decisions):
    return decisions[-1]


def with_anna(**attributes):
    return Doorway(None, replace(ANNA, **attributes)).face("anna")


def twice(doorway):
    return last(doorway.face("anna"), doorway.face("anna"))


def wrong_pins(doorway):
    return last(*(doorway.pin("0000", "1-anna") for _ in range(6)))


def card_then(act):
    doorway = Doorway(door("card+face"))
    doorway.card("card-anna")
    return act(doorway)


def face_then(act):
    doorway = Doorway(door("face+card"))
    doorway.face("anna")
    return act(doorway)


def signing(person, writer):
    doorway = Doorway(door("face+signature"))
    doorway.face(person)
    return doorway.sign(writer)


def timed_out(doorway, act, seconds):
    act(doorway)
    (late,) = doorway.wait(seconds)
    return late


REACHED = {
    Reason.MATCH: lambda: Doorway().face("anna"),
    Reason.CREDENTIAL: lambda: Doorway(door("card")).card("card-anna"),
    Reason.FREE_ACCESS: lambda: Doorway(mode=Mode.FREE_ACCESS).nobody(),
    Reason.UNKNOWN: lambda: Doorway().nobody(),
    Reason.AMBIGUOUS: lambda: Doorway().nobody(Reason.AMBIGUOUS),
    Reason.INCONSISTENT: lambda: Doorway().nobody(Reason.INCONSISTENT),
    Reason.EMPTY_GALLERY: lambda: Doorway().nobody(Reason.EMPTY_GALLERY),
    Reason.POOR_QUALITY: lambda: Doorway().nobody(Reason.POOR_QUALITY),
    Reason.UNKNOWN_CREDENTIAL: lambda: Doorway(door("card")).card("nobody's"),
    Reason.WRONG_PIN: lambda: Doorway(door("pin")).pin("0000", "1-anna"),
    Reason.WRONG_CARD: lambda: face_then(lambda doorway: doorway.card("card-ben")),
    Reason.FACE_MISMATCH: lambda: card_then(lambda doorway: doorway.nobody()),
    Reason.WRONG_SIGNATURE: lambda: signing("anna", "ben"),
    Reason.NO_SIGNATURE: lambda: Doorway(door("face+signature")).face("ben"),
    Reason.INCOMPLETE: lambda: timed_out(Doorway(door("face+pin")), lambda doorway: doorway.face("anna"), 15),
    Reason.LOCKED_OUT: lambda: wrong_pins(Doorway(door("pin"))),
    Reason.SUSPENDED: lambda: with_anna(state=State.SUSPENDED),
    Reason.LEFT: lambda: with_anna(state=State.LEFT),
    Reason.BLOCKED: lambda: with_anna(state=State.BLOCKED),
    Reason.NOT_YET_VALID: lambda: with_anna(valid_from=MONDAY + HOUR),
    Reason.NO_LONGER_VALID: lambda: with_anna(valid_to=MONDAY),
    Reason.NO_ACCESS: lambda: with_anna(groups=frozenset({"guests"})),
    Reason.OUTSIDE_SCHEDULE: lambda: Doorway(schedule="office").set(at=MONDAY + 12 * HOUR).face("anna"),
    Reason.PASSBACK: lambda: twice(Doorway(INTO, zones=(ZONE,))),
    Reason.PEERS_SILENT: lambda: (
        Doorway(INTO, zones=(replace(ZONE, silent_peers_deny=True),), more=(DoorRules("side", leaves="lab"),))
        .set(silent=frozenset({"side"}))
        .face("anna")
    ),
    Reason.NO_SECOND_PERSON: lambda: timed_out(
        Doorway(door(two_person="always")), lambda doorway: doorway.face("anna"), 20
    ),
    Reason.LOCKED_DOWN: lambda: Doorway(mode=Mode.LOCKED_DOWN).face("anna"),
    Reason.INTERLOCK: lambda: Doorway(door(interlock=("inner",))).set(open_doors=frozenset({"inner"})).face("anna"),
    Reason.STORAGE_FAILED: lambda: Doorway().set(storage_ok=False).face("anna"),
    Reason.PIN_NEEDED: lambda: Doorway(door("face+pin")).face("anna"),
    Reason.CARD_NEEDED: lambda: Doorway(door("face+card")).face("anna"),
    Reason.FACE_NEEDED: lambda: Doorway(door("card+face")).card("card-anna"),
    Reason.SIGNATURE_NEEDED: lambda: Doorway(door("face+signature")).face("anna"),
    Reason.SECOND_PERSON_NEEDED: lambda: Doorway(door(two_person="always")).face("anna"),
}


@pytest.mark.parametrize("reason", REACHED)
def test_every_reason_is_reached(reason):
    assert REACHED[reason]().reason is reason


def test_none_is_missing():
    assert set(REACHED) == set(Reason) == set(TOLD)


DOCUMENTED = re.findall(
    r"^\| `(\w+)` \| (granted|denied|pending) \| .* \| (.*) \|$",
    (Path(__file__).parents[1] / "deploy/MQTT.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_the_sentences_are_those_of_the_documentation():
    assert {reason: text for reason, _, text in DOCUMENTED} == {str(reason): text for reason, text in TOLD.items()}


@pytest.mark.parametrize(("reason", "outcome"), [(reason, outcome) for reason, outcome, _ in DOCUMENTED])
def test_the_outcomes_are_those_of_the_documentation(reason, outcome):
    assert REACHED[Reason(reason)]().outcome is Outcome(outcome)
