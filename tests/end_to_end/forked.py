"""The agent forked from a process that has imported everything: it starts in no time, to be tried or killed often."""

import multiprocessing
import os
import sys

from agent.cli import main
from tests.end_to_end.patience import PATIENCE_SECONDS, wait_for

IMPORTED = ["agent.app", "agent.desk", "agent.hardware.cameras.files", "ai_edge_litert.interpreter", __name__]


def perform(arguments, log):
    """`latchkey`."""
    with open(log, "ab") as sink:  # noqa: PTH123 - text crosses between processes best
        for stream in (sys.stdout, sys.stderr):
            os.dup2(sink.fileno(), stream.fileno())
    sys.exit(main(arguments))


class Forked:
    """What `terminal.Process` is: opens, looks, decides, records and publishes as that does."""

    context = multiprocessing.get_context("forkserver")

    def __init__(self, arguments, log):
        self.log = log
        log.touch()
        self.context.set_forkserver_preload(IMPORTED)
        self._process = self.context.Process(target=perform, args=([str(each) for each in arguments], str(log)))
        self._process.start()

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_said(self, text):
        wait_for(lambda: text in self.said() or not self.alive, what=lambda: f"{text!r} in:\n{self.said()}")

    @property
    def alive(self):
        return self._process.is_alive()

    def kill(self):
        """kill -9."""
        self._process.kill()
        self._process.join()

    def ended(self):
        """The exit status, once it ends by itself."""
        self._process.join(PATIENCE_SECONDS)
        return self._process.exitcode
