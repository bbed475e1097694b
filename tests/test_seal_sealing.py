"""Sealing: only the same key opens, only where it was sealed for, and only what was not changed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.seal.sealing import OVERHEAD, BrokenSealError, Seal, belonging
from tests.fakes.keys import KEY, OTHER

SEAL = Seal(KEY)
parts = st.lists(st.text(max_size=12), max_size=4)


@given(st.binary(max_size=2000), parts)
@settings(deadline=None)
def test_what_was_sealed_opens(data, belongs):
    sealed = SEAL.close(data, belonging(*belongs))
    assert SEAL.open(sealed, belonging(*belongs)) == data
    assert len(sealed) == len(data) + OVERHEAD
    assert len(data) < 8 or data not in sealed


@given(st.binary(min_size=1, max_size=100), st.data())
@settings(max_examples=200, deadline=None)
def test_one_bit_changed_does_not_open(data, draw):
    sealed = bytearray(SEAL.close(data, b"x"))
    at = draw.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(BrokenSealError):
        SEAL.open(bytes(sealed), b"x")


@given(parts, parts)
@settings(deadline=None)
def test_what_was_moved_does_not_open(here, there):
    if here != there:
        with pytest.raises(BrokenSealError, match="moved here from elsewhere"):
            SEAL.open(SEAL.close(b"face", belonging(*here)), belonging(*there))


@given(parts, parts)
@settings(deadline=None)
def test_no_two_lists_of_parts_are_the_same_bytes(one, other):
    assert (belonging(*one) == belonging(*other)) == (one == other)


def test_another_key_does_not_open():
    with pytest.raises(BrokenSealError):
        Seal(OTHER).open(SEAL.close(b"face", b""), b"")


@pytest.mark.parametrize("length", [0, 1, 12, 13, 28, 40])
def test_what_is_cut_short_does_not_open(length):
    with pytest.raises(BrokenSealError):
        SEAL.open(SEAL.close(b"a face is here", b"")[:length], b"")


def test_a_newer_format_is_told():
    with pytest.raises(BrokenSealError, match="a format that is not known: 02"):
        SEAL.open(b"\x02" + SEAL.close(b"face", b"")[1:], b"")


def test_the_same_is_sealed_differently_each_time():
    assert len({SEAL.close(b"face", b"") for _ in range(100)}) == 100
