"""What is believed of a device, and that nothing one hears makes the client fall over."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.client.answers import DeviceStatus, Progress, Result, Standing
from agent.client.board import MOST_NEWS, Board
from agent.client.hearing import hear
from agent.mqtt.inbox import Incoming
from agent.trust.keys import SigningKey
from agent.trust.statement import canonical, signed_news

KEY, OTHER = SigningKey(bytes(32)), SigningKey(bytes([1]) * 32)
PREFIX = "latchkey/v1/hq/front/"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["state", "ok", "code", "data", "groups", "done", "of", "verb", "message", "photo", "x"]
BODIES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)
LEVELS = ["status", "health", "state/door", "cmd/a/b/result", "cmd/a/b/progress", "event/x", "passage", "pair/b/answer"]


def heard(topic, payload, key=KEY):
    return hear(Incoming(topic, payload, len(payload)), "hq", {"front": key and key.public}.get)


@given(BODIES, st.sampled_from(LEVELS))
def test_what_a_device_has_signed_is_verified_at_its_place_alone(body, level):
    said = canonical(signed_news(PREFIX + level, body, KEY))
    assert heard(PREFIX + level, said).standing is Standing.VERIFIED
    assert heard(PREFIX + level, said, OTHER).standing is Standing.FORGED
    assert heard(PREFIX + level, said, None).standing is Standing.UNVERIFIED
    assert heard(PREFIX + "event/elsewhere", said).standing is Standing.FORGED
    assert heard(PREFIX + level, canonical(body)).standing is Standing.FORGED


@given(BODIES, st.data())
def test_any_changed_byte_is_forged_or_means_the_same(body, data):
    topic = PREFIX + "status"
    said = bytearray(canonical(signed_news(topic, body, KEY)))
    at = data.draw(st.integers(0, len(said) - 1))
    said[at] ^= data.draw(st.integers(1, 255))
    found = heard(topic, bytes(said))
    if found is not None and found.standing is Standing.VERIFIED:
        assert {key: value for key, value in found.body.items() if key != "signature"} == json.loads(canonical(body))


@given(st.sampled_from([*LEVELS, "", "/", "x/y/z"]), st.binary(max_size=60) | BODIES.map(canonical), st.booleans())
def test_the_board_bears_everything(level, payload, retained):
    board = Board()
    board.expect("b")
    found = hear(Incoming(PREFIX + level, payload, len(payload), retained=retained), "hq", lambda _: None)
    if found is not None:
        board.put(found)
    for result in board.results("b").values():
        assert isinstance(result, Result)
        json.dumps(result.as_json())
    for status in board.statuses.values():
        assert isinstance(status, DeviceStatus)
    progress = board.next_progress("b", 0.0)
    if progress is not None:
        assert isinstance(progress, Progress)
        json.dumps(progress.as_json())
    board.drop("b")
    assert board.results("b") == {}


def test_of_other_sites_and_of_nothing_nothing_is_heard():
    for topic in ("latchkey/v1/other/front/status", "latchkey/v1/hq/front", "x", "", "latchkey/v2/hq/front/status"):
        assert heard(topic, b"{}") is None
    assert hear(Incoming(PREFIX + "status", b"", 10_000_000), "hq", lambda _: None) is None


def test_news_that_nobody_fetches_are_bounded_and_counted():
    board, found = Board(), heard(PREFIX + "event/x", b"{}", None)
    for _ in range(MOST_NEWS + 5):
        board.put(found)
    assert board.missed == 5


def test_a_forged_status_takes_no_true_ones_place():
    board = Board()
    board.put(heard(PREFIX + "status", canonical(signed_news(PREFIX + "status", {"state": "online"}, KEY))))
    board.put(heard(PREFIX + "status", b'{"state": "offline"}'))
    assert (board.statuses["front"].state, board.births("front")) == ("online", 1)
