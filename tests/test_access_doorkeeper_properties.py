"""What no sequence of faces, cards, PINs and waiting may do."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.access.factors import WAYS, Factors
from agent.access.holder import State
from agent.access.rules import AntiPassback, Mode, Zone
from agent.types import Alarm, Outcome, Reason, Shown
from tests.fakes.doorways import ANNA, BEN, Doorway, door

PEOPLE = ("anna", "ben")
PINS = {"anna": "4711", "ben": "2580"}
acts = st.one_of(
    st.tuples(st.just("face"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("nobody"), st.sampled_from([Reason.UNKNOWN, Reason.POOR_QUALITY])),
    st.tuples(st.just("card"), st.sampled_from(["card-anna", "card-ben", "card-nobody"])),
    st.tuples(st.just("pin"), st.sampled_from([*PINS.values(), "4799", "0000"])),
    st.tuples(st.just("badge"), st.sampled_from(["1-anna", "1-ben", "1-nobody"])),
    st.tuples(st.just("badge+pin"), st.tuples(st.sampled_from(["1-anna", "1-ben"]), st.sampled_from(["4711", "2580"]))),
    st.tuples(st.just("key"), st.just("out")),
    st.tuples(st.just("wait"), st.floats(0.1, 40.0)),
)
ways = st.lists(st.sampled_from([*WAYS]), min_size=1, max_size=3, unique=True).map(", ".join)


def act(doorway, what, value):
    """What one act leads to, in order; the decisions of a wait are all late ones."""
    if what == "wait":
        return doorway.wait(value)
    does = {
        "face": lambda: doorway.face(value),
        "nobody": lambda: doorway.nobody(value),
        "card": lambda: doorway.card(value),
        "pin": lambda: doorway.pin(value),
        "badge": lambda: doorway.badge(value),
        "badge+pin": lambda: doorway.pin(value[1], value[0]),
        "key": lambda: doorway.press(key=value),
    }
    return [decision for decision in (does[what](),) if decision is not None]


def shown_by(person, what, value):
    """Which factors of a person an act shows, by a rule of its own."""
    if (what, value) == ("face", person):
        return {Shown.FACE}
    if (what, value) == ("card", f"card-{person}"):
        return {Shown.CARD}
    pin = value[1] if what == "badge+pin" else value if what == "pin" else None
    duress = {"anna": "4799"}.get(person)
    return {Shown.PIN} if pin is not None and pin in {PINS[person], duress} else set()


@settings(max_examples=300, deadline=None)
@given(ways, st.lists(acts, max_size=14))
def test_nothing_opens_without_all_factors_of_one_way_shown_by_that_person(text, sequence):
    factors = Factors.parse(text)
    doorway = Doorway(door(text))
    shown = {person: [] for person in PEOPLE}  # (when, what)
    for what, value in sequence:
        for person in PEOPLE:
            shown[person] += [(doorway.around.at, factor) for factor in shown_by(person, what, value)]
        for decision in act(doorway, what, value):
            if decision.outcome is Outcome.GRANTED:
                by_now = {
                    factor
                    for at, factor in shown[decision.person]
                    if (doorway.around.at - at).total_seconds() <= 3 * 15
                }
                assert any({*way} <= by_now for way in factors.ways)
                assert set(decision.shown) <= by_now
                shown[decision.person].clear()  # each grant wants all of it anew


@settings(max_examples=200, deadline=None)
@given(ways, st.lists(acts, max_size=14), st.sampled_from(AntiPassback), st.booleans())
def test_one_act_grants_once_and_what_is_late_grants_nothing(text, sequence, passback, two):
    of = door(text, enters="lab", two_person="always" if two else None)
    doorway = Doorway(of, zones=(Zone("lab", passback, seconds=30.0),))
    for what, value in sequence:
        decisions = act(doorway, what, value)
        assert what == "wait" or len(decisions) <= 1
        assert what != "wait" or all(decision.outcome is Outcome.DENIED for decision in decisions)
        for decision in decisions:
            if two and decision.outcome is Outcome.GRANTED:
                assert decision.companion not in {None, decision.person}


@settings(max_examples=200, deadline=None)
@given(ways, st.lists(acts, max_size=14))
def test_locked_down_never_grants(text, sequence):
    doorway = Doorway(door(text), mode=Mode.LOCKED_DOWN)
    for what, value in sequence:
        assert all(decision.outcome is Outcome.DENIED for decision in act(doorway, what, value))
        assert not doorway.keeper.unlocked(doorway.around)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*Mode]), ways, st.lists(acts, max_size=14))
def test_the_blocklist_is_never_let_in(mode, text, sequence):
    doorway = Doorway(door(text), replace(ANNA, state=State.BLOCKED), BEN, mode=mode)
    for what, value in sequence:
        for decision in act(doorway, what, value):
            assert decision.outcome is not Outcome.GRANTED or decision.person != "anna"


@settings(max_examples=200, deadline=None)
@given(ways, st.lists(acts, max_size=14))
def test_the_same_makes_the_same(text, sequence):
    one, two = Doorway(door(text)), Doorway(door(text))
    assert [act(one, *each) for each in sequence] == [act(two, *each) for each in sequence]
    assert one.keeper.take_changes() == two.keeper.take_changes()


@settings(max_examples=200, deadline=None)
@given(ways, st.lists(acts, max_size=14))
def test_a_duress_pin_differs_from_the_pin_in_alarms_alone(text, sequence):
    forced = [(what, "4799" if (what, value) == ("pin", "4711") else value) for what, value in sequence]
    free = [(what, "4711" if (what, value) == ("pin", "4799") else value) for what, value in sequence]
    quiet, silent = Doorway(door(text)), Doorway(door(text))
    for one, other in zip(free, forced, strict=True):
        expected, told = act(quiet, *one), act(silent, *other)
        assert [replace(decision, alarms=_others(decision)) for decision in told] == expected
    assert quiet.keeper.take_changes() == silent.keeper.take_changes()


def _others(decision):
    return tuple(alarm for alarm in decision.alarms if alarm is not Alarm.DURESS)


@settings(max_examples=100, deadline=None)
@given(st.lists(acts, min_size=4, max_size=14), st.integers(1, 12))
def test_a_restart_between_two_people_changes_nothing(sequence, cut):
    """Where nobody is on the way, all there is to know is in the standings."""
    wholes = Doorway(door("pin"))
    parts = Doorway(door("pin"))
    stored = {}
    for number, each in enumerate(sequence):
        expected, told = act(wholes, *each), act(parts, *each)
        assert told == expected
        stored |= parts.keeper.take_changes()
        if number == cut:
            for doorway in (wholes, parts):
                doorway.wait(16)
            at = parts.around
            parts = Doorway(door("pin"), standings=stored | parts.keeper.take_changes())
            parts.around = at
