"""Cameras that the table of backends can name."""

import threading
from datetime import timedelta

from agent.errors import CameraLost
from agent.types import Frame
from tests.fakes.blocks import GREEN, RED, Block, paint

STAGE, STUCK = "tests.fakes.cameras:Stage", "tests.fakes.cameras:Stuck"
EMPTY, ANNA, STRANGER = paint(), paint(Block(RED)), paint(Block(GREEN))
TICK_SECONDS = 0.05
FPS = 10


class Stage:
    """Shows what `play[n]` says in turn: a picture, or an error to raise; and ends, or goes on with an empty stage."""

    play = ()
    goes_on = False
    open = 0  # how many there are now

    def __init__(self, options, now):
        self._options, self._began, self._n = options, now(), 0
        self._closed = threading.Event()
        Stage.open += 1

    def read(self):
        if self._closed.wait(0 if self._options.as_fast_as_possible else TICK_SECONDS):
            return None
        n, self._n = self._n, self._n + 1
        if n >= len(self.play) and not self.goes_on:
            return None
        shown = self.play[n] if n < len(self.play) else EMPTY
        if isinstance(shown, BaseException):
            raise shown
        return Frame(shown, self._began + timedelta(seconds=n / FPS), n, "camera")

    def close(self):
        if not self._closed.is_set():
            self._closed.set()
            Stage.open -= 1


class Stuck:
    """Hangs in its driver: gives no picture and cannot be closed."""

    release = threading.Event()

    def __init__(self, options, now):
        pass

    def read(self):
        self.release.wait()
        raise CameraLost("it was stuck")

    def close(self):
        self.release.wait()
