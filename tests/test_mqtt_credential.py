"""Cards and PINs from the network: each once, none that is stale, and no word of them in the log."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.credential import MOST_A_SECOND, REMEMBERED, Reception

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def message(**fields):
    return json.dumps({"id": "r-1", "at": NOW.isoformat(), **fields}).encode()


def test_a_card():
    shown = Reception().take(message(card="04A2B3"), NOW + timedelta(seconds=2))
    assert (shown.card, shown.pin, shown.at) == ("04A2B3", None, NOW + timedelta(seconds=2))


def test_a_pin_with_a_badge_number_an_attendance_key_and_a_mode():
    shown = Reception().take(message(badge="1042", pin="4711", key="in", mode="locked_down"), NOW)
    assert (shown.badge, shown.pin, shown.key, shown.mode) == ("1042", "4711", "in", "locked_down")


def test_the_same_message_twice_is_one():
    reception = Reception()
    assert reception.take(message(card="1"), NOW) is not None
    assert reception.take(message(card="1"), NOW) is None


def test_memory_is_bounded():
    reception = Reception()
    for n in range(3 * REMEMBERED):
        at = NOW + timedelta(seconds=n)
        assert reception.take(message(id=f"r-{n}", card="1", at=at.isoformat()), at) is not None
    assert len(reception._seen) == REMEMBERED


@pytest.mark.parametrize("seconds", [-11, 11, 86_400], ids=["from the future", "late", "of yesterday"])
def test_what_is_not_of_now_is_refused_with_a_word(seconds, caplog):
    with caplog.at_level(logging.WARNING):
        assert Reception().take(message(card="04A2B3"), NOW + timedelta(seconds=seconds)) is None
    assert "s old by this clock" in caplog.text
    assert "04A2B3" not in caplog.text


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(message(), id="nothing shown"),
        pytest.param(message(pin="four"), id="a PIN of letters"),
        pytest.param(message(pin="1" * 17), id="a PIN without end"),
        pytest.param(message(card="9" * 300), id="a card without end"),
        pytest.param(message(card="1", colour="red"), id="an unknown field"),
        pytest.param(message(card="1", at="2026-11-26T09:00:00"), id="no time zone"),
        pytest.param(message(card="1", id="a b"), id="an id with a blank"),
    ],
)
def test_garbage_is_refused_with_a_word_that_does_not_repeat_it(payload, caplog):
    with caplog.at_level(logging.WARNING):
        assert Reception().take(payload, NOW) is None
    assert "credential refused" in caplog.text
    assert "four" not in caplog.text


@given(st.binary(max_size=300))
def test_no_bytes_make_it_crash(payload):
    assert Reception().take(payload, NOW) is None


def test_nothing_shows_a_credential():
    shown = Reception().take(message(card="04A2B3", pin="4711"), NOW)
    assert "04A2B3" not in repr(shown)
    assert "4711" not in repr(shown)


def test_a_flood_is_cut_off_with_one_word_and_is_over_when_it_is_over(caplog):
    reception = Reception()
    with caplog.at_level(logging.WARNING):
        taken = [reception.take(message(id=f"r-{n}", card="1"), NOW) is not None for n in range(1000)]
        assert sum(taken) == MOST_A_SECOND
        assert [reception.take(b"garbage", NOW) for _ in range(1000)] == [None] * 1000
    assert len(caplog.records) == 1
    assert reception.take(message(id="r-1000", card="1"), NOW + timedelta(seconds=1)) is not None
    assert reception.take(message(id="r-2000", card="1"), NOW - timedelta(seconds=5)) is not None  # the clock was set


def test_garbage_is_part_of_a_flood(caplog):
    reception = Reception()
    with caplog.at_level(logging.WARNING):
        assert [reception.take(b"garbage", NOW) for _ in range(1000)] == [None] * 1000
    assert len(caplog.records) == MOST_A_SECOND + 1
