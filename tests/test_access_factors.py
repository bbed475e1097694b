import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.access.factors import FACE, WAYS, Factors
from agent.types import Shown

F, C, P = Shown.FACE, Shown.CARD, Shown.PIN


@pytest.mark.parametrize("text", [*WAYS, "face, card+pin", "pin, card, face"])
def test_what_is_written_is_read_and_written_again(text):
    assert str(Factors.parse(text)) == text


def test_spaces_and_doubles_do_not_count():
    assert Factors.parse(" face + pin ,face+pin") == Factors.parse("face+pin")


@pytest.mark.parametrize("text", ["", "smile", "face,", "pin+face", "face pin"])
def test_what_is_no_way_is_refused(text):
    with pytest.raises(ValueError, match="is no way to be let in; there are face, face"):
        Factors.parse(text)


@pytest.mark.parametrize(
    ("text", "shown", "missing"),
    [
        pytest.param("face", (), (F,), id="nothing shown"),
        pytest.param("face", (F,), (), id="all shown"),
        pytest.param("face+pin", (P,), (F,), id="in the other order"),
        pytest.param("face+card", (C, F), (), id="a face among everybody after the card"),
        pytest.param("card+face", (C, F), (), id="a face compared with one"),
        pytest.param("card+face", (F,), (C, F), id="a face before the card is none"),
        pytest.param("card+face", (F, C), (F,), id="not even with the card"),
        pytest.param("card+face, face+pin", (F, C), (F,), id="as much on either way: the first"),
        pytest.param("face, card+pin", (C,), (P,), id="as much on either way: the one that has begun"),
        pytest.param("face, card+pin", (), (F,), id="the way that needs least"),
        pytest.param("pin", (F, C), (P,), id="what leads nowhere"),
    ],
)
def test_what_is_missing(text, shown, missing):
    assert Factors.parse(text).missing(shown) == missing


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        pytest.param("face", {F}, id="face"),
        pytest.param("card+face", {C}, id="a face says nothing before the card"),
        pytest.param("face+card", {F, C}, id="either may come first"),
        pytest.param("card+face, pin", {C, P}, id="any of two ways"),
    ],
)
def test_what_leads_somewhere(text, takes):
    assert {what for what in Shown if Factors.parse(text).takes(what)} == takes


def test_when_the_face_is_compared_with_one():
    assert Factors.parse("card+face").compares_one((C,))
    assert not Factors.parse("card+face").compares_one(())
    assert not Factors.parse("card+face").compares_one((C, F))
    assert not Factors.parse("face+card").compares_one((C,))


def test_a_pin_on_top():
    assert FACE.with_pin() == Factors.parse("face+pin")
    assert Factors.parse("card+face, pin").with_pin().ways == ((C, F, P), (P,))
    assert str(Factors.parse("card+face").with_pin()) == "card+face+pin"


@given(
    st.lists(st.sampled_from([*WAYS]), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(Shown), unique=True),
)
def test_showing_what_is_missing_is_enough(ways, shown):
    factors = Factors.parse(",".join(ways))
    done = tuple(shown)
    for what in factors.missing(done):
        done = (*(each for each in done if each is not what), what)
    assert factors.missing(done) == ()
