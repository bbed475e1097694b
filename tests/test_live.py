"""Enrolment at the door, by the whole agent: guided, streamed, ended; and the door recognises nobody meanwhile."""

import json
import time
from datetime import UTC, datetime

import pytest

from agent.app import Agent
from agent.config import load_config
from agent.guidance import OVER
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.store import people
from agent.store.db import open_db
from agent.types import Credential
from tests.fakes.agents import Terminals, empty_stage, enrol, outcomes, waited
from tests.fakes.blocks import GREEN, RED, Block, paint
from tests.fakes.cameras import EMPTY, FPS
from tests.fakes.kiosks import settle
from tests.fakes.trust import OWNER

TOPICS = Topics("home", "door")


def standing(colour, frames):
    """Somebody who moves now and then: a picture is the same as the one before for a second."""
    pictures = [paint(Block(colour, tint=tint)) for tint in (0, 15, 30)]
    return [pictures[number // FPS % 3] for number in range(frames)]


@pytest.fixture
def stage(monkeypatch):
    stage = empty_stage(monkeypatch)
    stage.goes_on = True
    return stage


@pytest.fixture
def configure(tmp_path, monkeypatch, mosquitto):
    def configure(**more):
        reach = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
        return Terminals(tmp_path, monkeypatch)(**reach, camera__as_fast_as_possible=False, **more)

    return configure


class Admin(Remote):
    """Asks, and keeps how jobs went on."""

    def __init__(self, broker):
        super().__init__(LinkSettings(broker.host, broker.port), TOPICS, OWNER)
        self.progress = []

    def to_the_end(self, seconds=40.0):
        """All that is told of the job, to its end."""
        deadline = time.monotonic() + seconds
        while not self.progress or self.progress[-1]["state"] not in {"done", "failed"}:
            message = self.heard.get(timeout=deadline - time.monotonic())
            if message.topic.endswith("/progress"):
                self.progress.append(json.loads(message.payload))
        return self.progress[-1]


@pytest.fixture
def admin(mosquitto):
    with Admin(mosquitto) as admin:
        admin.wait_ready()
        yield admin


def test_somebody_is_guided_enrolled_and_then_let_in(configure, stage, admin, wait_for):
    config = configure()
    stage.play = [EMPTY] * 20 + standing(RED, 400)
    guided = []
    with Agent(config) as agent:
        agent.studio.guide = guided.append
        result = admin.request("enrol_live", id="e1", person="anna", name="Anna", shots=3, fields={"seconds": 12.0})
        assert (result.ok, result.data) == (True, {"job": "accepted"})
        agent.look()
        ended = admin.to_the_end()
        assert (ended["state"], ended["done"], ended["of"]) == ("done", 3, 3)
        assert ended["data"] == {"person": "anna", "name": "Anna", "added": 3, "templates": 3}
        notes = [told.get("note") for told in admin.progress]
        assert {"look_here", "look_left"} <= {*notes}
        assert [told["done"] for told in admin.progress] == sorted(told["done"] for told in admin.progress)
        assert {"hold_still", "taken", "look_left", OVER} <= {each.hint for each in guided}
        assert outcomes(config) == []
        wait_for(lambda: ("granted", "match", "anna") in outcomes(config))
        again = admin.request("enrol_live", id="e1", person="anna", name="Anna", shots=3, fields={"seconds": 12.0})
        assert (again.code, again.data["job"]) == ("seen_before", "done")
        assert admin.request("job", id_of="e1").data["data"]["templates"] == 3


def test_who_takes_the_place_is_not_enrolled_and_not_let_in(configure, stage, admin):
    config = configure()
    enrol(config, "ben", GREEN)
    stage.play = standing(RED, 30) + standing(GREEN, 900)
    with Agent(config) as agent:
        assert admin.request("enrol_live", person="anna", shots=3, fields={"seconds": 20.0}).ok
        agent.look()
        ended = admin.to_the_end()
        assert (ended["state"], ended["code"]) == ("failed", "different_people")
        assert "somebody else" in ended["message"]
        during = outcomes(config)
    assert [each for each in during if each[0] == "granted"] == []
    with open_db(config.database_path) as db:
        assert [person.id for person in people.list_people(db)] == ["ben"]


def test_meanwhile_a_pin_opens_the_door_and_a_face_does_not(configure, stage, admin, wait_for):
    config = configure()
    settle(config, "face, pin")  # anna's face is red
    stage.play = standing(RED, 2000)
    with Agent(config) as agent:
        admin.request("enrol_live", id="e1", person="anna", shots=10, fields={"seconds": 300.0})
        wait_for(lambda: admin.request("job", id_of="e1").data["job"] == "running")
        agent.look()
        wait_for(lambda: agent.visits.frames > 3 * FPS)
        assert outcomes(config) == []
        agent.porch.entrance.showed(Credential(datetime.now(UTC), badge="1042", pin="4712"))
        wait_for(lambda: outcomes(config) == [("granted", "credential", "anna")])


def test_it_can_be_cancelled_and_the_door_goes_on(configure, stage, admin, wait_for):
    config = configure()
    enrol(config, "ben", GREEN)
    stage.play = standing(RED, 20) + standing(GREEN, 900)
    with Agent(config) as agent:
        admin.request("enrol_live", id="e1", person="anna", shots=5, fields={"seconds": 300.0})
        agent.look()
        assert admin.request("job_cancel", id_of="e1").ok
        assert admin.to_the_end()["code"] == "cancelled"
        wait_for(lambda: ("granted", "match", "ben") in outcomes(config))


def test_an_agent_that_starts_again_for_new_models_says_that_it_was_cut_short(configure, stage, admin, wait_for):
    config = configure()
    enrol(config, "ben", GREEN)
    stage.play = standing(RED, 3000)
    with Agent(config) as agent:
        agent.look()
        admin.request("enrol_live", id="e1", person="anna", shots=10, fields={"seconds": 300.0})
        wait_for(lambda: admin.request("job", id_of="e1").data["job"] == "running")
        agent.again("other models are in force")
        assert (waited(agent), agent.starts_again) == (0, True)
    stage.play = standing(GREEN, 3000)
    with Agent(config) as agent:
        agent.look()
        ended = admin.to_the_end()
        assert (ended["state"], ended["code"]) == ("failed", "interrupted")
        wait_for(lambda: ("granted", "match", "ben") in outcomes(config))


def test_a_face_of_the_demo_is_enrolled_from_its_clip(tmp_path, mosquitto, admin):
    """The real models, and Ada, who stands before the camera of the demo."""
    told = {
        "device.data_dir": tmp_path, "camera.backend": "demo", "trust.owner": OWNER.public.text,
        "mqtt.host": "127.0.0.1", "mqtt.port": mosquitto.port,
    }  # fmt: skip
    config = load_config(None, told, environ={"LATCHKEY_CONFIG": ""})
    with Agent(config) as agent:
        assert admin.request("enrol_live", person="ada", shots=2, consent="demo", fields={"seconds": 7.0}).ok
        agent.look()
        ended = admin.to_the_end()
    assert (ended["state"], ended["data"]["templates"]) == ("done", 2), ended
