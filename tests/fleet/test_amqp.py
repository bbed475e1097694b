"""A collector at a real RabbitMQ: devices speak MQTT, the collector AMQP, one queue for all collectors."""

import socket

import pytest

from agent.fleet.amqp import AmqpSource
from agent.fleet.keys import trust
from agent.fleet.source import Delivery
from tests.fakes.fleet import Device
from tests.fakes.rabbit import THERE, Rabbit
from tests.fleet.test_collector import Speaker, collecting, seqs


class Plugin:
    """RabbitMQ as a broker of MQTT."""

    def __init__(self, node):
        self.port = node.mqtt


@pytest.fixture(scope="module")
def rabbit():
    if not THERE:
        pytest.skip("RabbitMQ is not installed: sudo apt install rabbitmq-server")
    cluster = Rabbit()
    try:
        cluster.start()
        yield cluster.nodes[0]
    finally:
        cluster.remove()


def source(rabbit, most=100, **more):
    return AmqpSource([("127.0.0.1", rabbit.amqp)], most=most, password="guest", **more)  # noqa: S106  of a node of our own


def test_what_devices_say_by_mqtt_is_written_down_and_acknowledged(rabbit, pg, url, wait_for):
    door, amqp = Device(), source(rabbit)
    trust(pg, "hq", "door", door.key.public)
    with collecting(Plugin(rabbit), url, source=amqp) as collector:
        wait_for(lambda: amqp._channel is not None and amqp._epoch)
        speaker = Speaker(Plugin(rabbit), 311)
        speaker.say(*(door.event(person="anna") for _ in range(50)))
        speaker.say(Delivery("latchkey/v1/hq/door/event/access", b"x" * 300_000))
        wait_for(lambda: speaker.acknowledged(door) == set(range(1, 51)))
        wait_for(lambda: collector.totals.doubts == {"too_large": 1})
    assert seqs(pg) == list(range(1, 51))


def test_what_a_collector_has_not_settled_another_gets_and_no_more_than_so_many_are_out(rabbit, wait_for):
    held, first = [], source(rabbit, 20, queue="q2")
    wait_for(lambda: first.take(0.05, 0) == [] and first._epoch)
    door, speaker = Device(), Speaker(Plugin(rabbit), 311)
    speaker.say(*(door.event() for _ in range(50)))
    wait_for(lambda: held.extend(first.take(0.05, 50)) or len(held) >= 20)
    assert first.take(0.3, 50) == []
    first.settle(held[:5])
    wait_for(lambda: held.extend(first.take(0.05, 50)) or len(held) >= 25)
    first._connection._impl._transport._sock.shutdown(socket.SHUT_RDWR)  # as if it were killed
    second, rest = source(rabbit, 100, queue="q2"), []
    wait_for(lambda: rest.extend(second.take(0.05, 50)) or len(rest) >= 45)
    assert {each.payload for each in rest} == {each.payload for each in rest} - {each.payload for each in held[:5]}
    second.settle(rest)
    first.settle(held[5:])  # of a connection that is gone: nothing happens
    assert second.take(0.2, 50) == []
    first.close()
    second.close()
    second.close()


def test_nobody_there_is_told_and_tried_again(caplog):
    away = AmqpSource([("127.0.0.1", 1)], most=10)
    assert away.take(0.0, 10) == []
    assert "127.0.0.1:1: " in caplog.text
    assert not away.send("a/b", b"")
    away.settle([Delivery("a", b"", (1, 1))])
    away.close()
