"""One connection: whatever a broker sends, it ends with `Gone` and nothing escapes."""

import contextlib
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.mqtt.connection import Connection, Gone, Outgoing, Ready
from agent.mqtt.settings import LinkSettings

WILL = Outgoing("status", b"offline", retain=True)
CONNACK = {5: b"\x20\x03\x00\x00\x00", 311: b"\x20\x02\x00\x00"}
SUBACK = {5: b"\x90\x04\x00\x01\x00\x01", 311: b"\x90\x03\x00\x01\x01"}
# Packets of every type with bodies of noise, so that the noise gets past the first byte.
PACKETS = st.builds(lambda head, body: bytes([head, len(body)]) + body, st.integers(0, 255), st.binary(max_size=100))


class FakeBroker:
    """Sends prepared bytes to whoever connects, then hangs up."""

    def __init__(self, said):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._said = said
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with contextlib.suppress(OSError), self._socket.accept()[0] as client:
            client.recv(1000)
            client.sendall(self._said)
            client.shutdown(socket.SHUT_WR)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join()
        self._socket.close()


def happenings(said, protocol):
    with FakeBroker(said) as broker:
        there = LinkSettings("127.0.0.1", broker.port, protocol)
        connection = Connection(there, None, client_id="me", will=WILL, subscriptions=("a/+",))
        connection.open()
        found = []
        for _ in range(1000):
            found += connection.serve(1.0)
            if found and isinstance(found[-1], Gone):
                return found
    raise AssertionError("never gone")


@pytest.mark.parametrize("protocol", [5, 311])
def test_ready_then_gone_when_the_broker_hangs_up(protocol):
    found = happenings(CONNACK[protocol] + SUBACK[protocol], protocol)
    assert [type(each) for each in found] == [Ready, Gone]
    assert found[0].denied == ()


def test_the_broker_s_limits_and_denials_are_told():
    connack = b"\x20\x06\x00\x00\x03\x21\x00\x07"  # receive maximum 7
    denied = b"\x90\x04\x00\x01\x00\x87"
    assert happenings(connack + denied, 5)[0] == Ready(7, ("a/+",))


@pytest.mark.parametrize(
    ("protocol", "connack", "reason"),
    [
        (5, b"\x20\x03\x00\x87\x00", "Not authorized"),
        (5, b"\x20\x02\x00\x01", "Unsupported protocol version"),
        (311, b"\x20\x02\x00\x04", "Bad user name or password"),
        (5, b"\x20\x03\x00\x00\x00\xe0\x02\x8e\x00", "Session taken over"),
    ],
)
def test_the_reason_of_the_end_is_told(protocol, connack, reason):
    assert reason in happenings(connack, protocol)[-1].reason


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([5, 311]), st.booleans(), st.lists(PACKETS, max_size=5), st.binary(max_size=50))
def test_noise_from_a_broker_ends_the_connection_and_nothing_else(protocol, welcome, packets, rest):
    said = (CONNACK[protocol] + SUBACK[protocol]) * welcome + b"".join(packets) + rest
    assert isinstance(happenings(said, protocol)[-1], Gone)
