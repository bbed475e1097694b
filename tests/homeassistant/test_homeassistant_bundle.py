"""What is announced to Home Assistant is what its MQTT component takes, and its templates say what is so."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.homeassistant import HomeAssistant
from agent.config.kinds import TOPIC_LEVEL
from agent.homeassistant.bundle import bundle, discovery_topic, object_id
from agent.mqtt.topics import Topics
from tests.homeassistant.documented import FIELDS

TOPICS = Topics("hq", "front-door")
SETTINGS = HomeAssistant(enabled=True, camera=True)
MADE = bundle(TOPICS, SETTINGS, version="1.2.3")
COMPONENTS = MADE.body["components"]
HERE = Path(__file__).parent
CONTRACT = HERE.parents[1] / ".contract"
PYTHON = CONTRACT / "bin" / "python"
"""With the extra `homeassistant-test`; the package pins what it needs, so it has an environment of its own."""
EXAMPLES = re.findall(
    r"<!-- ([\w-]+)\.json -->\n```json\n(.*?)```", (HERE.parents[1] / "deploy" / "MQTT.md").read_text(), re.DOTALL
)


def example(name, **more):
    """The first example of a message in deploy/MQTT.md, a little changed; None takes a field away."""
    body = json.loads(next(text for found, text in EXAMPLES if found == name)) | more
    return json.dumps({key: value for key, value in body.items() if value is not None})


SAMPLES = {
    TOPICS.status: [example("status"), example("status", state="offline"), example("status", state="stopped")],
    TOPICS.door: [
        example("state-door"),
        example("state-door", locked=False, contact="open", alarms=["tamper", "forced_open"], last_opened_by="anna"),
        json.dumps({"at": "2026-11-22T06:00:00Z", "locked": True, "held": False, "alarms": []}),
    ],
    TOPICS.health: [
        example("health"),
        example("health", disk_free_bytes=1e6, oldest_unsent_seconds=7200.5),
        example("health", clock="unsynchronised", temperature_celsius=None, memory_bytes=None),
    ],
    TOPICS.event("access"): [
        example("event-access"),
        example("event-access", historical=True),
        example("event-access", outcome="denied", person=None, reason="unknown", detail='<"{{ x }}">'),
    ],
    TOPICS.event("alarm"): [example("event-alarm"), example("event-alarm", state="cleared")],
}


def test_one_message_on_the_topic_of_the_device():
    assert MADE.topic == f"homeassistant/device/front-door/{object_id('hq', 'front-door')}/config"
    assert json.loads(MADE.payload) == MADE.body
    assert re.fullmatch(
        r"homeassistant/device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config", MADE.topic
    )  # what Home Assistant matches
    assert MADE.body["device"]["name"] == "Latchkey front-door"
    assert bundle(TOPICS, HomeAssistant(name="Door 1")).body["device"]["name"] == "Door 1"


def test_every_kind_of_entity_is_there_and_no_camera_unless_asked_for():
    kinds = {name: entity["platform"] for name, entity in COMPONENTS.items()}
    assert set(kinds.values()) == {"lock", "event", "binary_sensor", "sensor", "update", "camera"}
    assert {"contact", "tamper", "problem"} <= {name for name, kind in kinds.items() if kind == "binary_sensor"}
    assert "camera" not in bundle(TOPICS, HomeAssistant(enabled=True)).body["components"]


def test_all_it_reads_are_topics_that_the_device_says_and_it_writes_to_none_of_them():
    said = {TOPICS.status, TOPICS.health, TOPICS.door, TOPICS.snapshot}
    said |= {TOPICS.event(kind) for kind in ("access", "alarm")}
    for entity in COMPONENTS.values():
        topics = {entity[key] for key in ("state_topic", "topic", "json_attributes_topic") if key in entity}
        assert topics <= said
    assert COMPONENTS["lock"]["command_topic"] == "homeassistant/latchkey/hq/front-door/lock/set"
    assert COMPONENTS["lock"]["retain"] is False
    assert COMPONENTS["lock"]["optimistic"] is False


@pytest.mark.parametrize("name", COMPONENTS)
def test_an_entity_has_none_but_documented_fields(name):
    entity = COMPONENTS[name]
    assert set(entity) <= FIELDS["all"] | FIELDS[entity["platform"]]
    assert set(MADE.body) <= FIELDS["bundle"]
    assert set(MADE.body["device"]) <= FIELDS["device"]
    assert set(MADE.body["origin"]) <= FIELDS["origin"]


LEVELS = st.from_regex(TOPIC_LEVEL, fullmatch=True)


@given(LEVELS, LEVELS, LEVELS, LEVELS)
def test_two_terminals_never_share_a_topic_or_an_id(site, device, other_site, other_device):
    one, other = (discovery_topic("ha", *names) for names in ((site, device), (other_site, other_device)))
    assert re.fullmatch(r"ha/device/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", one)
    assert (one == other) == ((site, device) == (other_site, other_device))


def test_ids_stay():
    assert object_id("hq", "front-door") == "latchkey_hq_front-door_0eaaef40"
    assert object_id("Büro.1", "Tür") == "latchkey_b-ro-1_t-r_170b9e5d"
    ids = [entity["unique_id"] for entity in COMPONENTS.values()]
    assert len(set(ids)) == len(ids)


@pytest.fixture(scope="module")
def taken():
    """What the real component says to each entity."""
    if not PYTHON.exists():
        pytest.skip(f"the real component is not here: make contract ({PYTHON})")
    told = json.dumps({"bundle": MADE.body, "samples": SAMPLES})
    done = subprocess.run(
        [PYTHON, HERE / "check_schemas.py"], input=told, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return {line["entity"]: line for line in map(json.loads, done.stdout.splitlines())}


def test_the_real_component_takes_every_entity_and_every_field_of_it(taken):
    assert set(taken) == set(COMPONENTS)
    assert {name: line["lost"] for name, line in taken.items() if line["lost"]} == {}


WANTED = {
    "lock": ["LOCKED", "UNLOCKED", "LOCKED"],
    "contact": ["OFF", "ON", "None"],
    "tamper": ["OFF", "ON", "OFF"],
    "door_alarm": ["OFF", "ON", "OFF"],
    "problem": ["OFF", "ON", "ON"],
    "last_person": ["anna", "anna", "None"],
    "mode": ["normal", "normal", "None"],
    "temperature": ["51.2", "51.2", "None"],
    "disk_free": ["12.88", "0.0", "12.88"],
    "memory": ["150.99", "150.99", "None"],
    "outbox": ["0", "0", "0"],
    "oldest_unsent": ["0", "7200.5", "0"],
    "clock": ["synchronised", "synchronised", "unsynchronised"],
    "people": ["41", "41", "41"],
    "rules": ["None", "None", "None"],
    "model": ["latchkey-encoder-1-0badcafe"] * 3,
}


@pytest.mark.parametrize("name", WANTED)
def test_its_templates_say_what_is_so(taken, name):
    assert taken[name]["made"]["value_template"] == WANTED[name]


def test_who_came_is_an_event_and_what_is_historical_is_none(taken):
    granted, historical, denied = taken["access"]["made"]["value_template"]
    assert json.loads(granted) | {"detail": ""} == {
        "event_type": "granted", "id": "01KAMB5T80W9R3Q2M4X7Y1Z5AB", "at": "2026-11-22T06:00:00.000Z",
        "person": "anna", "name": None, "reason": "match", "detail": "", "shown": ["face"], "companion": None,
        "schedule": "office", "repeat": False,
    }  # fmt: skip
    assert historical == ""
    assert json.loads(denied)["detail"] == '<"{{ x }}">'
    raised, cleared = taken["alarm"]["made"]["value_template"]
    assert json.loads(raised)["event_type"] == "held_open"
    assert cleared == ""


def test_a_device_that_has_stopped_is_not_available(taken):
    assert all(line["made"]["availability"] == ["online", "offline", "offline"] for line in taken.values())
