"""kill -9 of the whole agent at any moment: what the outside has seen is on the disk, and no number comes twice.

Most of the agents are forked from a process that has imported everything, so that fifty deaths take no minute; they
open, look, decide, record and publish as `latchkey run` does, and some more are that very command.
"""

import multiprocessing
import os
import random
import sys
import time

import pytest

from agent.cli import main
from tests.end_to_end.pictures import hurried
from tests.end_to_end.terminal import told, wait_for

FORKED, WHOLE = 50, 5  # deaths
READY_MADE = ["agent.app", "agent.desk", "agent.hardware.cameras.files", "ai_edge_litert.interpreter", __name__]


def perform(arguments, log):
    """`latchkey`, in a process that has imported it already."""
    with open(log, "ab") as sink:  # noqa: PTH123 - paths cross as text
        os.dup2(sink.fileno(), sys.stderr.fileno())
    main(arguments)


class Forked:
    """What `Process` is, for an agent that starts in no time."""

    context = multiprocessing.get_context("forkserver")

    def __init__(self, arguments, log):
        self.log = log
        log.touch()
        self._process = self.context.Process(target=perform, args=([str(each) for each in arguments], str(log)))
        self._process.start()

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_said(self, text):
        wait_for(lambda: text in self.said(), what=lambda: f"{text!r} in:\n{self.said()}")

    @property
    def alive(self):
        return self._process.is_alive()

    def kill(self):
        self._process.kill()
        self._process.join()


@pytest.fixture
def busy(make_terminal, mosquitto, pictures):
    """A terminal that decides as often as it can, and tells a broker."""
    terminal = make_terminal(
        mqtt__enabled=True, mqtt__port=mosquitto.port, camera__fps=2.0, camera__as_fast_as_possible=True
    )
    terminal.seed(ada=pictures.ada)
    terminal.show(hurried(pictures, "ada", "stranger"))
    return terminal


def forked(terminal, number):
    return Forked(["run", "-c", terminal.config_file], terminal.folder / f"forked{number}.log")


def die(running, number, chance, starting_seconds):
    """Kills it in the flow of decisions, or every third while it starts."""
    if number % 3 == 2:
        time.sleep(chance.uniform(0, starting_seconds))
    else:
        running.wait_said("agent.app: access")
        time.sleep(chance.uniform(0, 0.3))
    assert running.alive, running.said()
    running.kill()


def seen_outside(terminal, witness, logs):
    """Checks what was seen so far against the database, which is whole; returns what is recorded, by seq."""
    recorded = {event.seq: event for event in terminal.check()}
    for seq, (kind, body) in logs.items():
        assert (recorded[seq].kind, recorded[seq].body) == (kind, body)
    for heard in witness.first_heard().values():
        event = recorded[heard["seq"]]
        assert (event.id, event.boot_id) == (heard["id"], heard["boot_id"])
    return recorded


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("deaths", "start", "starting_seconds"),
    [
        pytest.param(FORKED, forked, 0.5, id="forked"),
        pytest.param(WHOLE, lambda terminal, _: terminal.start(ready=False), 2.0, id="latchkey run"),
    ],
)
def test_no_death_loses_what_was_seen_and_no_number_comes_twice(
    busy, witness, pictures, deaths, start, starting_seconds
):
    Forked.context.set_forkserver_preload(READY_MADE)
    chance, logs = random.Random(deaths), {}
    for number in range(deaths):
        running = start(busy, number)
        try:
            die(running, number, chance, starting_seconds)
        finally:
            running.kill()
        said = told(running.said())
        assert not logs.keys() & said.keys(), "a number was used again"
        assert list(said) == sorted(said)
        logs |= said
        recorded = seen_outside(busy, witness, logs)
    assert len(logs) > deaths / 2
    assert len({event.boot_id for event in recorded.values()}) > deaths / 2
    busy.set(camera__as_fast_as_possible=False)
    busy.show([pictures.empty])
    rest = busy.start()  # what was not acknowledged when it died
    wait_for(lambda: busy.unsent() == 0, what="an empty outbox")
    assert rest.stop() == 0
    witness.heard_all_of(busy.check())

