"""One terminal: its configuration, its database, and `latchkey` as processes of their own."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from agent.bundle import open_bundle
from agent.config import load_config
from agent.seal.keyring import site_key
from agent.store import events
from agent.store.db import open_db
from agent.store.templates import enrol
from agent.vision.pictures import decode_picture
from tests.end_to_end.forked import Forked
from tests.end_to_end.patience import PATIENCE_SECONDS, wait_for
from tests.end_to_end.pictures import VISIT_FPS, write_play
from tests.fakes.trust import OWNER

LATCHKEY = (sys.executable, "-m", "agent.cli")
ROOT = Path(__file__).parents[2]
RUNTIME_SAYS = "INFO: Created TensorFlow Lite XNNPACK delegate"  # whatever it is asked
RECORDED = re.compile(r" agent\.app: (access|audit) (\d+): \w+ (\{.*\})\n")


def environment():
    """That of a process: nothing of the configuration of whoever runs the tests."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("LATCHKEY")}
    return mine | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}


class Process:
    """`latchkey run`, and what it has said."""

    def __init__(self, arguments, log):
        self.log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [*LATCHKEY, *map(str, arguments)],
                stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=environment(), cwd=log.parent,
            )  # fmt: skip
        self.pid = self._process.pid

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_said(self, text, *, times=1, seconds=PATIENCE_SECONDS):
        def heard():
            assert self.alive or self.said().count(text) >= times, self.said()
            return self.said().count(text) >= times

        wait_for(heard, seconds=seconds, what=lambda: f"{text!r} in:\n{self.said()}")

    @property
    def alive(self):
        return self._process.poll() is None

    @contextmanager
    def frozen(self):
        """Nothing happens in it for a moment, so that somebody else can be first."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        """kill -9."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def ended(self, seconds=PATIENCE_SECONDS):
        """The exit status, once it ends by itself."""
        return self._process.wait(seconds)

    def stop(self, seconds=PATIENCE_SECONDS):
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.ended(seconds)


class Terminal:
    """A folder with everything that one terminal has. Its camera shows `play`; keys of `settings` have "__" for "."."""

    def __init__(self, folder, **settings):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.play = folder / "play"
        self._settings = {
            "device.site": "test",
            "device.data_dir": str(folder / "data"),
            "camera.backend": "files",
            "camera.source": str(self.play),
            "camera.fps": VISIT_FPS,
            "camera.loop": True,
            "clock.synchronised_file": str(folder / "none" / "s"),
            "detector.score_threshold": 0.3,  # these faces are drawn: whoever they are, they are to be found
            "mqtt.enabled": False,
            "mqtt.host": "127.0.0.1",
            "mqtt.reconnect_min_seconds": 0.1,
            "mqtt.reconnect_max_seconds": 0.4,
            "privacy.require_consent": False,
            "trust.owner": OWNER.public.text,
        }
        self.config_file = folder / "agent.toml"
        self.started = []
        self.set(**settings)

    def set(self, **settings):
        """Changes the configuration, for whoever starts from now on."""
        self._settings |= {key.replace("__", "."): value for key, value in settings.items()}
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in self._settings.items()]
        self.config_file.write_text("".join(lines), encoding="utf-8")

    @property
    def config(self):
        return load_config(self.config_file, {}, {})

    @property
    def database(self):
        return self.config.database_path

    def show(self, scenes):
        """What the camera will show."""
        for old in self.play.glob("*.png"):
            old.unlink()
        write_play(self.play, scenes)

    def start(self, *arguments, ready=True):
        """`latchkey run`; by default only returns when it looks."""
        process = Process(["run", "-c", self.config_file, *arguments], self.folder / f"run{len(self.started)}.log")
        self.started.append(process)
        if ready:
            process.wait_said("agent looks")
        return process

    def fork(self, *arguments):
        """Any command of `latchkey`, in a process that has imported it already."""
        log = self.folder / f"fork{len(self.started)}.log"
        self.started.append(Forked([*arguments, "-c", self.config_file], log))
        return self.started[-1]

    def run(self, *arguments, seconds=PATIENCE_SECONDS):
        """Any command of `latchkey`, until it ends."""
        command = [*LATCHKEY, *map(str, arguments), "-c", str(self.config_file)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, env=environment(), cwd=self.folder, check=False
        )

    def seed(self, **pictures):
        """Enrols people by the very pictures that will be shown: everybody else is less like them, to any encoder."""
        bundle = open_bundle(self.config, site_key(self.config))
        eyes = bundle.eyes()
        with open_db(self.database, key=bundle.key) as db:
            for person, picture in pictures.items():
                (seen,) = eyes.look(decode_picture(picture))
                enrol(db, person, None, [(seen.embedding, seen.crop.quality)], datetime.now(UTC))

    def recorded(self, kind=None):
        """All events of the database, in order."""
        with open_db(self.database) as db:
            return [event for event in events.since(db, 0, 1_000_000) if kind in (None, event.kind)]

    def decisions(self):
        return [(e.body["outcome"], e.body["reason"], e.body["person"]) for e in self.recorded("access")]

    def unsent(self):
        with open_db(self.database) as db:
            return events.count_unsent(db)

    def check(self):
        """The database is whole, and its numbers begin at 1 and have neither gaps nor repetitions."""
        with open_db(self.database) as db:
            db.check()
        recorded = self.recorded()
        assert [event.seq for event in recorded] == list(range(1, len(recorded) + 1))
        assert len({event.id for event in recorded}) == len(recorded)
        return recorded

    def close(self):
        for process in self.started:
            process.kill()


def freeze(broker):
    """It hears nothing and answers nothing, but its connections are up."""
    broker._process.send_signal(signal.SIGSTOP)


def told(text):
    """What the lines of the log say was recorded: seq -> (kind, body)."""
    return {int(seq): (kind, ast.literal_eval(body)) for kind, seq, body in RECORDED.findall(text)}


def refused(terminal, *words, command=("run",)):
    """A command ends with status 2 and one line, which has these words."""
    process = terminal.fork(*command, "--set", "log.level=warning")
    assert process.ended() == 2, process.said()
    (line,) = [line for line in process.said().splitlines() if not line.startswith(RUNTIME_SAYS)]
    assert line.startswith("latchkey: ")
    for word in words:
        assert str(word) in line
