"""Other doors: heard or silent, open or closed, and who went through."""

import json
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from agent.mqtt.connection import Outgoing
from agent.mqtt.inbox import Incoming
from agent.mqtt.link import Link
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.signing import Signer
from agent.mqtt.telemetry import DoorState
from agent.mqtt.topics import Topics
from agent.mqtt.zone import Passage, ZoneState
from agent.peers import Peers
from agent.trust.keys import SigningKey
from tests.fakes.trust import OWNER

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
HERE, SIDE = Topics("hq", "front"), Topics("hq", "side")
ANNA = Passage(person="anna", zone="building", at=NOW)
FIRST_DAY = b'{"person": "anna", "zone": "", "at": "0001-01-01T00:00:00+14:00"}'  # no time in UTC
KEY, OTHER = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
ONLINE = {"state": "online", "boot_id": "b", "version": "1", "model": "m"}


class Ear:
    """A link that is told what to hear."""

    connected = True

    def listen(self, devices, heard):
        self.devices, self.heard = devices, heard

    def say(self, topic, body, key=KEY):
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key is not None:
            payload = Signer(key, SIDE.prefix).signed(Outgoing(topic, payload)).payload
        self.heard(Incoming(topic, payload, len(payload), retained=True))


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def passed():
    return []


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def peers(ear, passed, clock):
    made = Peers(HERE, now=clock)
    made.know({"side": KEY.public})
    made.hear_by(ear, passed.append)
    made.listen_to({"side"})
    return made


def test_nobody_is_heard_before_they_say_something(peers):
    assert (peers.silent(), peers.open()) == ({"side"}, frozenset())


def test_without_a_link_nobody_is_heard_and_with_one_later_they_are(ear, passed):
    peers = Peers(HERE)
    peers.know({"side": KEY.public})
    peers.listen_to({"side"})
    assert peers.silent() == {"side"}
    peers.hear_by(ear, passed.append)
    assert ear.devices == ["side"]
    ear.say(SIDE.status, ONLINE)
    assert peers.silent() == frozenset()


def test_who_is_online_is_heard(peers, ear):
    ear.say(SIDE.status, ONLINE)
    assert peers.silent() == frozenset()
    ear.say(SIDE.status, ONLINE | {"state": "offline"})
    assert peers.silent() == {"side"}


def test_without_a_broker_nobody_is_heard(peers, ear):
    ear.say(SIDE.status, ONLINE)
    ear.connected = False
    assert peers.silent() == {"side"}


def test_a_new_connection_forgets_what_the_old_one_said(peers, ear):
    ear.say(SIDE.status, ONLINE)
    ear.say(SIDE.door, {"at": NOW.isoformat(), "locked": True, "contact": "open"})
    ear.heard(None)
    assert (peers.silent(), peers.open()) == ({"side"}, frozenset())


def test_a_door_opens_and_closes(peers, ear):
    ear.say(SIDE.door, {"at": NOW.isoformat(), "locked": True, "contact": "open"})
    assert peers.open() == {"side"}
    ear.say(SIDE.door, {"at": NOW.isoformat(), "locked": True, "contact": "closed"})
    assert peers.open() == frozenset()


def test_a_door_that_is_released_may_be_open_in_a_moment(peers, ear):
    ear.say(SIDE.door, {"at": NOW.isoformat(), "locked": False, "contact": "closed"})
    assert peers.open() == {"side"}
    ear.say(SIDE.door, {"at": NOW.isoformat(), "locked": True, "contact": "closed"})
    assert peers.open() == frozenset()


def test_a_door_of_a_newer_version_is_heard_all_the_same(peers, ear, passed):
    ear.say(SIDE.status, ONLINE | {"colour": "green"})
    ear.say(SIDE.door, {"locked": True, "contact": "open", "colour": "green"})
    ear.say(SIDE.passage, json.loads(ANNA.to_json()) | {"colour": "green"})
    assert (peers.silent(), peers.open(), [each.person for each in passed]) == (frozenset(), {"side"}, ["anna"])


def test_who_went_through_is_passed_on(peers, ear, passed):
    ear.say(SIDE.passage, ANNA.to_json())
    ear.say(SIDE.zone, ZoneState(at=NOW, people=(ANNA, ANNA.model_copy(update={"person": "ben"}))).to_json())
    assert [passage.person for passage in passed] == ["anna", "anna", "ben"]


def test_strangers_among_the_doors_are_not_listened_to(peers, ear, passed):
    ear.say(Topics("hq", "other").passage, ANNA.to_json())
    ear.say(HERE.passage, ANNA.to_json())
    ear.say(Topics("branch", "side").passage, ANNA.to_json())
    assert passed == []


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"person": "a b"}', FIRST_DAY], ids=repr)
def test_garbage_is_not_heard(peers, ear, passed, payload):
    for topic in (SIDE.door, SIDE.zone, SIDE.passage):
        ear.say(topic, payload)
    ear.say(SIDE.status, payload)
    assert (passed, peers.silent()) == ([], {"side"})


def test_garbage_without_end_is_told_of_once(peers, ear, caplog):
    for _ in range(1000):
        ear.say(SIDE.passage, b"garbage")
    assert len(caplog.records) == 1
    ear.heard(None)
    ear.say(SIDE.passage, b"garbage")
    assert len(caplog.records) == 2


def test_the_same_doors_again_are_no_reason_to_connect_again(peers, ear):
    ear.devices = None
    peers.listen_to(["side"])
    assert ear.devices is None
    peers.listen_to(["side", "back"])
    assert ear.devices == ["back", "side"]


def test_over_a_real_broker_also_what_was_said_before(mosquitto, wait_for, passed):
    settings = LinkSettings(mosquitto.host, mosquitto.port)
    side = Link(settings, SIDE, boot_id="s", version="1", model="m", signer=Signer(KEY, SIDE.prefix))
    side.start()
    assert side.wait_connected(5)
    side.send(Outgoing(SIDE.zone, ZoneState(at=NOW, people=(ANNA,)).to_json(), retain=True))
    side.publish_door_state(DoorState(at=NOW.isoformat(), locked=True, contact="open"))
    front = Link(settings, HERE, boot_id="f", version="1", model="m")
    peers = Peers(HERE)
    peers.know({"side": KEY.public})
    peers.hear_by(front, passed.append)
    with Remote(settings, HERE, OWNER) as outside:
        outside.wait_ready()
        front.start()
        assert front.wait_connected(5)
        peers.listen_to({"side"})  # connects anew
        wait_for(lambda: peers.silent() == frozenset() and peers.open() == {"side"} and passed)
        side.send(Outgoing(SIDE.passage, Passage(person="ben", zone="", at=NOW).to_json()))
        wait_for(lambda: [passage.person for passage in passed] == ["anna", "ben"])
        side.close()
        wait_for(lambda: peers.silent() == {"side"})
        front.close()
        states = [json.loads(m.payload)["state"] for m in iter_queue(outside.heard) if m.topic == HERE.status]
    assert "offline" not in states  # listening to somebody else is no fault


def iter_queue(queue):
    while not queue.empty():
        yield queue.get()


class TestWhoIsBelieved:
    SHUT: ClassVar = {"at": NOW.isoformat(), "locked": True, "contact": "closed"}
    OPEN: ClassVar = {"at": NOW.isoformat(), "locked": True, "contact": "open"}

    @pytest.mark.parametrize("key", [None, OTHER], ids=["nobody", "another device"])
    def test_nothing_counts_that_is_not_signed_by_its_key(self, peers, ear, passed, caplog, key):
        ear.say(SIDE.status, ONLINE, key)
        ear.say(SIDE.door, self.OPEN, key)
        ear.say(SIDE.passage, json.loads(ANNA.to_json()), key)
        ear.say(SIDE.passage, json.loads(ANNA.to_json()), key)
        assert (peers.silent(), peers.open(), passed) == ({"side"}, frozenset(), [])
        assert caplog.text.count("peer not believed: passage of side: not signed by a key known here") == 1

    def test_what_was_said_elsewhere_does_not_count(self, peers, ear):
        payload = Signer(KEY, SIDE.prefix).signed(Outgoing(SIDE.health, json.dumps(ONLINE).encode())).payload
        ear.say(SIDE.status, payload, None)
        assert peers.silent() == {"side"}

    def test_a_door_that_was_shut_before_is_not_shut_again(self, peers, ear):
        ear.say(SIDE.status, ONLINE)
        ear.say(SIDE.door, self.OPEN)
        ear.say(SIDE.door, self.SHUT | {"at": NOW.replace(hour=8).isoformat()})
        assert peers.open() == {"side"}
        ear.say(SIDE.door, {"locked": True})
        assert peers.open() == {"side"}
        ear.say(SIDE.door, self.SHUT)
        assert peers.open() == frozenset()

    def test_a_door_whose_clock_was_ahead_and_is_set_right_is_heard_to_open(self, peers, ear, clock):
        """Else the interlock takes it for shut until the time that it once said."""
        ahead = {"at": (NOW + timedelta(minutes=2)).isoformat()}
        ear.say(SIDE.status, ONLINE)
        ear.say(SIDE.door, self.OPEN | ahead)
        clock.now += timedelta(seconds=30)
        for before in (timedelta(minutes=-1), timedelta(minutes=1)):  # said before that was, or by the clock of before
            ear.say(SIDE.door, self.SHUT | {"at": (NOW + before).isoformat()})
            assert peers.open() == {"side"}
        ear.say(SIDE.door, self.SHUT | {"at": clock.now.isoformat()})
        assert peers.open() == frozenset()
        ear.say(SIDE.door, self.OPEN | {"at": (clock.now + timedelta(seconds=1)).isoformat()})
        assert peers.open() == {"side"}

    def test_a_device_whose_clock_is_another_after_a_start_is_heard(self, peers, ear):
        ear.say(SIDE.status, ONLINE)
        ear.say(SIDE.door, self.SHUT)
        ear.say(SIDE.status, ONLINE | {"boot_id": "next"})
        ear.say(SIDE.door, self.OPEN | {"at": NOW.replace(year=1970).isoformat()})
        assert peers.open() == {"side"}

    def test_a_key_that_becomes_known_has_everything_said_again(self, ear):
        peers = Peers(HERE)
        peers.hear_by(ear, lambda _: None)
        peers.listen_to({"side"})
        ear.say(SIDE.status, ONLINE)
        assert peers.silent() == {"side"}
        ear.devices = None
        peers.know({"side": KEY.public, "back": OTHER.public})
        assert ear.devices == ["side"]
        ear.devices = None
        peers.know({"side": KEY.public})
        assert ear.devices is None

    def test_unsigned_ones_where_that_is_wanted_and_no_key_is_known(self, ear):
        peers = Peers(HERE, unsigned=True)
        peers.know({"back": KEY.public})
        peers.hear_by(ear, lambda _: None)
        peers.listen_to({"side", "back"})
        ear.say(SIDE.status, ONLINE, None)
        ear.say(Topics("hq", "back").status, ONLINE, None)
        assert peers.silent() == {"back"}
