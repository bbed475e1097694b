"""Beyond this machine: TLS or nothing, a certificate that browsers take, and renewed while the page is served."""

import os
import socket
import ssl
from contextlib import ExitStack

import httpx
import pytest

from agent.config import load_config
from agent.errors import ConfigError
from agent.web.identity import check_purpose, identity_of, kiosk_identity, tls_context
from agent.web.server import OF_ONE_ADDRESS, WebServer
from tests.conftest import wait_for
from tests.fakes.pki import device_files
from tests.fakes.ports import steady_port


def configured(tmp_path, **told):
    return load_config(None, {"device.data_dir": tmp_path, **{k.replace("__", "."): v for k, v in told.items()}}, {})


@pytest.mark.parametrize("identity", [pytest.param(identity_of, id="admin"), pytest.param(kiosk_identity, id="web")])
class TestWhatIsShown:
    def test_nothing_on_this_machine(self, tmp_path, identity):
        assert identity(configured(tmp_path)) is None

    def test_beyond_it_a_certificate_is_wanted_and_it_says_what_makes_one(self, tmp_path, identity):
        config = configured(tmp_path, admin__host="0.0.0.0", web__host="::")  # noqa: S104 - refused
        with pytest.raises(ConfigError, match=r"has to be encrypted: .*latchkey admin pki device .* --address"):
            identity(config)

    def test_the_device_s_own_does_unless_the_page_has_one(self, tmp_path, identity):
        _, certificate, key = device_files(tmp_path)
        beyond = {"admin__host": "192.0.2.7", "web__host": "192.0.2.7"}
        tls = {"mqtt__tls__enabled": True, "mqtt__tls__cert": certificate, "mqtt__tls__key": key}
        assert identity(configured(tmp_path, **beyond, **tls)) == (certificate, key)
        (tmp_path / "own").mkdir()
        _, other, secret = device_files(tmp_path / "own")
        own = {"admin__certificate": other, "admin__key": secret}
        assert identity(configured(tmp_path, **beyond, **tls, **own)) == (other, secret)


def test_a_certificate_for_clients_alone_is_refused_and_it_says_what_makes_another(tmp_path):
    _, certificate, _ = device_files(tmp_path, hosts=())
    with pytest.raises(ConfigError, match=r"names no address, or is for clients: .* --address"):
        check_purpose(certificate)
    check_purpose(device_files(tmp_path)[1])


def test_a_key_of_another_certificate_is_refused(tmp_path):
    _, certificate, key = device_files(tmp_path)
    key.write_bytes((device_files(tmp_path)[2]).read_bytes())
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match="no certificate and its key"):
        tls_context(certificate, device_files(tmp_path / "other")[2])


def test_a_file_that_cannot_be_looked_at_is_refused_in_words(tmp_path):
    _, _, key = device_files(tmp_path)
    with pytest.raises(ConfigError, match="no certificate and its key"):
        tls_context(tmp_path / ("x" * 300), key)


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


def serial(port, ca):
    """The serial number of what a server shows to who knows its authority."""
    context = ssl.create_default_context(cafile=ca)
    with httpx.Client(verify=context) as client, client.stream("GET", f"https://127.0.0.1:{port}/") as answer:
        connection = answer.extensions["network_stream"].get_extra_info("ssl_object")
        assert connection.version() == "TLSv1.3"
        return connection.getpeercert()["serialNumber"]


def touch(*files):
    for file in files:
        stamp = file.stat().st_mtime_ns + 10**9
        os.utime(file, ns=(stamp, stamp))


def test_a_certificate_that_is_renewed_counts_for_the_next_connection(tmp_path, caplog):
    caplog.set_level("INFO")
    ca, certificate, key = device_files(tmp_path)
    port = steady_port()
    with WebServer(hello, "127.0.0.1", port, print, identity=(certificate, key)):
        first = serial(port, ca)
        before = key.read_bytes()
        device_files(tmp_path)
        fresh = key.read_bytes()
        key.write_bytes(before)  # half of it is there
        touch(certificate, key)
        assert "stays as it was" not in caplog.text
        with pytest.raises(httpx.ConnectError):  # the authority is another, and the old certificate is shown
            serial(port, ca)
        assert "the certificate of the page stays as it was" in caplog.text
        key.write_bytes(fresh)
        touch(key, key)
        assert serial(port, ca) != first
        assert "was renewed" in caplog.text


def test_old_tls_is_refused(tmp_path):
    context = tls_context(*device_files(tmp_path)[1:])
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").text == "hi"
    except httpx.TransportError:
        return False


def test_so_many_are_connected_at_most_and_whoever_leaves_makes_room(tmp_path):
    port = steady_port()
    with WebServer(hello, "127.0.0.1", port, print), ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(OF_ONE_ADDRESS)]
        with socket.create_connection(("127.0.0.1", port), 10) as more:
            assert more.recv(1) == b""  # closed at once
        with socket.create_connection(("127.0.0.1", port), 10, source_address=("127.0.0.2", 0)) as another:
            another.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert another.recv(1000).startswith(b"HTTP/1.1 200")
        idle[0].close()
        wait_for(lambda: answers(port), what="room")
