import pytest

from agent.access.effects import Raised
from agent.access.tailgate import Tailgate, TailgateSettings
from agent.types import Alarm

HINT = Raised(Alarm.TAILGATING)


def passage(pictures, *, people=("ada",), faceless=0, others=False, after=()):
    """What is said about an opening from 0 to 2 s: pictures each half a second, then those after it."""
    gate = Tailgate(TailgateSettings())
    gate.passed(people, faceless=faceless, others=others)
    said = [gate.saw(0.5 * number, near) for number, near in enumerate(pictures)]
    gate.closed(2.0)
    said += [gate.saw(2.5, {}), *(gate.saw(3.0 + number, near) for number, near in enumerate([*after, {}, {}]))]
    return [each for each in said if each is not None]


@pytest.mark.parametrize(
    ("pictures", "given", "hint"),
    [
        pytest.param([{1: "ada"}, {1: "ada"}], {}, False, id="one who was granted"),
        pytest.param([{1: "ada"}, {1: "ada", 2: None}, {2: None}], {}, True, id="a stranger behind"),
        pytest.param([{1: "ada"}, {1: "ada", 2: "bo"}, {2: "bo"}], {}, True, id="somebody known who was not granted"),
        pytest.param(
            [{1: "ada", 2: "bo"}, {1: "ada", 2: "bo"}], {"people": ("ada", "bo")}, False, id="two who were granted"
        ),
        pytest.param([{2: None}, {2: None}], {}, True, id="the one granted was through before the first picture"),
        pytest.param([{1: None}, {1: None}], {"faceless": 1}, False, id="a card, so the face is nobody's"),
        pytest.param([{1: None, 2: None}, {1: None, 2: None}], {"faceless": 1}, True, id="a card, and two faces"),
        pytest.param([{1: "ada"}, {2: None}, {}], {}, False, id="a flicker"),
        pytest.param([{1: "ada"}, {1: "ada"}, {3: "ada"}, {3: "ada"}], {}, False, id="a track that broke, recognised"),
        pytest.param([{1: None}, {1: None}, {1: "ada"}], {}, False, id="recognised only on the way"),
        pytest.param([{2: None}, {2: None}], {"others": True}, False, id="the exit button: nobody knows how many"),
        pytest.param([{2: None}, {2: None}], {"after": [{2: None}]}, False, id="who still stands there only waited"),
        pytest.param([], {}, False, id="nobody seen"),
    ],
)
def test_more_faces_than_were_granted(pictures, given, hint):
    assert passage(pictures, **given) == ([HINT] if hint else [])


def test_a_grant_while_the_door_stands_open_counts_for_the_same_opening():
    gate = Tailgate(TailgateSettings())
    gate.passed(("ada",))
    gate.saw(0.0, {1: "ada", 2: "bo"})
    gate.passed(("bo",))
    gate.saw(1.0, {1: "ada", 2: "bo"})
    gate.closed(2.0)
    assert gate.saw(3.0, {}) is None


def test_the_next_opening_begins_anew():
    gate = Tailgate(TailgateSettings())
    gate.passed(("ada",))
    gate.saw(0.0, {2: None})
    gate.saw(1.0, {2: None})
    gate.closed(2.0)
    gate.passed(("bo",))
    gate.closed(4.0)
    assert gate.saw(5.0, {}) is None


def test_without_an_opening_nothing_is_said():
    gate = Tailgate(TailgateSettings())
    gate.closed(0.0)
    assert gate.saw(1.0, {1: None}) is None
