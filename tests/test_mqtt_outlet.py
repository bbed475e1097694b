"""A broker that keeps the connection and acknowledges nothing: the link does not wait for ever."""

import os
import signal

from agent.mqtt import outlet
from agent.mqtt.link import Link
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics


def test_what_is_not_acknowledged_for_long_is_sent_over_a_new_connection(mosquitto, monkeypatch, wait_for):
    monkeypatch.setattr(outlet, "STALLED_SECONDS", 0.3)
    settings = LinkSettings("127.0.0.1", mosquitto.port, reconnect_min_seconds=0.05, reconnect_max_seconds=0.2)
    link = Link(settings, Topics("hq", "door"), boot_id="b1", version="0.1.0", model="m")
    link.start()
    assert link.wait_connected(10)
    wait_for(lambda: link._outlet.wait_settled(1))
    broker = mosquitto._process.pid
    os.kill(broker, signal.SIGSTOP)
    try:
        assert link.publish(link.topics.event("access"), b"{}", seq=1, epoch=link.epoch)
        wait_for(lambda: not link.connected)
    finally:
        os.kill(broker, signal.SIGCONT)
    wait_for(lambda: link.connected and link.epoch > 1)
    assert link.publish(link.topics.event("access"), b"{}", seq=1, epoch=link.epoch)
    acks = []
    wait_for(lambda: acks.append(link.acks.get(timeout=30).seq) or 1 in acks)
    link.close()


def test_silence_with_nothing_in_flight_is_no_stall(mosquitto, monkeypatch, wait_for):
    link = Link(LinkSettings("127.0.0.1", mosquitto.port), Topics("hq", "door"), boot_id="b", version="0", model="m")
    link.start()
    assert link.wait_connected(10)
    wait_for(lambda: link._outlet.wait_settled(1))
    monkeypatch.setattr(outlet, "STALLED_SECONDS", -1.0)
    assert not link._outlet.stalled
    link.close()
