"""The whole agent follows the roster: what an admin puts opens the door, and what is removed opens it no more."""

import pytest

from agent.app import Agent
from agent.mqtt.envelope import signed
from agent.mqtt.message import Command
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.telemetry import Health
from agent.mqtt.topics import Topics
from agent.store.db import open_db
from agent.store.people import get_person
from tests.fakes.agents import Terminals, empty_stage, enrol, recorded
from tests.fakes.blocks import RED
from tests.fakes.cameras import ANNA, EMPTY
from tests.fakes.rosters import serving
from tests.fakes.trust import OWNER

TOPICS = Topics("home", "door")


@pytest.fixture
def settings(mosquitto):
    return LinkSettings("127.0.0.1", mosquitto.port)


@pytest.fixture
def admin(settings, tmp_path):
    with serving(settings, "home", tmp_path / "roster.db") as client:
        yield client


def test_from_one_terminal_by_the_roster_to_another(tmp_path, monkeypatch, settings, admin, wait_for):
    stage = empty_stage(monkeypatch)
    reaching = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": settings.port, "roster__enabled": True}
    where = Terminals(tmp_path, monkeypatch)
    other = where(**reaching, device__data_dir=tmp_path / "other", security__key_file=tmp_path / "site.key")
    enrol(other, "anna", RED)
    stage.play, stage.goes_on = [EMPTY] * 3, True
    with Agent(other), Remote(settings, TOPICS, OWNER) as remote:
        body = remote.request("roster_person", person="anna").data["body"]
    config = where(**reaching, security__key_file=tmp_path / "site.key", camera__as_fast_as_possible=False)
    stage.play = [EMPTY] * 3 + [ANNA] * 10 + [EMPTY] * 5
    with Agent(config) as agent, Remote(settings, TOPICS, OWNER) as remote:
        admin.put("person/anna", body)
        wait_for(lambda: len(agent.recogniser.known.gallery.people) == 1, what="the face to be known")
        agent.look()
        wait_for(lambda: [each.body["outcome"] for each in recorded(config)] == ["granted"], seconds=20)
        told = remote.request("roster").data
        assert (told["cursor"], told["objects"], told["problems"], told["trouble"]) == (1, {"person": 1}, [], None)
        assert told["tally"] == admin.head_now().tally
        admin.put("person/anna", None)
        wait_for(lambda: not agent.recogniser.known.gallery.people, what="the face to be forgotten")
        health = agent.desk._look()
        assert isinstance(health, Health)
        assert (health.roster, health.roster_problems) == (2, 0)
    with open_db(config.database_path) as db:
        assert get_person(db, "anna") is None


def test_a_group_that_the_roster_gives_is_heard_at_once(tmp_path, monkeypatch, settings, admin, wait_for):
    stage = empty_stage(monkeypatch)
    stage.play, stage.goes_on = [EMPTY] * 3, True
    reaching = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": settings.port, "roster__enabled": True}
    config = Terminals(tmp_path, monkeypatch)(**reaching, device__groups=("east",))
    with Agent(config) as agent, Remote(settings, TOPICS, OWNER) as remote:
        wait_for(lambda: agent.desk.link.connected)
        admin.put("device/home/door", {"groups": ["west"]})
        wait_for(lambda: remote.request("roster").data["groups"] == ["west"])
        wait_for(lambda: agent.desk.link.epoch == 2, what="the link to listen to others")
        command = signed("ping", Command(id="g1"), "home/@west", OWNER)
        remote.send("latchkey/v1/home/@west/cmd/ping", command)
        answer = f"{TOPICS.prefix}/cmd/ping/g1/result"
        wait_for(lambda: remote.heard.get(timeout=30).topic == answer, what="an answer to the group's command")
    with Agent(config) as agent:
        assert agent.desk.link.topics.targets == ("home/door", "home/@all", "home/@west")
