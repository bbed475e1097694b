"""`latchkey run` in a process of its own, with blocks for faces: python -m tests.fakes.service PLAY ARGUMENT..."""

import subprocess
import sys
from pathlib import Path

from agent.cli import main
from agent.errors import CameraLost
from agent.hardware.backends import BACKENDS
from tests.fakes import blocks, cameras
from tests.fakes.cameras import ANNA, EMPTY, STRANGER, Stage

ROOT = Path(__file__).parents[2]
PLAYS = {
    "a visit": [EMPTY] * 3 + [ANNA] * 10 + [EMPTY] * 15,
    "a crash": [EMPTY] * 3 + [STRANGER] * 5 + [ZeroDivisionError("ha")],
    "unplugged": [EMPTY] * 3 + [CameraLost("unplugged")],
    "a queue": ([STRANGER] * 10 + [EMPTY] * 15) * 1000,
}


class Service:
    """Started when made; `log` is what it has written so far."""

    def __init__(self, folder, play, *arguments):
        self._log = folder / "service.log"
        command = [sys.executable, "-m", "tests.fakes.service", play, "run", *map(str, arguments)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    @property
    def log(self):
        return self._log.read_text(errors="replace")

    def status(self, seconds=60):
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()


if __name__ == "__main__":
    BACKENDS["engine"]["ai-edge-litert"] = blocks.ENGINE
    BACKENDS["camera"]["demo"] = cameras.STAGE
    Stage.play = PLAYS[sys.argv[1]]
    sys.exit(main(sys.argv[2:]))
