"""Cards and PINs from the network: signed by a reader, each once, none stale, no word of them in the log."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from agent.mqtt.commands import Commander
from agent.mqtt.credential import MOST_A_SECOND, CredentialMessage, Reception
from agent.mqtt.inbox import Incoming
from agent.mqtt.parts import Spool
from agent.mqtt.topics import Topics
from agent.seal.sealing import Seal
from agent.trust.keys import SigningKey
from agent.trust.roles import Role
from tests.fakes.keys import KEY
from tests.fakes.trust import OWNER, READER, admission, signed

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
TOPICS = Topics("hq", "door")
BEN = SigningKey(b"b" * 32)


def message(at=NOW, **fields):
    return CredentialMessage.model_validate({"id": "r-1", "at": at, **fields})


class Door:
    """What comes on `in/credential`, up to what is shown to the door."""

    def __init__(self, folder):
        self.spool = Spool(folder / "parts", Seal(KEY))
        self.shown, self.memory, self.refused, self.now = [], {}, [], NOW
        self.start()

    def start(self):
        self._commander = Commander(
            self,
            {},
            admission=admission(TOPICS, ben=(BEN, Role.OPERATOR)),
            spool=self.spool,
            recall=self.memory.get,
            remember=lambda id_, *_: self.memory.update({id_: "{}"}),
            refused=self.refused.append,
            shown=self.shown.append,
            now=lambda: self.now,
        )
        self.topics = TOPICS
        self.inbox = self

    def get(self, _seconds):
        return self.message

    def send(self, message):
        raise AssertionError(f"a credential is not answered: {message}")

    def hear(self, payload):
        self.message = Incoming(TOPICS.credential, payload, len(payload))
        self._commander.step()
        return [(credential.card, credential.pin) for credential in self.shown]


@pytest.fixture
def door(tmp_path):
    return Door(tmp_path)


def card(number="04A2B3", key=READER, **more):
    return signed(TOPICS, "credential", {"id": "r-1", "at": NOW.isoformat(), "card": number, **more}, NOW, key)


def test_a_card_that_a_reader_has_signed(door):
    assert door.hear(card()) == [("04A2B3", None)]


def test_a_pin_with_a_badge_number_an_attendance_key_and_a_mode(door):
    body = {"id": "r-1", "at": NOW.isoformat(), "badge": "1042", "pin": "4711", "pressed": "in", "mode": "locked_down"}
    door.hear(signed(TOPICS, "credential", body, NOW, READER))
    (shown,) = door.shown
    assert (shown.badge, shown.pin, shown.key, shown.mode) == ("1042", "4711", "in", "locked_down")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(b'{"id":"r-1","at":"2026-11-26T09:00:00Z","card":"04A2B3"}', "unsigned", id="nobody"),
        pytest.param(card(key=BEN), "not_permitted", id="an operator"),
        pytest.param(card(key=OWNER), "not_permitted", id="the owner"),
        pytest.param(card(key=SigningKey(b"?" * 32)), "unknown_key", id="somebody else"),
        pytest.param(card().replace(b"04A2B3", b"04A2B4"), "bad_signature", id="who changes the card"),
        pytest.param(card(target="hq/side"), "not_for_us", id="a reader of another door"),
        pytest.param(card(not_after="2026-11-26T08:59:59Z"), "expired", id="a reader that is late"),
        pytest.param(b"", "bad_request", id="noise"),
        pytest.param(b"\xff\xfe", "bad_request", id="no text"),
        pytest.param(b"[]", "bad_request", id="a list"),
    ],
)
def test_a_card_opens_nothing_that_is_shown_by(door, payload, code, caplog):
    assert door.hear(payload) == []
    assert [refused.code for refused in door.refused] == [code]
    assert f"credential refused: {code}" in caplog.text
    assert "04A2B" not in caplog.text


def test_the_command_of_an_owner_is_no_credential(door):
    assert door.hear(signed(TOPICS, "ping", {"id": "r-1"}, NOW, READER)) == []
    assert [refused.code for refused in door.refused] == ["bad_signature"]


def test_the_same_message_twice_is_one_also_over_a_restart(door):
    assert len(door.hear(card())) == 1
    assert len(door.hear(card())) == 1
    door.start()
    assert len(door.hear(card())) == 1


@pytest.mark.parametrize("seconds", [-11, 11, 86_400], ids=["from the future", "late", "of yesterday"])
def test_what_is_not_of_now_is_refused_with_a_word(seconds, caplog):
    with caplog.at_level(logging.WARNING):
        assert Reception().take(message(card="04A2B3"), NOW + timedelta(seconds=seconds)) is None
    assert "s old by this clock" in caplog.text
    assert "04A2B3" not in caplog.text


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nothing shown"),
        pytest.param({"pin": "four"}, id="a PIN of letters"),
        pytest.param({"pin": "1" * 17}, id="a PIN without end"),
        pytest.param({"card": "9" * 300}, id="a card without end"),
        pytest.param({"card": "1", "colour": "red"}, id="an unknown field"),
        pytest.param({"card": "1", "at": "2026-11-26T09:00:00"}, id="no time zone"),
        pytest.param({"card": "1", "id": "a b"}, id="an id with a blank"),
    ],
)
def test_garbage_that_is_signed_is_refused_with_a_word_that_does_not_repeat_it(door, fields, caplog):
    body = {"id": "r-1", "at": NOW.isoformat(), **fields}
    assert door.hear(signed(TOPICS, "credential", body, NOW, READER)) == []
    assert "credential refused" in caplog.text
    assert "four" not in caplog.text


def test_nothing_shows_a_credential():
    said = message(card="04A2B3", pin="4711")
    shown = Reception().take(said, NOW)
    for text in (repr(shown), repr(said)):
        assert "04A2B3" not in text
        assert "4711" not in text


def test_a_flood_is_cut_off_with_one_word_and_is_over_when_it_is_over(caplog):
    reception = Reception()
    with caplog.at_level(logging.WARNING):
        taken = [reception.take(message(id=f"r-{n}", card="1"), NOW) is not None for n in range(1000)]
    assert sum(taken) == MOST_A_SECOND
    assert len(caplog.records) == 1
    assert reception.take(message(id="r-1000", card="1"), NOW + timedelta(seconds=1)) is not None
    assert reception.take(message(id="r-2000", card="1"), NOW - timedelta(seconds=5)) is not None  # the clock was set


def test_a_message_without_anything_is_none():
    with pytest.raises(ValidationError, match="a card, a pin or a pressed key is wanted"):
        message()
