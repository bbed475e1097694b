import os
import socket

import pytest

from agent import systemd


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path, monkeypatch):
    """A socket as systemd opens it."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@latchkey-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + address[1:] if address.startswith("@") else address)
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield listening


def test_it_tells_what_it_is_asked_to(manager):
    assert systemd.notify("READY=1", "STATUS=äh")
    assert manager.recv(1000) == "READY=1\nSTATUS=äh".encode()


@pytest.mark.parametrize(
    ("tell", "message"),
    [
        (lambda: systemd.ready("3 people"), b"READY=1\nSTATUS=3 people"),
        (systemd.watchdog, b"WATCHDOG=1"),
        (lambda: systemd.stopping("drains"), b"STOPPING=1\nSTATUS=drains"),
    ],
    ids=["ready", "watchdog", "stopping"],
)
def test_the_words_are_those_of_sd_notify(manager, tell, message):
    assert tell()
    assert manager.recv(1000) == message


def test_outside_systemd_nobody_is_told(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not systemd.ready()


def test_a_manager_that_is_gone_is_no_reason_to_stop(tmp_path, caplog):
    assert not systemd.notify("WATCHDOG=1", environ={"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert "systemd could not be told" in caplog.text


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
    ],
    ids=["no watchdog", "every 30 s", "for us", "for another process", "switched off", "nonsense"],
)
def test_how_often_the_watchdog_wants_to_hear(environ, seconds):
    assert systemd.watchdog_seconds(environ) == seconds
