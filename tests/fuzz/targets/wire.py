"""The bytes of a broker: paho's parser of packets, through our connection. Whatever comes, it ends with `Gone`."""

import socket
from contextlib import ExitStack

from agent.mqtt.connection import Connection, Gone
from agent.mqtt.settings import LinkSettings
from tests.fuzz.target import Target, split

CONNACK = {5: b"\x20\x03\x00\x00\x00", 311: b"\x20\x02\x00\x00"}
SUBACK = {5: b"\x90\x04\x00\x01\x00\x01", 311: b"\x90\x03\x00\x01\x01"}
MOST_STEPS = 2000


def wire(_stack: ExitStack):
    def feed(data):
        protocol, said = split(data, [5, 311])
        ours, theirs = socket.socketpair()
        with ours, theirs:
            connection = Connection(
                LinkSettings("127.0.0.1", 1883, protocol), None, client_id="me", will=None, subscriptions=("a/+",)
            )
            connection._client._create_socket, connection._client.on_socket_open = lambda: ours, None  # it is no TCP
            connection.open()
            theirs.sendall(said)
            theirs.shutdown(socket.SHUT_WR)
            for _ in range(MOST_STEPS):
                happened = connection.serve(0.1)
                if happened and isinstance(happened[-1], Gone):
                    return
        raise AssertionError("never gone")

    return feed


PUBLISH = b"\x32\x0c\x00\x03a/b\x00\x01\x00hello"
SEEDS = [
    bytes([n]) + CONNACK[protocol] + SUBACK[protocol] + more
    for n, protocol in enumerate((5, 311))
    for more in (b"", PUBLISH, b"\x40\x02\x00\x01", b"\xd0\x00", b"\xe0\x02\x8e\x00")
]
TARGETS = (Target("wire", wire, SEEDS, share=15, longest=512),)
