"""Collectors at a real Mosquitto and a real PostgreSQL: nothing lost, nothing twice, acknowledged once written."""

import json
import threading
import time
from contextlib import contextmanager

import pytest

from agent.fleet.acks import Acks, ranges
from agent.fleet.collector import Collector, Database
from agent.fleet.database import migrate
from agent.fleet.keys import trust
from agent.fleet.letter import read
from agent.fleet.mqtt import MqttSource
from agent.fleet.source import Delivery
from agent.mqtt.backoff import Backoff
from agent.mqtt.connection import Connection, Outgoing
from agent.mqtt.inbox import Incoming
from agent.mqtt.settings import LinkSettings
from agent.trust.keys import SigningKey
from agent.trust.roles import Role
from tests.fakes.fleet import NOW, Device
from tests.fakes.postgres import SPEED, Postgres
from tests.fakes.trust import admission

KEY = SigningKey(b"collector".ljust(32))


def reach(broker, name="c1", **more):
    more = {"reconnect_min_seconds": 0.05, "reconnect_max_seconds": 0.2, "max_payload_bytes": 262_144} | more
    return LinkSettings("127.0.0.1", broker.port, client_id=name, **more)


@contextmanager
def collecting(broker, url, name="c1", key=KEY, source=None):
    """A collector in a thread of its own."""
    source = source or MqttSource(reach(broker, name), most=100)
    acks = Acks(key, gather_seconds=0.05)
    collector = Collector(source, Database(url), acks, backoff=Backoff(least=0.05, most=0.2))
    ending = threading.Event()

    def work():
        while not ending.is_set():
            collector.step()
        collector.finish()
        source.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield collector
    finally:
        ending.set()
        thread.join(20)
        assert not thread.is_alive()


class Speaker:
    """Sends what devices say, and hears what they are told."""

    def __init__(self, broker, protocol=5):
        topics = ("latchkey/v1/+/+/event/ack",)
        settings = LinkSettings("127.0.0.1", broker.port, protocol=protocol, session_seconds=0)
        self._connection = Connection(settings, None, client_id="speaker", will=None, subscriptions=topics)
        self._connection.open()
        self.told = []
        self.serve(0.3)

    def serve(self, seconds):
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.told += [each for each in self._connection.serve(min(left, 0.05)) if isinstance(each, Incoming)]

    def say(self, *deliveries):
        for delivery in deliveries:
            self._connection.publish(Outgoing(delivery.topic, delivery.payload))
        self.serve(0.05)

    def acknowledged(self, device):
        """Serves a moment; returns the numbers that a device was told of."""
        self.serve(0.05)
        bodies = [json.loads(told.payload) for told in self.told if told.topic == device.topics.ack]
        return {seq for body in bodies for first, last in body["seqs"] for seq in range(first, last + 1)}


@pytest.fixture
def speaker(mosquitto):
    return Speaker(mosquitto)


def seqs(pg):
    return [seq for (seq,) in pg.execute("SELECT seq FROM events ORDER BY device, seq").fetchall()]


def test_what_devices_say_is_written_down_and_acknowledged(mosquitto, pg, url, speaker, wait_for):
    door = Device()
    trust(pg, "hq", "door", door.key.public)
    with collecting(mosquitto, url) as collector:
        wait_for(lambda: collector._source._ready)
        speaker.say(*(door.event(person="anna") for _ in range(50)), door.say("status", {"state": "online"}))
        speaker.say(Device("stranger").event(), Delivery("latchkey/v1/hq/door/event/access", b"noise"))
        wait_for(lambda: speaker.acknowledged(door) == set(range(1, 51)))
        wait_for(lambda: collector.totals.doubts == {"unknown_device": 1, "malformed": 1})
    assert seqs(pg) == list(range(1, 51))
    assert pg.execute("SELECT reason FROM quarantine ORDER BY reason").fetchall() == [
        ("malformed",),
        ("unknown_device",),
    ]
    assert pg.execute("SELECT state FROM devices WHERE device = 'door'").fetchall() == [("online",)]
    assert not any(told.topic.startswith("latchkey/v1/hq/stranger") for told in speaker.told)


def test_devices_believe_the_acknowledgement():
    device = Device()
    record = read(device.event(), lambda *_: [device.key.public])
    acks = Acks(KEY)
    acks.add([record], 0.0)
    assert list(acks.due(0.5, NOW)) == []
    ((topic, payload),) = acks.due(5.0, NOW)
    assert topic == "latchkey/v1/hq/door/event/ack"
    admit = admission(device.topics, collector=(KEY, Role.COLLECTOR)).admit("event_ack", payload, NOW)
    assert json.loads(admit.arguments)["seqs"] == [[1, 1]]
    assert acks.waiting == 0


def test_without_a_key_nothing_is_acknowledged():
    device = Device()
    acks = Acks(None)
    acks.add([read(device.event(), lambda *_: [device.key.public])], 0.0)
    assert (acks.waiting, list(acks.due(100.0, NOW))) == (0, [])


def test_an_acknowledgement_that_was_not_sent_is_asked_for_again():
    device = Device()
    acks = Acks(KEY)
    acks.add([read(device.event(), lambda *_: [device.key.public])], 0.0)
    for _payload in acks.due(9.0, NOW):
        break
    assert acks.waiting == 1
    assert len(list(acks.due(9.0, NOW))) == 1


def test_numbers_as_ranges():
    assert ranges([]) == []
    assert ranges([5, 1, 2, 3, 9, 8, 8]) == [(1, 3), (5, 5), (8, 9)]


def test_two_share_the_work_and_one_that_dies_leaves_nothing_behind(mosquitto, pg, url, speaker, wait_for):
    door = Device()
    trust(pg, "hq", "door", door.key.public)
    with collecting(mosquitto, url, "c1") as first:
        stopping = MqttSource(reach(mosquitto, "c2", session_seconds=0), most=20)
        wait_for(lambda: stopping.take(0.05, 0) == [] and stopping._ready and first._source._ready)
        events = [door.event() for _ in range(100)]
        speaker.say(*events)
        held = []
        wait_for(lambda: held.extend(stopping.take(0.05, 20)) or len(held) == 20)  # as many as it may have, unsettled
        wait_for(lambda: len(seqs(pg)) >= 20)
        assert len(seqs(pg)) < 100
        stopping._connection.drop()  # kill -9
        missing = set(range(1, 101)) - set(seqs(pg))
        speaker.say(*(event for event in events if json.loads(event.payload)["seq"] in missing))  # as devices do
        wait_for(lambda: speaker.acknowledged(door) == set(range(1, 101)))
    assert seqs(pg) == list(range(1, 101))


def test_while_the_database_is_away_the_broker_keeps_what_comes(mosquitto, speaker, wait_for):
    server = Postgres(*SPEED)
    try:
        server.start()
        door = Device()
        with Database(server.url())() as pg:
            migrate(pg)
            trust(pg, "hq", "door", door.key.public)
        with collecting(mosquitto, server.url()) as collector:
            wait_for(lambda: collector._source._ready)
            speaker.say(*(door.event() for _ in range(30)))
            wait_for(lambda: speaker.acknowledged(door) == set(range(1, 31)))
            server.kill()
            speaker.say(*(door.event() for _ in range(300)))
            wait_for(lambda: collector.totals.database_lost == 1)
            speaker.serve(0.3)
            assert len(collector._batch) + len(collector._source._waiting) <= 100  # the broker has the rest
            assert len(speaker.acknowledged(door)) == 30
            server.start()
            wait_for(lambda: len(speaker.acknowledged(door)) == 330, seconds=20)
        with Database(server.url())() as pg:
            assert seqs(pg) == list(range(1, 331))
    finally:
        server.remove()


def test_a_broker_that_comes_back_finds_the_collector(mosquitto, pg, url, wait_for):
    door = Device()
    trust(pg, "hq", "door", door.key.public)
    with collecting(mosquitto, url) as collector:
        wait_for(lambda: collector._source._ready)
        mosquitto.restart()
        wait_for(lambda: not collector._source._ready or collector._source._epoch > 1)
        wait_for(lambda: collector._source._ready)
        speaker = Speaker(mosquitto)
        speaker.say(door.event())
        wait_for(lambda: speaker.acknowledged(door) == {1})


def test_a_message_that_is_too_large_is_told_and_not_kept(mosquitto, pg, url, speaker, wait_for):
    with collecting(mosquitto, url) as collector:
        wait_for(lambda: collector._source._ready)
        speaker.say(Delivery("latchkey/v1/hq/door/event/access", b"x" * 300_000))
        wait_for(lambda: collector.totals.doubts == {"too_large": 1})
    assert pg.execute("SELECT size, length(payload) FROM quarantine").fetchall() == [(300_000, 0)]
