"""A PostgreSQL of our own: on a socket in its own folder and a free port of loopback, gone with the tests."""

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.fakes.ports import steady_port

HOMES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
BIN = HOMES[0] if HOMES else None
SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # of tests; never of a trial


class Postgres:
    """A cluster in a temporary folder, run by the user `postgres` where we are root."""

    def __init__(self, *settings: str, folder: Path | None = None) -> None:
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="latchkey-pg-", dir=folder))
        self.port = steady_port()
        self._process: subprocess.Popen | None = None
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
            self._as_owner = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        else:
            self._as_owner = []
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-U", "latchkey", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        self.data = data

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://latchkey@127.0.0.1:{self.port}/{name}"

    def start(self, seconds: float = 30.0) -> None:
        options = [option for setting in self._settings for option in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(*self._as_owner, str(BIN / "postgres"), "-D", str(self.data), "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._folder}", *options),
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + seconds
        while True:
            with suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=2):
                return
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 of the server; its children see that and go."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # at once: nobody wants it again
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-3000:]

    def _run(self, program: str, *arguments: object) -> None:
        command = [*self._as_owner, str(BIN / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", timeout=60)
        assert done.returncode == 0, f"{getpass.getuser()}: {done.stderr}"
