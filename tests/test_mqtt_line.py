"""A client's line: comes back, counts what is in flight, says what the broker did not take."""

from queue import SimpleQueue

import pytest

from agent.errors import NoAnswer
from agent.mqtt.line import Line
from agent.mqtt.settings import LinkSettings, TlsFiles


def line(broker, *topics, heard=lambda _: None, **more):
    return Line(LinkSettings("127.0.0.1", broker.port, session_seconds=0, **more), topics, heard)


def test_what_is_said_is_heard(mosquitto):
    heard = SimpleQueue()
    with line(mosquitto, "a/+", heard=heard.put) as one:
        one.send("a/b", b"1")
        one.send("a/c", b"2", retain=True)
        one.wait_taken()
        assert [(message.topic, message.payload) for message in (heard.get(timeout=30), heard.get(timeout=5))] == [
            ("a/b", b"1"),
            ("a/c", b"2"),
        ]
    assert not one.listening


def test_a_name_that_cannot_be_a_host_s_is_said():
    with (
        Line(LinkSettings("a" * 70, 1883), (), lambda _: None) as one,
        pytest.raises(NoAnswer, match=r"aaaa:1883: .*label"),
    ):
        one.wait_ready(1.0)


def test_more_than_the_broker_takes_at_once_waits_its_turn(make_mosquitto):
    """Mosquitto hangs up on who sends more than it allows to be in flight."""
    broker = make_mosquitto("allow_anonymous true\nmax_inflight_messages 3")
    broker.start()
    heard = SimpleQueue()
    with line(broker, "a", heard=heard.put) as one:
        one.wait_ready()
        epoch = one.epoch
        for number in range(200):
            one.send("a", b"%d" % number)
        one.wait_taken()
        assert [int(heard.get(timeout=30).payload) for _ in range(200)] == list(range(200))
        assert one.epoch == epoch


def test_it_comes_back(mosquitto, wait_for):
    lost = []
    with Line(LinkSettings("127.0.0.1", mosquitto.port), ["a"], lambda _: None, lost=lambda: lost.append(1)) as one:
        one.wait_ready()
        first = one.epoch
        mosquitto.kill()
        wait_for(lambda: not one.listening and lost)
        with pytest.raises(NoAnswer, match="no connection to the broker at 127"):
            one.send("a", b"x", seconds=0.2)
        mosquitto.start()
        one.send("a", b"x")
        one.wait_taken()
        assert one.epoch > first


def test_what_the_broker_does_not_take_is_said(make_mosquitto, tmp_path, wait_for):
    access = tmp_path / "acl"
    access.write_text("topic readwrite a/#\ntopic deny a/forbidden\n")
    broker = make_mosquitto(f"allow_anonymous true\nacl_file {access}")
    broker.start()
    refused = []
    settings = LinkSettings("127.0.0.1", broker.port)
    with Line(settings, ["a/#"], lambda _: None, refused=lambda topic, why: refused.append((topic, why))) as one:
        one.send("a/allowed", b"x")
        one.send("a/forbidden", b"x")  # Mosquitto 2.0.11 hangs up after it
        wait_for(lambda: refused)
    assert refused == [("a/forbidden", "Not authorized")]


def test_why_there_is_no_connection_is_said_in_words(mosquitto_tls, certificates):
    port = mosquitto_tls.port
    mine = certificates.admin
    stranger = TlsFiles(ca=certificates.ca, cert=None, key=None)
    for settings, words in (
        (LinkSettings("127.0.0.1", 1), "nothing listens there: is the broker started"),
        (LinkSettings("nobody.invalid", 1), "no machine is known by that name"),
        (LinkSettings("localhost", port, tls=TlsFiles()), "its certificate is not believed: "),
        (LinkSettings("localhost", port), "hangs up on who comes without TLS, or without a certificate"),
        (LinkSettings("localhost", port, tls=stranger), "without a certificate that it takes"),
    ):
        with Line(settings, ["a"], lambda _: None) as one, pytest.raises(NoAnswer) as refused:
            one.wait_ready(1.0)
        assert words in str(refused.value)
        assert "Errno" not in str(refused.value)
    with Line(LinkSettings("localhost", port, tls=mine), ["a"], lambda _: None) as one:
        one.wait_ready()
