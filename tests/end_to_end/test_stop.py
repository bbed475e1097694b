"""SIGTERM: what was decided is recorded and published, and the terminal says that it has stopped."""

import signal
import time

import pytest

from tests.end_to_end.patience import wait_for

LONGEST_STOP_SECONDS = 10.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_decision_of_the_last_moment_is_recorded_and_published(make_terminal, mosquitto, witness, pictures, number):
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port, door__pulse_seconds=30.0)
    terminal.seed(ada=pictures.ada)
    terminal.show([pictures.empty] * 3 + [pictures.ada] * 60)
    running = terminal.start()
    wait_for(lambda: witness.on("status"), what="the birth")
    running.wait_said("door unlocked")  # said before anything is recorded
    running.signal(number)
    began = time.monotonic()
    assert running.ended() == 0
    assert time.monotonic() - began < LONGEST_STOP_SECONDS
    (decision,) = terminal.check()
    assert (decision.body["outcome"], decision.body["person"]) == ("granted", "ada")
    assert terminal.unsent() == 0
    wait_for(lambda: witness.on("status")[-1]["state"] != "online", what="the end")
    witness.heard_all_of([decision])
    assert [status["state"] for status in witness.on("status")] == ["online", "stopped"]
    assert witness.on("state/door")[-1]["locked"]
    assert running.said().index("door unlocked") < running.said().rindex("door locked")
    assert "worker does not stop" not in running.said()


def test_without_a_broker_it_stops_as_soon(make_terminal, make_mosquitto, pictures):
    nobody = make_mosquitto()
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=nobody.port)
    terminal.seed(ada=pictures.ada)
    terminal.show([pictures.ada])
    running = terminal.start()
    running.wait_said("door unlocked")
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < LONGEST_STOP_SECONDS
    assert [outcome for outcome, _, _ in terminal.decisions()] == ["granted"]
    assert terminal.unsent() == 1  # kept for the next start
