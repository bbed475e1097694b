"""A whole terminal and its keys over a real broker: paired, keys added and revoked, refusals in the audit."""

import json
import time
from datetime import UTC, datetime
from queue import Empty

import pytest

from agent import pairing
from agent.app import Agent
from agent.device_key import device_key
from agent.mqtt.message import Code
from agent.mqtt.pair import PairAnswer
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.signing import genuine
from agent.mqtt.topics import Topics
from agent.register import Request
from agent.store.db import open_db
from agent.trust.keys import SigningKey, packed, rotation_text
from agent.trust.pairing import Suitor
from tests.fakes.agents import Terminals, empty_stage, recorded
from tests.fakes.trust import OWNER, signed

TOPICS = Topics("home", "door")
ANNA, BEN, EVE, NEW = (SigningKey(letter * 32) for letter in (b"a", b"b", b"e", b"n"))


@pytest.fixture
def configure(tmp_path, monkeypatch, mosquitto):
    empty_stage(monkeypatch).goes_on = True
    make = Terminals(tmp_path, monkeypatch)
    reach = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
    return lambda **more: make(**reach, **more)


@pytest.fixture
def remote(mosquitto):
    """Makes clients that sign with a key."""
    made = []

    def remote(key):
        made.append(Remote(LinkSettings(mosquitto.host, mosquitto.port), TOPICS, key))
        made[-1].__enter__()
        made[-1].wait_ready()
        return made[-1]

    yield remote
    for one in made:
        one.close()


def says(client, topic, payload, answer, seconds=10.0):
    """Sends a message, and returns what comes on a topic."""
    client.send(topic, payload)
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        message = client.heard.get(timeout=left)
        if message.topic == answer:
            return message.payload
    raise Empty


def pair(client, **body):
    payload = says(client, TOPICS.pair, json.dumps({"id": "p1", **body}).encode(), TOPICS.paired("p1"))
    return PairAnswer.model_validate_json(payload)


def begin(config):
    with open_db(config.database_path) as db:
        return pairing.begin(db, config, Request("cli:root", datetime.now(UTC), "cli"))


def test_a_device_without_an_owner_does_nothing_but_pair_and_then_obeys(configure, remote, caplog):
    config = configure(trust__owner="")
    anna = remote(ANNA)
    with Agent(config):
        assert "nobody owns this device, and no command is carried out" in caplog.text
        refused = anna.request("ping")
        assert (refused.code, "latchkey trust pair" in refused.message) == (Code.UNKNOWN_KEY, True)
        assert pair(anna).code == Code.NO_PAIRING
        suitor = Suitor(begin(config), "home", "door", public=ANNA.public, name="anna")
        claim = suitor.claim(pair(anna).model_dump())
        assert pair(anna, **claim | {"public": EVE.public.text}).code == Code.WRONG_CODE
        answer = pair(anna, **claim)
        assert suitor.device_key(answer.model_dump()) == device_key(config).public
        assert pair(anna, **claim).proof == answer.proof  # the answer got lost: the same again
        assert pair(anna, **claim | {"public": EVE.public.text}).code == Code.NO_PAIRING
        assert pair(anna, nonce="short").code == Code.BAD_REQUEST
        assert anna.request("ping").ok
        assert anna.request("device").data["public"] == device_key(config).public.text
    assert [event.body["action"] for event in recorded(config, "audit")][:4] == [
        "command_refused", "pairing_begun", "pairing_refused", "paired",
    ]  # fmt: skip


def test_keys_are_added_rotated_and_revoked_and_count_from_the_next_command_on(configure, remote):
    config = configure()
    owner, ben, new = remote(OWNER), remote(BEN), remote(NEW)
    with Agent(config):
        assert ben.request("ping").code == Code.UNKNOWN_KEY
        assert owner.request("key_add", public=BEN.public.text, name="ben", role="viewer").ok
        assert ben.request("ping").ok
        for verb, more in (("lock", {}), ("key_revoke", {"id_of": BEN.public.id})):
            assert ben.request(verb, **more).code == Code.NOT_PERMITTED
        proof = packed(NEW.sign(rotation_text(BEN.public.id)))
        assert owner.request("key_rotate", public=NEW.public.text, proof=proof, id_of=BEN.public.id).ok
        assert ben.request("ping").code == Code.UNKNOWN_KEY
        assert new.request("ping").ok
        assert owner.request("key_revoke", id_of=NEW.public.id).ok
        assert new.request("ping").code == Code.UNKNOWN_KEY
        keys = owner.request("keys").data["keys"]
    assert {key["name"]: key["role"] for key in keys if key["revoked_at"] is None} == {"owner": "owner"}
    audited = [event.body for event in recorded(config, "audit")]
    refused = [body for body in audited if body["action"] == "command_refused"]
    assert {(body["by"], body["details"]["code"]) for body in refused} == {
        ("mqtt", "unknown_key"), ("mqtt:ben", "not_permitted"),
    }  # fmt: skip
    assert [body["action"] for body in audited if body["action"].startswith("key_")] == [
        "key_added", "key_rotated", "key_revoked",
    ]  # fmt: skip


def test_who_has_the_broker_s_password_opens_no_door_and_enrols_nobody(configure, remote):
    """Replays, changes, and commands of the same broker's client without a key that the device knows."""
    config = configure(mqtt__remote_unlock=True)
    eve, owner = remote(EVE), remote(OWNER)
    with Agent(config) as agent:
        assert owner.request("ping").ok  # it listens
        body = {"id": "x1", "person": "eve", "create": True}
        good = signed(TOPICS, "person_set", body, datetime.now(UTC))
        topic, answer = TOPICS.command("person_set"), TOPICS.result("person_set", "x1")
        for payload, code in (
            (json.dumps(body).encode(), Code.UNSIGNED),
            (signed(TOPICS, "person_set", body, datetime.now(UTC), EVE), Code.UNKNOWN_KEY),
            (good.replace(b'"eve"', b'"bob"'), Code.BAD_SIGNATURE),
        ):
            assert json.loads(says(eve, topic, payload, answer))["code"] == code
        assert json.loads(says(eve, topic, good, answer))["ok"]
        assert json.loads(says(eve, topic, good, answer))["code"] == Code.SEEN_BEFORE
        assert eve.request("unlock", not_after=datetime.now(UTC).replace(year=2199)).code == Code.UNKNOWN_KEY
        result = says(owner, TOPICS.command("ping"), signed(TOPICS, "ping", {"id": "p"}, datetime.now(UTC)),
                      TOPICS.result("ping", "p"))  # fmt: skip
        assert genuine(TOPICS.result("ping", "p"), result, device_key(config).public)
        assert not agent.porch.door.unlocked


def test_what_was_done_before_a_restart_is_not_done_after_it(configure, remote):
    config = configure()
    owner = remote(OWNER)
    payload = signed(TOPICS, "person_set", {"id": "x1", "person": "eve", "create": True}, datetime.now(UTC))
    read = signed(TOPICS, "list", {"id": "x2"}, datetime.now(UTC))
    for again in (False, True):
        with Agent(config):
            assert owner.request("ping").ok
            for verb, body, command_id in (("person_set", payload, "x1"), ("list", read, "x2")):
                answer = json.loads(says(owner, TOPICS.command(verb), body, TOPICS.result(verb, command_id)))
                assert (answer.get("code") == Code.SEEN_BEFORE) is again
    assert [event.body["action"] for event in recorded(config, "audit")].count("person_added") == 1


def test_a_group_of_devices_is_asked_by_one_message(configure, remote):
    config = configure(device__groups=["entrances"])
    owner = remote(OWNER)
    with Agent(config):
        assert owner.request("ping").ok
        for number, group in enumerate(("entrances", "all")):
            target = f"home/@{group}"
            payload = signed(TOPICS, "ping", {"id": f"g{number}"}, datetime.now(UTC), target=target)
            answer = says(owner, f"latchkey/v1/{target}/cmd/ping", payload, TOPICS.result("ping", f"g{number}"))
            assert json.loads(answer)["ok"]
