"""Home Assistant locks and unlocks through the relay: signed, seldom, and nothing else."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.app import Agent
from agent.errors import CommandError
from agent.homeassistant import relay
from agent.homeassistant.bundle import lock_topic
from agent.homeassistant.relay import MOST, Relay
from agent.homeassistant.service import serve
from agent.mqtt.inbox import Incoming
from agent.mqtt.message import Code
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import CommandTopic, Topics
from agent.mqtt.wire import COMMANDS, Result
from tests.fakes.agents import Terminals, empty_stage
from tests.fakes.trust import OWNER, admission
from tests.homeassistant.listener import listening

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
DOOR = Topics("hq", "front")


class Asked:
    """A relay whose clock is set."""

    def __init__(self, **options):
        self.seconds = 0.0
        self.relay = Relay("hq", OWNER, now=lambda: NOW, clock=lambda: self.seconds, **options)

    def __call__(self, payload, door="front", *, topic=None, retained=False):
        topic = topic or lock_topic("homeassistant", "hq", door)
        return self.relay.hear(Incoming(topic, payload, len(payload), retained=retained))


@pytest.mark.parametrize(("payload", "verb"), [(b"LOCK", "lock"), (b"UNLOCK", "unlock"), (b"OPEN", "unlock")])
def test_what_home_assistant_says_becomes_a_command_that_the_door_admits(payload, verb):
    command = Asked()(payload)
    assert DOOR.parse(command.topic) == CommandTopic(verb)
    assert not command.retain
    admitted = admission(DOOR).admit(verb, command.payload, NOW)
    read = COMMANDS[verb].model_validate_json(admitted.arguments)
    assert read.not_after == NOW + timedelta(seconds=10)
    with pytest.raises(CommandError, match="it was to be done by"):
        admission(DOOR).admit(verb, command.payload, NOW + timedelta(seconds=11))


def test_for_how_long_is_the_relay_s_to_say():
    command = Asked(seconds=7.0)(b"UNLOCK")
    assert json.loads(command.payload)["seconds"] == 7.0
    assert "seconds" not in json.loads(Asked(seconds=7.0)(b"LOCK").payload)


@pytest.mark.parametrize("payload", [b"", b"unlock", b"HOLD", b'{"id":"x"}', b"UNLOCK " * 1000, b"\xff"])
def test_anything_else_is_not_passed_on(payload, caplog):
    assert Asked()(payload) is None
    assert "is not passed on" in caplog.text


def test_what_a_broker_has_kept_is_not_passed_on(caplog):
    assert Asked()(b"UNLOCK", retained=True) is None
    assert "retained" in caplog.text


@pytest.mark.parametrize("door", ["@all", "@staff", "+", "#", "a b", "", "x" * 65])
def test_no_group_and_no_odd_name(door):
    assert Asked()(b"UNLOCK", door) is None


@pytest.mark.parametrize(
    "topic",
    [
        "homeassistant/latchkey/other/front/lock/set",
        "ha/latchkey/hq/front/lock/set",
        "homeassistant/latchkey/hq/front/lock/set/x",
        "latchkey/v1/hq/front/cmd/unlock",
        "latchkey/v1/hq/front/cmd/unlock/1/result",
    ],
)
def test_no_other_topic(topic):
    assert Asked()(b"UNLOCK", topic=topic) is None


def test_these_doors_alone():
    asked = Asked(doors=["front"])
    assert asked(b"UNLOCK") is not None
    assert asked(b"UNLOCK", "side") is None


def test_a_few_times_a_minute_for_each_door():
    asked = Asked()
    assert [asked(b"UNLOCK") is not None for _ in range(8)] == [True] * MOST["unlock"] + [False] * 2
    assert asked(b"OPEN") is None
    assert asked(b"LOCK") is not None
    assert asked(b"UNLOCK", "side") is not None
    asked.seconds = 61.0
    assert asked(b"UNLOCK") is not None


def test_more_doors_than_there_can_be_are_not_counted_without_end(monkeypatch):
    monkeypatch.setattr(relay, "MOST_DOORS", 10)
    asked = Asked()
    assert sum(asked(b"LOCK", f"d{number}") is not None for number in range(50)) == 20
    asked.seconds = 61.0  # names that were made up keep no door out for ever
    assert asked(b"LOCK") is not None


@given(st.text(max_size=80), st.binary(max_size=80))
def test_nothing_makes_it_sign_anything_but_lock_and_unlock(topic, payload):
    for said in (topic, lock_topic("homeassistant", "hq", topic)):
        command = Asked()(payload, topic=said)
        assert command is None or command.topic.endswith(("/cmd/lock", "/cmd/unlock"))


def test_it_tells_what_became_of_it(caplog):
    caplog.set_level(logging.INFO)
    asked = Asked()
    first, second, third = (json.loads(asked(b"UNLOCK").payload)["id"] for _ in range(3))
    for command_id, result in (
        (first, Result(id=first, verb="unlock", ok=True)),
        (second, Result(id=second, verb="unlock", ok=False, code=Code.NOT_PERMITTED, message="viewer may not")),
        ("another", Result(id="another", verb="unlock", ok=False, message="not ours")),
    ):
        asked(result.to_json(), topic=DOOR.result("unlock", command_id))
    asked(b"rubbish", topic=DOOR.result("unlock", third))
    assert "done: unlock front" in caplog.text
    assert "unlock front refused: not_permitted: viewer may not" in caplog.text
    assert "not ours" not in caplog.text


def test_over_a_real_broker_to_a_whole_agent_and_back_after_the_broker_was_away(
    tmp_path, monkeypatch, mosquitto, wait_for
):
    empty_stage(monkeypatch)
    (tmp_path / "set").touch()
    config = Terminals(tmp_path, monkeypatch)(
        mqtt__enabled=True, mqtt__host="127.0.0.1", mqtt__port=mosquitto.port, mqtt__remote_unlock=True,
        mqtt__reconnect_max_seconds=0.5, door__backend="log", clock__synchronised_file=tmp_path / "set",
    )  # fmt: skip
    settings = LinkSettings(
        "127.0.0.1", mosquitto.port, client_id="relay", session_seconds=0, reconnect_max_seconds=0.5
    )
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(settings, Relay("home", OWNER, seconds=30.0), stop))
    thread.start()
    try:
        with Agent(config) as agent:
            mosquitto.restart()
            assert agent.desk.link.wait_connected(10)
            state = Topics("home", "door").door
            with listening(mosquitto, state) as home:
                wait_for(lambda: home.look().heard)
                ask = lock_topic("homeassistant", "home", "door")

                def asked(payload, *, locked):
                    home.says(ask, payload)
                    wait_for(lambda: json.loads(home.look().heard[-1].payload)["locked"] is locked)

                wait_for(lambda: mosquitto.log().count("Sending SUBACK to relay") == 2)
                asked(b"UNLOCK", locked=False)
                asked(b"LOCK", locked=True)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
