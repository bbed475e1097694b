"""What differs between two texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.rulebook.compare import MOST_PAIRS, compared


def told(old, new):
    marks = {"same": " ", "gone": "-", "new": "+", "skip": "~"}
    return [f"{marks[line.kind]}{line.text}" for line in compared("\n".join(old), "\n".join(new))]


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("abc", "abc", []),
        ("abc", "axc", [" a", "-b", "+x", " c"]),
        ("abcdefg", "abcdefx", ["~", " e", " f", "-g", "+x"]),
        ("abcdefg", "xbcdefg", ["-a", "+x", " b", " c"]),
        ("abcdefgh", "xbcdefgx", ["-a", "+x", " b", " c", "~", " f", " g", "-h", "+x"]),
        ("abcdef", "xbcdex", ["-a", "+x", " b", " c", " d", " e", "-f", "+x"]),
        ("", "ab", ["-", "+a", "+b"]),
    ],
    ids=lambda value: "".join(value) or "nothing",
)
def test_a_little_around_it_is_told(old, new, difference):
    assert [line for line in told(old, new) if old or line != "-"] == [line for line in difference if line != "-"]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_nothing_that_differs_is_left_out(old, new):
    lines = compared("\n".join(old), "\n".join(new))
    assert all(old[line.number - 1] == line.text for line in lines if line.kind == "gone")
    assert all(new[line.number - 1] == line.text for line in lines if line.kind in ("same", "new"))
    gone = {line.number - 1 for line in lines if line.kind == "gone"}
    fresh = {line.number - 1 for line in lines if line.kind == "new"}
    rest = [text for number, text in enumerate(old) if number not in gone]
    assert rest == [text for number, text in enumerate(new) if number not in fresh]


def test_what_would_take_too_long_is_told_as_a_whole():
    count = int(MOST_PAIRS**0.5) + 1
    lines = compared("\n".join(["a", "b"] * count), "\n".join(["b", "c"] * count))
    assert [line.kind for line in lines] == ["gone"] * 2 * count + ["new"] * 2 * count


def test_lines_that_are_there_once_keep_long_texts_apart():
    old = [text for number in range(2000) for text in (f"[schedules.s{number}]", "sat = []", "")]
    new = [*old]
    new[1], new[3001], new[5998] = "sat = 1", "sat = 2", "sat = 3"
    lines = compared("\n".join(old), "\n".join(new))
    assert [line.text for line in lines if line.kind == "new"] == ["sat = 1", "sat = 2", "sat = 3"]
    assert sum(line.kind == "gone" for line in lines) == 3


def test_what_was_moved_is_gone_and_new():
    assert told("abcd", "acdb") == [" a", "-b", " c", " d", "+b"]
