"""The whole agent with rules: administered over MQTT, kept over a restart, shared with another door, wiped."""

import json
import threading
import time
import uuid
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from queue import Empty

import pytest

from agent.app import Agent
from agent.device_key import device_key
from agent.hardware.inputs import Change, Input
from agent.members.credentials import add_card, new_pins, set_pin
from agent.members.particulars import set_person
from agent.mqtt.message import Code
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.privacy.wipe import pending
from agent.seal.keyring import key_path, site_key
from agent.store import events
from agent.store.db import open_db
from agent.store.sealing import card_key
from agent.store.templates import load_gallery
from tests.fakes.agents import Terminals, empty_stage, enrol, recorded, waited
from tests.fakes.blocks import BLUE, RED
from tests.fakes.cameras import ANNA, EMPTY
from tests.fakes.inputs import TypedInputs
from tests.fakes.registers import request
from tests.fakes.trust import OWNER, READER, let_reader_in, signed

FRONT, SIDE = Topics("home", "front"), Topics("home", "side")
VISIT = [EMPTY] * 3 + [ANNA] * 10 + [EMPTY] * 15
OPEN = """
time_zone = "UTC"
[attendance]
[doors.front]
factors = "{factors}"
[[grants]]
groups = ["staff"]
doors = ["*"]
"""
ZONE = """
time_zone = "UTC"
[zones.building]
anti_passback = "hard"
peers_silent = "deny"
[doors.front]
factors = "card"
enters = "building"
[doors.side]
factors = "card"
enters = "building"
[[grants]]
groups = ["staff"]
doors = ["*"]
"""


@pytest.fixture
def stage(monkeypatch):
    stage = empty_stage(monkeypatch)
    stage.goes_on = True
    return stage


@pytest.fixture
def configure(tmp_path, monkeypatch, stage, mosquitto):
    make = Terminals(tmp_path, monkeypatch)

    def configured(name="front", **more):
        told = {"device__name": name, "device__data_dir": tmp_path / name, "mqtt__enabled": True}
        reach = {"mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port, "camera__as_fast_as_possible": False}
        return make(**told, **reach, **more)

    return configured


@pytest.fixture
def admin(mosquitto):
    with Remote(LinkSettings(mosquitto.host, mosquitto.port), FRONT, OWNER) as remote:
        remote.wait_ready()
        yield remote


def admit(config, person, *, pin=None, duress=None, card=None):
    """Puts somebody into the staff, with what they carry."""
    with open_db(config.database_path, key=site_key(config)) as db:
        let_reader_in(db)
        set_person(db, person, {"groups": ["staff"]}, request(), create=True)
        if pin:
            set_pin(db, person, new_pins(db, person, pin, duress), request())
        if card:
            add_card(db, person, card, card_key(db), request())


def show(remote, topics=FRONT, **what):
    body = {"id": uuid.uuid4().hex, "at": datetime.now(UTC).isoformat(), **what}
    remote.send(topics.credential, signed(topics, "credential", body, datetime.now(UTC), READER))


def neighbours(configure):
    """Two doors of one site that know each other's keys."""
    keys = {name: device_key(configure(name)).public.text for name in ("front", "side")}
    return tuple(configure(name, trust__peers=keys) for name in keys)


def visit(agent, stage):
    """Anna comes to the door, in a moment."""
    stage.play = [EMPTY] * (agent.visits.frames + agent.dropped + 10) + VISIT


def reasons(config):
    return [event.body["reason"] for event in recorded(config)]


def test_rules_over_mqtt_hold_at_once_and_wrong_ones_not_at_all(configure, stage, admin, wait_for):
    config = configure()
    enrol(config, "anna", RED)
    with Agent(config) as agent:
        agent.look()
        applied = admin.request("rules_apply", text=OPEN.format(factors="face"))
        assert (applied.ok, applied.data["version"]) == (True, 1)
        wait_for(lambda: agent.porch.entrance.keeper.rules.version == 1)
        visit(agent, stage)
        wait_for(lambda: reasons(config) == ["no_access"])  # she is in no group
        refused = admin.request("rules_apply", text=OPEN.format(factors="nose"))
        assert refused.code is Code.BAD_RULES
        assert "line 5" in refused.message
        admitted = admin.request("person_set", person="anna", add_groups=("staff",))
        assert admitted.ok, admitted.message
        wait_for(lambda: "staff" in agent.porch.entrance.keeper.register.people["anna"].groups)
        visit(agent, stage)
        wait_for(lambda: reasons(config) == ["no_access", "match"], seconds=20)
    assert [event.body["type"] for event in recorded(config, "attendance")] == ["in"]


def test_a_pin_comes_over_the_network(configure, stage, admin, wait_for):
    config = configure()
    enrol(config, "anna", RED)
    admit(config, "anna", pin="4712", duress="9035")
    told = []
    with Agent(config, told=told.append) as agent:
        agent.look()
        assert admin.request("rules_apply", text=OPEN.format(factors="face+pin")).ok
        wait_for(lambda: agent.porch.entrance.keeper.rules.version == 1)
        visit(agent, stage)
        wait_for(lambda: [decision.reason for decision in told] == ["pin_needed"])
        show(admin, pin="0001")
        wait_for(lambda: reasons(config) == ["wrong_pin"])
        show(admin, pin="9035")
        wait_for(lambda: reasons(config) == ["wrong_pin", "credential"])
        assert agent.porch.door.unlocked
        wait_for(lambda: heard(admin, FRONT.event("alarm")) == ["duress"])


def test_a_card_wants_the_face_of_its_holder_and_no_other(configure, stage, admin, wait_for):
    config = configure()
    enrol(config, "anna", RED)
    enrol(config, "ben", BLUE)
    admit(config, "anna", card="04A2B3")
    admit(config, "ben", card="04A2B4")
    told = []
    with Agent(config, told=told.append) as agent:
        agent.look()
        assert admin.request("rules_apply", text=OPEN.format(factors="card+face")).ok
        wait_for(lambda: agent.porch.entrance.keeper.rules.version == 1)
        show(admin, card="04A2B4")
        wait_for(lambda: agent.recogniser.claimed is not None)
        assert agent.recogniser.claimed.gallery.people == ("ben",)
        visit(agent, stage)  # it is anna who comes
        wait_for(lambda: reasons(config) == ["face_mismatch"], seconds=20)
        show(admin, card="04A2B3")
        wait_for(lambda: agent.recogniser.claimed is not None and agent.recogniser.claimed.gallery.people == ("anna",))
        visit(agent, stage)
        wait_for(lambda: reasons(config) == ["face_mismatch", "credential"], seconds=20)
        wait_for(lambda: agent.recogniser.claimed is None)
    assert [event.body["shown"] for event in recorded(config)] == [["card"], ["card", "face"]]


def heard(remote, topic):
    """The alarms that came on a topic so far."""
    remote.kept = getattr(remote, "kept", [])
    while not remote.heard.empty():
        remote.kept.append(remote.heard.get())
    return [json.loads(message.payload)["alarm"] for message in remote.kept if message.topic == topic]


def test_two_doors_of_a_zone_know_of_each_other_and_of_silence(configure, admin, wait_for):
    front, side = neighbours(configure)
    for config in (front, side):
        admit(config, "anna", card="04A2B3")
        admit(config, "ben", card="04A2B4")
    with ExitStack() as stack:
        first = stack.enter_context(Agent(front))
        second = stack.enter_context(Agent(side))
        with Remote(LinkSettings("127.0.0.1", front.mqtt.port), SIDE, OWNER) as other:
            other.wait_ready()
            for remote in (admin, other):
                assert remote.request("rules_apply", text=ZONE).ok
            for agent in (first, second):
                wait_for(lambda agent=agent: agent.porch.entrance.keeper.rules.version == 1)
                wait_for(lambda agent=agent: not agent.porch.entrance.peers.silent())
            show(admin, card="04a2b3")
            wait_for(lambda: reasons(front) == ["credential"])
            wait_for(lambda: second.porch.entrance.whereabouts(9))
            show(other, SIDE, card="04A2B3")
            wait_for(lambda: reasons(side) == ["passback"])
            first.__exit__(None, None, None)
            wait_for(lambda: second.porch.entrance.peers.silent() == {"front"})
            show(other, SIDE, card="04A2B4")
            wait_for(lambda: reasons(side) == ["passback", "peers_silent"])


def test_a_door_that_was_away_hears_what_it_has_missed(configure, admin, wait_for):
    front, side = neighbours(configure)
    for config in (front, side):
        admit(config, "anna", card="04A2B3")
    with Agent(front) as first:
        assert admin.request("rules_apply", text=ZONE.replace('"deny"', '"allow"')).ok
        wait_for(lambda: first.porch.entrance.keeper.rules.version == 1)
        show(admin, card="04A2B3")
        wait_for(lambda: reasons(front) == ["credential"])
        with Agent(side) as second, Remote(LinkSettings("127.0.0.1", front.mqtt.port), SIDE, OWNER) as other:
            other.wait_ready()
            assert other.request("rules_apply", text=ZONE.replace('"deny"', '"allow"')).ok
            wait_for(lambda: second.porch.entrance.whereabouts(9), seconds=20)
            show(other, SIDE, card="04A2B3")
            wait_for(lambda: reasons(side) == ["passback"])


def test_what_is_known_of_the_door_outlives_a_restart(configure, admin, wait_for):
    config = configure()
    admit(config, "anna", card="04A2B3", pin="4712")
    with Agent(config) as agent:
        assert admin.request("rules_apply", text=OPEN.format(factors="card+pin")).ok
        wait_for(lambda: agent.porch.entrance.keeper.rules.version == 1)
        show(admin, card="04A2B3")
        for n in range(1, 6):
            show(admin, pin="0000")
            wait_for(lambda n=n: len(reasons(config)) == n)
        assert admin.request("mode", mode="locked_down").ok
    assert reasons(config) == ["wrong_pin"] * 5
    assert [event.body["alarm"] for event in recorded(config, "alarm")] == ["locked_out"]
    with Agent(config) as agent:
        assert agent.porch.entrance.mode == "locked_down"
        assert agent.porch.entrance.keeper.rules.version == 1
        assert admin.request("mode", mode="normal").ok
        wait_for(lambda: agent.porch.entrance.mode == "normal")
        show(admin, card="04A2B3")
        wait_for(lambda: reasons(config)[5:] == ["locked_out"])


def test_when_the_case_is_opened_keys_and_faces_go_and_the_agent_begins_anew(configure, monkeypatch, admin, wait_for):
    inputs = TypedInputs(**{Input.TAMPER: False})
    monkeypatch.setattr("agent.porch.make_inputs", lambda config: inputs)
    config = configure(inputs__backend="gpio", inputs__tamper_pin=5, inputs__tamper_wipes=True)
    enrol(config, "anna", RED)
    key = key_path(config).read_bytes()
    agent = Agent(config)
    with agent:
        agent.look()
        own = device_key(config).public
        inputs.change(Change(Input.TAMPER, True, time.monotonic()))
        assert waited(agent) == 1
    assert agent.failed
    assert pending(config) is None
    assert not key_path(config).exists() or key_path(config).read_bytes() != key
    with open_db(config.database_path) as db:
        kinds = [(event.kind, event.body.get("alarm") or event.body.get("action")) for event in events.since(db, 0, 99)]
    assert ("alarm", "tamper") in kinds
    assert ("audit", "wiped") in kinds
    inputs.state[Input.TAMPER] = False
    with Agent(config) as again:
        assert again.recogniser.known.gallery.people == ()
        bundle = again.knowledge.bundle
        with open_db(config.database_path, key=bundle.key) as db:
            assert load_gallery(db, bundle.template_model).templates == 0
    assert key_path(config).read_bytes() != key
    assert device_key(config).public != own  # whoever has opened it cannot speak for it


def test_who_is_forgotten_while_the_agent_runs_is_nowhere_any_more(configure, admin, wait_for):
    config = configure(events__name=True)
    enrol(config, "anna", RED)
    admit(config, "anna", card="04A2B3")
    with Agent(config) as agent:
        assert admin.request("rules_apply", text=ZONE.replace('"deny"', '"allow"')).ok
        wait_for(lambda: agent.porch.entrance.keeper.rules.version == 1)
        show(admin, card="04A2B3")
        wait_for(lambda: reasons(config) == ["credential"])
        wait_for(lambda: all("anna" in said for said in kept(config).values()), seconds=20)
        assert admin.request("forget", person="anna").ok
        wait_for(lambda: agent.recogniser.known.gallery.people == ())
        entrance = agent.porch.entrance
        wait_for(lambda: "anna" not in entrance.keeper.register.people)
        wait_for(lambda: agent.porch.doorman.report().last_opened_by is None)
        wait_for(lambda: entrance.whereabouts(9) == ())
        assert dict(entrance.labels.names) == {}
        time.sleep(1.1)  # within a second of its grant a card is the same showing still
        show(admin, card="04A2B3")
        wait_for(lambda: reasons(config) == ["credential", "unknown_credential"])
        wait_for(lambda: not any("anna" in said for said in kept(config).values()), seconds=20)


def kept(config):
    """What the broker keeps of the door and its zone, by topic."""
    found = {}
    with Remote(LinkSettings("127.0.0.1", config.mqtt.port), FRONT, OWNER) as other:
        other.wait_ready()
        with suppress(Empty):
            while not {FRONT.door, FRONT.zone} <= found.keys():
                message = other.heard.get(timeout=1.0)
                found[message.topic] = message.payload.decode()
    return {topic: found.get(topic, "") for topic in (FRONT.door, FRONT.zone)}


def test_who_comes_while_the_agent_stops_does_not_make_it_crash(configure, admin):
    config = configure()
    admit(config, "anna", card="04A2B3")
    gone = threading.Event()

    def come():
        while not gone.wait(0.06):
            show(admin, card="04A2B3")

    coming = threading.Thread(target=come)
    with Agent(config) as agent:
        assert admin.request("rules_apply", text=OPEN.format(factors="card")).ok
        coming.start()
    gone.set()
    coming.join()
    assert not agent.failed
    assert not agent.porch.door.unlocked
