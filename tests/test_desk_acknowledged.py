"""A whole agent with `[mqtt] acknowledged`: what the broker has stays until a collector has it, across a restart."""

import json
from datetime import UTC, datetime

import pytest

from agent.app import Agent
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.store import admins, events
from agent.store.db import open_db
from agent.trust.keys import Admin, SigningKey
from agent.trust.roles import Role
from tests.fakes.agents import Terminals, empty_stage, enrol, recorded, unsent
from tests.fakes.blocks import BLUE, RED
from tests.fakes.trust import signed

TOPICS = Topics("home", "door")
COLLECTOR = SigningKey(b"c" * 32)


@pytest.fixture
def terminals(tmp_path, monkeypatch):
    empty_stage(monkeypatch).goes_on = True
    return Terminals(tmp_path, monkeypatch)


def test_an_agent_keeps_what_nobody_has_acknowledged(terminals, mosquitto, wait_for):
    config = terminals(mqtt__enabled=True, mqtt__host="127.0.0.1", mqtt__port=mosquitto.port, mqtt__acknowledged=True)
    enrol(config, "anna", RED)
    enrol(config, "ben", BLUE)
    with open_db(config.database_path) as db:
        admins.add(db, Admin(COLLECTOR.public, "fleet", Role.COLLECTOR), datetime.now(UTC), "test")

    def with_the_broker():
        with open_db(config.database_path) as db:
            return not events.unpublished(db)

    def heard(remote, what):
        while not remote.heard.empty():
            message = remote.heard.get()
            if f"/{what}" in message.topic:
                yield json.loads(message.payload)

    with Remote(LinkSettings("127.0.0.1", mosquitto.port), TOPICS) as outside:
        outside.wait_ready()
        with Agent(config):
            wait_for(with_the_broker, seconds=20)
        assert len(unsent(config)) == len(recorded(config, "audit")) >= 2
        seqs = unsent(config)
        told = [body["seq"] for body in heard(outside, "event/audit")]
        assert set(told) == set(seqs)
        with Agent(config):  # a minute is not over: nothing goes out twice
            for body in ({"seqs": [[seqs[0], seqs[0]]]}, {"through": seqs[-1] + 1000}, {"through": seqs[-1]}):
                outside.send(TOPICS.ack, signed(TOPICS, "event_ack", {"id": "a"} | body, datetime.now(UTC), COLLECTOR))
            wait_for(lambda: not unsent(config), seconds=20)
        assert not {body["seq"] for body in heard(outside, "event/audit")} & set(told)
