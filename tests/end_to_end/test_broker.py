"""The broker is away, comes, and dies: what was decided arrives, in order, once by its id."""

import random
import time
from datetime import UTC, datetime, timedelta

from agent.store import events
from agent.store.db import open_db
from tests.end_to_end.patience import wait_for
from tests.end_to_end.pictures import hurried, visit
from tests.end_to_end.terminal import freeze
from tests.end_to_end.witness import Witness

AN_HOUR_OF_EVENTS = 3600


def test_what_is_decided_without_a_broker_arrives_when_it_comes(make_terminal, make_mosquitto, pictures):
    broker = make_mosquitto()
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=broker.port)
    terminal.show(hurried(pictures, "ada", "stranger", "bruno"))
    terminal.seed(ada=pictures.ada, bruno=pictures.bruno)
    earlier = terminal.start(
        "--as-fast-as-possible", "--set", "camera.loop=false", "--set", "camera.fps=2", ready=False
    )
    assert earlier.ended() == 0  # the recording is over, and nobody wants to hear of it yet
    verdicts = [("granted", "ada"), ("denied", None), ("granted", "bruno")]
    assert [(outcome, person) for outcome, _, person in terminal.decisions()] == verdicts

    terminal.show(visit(pictures, "ada", "stranger"))
    now = terminal.start()
    wait_for(lambda: len(terminal.recorded()) >= 5, what="decisions")
    assert terminal.unsent() == len(terminal.recorded())
    with Witness(broker.port) as witness:
        with now.frozen():  # the witness is to be at the broker before the terminal is
            broker.start()
            witness.remote.wait_ready(60)
        wait_for(lambda: terminal.unsent() == 0, what="an empty outbox")
        assert now.stop() == 0
        recorded = terminal.check()
        heard = witness.heard_all_of(recorded)
        assert len(witness.events()) == len(recorded)  # nothing twice: no connection was lost
    boots = [event.boot_id for event in recorded]
    assert boots[0] == boots[2] != boots[3] == boots[-1]
    assert [event["historical"] for event in heard.values()] == [True] * 3 + [False] * (len(recorded) - 3)


def test_an_hour_of_events_arrives(make_terminal, mosquitto, witness, pictures):
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port)
    terminal.show([pictures.empty])
    began = datetime.now(UTC) - timedelta(hours=1)
    with open_db(terminal.database) as db, db.transaction():
        for n in range(AN_HOUR_OF_EVENTS):
            body = {"outcome": "denied", "reason": "unknown", "n": n}
            events.append(db, "access", began + timedelta(seconds=n), "an-earlier-boot", body)
    terminal.start(ready=False)
    witness.wait_events(AN_HOUR_OF_EVENTS)
    wait_for(lambda: terminal.unsent() == 0, what="an empty outbox")
    assert terminal.started[0].stop() == 0
    heard = witness.heard_all_of(terminal.check())
    assert all(event["historical"] for event in heard.values())
    assert len(witness.events()) == AN_HOUR_OF_EVENTS


def test_a_broker_that_is_killed_in_mid_flow_and_comes_back_misses_nothing(make_terminal, mosquitto, witness, pictures):
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port, camera__fps=2.0)
    terminal.seed(ada=pictures.ada)
    terminal.show(hurried(pictures, "ada", "stranger"))
    running = terminal.start("--as-fast-as-possible")
    chance = random.Random(2)
    for life in range(4):
        witness.wait_events(len(witness.first_heard()) + 10)
        time.sleep(chance.uniform(0, 0.2))  # any moment of the flow
        if life % 2:
            freeze(mosquitto)  # so that it dies with events on their way
            recorded = len(terminal.recorded())
            wait_for(lambda then=recorded: len(terminal.recorded()) > then + 3, what="decisions that are sent")
        mosquitto.kill()
        recorded = len(terminal.recorded())
        wait_for(lambda then=recorded: len(terminal.recorded()) > then + 3, what="decisions without a broker")
        with running.frozen():
            mosquitto.start()
            wait_for(lambda: witness.remote.listening, what="the witness")
    assert running.stop() == 0
    terminal.show([pictures.empty])
    rest = terminal.start()  # what was left when it had to stop
    wait_for(lambda: terminal.unsent() == 0, what="an empty outbox")
    assert rest.stop() == 0
    recorded = terminal.check()
    assert len(recorded) > 4 * 10
    witness.heard_all_of(recorded)
