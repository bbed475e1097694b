"""What somebody can do who holds the broker, or a key that may less, against a whole agent: deploy/SECURITY.md.

The broker of these tests lets everybody do everything: its own rules have failed, and what is signed has to be enough.
"""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from queue import Empty

import pytest

from agent.app import Agent
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.store import admins, people
from agent.store.db import open_db
from agent.trust.keys import Admin, SigningKey
from agent.trust.roles import Role
from tests.conftest import MOSQUITTO, Mosquitto
from tests.fakes.agents import Terminals, empty_stage, recorded
from tests.fakes.blocks import RED, Block, paint, png
from tests.fakes.trust import OWNER, signed

FRONT, SIDE = Topics("home", "front", ("ground",)), Topics("home", "side")
STRANGER = SigningKey(bytes([7]) * 32)
KEYS = {role: SigningKey(bytes([number]) * 32) for number, role in enumerate(Role, start=50)}
SECONDS = 10.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: sudo apt install mosquitto")
    running = Mosquitto(tmp_path_factory.mktemp("broker"))
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def configure(tmp_path_factory, broker):
    with pytest.MonkeyPatch.context() as patch:
        empty_stage(patch).goes_on = True

        def configured():
            folder = tmp_path_factory.mktemp("terminal")
            (folder / "synchronised").touch()
            door = {"device__name": "front", "device__groups": ("ground",), "mqtt__remote_unlock": True}
            reach = {"mqtt__enabled": True, "mqtt__host": broker.host, "mqtt__port": broker.port}
            clock = {"clock__synchronised_file": folder / "synchronised", "camera__as_fast_as_possible": False}
            made = Terminals(folder, patch)(**door, **reach, **clock)
            with open_db(made.database_path) as db:
                for role, key in KEYS.items():
                    admins.add(db, Admin(key.public, role.value, role), datetime.now(UTC), "test")
            return made

        yield configured


@pytest.fixture(scope="module")
def config(configure):
    """Of a terminal that runs."""
    made = configure()
    with Agent(made):
        yield made


@pytest.fixture
def attacker(broker):
    with Remote(LinkSettings(broker.host, broker.port), FRONT) as remote:
        remote.wait_ready()
        yield Attacker(remote)


class Attacker:
    """Sends what it likes, hears all."""

    def __init__(self, remote):
        self._remote = remote

    def id(self):
        return uuid.uuid4().hex

    def sends(self, verb, payload, *, topic=None, retain=False):
        """The code of the answer, or None where it was done."""
        id_ = json.loads(payload)["id"]
        self._remote._online.wait(SECONDS)
        while not self._remote.heard.empty():
            self._remote.heard.get()
        self._remote.send(topic or FRONT.command(verb), payload, retain=retain)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                message = self._remote.heard.get(timeout=SECONDS)
            except Empty:
                break
            if message.topic == FRONT.result(verb, id_):
                said = json.loads(message.payload)
                return None if said["ok"] else said["code"]
        raise AssertionError(f"no answer to {verb} {id_}")


def unlock(attacker, by=OWNER, topics=FRONT, **more):
    return signed(topics, "unlock", {"id": attacker.id()}, datetime.now(UTC), by, **more)


def openings(config):
    return [event.body["by"] for event in recorded(config, "audit") if event.body["action"] == "unlocked"]


def staff(config):
    with open_db(config.database_path) as db:
        return [person.id for person in people.list_people(db)]


class TestWhoHoldsTheBroker:
    """A stolen broker password, the broker's administrator, the broker itself: no door opens, no face is enrolled."""

    def test_what_nobody_has_signed_does_nothing(self, config, attacker):
        photo, before = png(paint(Block(RED))), openings(config)
        assert attacker.sends("unlock", json.dumps({"id": attacker.id()}).encode()) == "unsigned"
        body = {"id": attacker.id(), "person": "eve", "parts": 1}
        attacker._remote.send(FRONT.prefix + f"/cmd/enrol/{body['id']}/part/1/1", photo)
        assert attacker.sends("enrol", json.dumps(body).encode()) == "unsigned"
        assert attacker.sends("unlock", unlock(attacker, STRANGER)) == "unknown_key"
        pretended = {"id": attacker.id(), "key": OWNER.public.id}
        assert (
            attacker.sends("unlock", signed(FRONT, "unlock", pretended, datetime.now(UTC), STRANGER)) == "bad_signature"
        )
        assert openings(config) == before
        assert staff(config) == []

    def test_what_was_signed_once_is_carried_out_once(self, config, attacker):
        before, recording = len(openings(config)), unlock(attacker)
        assert attacker.sends("unlock", recording) is None
        assert openings(config)[before:] == ["mqtt:owner"]
        assert attacker.sends("unlock", recording) is None  # told again what came of it
        assert openings(config)[before:] == ["mqtt:owner"]

    def test_nor_later(self, config, attacker):
        before, then = openings(config), datetime.now(UTC) - timedelta(minutes=5)
        assert attacker.sends("unlock", signed(FRONT, "unlock", {"id": attacker.id()}, then)) == "expired"
        assert openings(config) == before

    def test_nor_as_another_command_nor_at_another_door(self, config, attacker):
        before = openings(config)
        other = signed(FRONT, "lock", {"id": attacker.id()}, datetime.now(UTC))
        assert attacker.sends("unlock", other) == "bad_signature"
        assert attacker.sends("unlock", unlock(attacker, topics=SIDE)) == "not_for_us"
        assert attacker.sends("unlock", unlock(attacker, target="home/@roof")) == "not_for_us"
        assert openings(config) == before

    def test_nor_with_a_word_changed(self, config, attacker):
        before = openings(config)
        body = json.loads(signed(FRONT, "unlock", {"id": attacker.id(), "seconds": 1.0}, datetime.now(UTC)))
        for change in ({"seconds": 30.0}, {"id": attacker.id()}, {"not_after": "2099-01-01T00:00:00Z"}):
            told = json.dumps(body | change).encode()
            assert attacker.sends("unlock", told) == "bad_signature"
        assert openings(config) == before

    def test_nor_again_after_a_restart_nor_kept_as_a_retained_message(self, configure, attacker):
        config = configure()
        kept, ping = unlock(attacker), signed(FRONT, "ping", {"id": attacker.id()}, datetime.now(UTC))
        with Agent(config):
            assert attacker.sends("unlock", kept) is None
        fresh = unlock(attacker)
        attacker._remote.send(FRONT.command("unlock"), fresh, retain=True)
        with Agent(config):
            assert attacker.sends("ping", ping) is None
            assert attacker.sends("unlock", kept) is None  # told again what came of it
            assert openings(config) == ["mqtt:owner"]
        attacker._remote.send(FRONT.command("unlock"), b"", retain=True)


class TestWhoHoldsAKeyThatMayLess:
    """Each role may what it is there for, and nothing else."""

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.ENROLLER, Role.READER])
    def test_no_door_opens(self, config, attacker, role):
        before = openings(config)
        assert attacker.sends("unlock", unlock(attacker, KEYS[role])) == "not_permitted"
        assert openings(config) == before

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.READER])
    def test_nobody_is_enrolled(self, config, attacker, role):
        body = {"id": attacker.id(), "person": "eve", "create": True}
        told = signed(FRONT, "person_set", body, datetime.now(UTC), KEYS[role])
        assert attacker.sends("person_set", told) == "not_permitted"
        assert staff(config) == []

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
    def test_nobody_lets_others_in(self, config, attacker, role):
        body = {"id": attacker.id(), "public": STRANGER.public.text, "name": "eve", "role": "owner"}
        told = signed(FRONT, "key_add", body, datetime.now(UTC), KEYS[role])
        assert attacker.sends("key_add", told) == "not_permitted"

    def test_a_revoked_key_may_nothing(self, config, attacker):
        before, operator = len(openings(config)), KEYS[Role.OPERATOR]
        assert attacker.sends("unlock", unlock(attacker, operator)) is None
        revoke = {"id": attacker.id(), "id_of": operator.public.id}
        assert attacker.sends("key_revoke", signed(FRONT, "key_revoke", revoke, datetime.now(UTC))) is None
        assert attacker.sends("unlock", unlock(attacker, operator)) == "unknown_key"
        assert openings(config)[before:] == ["mqtt:operator"]
