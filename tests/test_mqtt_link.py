"""The link over a real mosquitto: comes, goes, comes back, says who it is, and never blocks the agent."""

import gc
import json
import logging
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from agent.errors import ConfigError
from agent.mqtt.connection import Outgoing
from agent.mqtt.inbox import Inbox
from agent.mqtt.ledger import MAX_EVENTS
from agent.mqtt.link import Link
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings, TlsFiles
from agent.mqtt.telemetry import DoorState, Health
from agent.mqtt.topics import Topics

TOPICS = Topics("hq", "door")
RIGHT, WRONG = "right", "wr0ng"  # passwords
HEALTH = Health(at="2026-11-22T06:00:00.000Z", boot_id="b1", uptime_seconds=1.5, outbox_depth=0)


def reach(broker, **more):
    more = {"reconnect_min_seconds": 0.05, "reconnect_max_seconds": 0.2, **more}
    return LinkSettings("127.0.0.1", broker.port, **more)


@pytest.fixture
def make_link():
    made = []

    def make(settings):
        made.append(Link(settings, TOPICS, boot_id="b1", version="0.1.0", model="m"))
        return made[-1]

    yield make
    for link in made:
        link.close()


@pytest.fixture
def listen():
    """Remotes that already hear the device."""
    made = []

    def make(broker, **more):
        made.append(Remote(reach(broker, **more), TOPICS).__enter__())
        made[-1].wait_ready()
        return made[-1]

    yield make
    for remote in made:
        remote.close()


def hears(remote, topic, seconds=10.0, **fields):
    """Waits for a message on a topic whose JSON holds these fields; returns it."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        message = remote.heard.get(timeout=left)
        if message.topic == topic and fields.items() <= json.loads(message.payload).items():
            return message
    raise AssertionError(f"nothing on {topic} with {fields}")


PROTOCOLS = pytest.mark.parametrize("protocol", [5, 311])


@PROTOCOLS
def test_birth_state_and_an_orderly_end(mosquitto, make_link, listen, protocol):
    link = make_link(reach(mosquitto, protocol=protocol))
    link.publish_health(HEALTH)  # before there is a connection
    early = listen(mosquitto, protocol=protocol)
    link.start()
    assert link.wait_connected(10)
    hears(early, TOPICS.health, uptime_seconds=1.5)  # the broker has both: who comes now is told what is kept
    late = listen(mosquitto, protocol=protocol)
    birth = hears(late, TOPICS.status, state="online", boot_id="b1", version="0.1.0", model="m")
    assert birth.retained
    assert hears(late, TOPICS.health, uptime_seconds=1.5).retained
    link.publish_door_state(DoorState(at="2026-11-22T06:00:00.000Z", locked=True))
    hears(late, TOPICS.door, locked=True)
    link.close()
    link.close()
    hears(late, TOPICS.status, state="stopped")
    assert not link.connected
    time.sleep(0.2)
    assert late.heard.empty()  # no last will after an orderly end


@PROTOCOLS
def test_the_status_says_in_which_groups_it_is(mosquitto, listen, protocol):
    topics = Topics(TOPICS.site, TOPICS.device, ("ground", "side"))
    listener = listen(mosquitto, protocol=protocol)
    with closing(Link(reach(mosquitto, protocol=protocol), topics, boot_id="b1", version="0", model="m")) as link:
        link.start()
        hears(listener, TOPICS.status, state="online", groups=["ground", "side"])
    hears(listener, TOPICS.status, state="stopped", groups=["ground", "side"])


@PROTOCOLS
def test_the_last_will_speaks_when_the_socket_dies(mosquitto, make_link, listen, protocol):
    link = make_link(reach(mosquitto, protocol=protocol))
    listener = listen(mosquitto)
    link.start()
    hears(listener, TOPICS.status, state="online")
    link._connection._client.socket().shutdown(socket.SHUT_RDWR)
    hears(listener, TOPICS.status, state="offline", boot_id="b1")
    hears(listener, TOPICS.status, state="online")  # and it comes back by itself


def test_start_does_not_wait_for_a_broker_and_connects_when_it_comes(make_mosquitto, make_link, listen):
    broker = make_mosquitto()
    link = make_link(reach(broker))
    began = time.monotonic()
    link.start()
    link.publish_health(HEALTH)
    assert not link.publish("t", b"{}", seq=1, epoch=0)
    assert time.monotonic() - began < 0.5
    assert not link.wait_connected(0.3)
    broker.start()
    assert link.wait_connected(10)
    assert link.epoch == 1
    hears(listen(broker), TOPICS.health, boot_id="b1")


def test_after_a_killed_broker_state_is_told_anew_and_answers_are_not_lost(mosquitto, make_link, listen, wait_for):
    link = make_link(reach(mosquitto, reconnect_min_seconds=1.5, reconnect_max_seconds=1.5))  # the listener is first
    link.start()
    assert link.wait_connected(10)
    link.publish_health(HEALTH)
    listener = listen(mosquitto)
    mosquitto.kill()
    wait_for(lambda: not link.connected and not listener.listening)
    for number in range(3):
        link.send(Outgoing(TOPICS.result("ping", str(number)), b'{"n":%d}' % number))
    mosquitto.start()
    heard = [hears(listener, TOPICS.result("ping", str(number)), n=number) for number in range(3)]
    assert len(heard) == 3
    again = listen(mosquitto)
    hears(again, TOPICS.status, state="online")
    hears(again, TOPICS.health, boot_id="b1")
    assert link.epoch == 2


def test_close_is_quick_without_a_broker(make_mosquitto, make_link):
    link = make_link(reach(make_mosquitto()))
    link.start()
    began = time.monotonic()
    link.close()
    assert time.monotonic() - began < 2.0


def test_a_name_that_cannot_be_a_host_is_complained_about_and_tried_again(make_link, caplog, wait_for):
    link = make_link(LinkSettings("x" * 70 + ".example", reconnect_min_seconds=0.01))
    link.start()
    wait_for(lambda: "cannot connect" in caplog.text)


def test_a_broker_that_never_answers_is_given_up_and_tried_again(make_link, wait_for, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        link = make_link(LinkSettings("127.0.0.1", port, connect_seconds=0.5, reconnect_min_seconds=0.01))
        link.start()
        wait_for(lambda: "no answer to CONNECT" in caplog.text)
        first, second = silent.accept()[0], silent.accept()[0]
        first.close()
        second.close()
        link.close()


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_lost_connection_leaves_nothing_open(mosquitto, make_link, wait_for):
    link = make_link(reach(mosquitto, reconnect_max_seconds=0.05))
    link.start()
    assert link.wait_connected(10)
    gc.collect()
    gc.disable()
    try:
        before = open_files()
        for epoch in range(2, 12):
            link._connection._client.socket().shutdown(socket.SHUT_RDWR)
            wait_for(lambda epoch=epoch: link.connected and link.epoch == epoch)
        assert open_files() <= before
    finally:
        gc.enable()


class TestPasswords:
    @pytest.fixture
    def guarded(self, make_mosquitto, tmp_path):
        passwords = tmp_path / "passwords"
        command = ["mosquitto_passwd", "-c", "-b", passwords, "latchkey", RIGHT]
        subprocess.run(command, check=True, capture_output=True)
        passwords.chmod(0o644)
        broker = make_mosquitto(f"allow_anonymous false\npassword_file {passwords}")
        broker.start()
        return broker

    @PROTOCOLS
    def test_right(self, guarded, make_link, protocol):
        link = make_link(reach(guarded, protocol=protocol, username="latchkey", password=RIGHT))
        link.start()
        assert link.wait_connected(10)

    @PROTOCOLS
    def test_wrong_is_said_once_without_the_password_and_tried_again(
        self, guarded, make_link, wait_for, caplog, protocol
    ):
        settings = reach(guarded, protocol=protocol, username="latchkey", password=WRONG)
        assert WRONG not in repr(settings)
        caplog.set_level(logging.DEBUG)
        link = make_link(settings)
        link.start()
        wait_for(lambda: guarded.log().lower().count("not authorised") >= 3 or guarded.log().count("CONNACK") >= 3)
        told = [record.getMessage() for record in caplog.records]
        assert len(told) == 1
        assert "password_file" in told[0]
        assert WRONG not in caplog.text
        assert not link.connected


class TestTls:
    def test_a_client_certificate_of_our_authority(self, mosquitto_tls, certificates, make_link):
        link = make_link(reach(mosquitto_tls, tls=certificates.client))
        link.start()
        assert link.wait_connected(10)

    def test_a_client_certificate_of_another_authority(self, mosquitto_tls, certificates, make_link, wait_for, caplog):
        link = make_link(reach(mosquitto_tls, tls=certificates.stranger))
        link.start()
        wait_for(lambda: caplog.records)
        assert not link.wait_connected(0.5)

    def test_a_broker_of_another_authority(self, mosquitto_tls, certificates, make_link, wait_for, caplog):
        files = TlsFiles(certificates.other_ca, certificates.client.cert, certificates.client.key)
        link = make_link(reach(mosquitto_tls, tls=files))
        link.start()
        wait_for(lambda: "certificate verify failed" in caplog.text)
        assert not link.connected

    def test_files_that_cannot_be_used_are_a_configuration_error(self, tmp_path, certificates):
        for files in (
            TlsFiles(tmp_path / "none.crt"),
            TlsFiles(certificates.ca, certificates.client.cert, certificates.stranger.key),
            TlsFiles(certificates.server_key),
        ):
            with pytest.raises(ConfigError, match="tls: cannot use"):
                files.context()


def test_a_retained_command_is_ignored_also_when_it_arrives_live(mosquitto, make_link, listen, wait_for, caplog):
    listener = listen(mosquitto)
    listener.send(TOPICS.command("ping"), b'{"id":"1"}', retain=True)
    link = make_link(reach(mosquitto))
    link.start()
    assert link.wait_connected(10)
    listener.send(TOPICS.command("ping"), b'{"id":"2"}', retain=True)
    wait_for(lambda: caplog.text.count("a retained command is ignored") == 2)
    listener.send(TOPICS.command("ping"), b'{"id":"3"}')
    assert link.inbox.get(10).payload == b'{"id":"3"}'
    assert link.inbox.get(0.1) is None


def test_a_full_inbox_is_answered_busy(mosquitto, make_link, listen):
    link = make_link(reach(mosquitto))
    link._arrivals.inbox = Inbox(max_messages=1)
    link.start()
    assert link.wait_connected(10)
    listener = listen(mosquitto)
    for number in range(3):
        listener.send(TOPICS.command("ping"), b'{"id":"%d"}' % number)
    listener.send(TOPICS.part("enrol", "e1", 1, 1), b"photo")
    hears(listener, TOPICS.result("ping", "1"), code="busy", ok=False)
    hears(listener, TOPICS.result("ping", "2"), code="busy")
    hears(listener, TOPICS.result("enrol", "e1"), code="busy", part=1)


def test_events_wait_for_room_in_the_window_up_to_a_limit(mosquitto, make_link):
    link = make_link(reach(mosquitto, max_inflight=3))
    link.start()
    assert link.wait_connected(10)
    taken = [link.publish(TOPICS.event("access"), b"{}", seq=seq, epoch=1) for seq in range(1000)]
    assert taken[:MAX_EVENTS] == [True] * MAX_EVENTS
    assert not link.publish(TOPICS.event("access"), b"{}", seq=9999, epoch=0)  # not the connection that is meant
    acked = [link.acks.get(timeout=10).seq for _ in range(taken.count(True) + 1)]
    assert acked == [None, *(seq for seq, went in enumerate(taken) if went)]


def test_a_client_that_takes_our_name_is_outlived(mosquitto, make_link, wait_for):
    link = make_link(reach(mosquitto))
    link.start()
    assert link.wait_connected(10)
    with Remote(reach(mosquitto, client_id="latchkey-hq-door"), TOPICS) as thief:
        thief.wait_ready()
        wait_for(lambda: link.epoch >= 2)
    wait_for(lambda: link.connected)


@pytest.mark.parametrize(
    "wrong",
    [{"host": ""}, {"port": 0}, {"port": 70000}, {"protocol": 4}, {"max_inflight": 0}, {"reconnect_min_seconds": 99}],
    ids=str,
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ConfigError, match="mqtt"):
        LinkSettings(**{"host": "broker", **wrong})


def test_an_unexpected_error_is_told(mosquitto, make_link, wait_for):
    link = make_link(reach(mosquitto))
    crashes = []
    link._arrivals.topics = None  # a mistake of ours
    link.start(crashes.append)
    wait_for(lambda: crashes)
    assert not link.connected
