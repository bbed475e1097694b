"""The agent and a real broker: what arrives, what is answered, and that no broker can hold the agent."""

import json
import os
import signal
import socket
import sqlite3
import threading
import time
from datetime import UTC, datetime

import pytest

from agent import recorder as recorder_module
from agent.app import Agent
from agent.config import load_config
from agent.errors import ConfigError
from agent.mqtt import publisher
from agent.mqtt.message import Code
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.telemetry import AccessEvent, DoorState, Health
from agent.mqtt.topics import Topics
from agent.reach import link_settings
from agent.store import events
from agent.store.db import open_db
from agent.types import Outcome, Reason
from agent.version import VERSION
from tests.fakes.agents import Terminals, empty_stage, enrol, outcomes, perform, recorded, unsent, waited
from tests.fakes.blocks import BLUE, MODEL, RED, Block, paint, png, write_cards
from tests.fakes.cameras import ANNA, EMPTY, STRANGER
from tests.fakes.disks import SmallDatabase, small_disk
from tests.fakes.trust import OWNER

LONGEST_STOP_SECONDS = 15.0  # TimeoutStopSec of the unit
TOPICS = Topics("home", "door")
VISIT = [EMPTY] * 3 + [ANNA] * 10 + [EMPTY] * 15


@pytest.fixture
def stage(monkeypatch):
    return empty_stage(monkeypatch)


@pytest.fixture
def configure(tmp_path, monkeypatch, stage):
    return Terminals(tmp_path, monkeypatch)


def reaching(port, **more):
    return {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": port, **more}


@pytest.fixture
def outside(mosquitto):
    """Who listens outside, from before the agent starts."""
    with Listener(mosquitto) as listener:
        yield listener


class Listener(Remote):
    """Keeps all it hears, as (topic without its beginning, body)."""

    def __init__(self, broker):
        super().__init__(LinkSettings(broker.host, broker.port), TOPICS, OWNER)
        self.port = broker.port
        self.all = []

    def __enter__(self):
        super().__enter__()
        self.wait_ready()
        return self

    def told(self, topic):
        """The bodies that came on a topic."""
        while not self.heard.empty():
            message = self.heard.get()
            name = message.topic.removeprefix(TOPICS.prefix + "/")
            self.all.append((name, json.loads(message.payload) if message.payload else None))
        return [body for name, body in self.all if name == topic]


def stopped_in(agent):
    """Leaves the agent and returns how long that took."""
    began = time.monotonic()
    agent.__exit__(None, None, None)
    return time.monotonic() - began


# What arrives


def test_a_visit_as_the_broker_sees_it(configure, stage, mosquitto, outside, wait_for):
    config = configure(**reaching(mosquitto.port), door__pulse_seconds=30.0, camera__as_fast_as_possible=False)
    enrol(config, "anna", RED)
    stage.play, stage.goes_on = VISIT + [STRANGER] * 6, True
    with Agent(config) as agent:
        wait_for(lambda: agent.desk.link.connected)
        agent.look()
        wait_for(lambda: len(outside.told("event/access")) == 2)
        wait_for(lambda: not unsent(config))
    granted, denied = (AccessEvent.model_validate_json(json.dumps(body)) for body in outside.told("event/access"))
    assert (granted.outcome, granted.person, granted.boot_id) == (Outcome.GRANTED, "anna", agent.boot_id)
    assert (denied.outcome, denied.reason, denied.historical) == (Outcome.DENIED, Reason.UNKNOWN, False)
    assert [body["action"] for body in outside.told("event/audit") if body["by"] != "start"] == ["enrolled"]
    assert outside.told("event/audit")[0]["historical"] is True
    online, *_, stopped = outside.told("status")
    assert (online["state"], online["model"], online["version"]) == ("online", MODEL, VERSION)
    assert stopped["state"] == "stopped"
    doors = [DoorState.model_validate_json(json.dumps(body)) for body in outside.told("state/door")]
    assert [(door.locked, door.last_opened_by) for door in doors] == [(True, None), (False, "anna"), (True, "anna")]
    health = Health.model_validate_json(json.dumps(outside.told("health")[0]))
    assert (health.people, health.templates, health.boot_id) == (1, 1, agent.boot_id)


def test_what_is_decided_at_the_last_moment_arrives_before_the_goodbye(configure, stage, mosquitto, outside, wait_for):
    config = configure(**reaching(mosquitto.port), camera__as_fast_as_possible=False)
    enrol(config, "anna", RED)
    stage.play = [STRANGER] * 1000
    with Agent(config) as agent:
        wait_for(lambda: agent.desk.link.connected)
        agent.look()
        wait_for(lambda: any(len(v.shots) >= 2 for v in list(agent.recogniser.gate._visits.values())))
    assert outcomes(config) == [("denied", "unknown", None)]
    assert unsent(config) == []
    wait_for(lambda: outside.told("status")[-1]["state"] == "stopped")
    order = [name for name, body in outside.all if name == "event/access" or (body or {}).get("state") == "stopped"]
    assert order == ["event/access", "status"]


def test_many_events_and_an_immediate_stop(configure, mosquitto, outside, wait_for):
    config = configure(**reaching(mosquitto.port))
    with Agent(config) as agent:
        wait_for(lambda: agent.desk.link.connected)
        for n in range(300):
            agent.recorder.record("access", recorded_at(n), {"n": n})
    assert unsent(config) == []
    wait_for(lambda: len(outside.told("event/access")) >= 300)
    assert [body["n"] for body in outside.told("event/access")] == list(range(300))


def recorded_at(n):
    return datetime(2026, 11, 22, 6, microsecond=n, tzinfo=UTC)


# What is answered


def test_commands(configure, stage, mosquitto, outside, wait_for):
    config = configure(**reaching(mosquitto.port))
    stage.goes_on = True
    with Agent(config) as agent:
        pong = outside.request("ping", id="p1")
        assert (pong.ok, pong.data["version"], pong.data["boot_id"]) == (True, VERSION, agent.boot_id)
        red = [png(paint(Block(RED))), png(paint(Block(RED, tint=9)))]
        done = outside.request("enrol", id="e1", person="anna", name="Anna", photos=red)
        assert (done.ok, done.data["templates"]) == (True, 2)
        wait_for(lambda: agent.recogniser.known.gallery.people == ("anna",))
        assert outside.request("enrol", id="e1", person="anna", photos=red).data == done.data  # not carried out again
        refused = outside.request("enrol", person="ben", photos=[png(paint())])
        assert (refused.ok, refused.code, refused.photo) == (False, Code.NO_FACE, 0)
        (face,) = outside.request("identify", photo=red[0]).data["faces"]
        assert face["person"] == "anna"
        assert [person["id"] for person in outside.request("list").data["people"]] == ["anna"]
        assert outside.request("remove", person="anna").ok
        assert outside.request("remove", person="anna").code == Code.UNKNOWN_PERSON
        wait_for(lambda: agent.recogniser.known.gallery.people == ())
    audited = [event.body for event in recorded(config, "audit")]
    assert [body["action"] for body in audited if body["by"] != "start"] == [
        "enrolled",
        "command_refused",  # the same again
        "removed",
    ]
    assert unsent(config) == []


def test_enrolled_over_mqtt_and_let_in(configure, stage, mosquitto, outside, wait_for):
    config = configure(**reaching(mosquitto.port))
    stage.play = VISIT
    with Agent(config) as agent:
        for person, colour in (("anna", RED), ("ben", BLUE)):
            assert outside.request("enrol", person=person, photos=[png(paint(Block(colour)))]).ok
        wait_for(lambda: agent.recogniser.known.gallery.people == ("anna", "ben"))
        agent.look()
        assert waited(agent) == 0
    assert outcomes(config) == [("granted", "match", "anna")]


# Brokers that are away, die or hang


def test_without_a_broker_the_door_opens_and_another_day_it_is_told(configure, stage, mosquitto, outside, wait_for):
    away = configure(**reaching(free_port()))
    enrol(away, "anna", RED)
    stage.play = VISIT * 3
    agent, status = perform(away)
    assert status == 0
    assert [outcome for outcome, _, _ in outcomes(away)] == ["granted"] * 3
    assert len(unsent(away)) == 3 + len(recorded(away, "audit"))
    stage.play = []
    with Agent(configure(**reaching(mosquitto.port))):
        wait_for(lambda: len(outside.told("event/access")) == 3)
        wait_for(lambda: not unsent(away))
    assert {body["historical"] for body in outside.told("event/access")} == {True}
    assert {body["boot_id"] for body in outside.told("event/access")} == {agent.boot_id}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def busy_agent(configure, stage, port):
    """An agent that decides something in every other second."""
    config = configure(**reaching(port), camera__as_fast_as_possible=False)
    enrol(config, "anna", RED)
    stage.play, stage.goes_on = (VISIT + [STRANGER] * 8) * 50, True
    return config, Agent(config)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_a_broker_that_dies_or_hangs_does_not_hold_the_agent(configure, stage, mosquitto, wait_for, end):
    config, agent = busy_agent(configure, stage, mosquitto.port)
    agent.__enter__()
    wait_for(lambda: agent.desk.link.connected)
    agent.look()
    wait_for(lambda: not unsent(config) and len(recorded(config)) >= 2, seconds=20)
    os.kill(mosquitto._process.pid, end)
    for n in range(50):
        agent.recorder.record("access", recorded_at(n), {"n": n})
    wait_for(lambda: len(unsent(config)) >= 50)
    assert stopped_in(agent) < LONGEST_STOP_SECONDS - 2
    assert not agent.failed
    stored = [event.body.get("n") for event in recorded(config)]
    assert [n for n in stored if n is not None] == list(range(50))
    assert len(unsent(config)) >= 50


@pytest.fixture
def silent_port():
    """Somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_broker_that_never_says_a_word(configure, stage, silent_port):
    config, agent = busy_agent(configure, stage, silent_port)
    agent.__enter__()
    agent.look()
    time.sleep(1)
    assert stopped_in(agent) < LONGEST_STOP_SECONDS - 2
    assert not agent.failed
    assert len(unsent(config)) == len(recorded(config)) + len(recorded(config, "audit"))


def test_everything_hangs_at_once(configure, stage, mosquitto, wait_for):
    """Broker, and vision in the middle of a visit: still within what systemd grants."""
    config = configure(**reaching(mosquitto.port), camera__as_fast_as_possible=False)
    enrol(config, "anna", RED)
    stage.play, stage.goes_on = VISIT, True
    release = threading.Event()
    agent = Agent(config, told=lambda _: release.wait())
    agent.__enter__()
    wait_for(lambda: agent.desk.link.connected)
    agent.look()
    wait_for(lambda: len(recorded(config)) == 1)
    wait_for(lambda: not unsent(config))
    os.kill(mosquitto._process.pid, signal.SIGSTOP)
    agent.recorder.record("access", recorded_at(0), {"n": 0})
    took = stopped_in(agent)
    release.set()
    assert took < LONGEST_STOP_SECONDS - 1
    assert len(unsent(config)) == 1


# Disks that are full, databases that are locked


@pytest.fixture
def soon(monkeypatch):
    """Tried again soon."""
    monkeypatch.setattr(recorder_module, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(publisher, "HOLD_SECONDS", 0.5)


@pytest.mark.usefixtures("soon")
def test_a_full_disk_under_the_whole_agent(configure, stage, tmp_path, outside, wait_for):
    with small_disk(tmp_path, kilobytes=2048) as disk:
        if isinstance(disk, SmallDatabase):
            pytest.skip("only root may mount a small disk")
        write_cards(tmp_path)  # under the mount
        config = configure(**reaching(outside.port), camera__as_fast_as_possible=False, mqtt__health_seconds=0.5)
        enrol(config, "anna", RED)
        stage.goes_on = True
        told = []
        with Agent(config, told=told.append) as agent:
            wait_for(lambda: agent.desk.link.connected)
            disk.fill(agent.recorder._db)
            n = 0
            while agent.recorder.healthy:
                agent.recorder.record("access", recorded_at(n), {"n": n, "text": "x" * 3000})
                n += 1
                wait_for(lambda: agent.recorder._jobs.empty() or not agent.recorder.healthy)
            stage.play = VISIT
            agent.look()
            wait_for(lambda: told)
            assert [(d.outcome, d.reason) for d in told] == [(Outcome.DENIED, Reason.STORAGE_FAILED)]
            assert not agent.porch.door.unlocked
            refused = outside.request("enrol", person="ben", photos=[png(paint(Block(BLUE)))])
            assert refused.code == Code.STORAGE_FAILED
            assert outside.request("list").ok
            assert outside.request("ping").ok
            time.sleep(1.5)  # the gallery and the health are read all the while
            assert not agent.failed
            disk.free(agent.recorder._db)
            wait_for(lambda: agent.recorder.healthy)
            assert outside.request("enrol", person="ben", photos=[png(paint(Block(BLUE)))]).ok
            wait_for(lambda: not unsent(config), seconds=20)
        assert not agent.failed
        stored = recorded(config)
        assert [event.body["n"] for event in stored if "n" in event.body] == list(range(n))
        assert stored[-1].body["reason"] == "storage_failed"
        with open_db(config.database_path) as db:
            db.check()
            everything = len(stored) + len(recorded(config, "audit"))
            assert [event.seq for event in events.since(db, 0, 10_000)] == list(range(1, everything + 1))
        arrived = [body["n"] for body in outside.told("event/access") if "n" in body]
        assert list(dict.fromkeys(arrived)) == list(range(n))


@pytest.mark.usefixtures("soon")
def test_another_program_keeps_the_database_locked(configure, stage, outside, wait_for):
    config = configure(**reaching(outside.port))
    stage.goes_on = True
    with Agent(config) as agent:
        wait_for(lambda: agent.desk.link.connected)
        agent.recorder.write(lambda db: db.sql.execute("PRAGMA busy_timeout = 50"))
        other = sqlite3.connect(config.database_path, isolation_level=None, check_same_thread=False)

        def held(event):
            other.execute("BEGIN IMMEDIATE")  # before the event can be marked as sent
            agent.desk.wake(event)

        agent.recorder._recorded = held
        agent.recorder.record("access", recorded_at(0), {"n": 0})
        wait_for(lambda: outside.told("event/access"))
        time.sleep(1)
        assert not agent.failed
        assert len(unsent(config)) == 1
        other.execute("ROLLBACK")
        other.close()
        wait_for(lambda: not unsent(config))
    assert not agent.failed


# Its settings


def test_settings_of_the_link(tmp_path):
    (tmp_path / "password").write_text("secret\n")
    told = load_config(
        None,
        {
            "mqtt.host": "broker",
            "mqtt.port": 8883,
            "mqtt.protocol": 311,
            "mqtt.username": "door",
            "mqtt.password_file": tmp_path / "password",
            "mqtt.max_inflight": 7,
            "mqtt.session_seconds": 11,
            "mqtt.tls.enabled": True,
            "mqtt.tls.ca": tmp_path / "ca.pem",
        },
        {},
    ).mqtt
    settings = link_settings(told)
    assert (settings.host, settings.port, settings.protocol) == ("broker", 8883, 311)
    assert (settings.username, settings.password) == ("door", "secret")
    assert (settings.max_inflight, settings.session_seconds) == (7, 11)
    assert settings.tls.ca == tmp_path / "ca.pem"
    assert "secret" not in repr(settings)


def test_a_password_that_cannot_be_read(tmp_path):
    told = load_config(None, {"mqtt.username": "door", "mqtt.password_file": tmp_path / "absent"}, {}).mqtt
    with pytest.raises(ConfigError, match="absent"):
        link_settings(told)
