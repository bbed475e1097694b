"""kill -9 of the whole agent at any moment: what the outside has seen is on the disk, and no number comes twice.

Most of the agents are forked from a process that has imported everything, so that fifty deaths take no minute; they
open, look, decide, record and publish as `latchkey run` does, and some more are that very command.
"""

import random
import time

import pytest

from tests.end_to_end.patience import wait_for
from tests.end_to_end.pictures import hurried
from tests.end_to_end.terminal import told

HOW = {  # how many deaths, what starts it, how long that may take
    "forked": (20, lambda terminal: terminal.fork("run"), 0.5),
    "latchkey run": (5, lambda terminal: terminal.start(ready=False), 2.0),
}


@pytest.fixture
def busy(make_terminal, mosquitto, pictures):
    """A terminal that decides as often as it can, and tells a broker."""
    terminal = make_terminal(
        mqtt__enabled=True, mqtt__port=mosquitto.port, camera__fps=2.0, camera__as_fast_as_possible=True
    )
    terminal.seed(ada=pictures.ada)
    terminal.show(hurried(pictures, "ada", "stranger"))
    return terminal


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
@pytest.mark.parametrize("kind", HOW)
def test_no_death_loses_what_was_seen_and_no_number_comes_twice(busy, witness, pictures, kind):
    deaths, start, starting_seconds = HOW[kind]
    chance, logs = random.Random(deaths), {}
    for number in range(deaths):
        running = start(busy)
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
