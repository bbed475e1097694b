"""SIGTERM: what was decided is recorded and published, and the terminal says that it has stopped."""

import signal
import sqlite3
import time
from contextlib import contextmanager, nullcontext

import pytest

from tests.end_to_end.patience import wait_for
from tests.end_to_end.terminal import freeze

LONGEST_STOP_SECONDS = 10.0
HELD_SECONDS = 2.0  # after the signal


@contextmanager
def broker_held(mosquitto, terminal):
    """The broker acknowledges nothing."""
    freeze(mosquitto)
    try:
        yield
    finally:
        mosquitto._process.send_signal(signal.SIGCONT)


@contextmanager
def database_held(mosquitto, terminal):
    """Another program writes, and takes its time."""
    with sqlite3.connect(terminal.database, isolation_level=None) as sql:
        sql.execute("BEGIN IMMEDIATE")
        yield
        sql.execute("ROLLBACK")
    sql.close()


def nothing_held(mosquitto, terminal):
    return nullcontext()


@pytest.fixture
def terminal(make_terminal, mosquitto, pictures):
    made = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port, door__pulse_seconds=30.0)
    made.seed(ada=pictures.ada)
    made.show([pictures.empty] * 15 + [pictures.ada] * 60)
    return made


@pytest.mark.parametrize(
    ("number", "held"),
    [
        pytest.param(signal.SIGTERM, nothing_held, id="SIGTERM"),
        pytest.param(signal.SIGINT, nothing_held, id="SIGINT"),
        pytest.param(signal.SIGTERM, broker_held, id="SIGTERM while the broker hangs"),
        pytest.param(signal.SIGTERM, database_held, id="SIGTERM while the database is locked"),
    ],
)
def test_a_decision_of_the_last_moment_is_recorded_and_published(terminal, mosquitto, witness, held, number):
    running = terminal.start()
    wait_for(lambda: witness.on("status"), what="the birth")
    with held(mosquitto, terminal):
        running.wait_said("door unlocked")  # said before anything is recorded
        running.signal(number)
        began = time.monotonic()
        time.sleep(0 if held is nothing_held else HELD_SECONDS)
    assert running.ended() == 0
    assert time.monotonic() - began < LONGEST_STOP_SECONDS
    (decision,) = [event for event in terminal.check() if event.kind == "access"]
    assert (decision.body["outcome"], decision.body["person"]) == ("granted", "ada")
    assert terminal.unsent() == 0
    wait_for(lambda: witness.on("status")[-1]["state"] != "online", what="the end")
    witness.heard_all_of(terminal.check())
    assert [status["state"] for status in witness.on("status")] == ["online", "stopped"]
    assert witness.on("state/door")[-1]["locked"]
    assert running.said().index("door unlocked") < running.said().rindex("door locked")
    assert "worker does not stop" not in running.said()


def test_without_a_broker_it_stops_as_soon(terminal, mosquitto):
    mosquitto.kill()
    running = terminal.start()
    running.wait_said("door unlocked")
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < LONGEST_STOP_SECONDS
    assert [outcome for outcome, _, _ in terminal.decisions()] == ["granted"]
    assert terminal.unsent() == len(terminal.check())  # kept for the next start
