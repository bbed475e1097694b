"""Fixtures that several tests share: real brokers on free ports."""

from __future__ import annotations

import getpass
import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from agent.mqtt.settings import TlsFiles
from tests.fakes.axe import axe_source
from tests.fakes.late import late_answers
from tests.fakes.ports import steady_port

# The same examples each time, so that a change is judged by itself; others each time to look for what nobody thought of
# (none has to be quick: a busy machine is no mistake)
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("default" if os.environ.get("LATCHKEY_EXPLORE") else "fixed")

HOST = "127.0.0.1"
CHROMIUM = shutil.which("chromium")
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Mosquitto:
    """A mosquitto of our own, on one port for life, without persistence."""

    def __init__(self, folder: Path, lines: str = "allow_anonymous true", port: int | None = None) -> None:
        assert MOSQUITTO is not None
        self.host = HOST
        self.port = port or steady_port()
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        # Unlimited in flight: a message is on its way to subscribers before its publisher gets the PUBACK.
        common = (
            "persistence false\nset_tcp_nodelay true\nmax_inflight_messages 0\nmax_queued_messages 0\nlog_type all\n"
        )
        self._config.write_text(f"user {getpass.getuser()}\n{common}listener {self.port} {HOST}\n{lines}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([str(MOSQUITTO), "-c", str(self._config)], stdout=log, stderr=log)
        wait_for(self._listens, what=f"mosquitto to listen; it says:\n{self.log()}")

    def kill(self) -> None:
        """kill -9: nothing is said to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


@dataclass(frozen=True)
class Certificates:
    """An authority, what it signed for the broker and two clients, and a client of another authority."""

    ca: Path
    server: Path
    server_key: Path
    client: TlsFiles
    admin: TlsFiles
    stranger: TlsFiles
    other_ca: Path


def wait_for(condition: Callable[[], object], *, seconds: float = 30.0, what: str = "the condition") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What a command of the test set up does not silence the tests after it."""
    root, ours = logging.getLogger(), logging.getLogger("agent")
    levels = root.level, ours.level
    yield
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_counts() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(name="wait_for")
def wait_for_fixture() -> Callable[..., None]:
    return wait_for


@pytest.fixture
def make_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Makes brokers (not started yet) from extra lines of configuration."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: sudo apt install mosquitto")
    made: list[Mosquitto] = []

    def make(lines: str = "allow_anonymous true") -> Mosquitto:
        folder = tmp_path / f"broker{len(made)}"
        folder.mkdir()
        made.append(Mosquitto(folder, lines))
        return made[-1]

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A running mosquitto that lets everybody in."""
    broker = make_mosquitto()
    broker.start()
    return broker


@pytest.fixture
def mosquitto_tls(make_mosquitto: Callable[..., Mosquitto], certificates: Certificates) -> Mosquitto:
    """A running mosquitto that wants a client certificate of our authority."""
    files = certificates
    tls = f"cafile {files.ca}\ncertfile {files.server}\nkeyfile {files.server_key}\nrequire_certificate true"
    broker = make_mosquitto(f"{tls}\nuse_identity_as_username true\nallow_anonymous false")
    broker.start()
    return broker


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made by openssl now, valid for a day."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: sudo apt install openssl")
    folder = tmp_path_factory.mktemp("certificates")
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for name in ("ca", "other-ca"):
        _openssl(folder, f"req -x509 {curve} -days 1 -subj /CN={name} -keyout {name}.key -out {name}.crt")
    (folder / "san").write_text(f"subjectAltName=IP:{HOST},DNS:localhost")
    for name, ca in (("server", "ca"), ("client", "ca"), ("admin", "ca"), ("stranger", "other-ca")):
        _openssl(folder, f"req {curve} -subj /CN={name} -keyout {name}.key -out {name}.csr")
        signer = f"-CA {ca}.crt -CAkey {ca}.key -CAcreateserial"
        _openssl(folder, f"x509 -req -days 1 -in {name}.csr {signer} -extfile san -out {name}.crt")
    ca = folder / "ca.crt"
    return Certificates(
        ca=ca,
        server=folder / "server.crt",
        server_key=folder / "server.key",
        client=TlsFiles(ca, folder / "client.crt", folder / "client.key"),
        admin=TlsFiles(ca, folder / "admin.crt", folder / "admin.key"),
        stranger=TlsFiles(ca, folder / "stranger.crt", folder / "stranger.key"),
        other_ca=folder / "other-ca.crt",
    )


def _openssl(folder: Path, arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments.split()], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium; a module's own, for Playwright's event loop is in the way of others."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: sudo apt install chromium")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True, scope="session")
def _answers_come_late() -> Iterator[None]:
    with late_answers():
        yield


@pytest.fixture(autouse=True)
def _no_page_is_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test has opened in the browser asks the agent of the next one no more, also where the test failed."""
    browser = request.getfixturevalue("chromium") if "chromium" in request.fixturenames else None
    yield
    for context in browser.contexts if browser else []:
        context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    source, why = axe_source()
    if source is None:
        pytest.skip(why)
    return source
