"""A picture of a decision: only where it was asked for, small, seldom, and none that is old."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from agent.app import Agent
from agent.config.homeassistant import HomeAssistant
from agent.homeassistant.camera import DoorCamera
from agent.mqtt.topics import Topics
from agent.types import Decision, Frame, Outcome, Reason
from agent.vision.pictures import decode_picture
from tests.fakes.agents import Terminals, empty_stage, enrol, recorded
from tests.fakes.blocks import RED, Block, paint
from tests.homeassistant.listener import listening

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
TOPICS = Topics("hq", "front")
DENIED = Decision(Outcome.DENIED, Reason.UNKNOWN, None, None, NOW)
ASKED = Decision(Outcome.PENDING, Reason.PIN_NEEDED, None, None, NOW)


class Door:
    """A camera whose clock is set, and a link that keeps what is sent."""

    def __init__(self, *, connected=True):
        self.sent, self.seconds = [], 0.0
        link = SimpleNamespace(connected=connected, topics=TOPICS, send=self.sent.append)
        self.camera = DoorCamera(link, clock=lambda: self.seconds)

    def saw(self, height=480, width=640):
        self.camera.saw(Frame(np.full((height, width, 3), 200, np.uint8), NOW, 1, "camera"))

    def told(self, decision=DENIED):
        self.camera.decided(decision)
        return len(self.sent)


def test_a_decision_has_its_picture_which_nobody_keeps():
    door = Door()
    door.saw()
    assert door.told() == 1
    (message,) = door.sent
    assert message.topic == TOPICS.snapshot == "latchkey/v1/hq/front/snapshot"
    assert not message.retain
    assert decode_picture(message.payload).shape == (480, 640, 3)


def test_a_large_one_is_made_smaller():
    door = Door()
    door.saw(1080, 1920)
    door.told()
    assert max(decode_picture(door.sent[0].payload).shape) <= 640


def test_one_a_second_none_that_is_old_and_none_while_more_is_asked_for():
    door = Door()
    assert door.told() == 0
    door.saw()
    assert door.told(ASKED) == 0
    assert [door.told(), door.told()] == [1, 1]
    door.seconds = 1.5
    assert door.told() == 2
    door.seconds = 9.0
    assert door.told() == 2


def test_a_broker_that_is_away_gets_none_later():
    door = Door(connected=False)
    door.saw()
    assert door.told() == 0


def test_it_wants_the_rest_to_be_enabled():
    with pytest.raises(ValueError, match="camera = true"):
        HomeAssistant(camera=True)


@pytest.mark.parametrize("camera", [True, False])
def test_over_a_real_broker_and_in_the_audit(tmp_path, monkeypatch, mosquitto, wait_for, camera):
    stage = empty_stage(monkeypatch)
    config = Terminals(tmp_path, monkeypatch)(
        homeassistant__enabled=True, homeassistant__camera=camera, mqtt__enabled=True, mqtt__host="127.0.0.1",
        mqtt__port=mosquitto.port,
    )  # fmt: skip
    enrol(config, "anna", RED)
    stage.play = [paint(Block(RED))] * 30
    stage.goes_on = True
    with listening(mosquitto, TOPICS.snapshot.replace("hq/front", "home/door")) as home, Agent(config) as agent:
        wait_for(lambda: home.look().ready)
        assert agent.desk.link.wait_connected(10)
        agent.look()
        wait_for(lambda: recorded(config))
        if camera:
            wait_for(lambda: home.look().heard)
            assert decode_picture(home.heard[0].payload).ndim == 3
        else:
            assert agent.onlookers.decided == []
    told = [event.body["action"] for event in recorded(config, "audit")]
    assert ("camera_told" in told) == camera
