"""Connections that do not go on, or are too many: whoever comes after them is answered all the same."""

import socket
import ssl
from contextlib import ExitStack

import httpx
import pytest

from agent.web import connection
from agent.web.server import CONNECTIONS, OF_ONE_ADDRESS, WebServer
from tests.fakes.ports import steady_port

ASKED = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def app(scope, receive, send):
    """Says "here" to all; without end where the path says so, to whoever reads."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(10_000 if scope["path"] == "/endless" else 0):
        await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
    await send({"type": "http.response.body", "body": b"here"})


class Served:
    """A server of that, and its connections."""

    def __init__(self, port, server):
        self.port, self.server = port, server

    def open(self, said=b"", number=0):
        """A connection; of each 32 from an address of their own."""
        source = (f"127.0.0.{1 + number // OF_ONE_ADDRESS}", 0)
        made = socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=source)
        made.sendall(said)
        return made

    @property
    def open_now(self):
        return len(self.server._server.server_state.connections)


@pytest.fixture
def served(request, monkeypatch):
    for name, seconds in getattr(request, "param", {}).items():
        monkeypatch.setattr(connection, name, seconds)
    port = steady_port()
    server = WebServer(app, "127.0.0.1", port, pytest.fail)
    server._server.config.timeout_keep_alive = 0.2
    with server:
        yield Served(port, server)


hasty = pytest.mark.parametrize("served", [{"HEAD_SECONDS": 0.2, "READ_SECONDS": 0.2}], indirect=True)


@hasty
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-More: ",
        ASKED + b"GET /again HT",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nnot all of it",
        b"\x16\x03\x01 this is no HTTP \r\n\r\n",
    ],
)
def test_who_does_not_go_on_is_left(served, said):
    with served.open(said) as slow:
        while slow.recv(65_536):
            pass


@hasty
def test_who_does_not_read_is_left(served, wait_for):
    with served.open(ASKED.replace(b"/ ", b"/endless ")):
        wait_for(lambda: served.open_now == 1, what="the connection")
        wait_for(lambda: served.open_now == 0, what="its end")


def test_who_reads_slowly_is_not_left(served):
    with served.open(ASKED) as calm:
        got = b""
        while b"here" not in got:
            got += calm.recv(7)
        calm.sendall(ASKED * 2)  # one behind the other
        while got.count(b"here") < 3:
            got += calm.recv(7)


def gone(one):
    try:
        return one.recv(1) == b""
    except ConnectionResetError:
        return True


def test_so_many_and_no_more_are_let_in_and_when_they_go_others_are(served, wait_for):
    with ExitStack() as stack:
        for number in range(2 * CONNECTIONS):
            stack.enter_context(served.open(number=number))
        wait_for(lambda: served.open_now == 2 * CONNECTIONS, what="all of them")
        assert gone(stack.enter_context(served.open(number=2 * CONNECTIONS)))
    wait_for(lambda: served.open_now == 0, what="their end")
    assert httpx.get(f"http://127.0.0.1:{served.port}").text == "here"


def test_those_are_counted_who_do_not_begin_to_encrypt(certificates, wait_for):
    port = steady_port()
    pair = (certificates.server, certificates.server_key)
    with WebServer(app, "127.0.0.1", port, pytest.fail, identity=pair) as server, ExitStack() as stack:
        served = Served(port, server)
        inside = server._socket._guests
        waiting = [stack.enter_context(served.open(number=each)) for each in range(2 * CONNECTIONS)]
        wait_for(lambda: len(inside) == 2 * CONNECTIONS, what="all of them")
        assert gone(stack.enter_context(served.open(number=2 * CONNECTIONS)))
        for each in waiting:
            each.close()
        wait_for(lambda: len(inside) == 0, what="their end")
        context = ssl.create_default_context(cafile=str(certificates.ca))
        assert httpx.get(f"https://127.0.0.1:{port}", verify=context).text == "here"
