"""A broker for the demo, on a free port of this machine only: mosquitto where it is installed, else amqtt."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import importlib.util
import logging
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from agent.errors import ConfigError, HardwareError

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and what it speaks."""

    host: str
    port: int
    protocol: Literal[5, 311]
    name: str


@contextlib.contextmanager
def embedded_broker(*, prefer: Literal["mosquitto", "amqtt"] | None = None) -> Iterator[Broker]:
    """Runs a broker without password for as long as the context lasts.

    Args:
        prefer: which one; without it mosquitto if it is installed.

    Raises:
        ConfigError: neither is installed.
        HardwareError: it does not start.
    """
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    port = free_port()
    if prefer == "amqtt" or (prefer is None and mosquitto is None):
        with _amqtt(port):
            yield Broker(HOST, port, 311, "amqtt")
    elif mosquitto is None:
        raise ConfigError("mosquitto is not installed: sudo apt install mosquitto")
    else:
        with _mosquitto(mosquitto, port):
            yield Broker(HOST, port, 5, "mosquitto")


def free_port() -> int:
    """A TCP port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _mosquitto(program: str, port: int) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="latchkey-broker-") as folder:
        config = Path(folder) / "mosquitto.conf"
        # Started by root, mosquitto would become a user who cannot read the folder.
        config.write_text(
            f"user {getpass.getuser()}\nlistener {port} {HOST}\n"
            "allow_anonymous true\npersistence false\nlog_dest none\n"
            "set_tcp_nodelay true\nmax_inflight_messages 100\n"
        )
        process = subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_listening(port)
            yield
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def _amqtt(port: int) -> Iterator[None]:
    """Runs amqtt in a thread with an event loop of its own: the only asyncio outside the web pages."""
    if importlib.util.find_spec("amqtt") is None:
        raise ConfigError('no broker: sudo apt install mosquitto, or pip install "latchkey[demo]"')
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # it calls every client that leaves an error
    logging.getLogger("transitions").setLevel(logging.WARNING)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(port, stop),), name="broker", daemon=True)
    thread.start()
    try:
        _wait_listening(port)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _serve(port: int, stop: asyncio.Event) -> None:
    from amqtt.broker import Broker as Amqtt

    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Amqtt({"listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}}, "plugins": plugins})
    await broker.start()
    await stop.wait()
    await broker.shutdown()


def _wait_listening(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
            return
        time.sleep(0.05)
    raise HardwareError(f"the demo's broker did not start on port {port} within {START_SECONDS:g} s")
