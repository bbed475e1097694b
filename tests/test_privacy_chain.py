"""The chain: any change, removal, swap or insertion is found, and the row named."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.privacy.chain import (
    ERASED,
    ERASED_BY,
    PRUNED,
    START,
    Anchor,
    Break,
    Row,
    at_text,
    canonical,
    first_break,
    link,
)

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def chain(*details, before=START, action="changed"):
    rows = []
    for i, each in enumerate(details):
        at = NOW + timedelta(seconds=i)
        row = link(
            before,
            at=at,
            boot_id="b",
            action=action,
            by="cli",
            subject="anna",
            command_id=None,
            details=canonical(each),
        )
        rows.append(row)
        before = row.anchor
    return rows


def erased(row):
    return replace(row, subject=None, command_id=None, details=None, about_salt=None)


FIVE = chain({"n": 0}, {"n": 1.5}, {"ü": ["x"]}, {}, {"n": 4})


def flipped(text, at, bit):
    """The text with one bit of its UTF-8 changed, or None where that is no text."""
    raw = bytearray(text.encode())
    raw[at % len(raw)] ^= 1 << bit
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def test_a_whole_chain_holds():
    assert first_break(FIVE) is None
    assert first_break([]) is None


@given(st.lists(st.dictionaries(st.text(), ANYTHING, max_size=3), max_size=5))
def test_a_chain_over_any_json_holds(details):
    assert first_break(chain(*details)) is None


@given(st.sampled_from(range(5)), st.sampled_from(fields(Row)), st.integers(0, 1000), st.integers(0, 7))
def test_any_single_bit_that_changes_is_found_in_its_row(index, field, at, bit):
    rows = list(FIVE)
    value = getattr(rows[index], field.name)
    if value is None:
        return
    changed = value ^ (1 << bit) if isinstance(value, int) else flipped(value, at, bit)
    if changed is None:
        return
    rows[index] = replace(rows[index], **{field.name: changed})
    found = first_break(rows if field.name != "number" else sorted(rows, key=lambda row: row.number))
    assert found is not None
    # A row with another number is missing where it was, or stands before all others
    assert found.number == index + 1 or field.name == "number"


@given(st.sampled_from(range(4)))
def test_a_row_that_was_taken_out_is_named(index):
    assert first_break(FIVE[:index] + FIVE[index + 1 :]) == Break(index + 1, "is missing")


@given(st.sampled_from(range(5)), st.sampled_from(range(5)))
def test_two_rows_that_changed_places_are_found_at_the_first(one, other):
    rows = list(FIVE)
    rows[one], rows[other] = replace(rows[other], number=one + 1), replace(rows[one], number=other + 1)
    found = first_break(rows)
    assert found is None if one == other else found.number == min(one, other) + 1


@given(st.sampled_from(range(6)))
def test_a_row_that_was_put_in_is_found_there_or_right_after(index):
    before = FIVE[index - 1].anchor if index else START
    put_in = chain({"forged": True}, before=before)
    moved = [replace(row, number=row.number + 1) for row in FIVE[index:]]
    found = first_break(FIVE[:index] + put_in + moved)
    if index == 5:
        assert found is None  # a row at the end is a row like others: an anchor outside shows who wrote it
    else:
        assert found.number == index + 2


def test_a_tail_that_was_cut_off_shows_against_an_anchor_alone():
    anchor = FIVE[4].anchor
    assert first_break(FIVE[:3]) is None
    assert first_break(FIVE[:3], known=anchor).number == 4
    assert first_break(FIVE, known=anchor) is None


def test_a_chain_made_anew_shows_against_an_anchor_alone():
    anew = chain(*[json.loads(row.details) for row in FIVE])
    assert first_break(anew) is None
    assert first_break(anew, known=FIVE[2].anchor).number == 3


def test_what_was_erased_is_a_break_unless_a_later_row_says_so():
    rows = [FIVE[0], erased(FIVE[1]), *FIVE[2:]]
    assert first_break(rows) == Break(2, "was erased, and no later row says why")
    assert first_break([*rows, *chain({ERASED: [2]}, before=rows[-1].anchor)]) is None
    early = chain({ERASED: [2]}, {}, {})
    assert first_break([early[0], erased(early[1]), early[2]]).number == 2  # said before it was done


def test_what_was_erased_of_the_other_half_is_a_break_all_the_same():
    for key, no_other in ((ERASED, {"by": None, "by_salt": None}), (ERASED_BY, {"by": "cli"})):
        rows = [FIVE[0], replace(erased(FIVE[1]), **no_other), *FIVE[2:]]
        rows += chain({key: [2]}, before=rows[-1].anchor)
        assert first_break(rows) == Break(2, "was erased, and no later row says why")


def test_half_of_it_erased_is_a_change():
    for part in ({"details": None}, {"about_salt": None}, {"by": None}, {"by_salt": None}):
        assert first_break([FIVE[0], replace(FIVE[1], **part)]).number == 2


def test_the_front_may_be_gone_where_a_row_says_so():
    start = FIVE[1].anchor
    assert first_break(FIVE[2:], start) == Break(
        2, "and those before it are missing, and no later row says that they were pruned"
    )
    said = chain({"to": 2, "hash": start.hash}, before=FIVE[4].anchor, action=PRUNED)
    assert first_break([*FIVE[2:], *said], start) is None
    assert first_break(FIVE[2:]) == Break(1, "is missing")
    assert first_break([*FIVE[2:], *said], start, known=START) is None
    assert first_break([*FIVE[2:], *said], start, known=Anchor(2, "f" * 64)).number == 2


def test_the_hashes_are_those_of_the_contract():
    """Made again here with nothing but what `deploy/MQTT.md` says and what the event carries."""
    import hashlib

    def h(value):
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    row = FIVE[2]
    by = h([row.by_salt, "cli"])
    about = h([row.about_salt, {"subject": "anna", "command_id": None, "details": {"ü": ["x"]}}])
    assert row.hash == h([FIVE[1].hash, 3, "2026-11-26T08:00:02.000Z", "b", "changed", by, about])


@pytest.mark.parametrize("text", ["", "@1", "0" * 63 + "@1", "0" * 64, "g" * 64 + "@1", "0" * 64 + "@-1"])
def test_what_is_no_anchor_is_refused(text):
    with pytest.raises(ValueError, match="an anchor is a hash"):
        Anchor.parse(text)


def test_an_anchor_reads_back():
    assert Anchor.parse(str(FIVE[0].anchor)) == FIVE[0].anchor


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()], ids=["not a number", "a set", "an object"])
def test_what_is_not_json_is_no_detail(value):
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": value})


def test_times_are_utc_with_milliseconds():
    assert at_text(NOW) == "2026-11-26T08:00:00.000Z"
