"""The demo's own broker, either kind, with our link, events and commands on it."""

import json
import shutil
import threading
from datetime import UTC, datetime

import pytest

from agent.demo.broker import embedded_broker
from agent.errors import ConfigError
from agent.mqtt.commands import Commander
from agent.mqtt.link import Link
from agent.mqtt.publisher import OutboxPublisher
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.types import Event
from tests.fakes.trust import OWNER, admission

TOPICS = Topics("demo", "door")


@pytest.mark.parametrize("kind", ["amqtt", "mosquitto"])
def test_events_commands_and_status_pass_through(kind, wait_for):
    if kind == "mosquitto" and not shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
        pytest.skip("mosquitto is not installed: sudo apt install mosquitto")
    if kind == "amqtt":
        pytest.importorskip("amqtt", reason='amqtt is not installed: pip install "latchkey[demo]"')
    with embedded_broker(prefer=kind) as broker:
        assert (broker.host, broker.name) == ("127.0.0.1", kind)
        settings = LinkSettings(broker.host, broker.port, broker.protocol)
        link = Link(settings, TOPICS, boot_id="b1", version="0.1.0", model="m")
        link.start()
        with Remote(settings, TOPICS, OWNER) as remote:
            remote.wait_ready()
            assert link.wait_connected(10)
            publish_events(link, 300)
            assert ping(link, remote).data == {"pong": True}
            link.close()
            statuses, seqs = [], []

            def heard():
                while not remote.heard.empty():
                    message = remote.heard.get()
                    if message.topic == TOPICS.status:
                        statuses.append(json.loads(message.payload)["state"])
                    elif "/event/" in message.topic:
                        seqs.append(json.loads(message.payload)["seq"])
                return "stopped" in statuses and len(seqs) >= 300

            wait_for(heard)
            assert seqs == list(range(1, 301))


def publish_events(link, count):
    events = [Event(f"id{seq}", seq, "access", datetime.now(UTC), "b1", {}) for seq in range(1, count + 1)]
    sent = set()
    publisher = OutboxPublisher(
        link,
        unsent=lambda *, after, limit: [e for e in events if e.seq > after and e.seq not in sent][:limit],
        mark_sent=sent.update,
        boot_id="b1",
    )
    assert publisher.drain(20)


def ping(link, remote):
    commander = Commander(
        link, {"ping": lambda _: {"pong": True}}, admission=admission(TOPICS), recall={}.get, remember=lambda *_: None
    )
    thread = threading.Thread(target=commander.step)
    thread.start()
    result = remote.request("ping", seconds=10)
    thread.join()
    return result


def test_mosquitto_asked_for_and_absent_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ConfigError, match="apt install mosquitto"), embedded_broker(prefer="mosquitto"):
        pass
