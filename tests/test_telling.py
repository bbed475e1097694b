"""What the broker is told of the zone: at once, once, and without looking through 50,000 people for nothing."""

import json
from datetime import UTC, datetime

import pytest

from agent import telling as telling_module
from agent.access.rules import AntiPassback, Zone
from agent.errors import StoreError
from agent.mqtt.topics import Topics
from agent.telling import Telling
from tests.fakes.doorways import ANNA, BEN, door
from tests.fakes.entrances import Hall


class Line:
    """A link that notes."""

    connected, topics = True, Topics("home", "front")

    def __init__(self):
        self.zones = []

    def send(self, message):
        self.zones += [json.loads(message.payload)["people"]] if message.topic == self.topics.zone else []

    def publish_health(self, body):
        pass

    publish_door_state = publish_health


class Looked:
    """An entrance that counts how often everybody is looked through."""

    def __init__(self, entrance):
        self.entrance, self.times = entrance, 0
        self.mode, self.keeper = entrance.mode, entrance.keeper

    def whereabouts(self, most):
        self.times += 1
        return self.entrance.whereabouts(most)


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "the broker is away"])
def test_people_are_looked_through_when_somebody_has_gone_through(tmp_path, monkeypatch, connected):
    monkeypatch.setattr(telling_module, "STEP_SECONDS", 0.0)
    hall = Hall(tmp_path, ANNA, BEN, of=door(enters="building"), zones=(Zone("building", AntiPassback.HARD),))
    line, looked = Line(), Looked(hall.entrance)
    line.connected = connected
    telling = Telling(line, door=hall.doorman.report, entrance=looked, health=lambda: None, health_seconds=60)
    telling.step()
    hall.face("anna")
    for _ in range(100):
        telling.step()
    assert [[each["person"] for each in people] for people in line.zones] == [["anna"]]
    assert looked.times == 2
    hall.close()


def test_a_clock_that_is_centuries_off_is_told_to_nobody_and_ends_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(telling_module, "STEP_SECONDS", 0.0)
    hall = Hall(tmp_path, ANNA, of=door(enters="building"), zones=(Zone("building", AntiPassback.HARD),))
    hall.at = datetime(2300, 1, 1, tzinfo=UTC)
    line = Line()
    telling = Telling(line, door=hall.doorman.report, entrance=hall.entrance, health=lambda: None, health_seconds=60)
    hall.face("anna")
    for passage in hall.passed:
        telling.passed(passage)
    telling.step()
    assert hall.told[-1][0] == "granted"
    assert line.zones in ([], [[]])
    hall.close()


def test_health_that_cannot_be_read_is_told_later_and_ends_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(telling_module, "STEP_SECONDS", 0.0)
    hall = Hall(tmp_path, ANNA)

    def health():
        raise StoreError("latchkey.db: another program has kept it locked")

    Telling(Line(), door=hall.doorman.report, entrance=hall.entrance, health=health, health_seconds=60).step()
    assert "how the device is cannot be told" in caplog.text
    hall.close()
