"""The clock is set back, or forward: numbers go on, and the door opens as before."""

import itertools
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from agent.bundle import open_bundle
from agent.doorman import Doorman
from agent.entrance import Entrance
from agent.hardware.inputs import InputsOptions
from agent.hardware.inputs.none import NoInputs
from agent.knowledge import Knowledge
from agent.labels import Labels
from agent.make import lock_settings, make_recogniser
from agent.mqtt.topics import Topics
from agent.peers import Peers
from agent.recognise import Known
from agent.recorder import Recorder
from agent.seal.keyring import site_key
from agent.store import events
from agent.store.db import open_db
from agent.store.templates import load_gallery
from agent.types import Frame
from agent.vision.pictures import decode_picture
from agent.visits import Visits
from tests.end_to_end.pictures import VISIT_FPS, visit
from tests.fakes.doors import NotingDoor

BEGAN = datetime(2026, 11, 22, 6, tzinfo=UTC)
SHOTS = 6  # of each visit
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Hall:
    """The real models before a real recorder; `see` shows pictures, each with a step of the clock before it."""

    def __init__(self, terminal, stack):
        bundle = open_bundle(terminal.config, site_key(terminal.config))
        self._clock, self._numbers = BEGAN, itertools.count()
        db = stack.enter_context(open_db(terminal.database, key=bundle.key))
        gallery = load_gallery(db, bundle.template_model)
        known = Known(gallery, bundle.threshold(gallery.templates).cosine)
        recorder = Recorder(db, boot_id="boot", recorded=lambda _: None)
        stack.callback(recorder.drain)
        config, self.door = terminal.config, NotingDoor()
        doorman = Doorman(self.door, NoInputs(InputsOptions()), lock_settings(config), told=lambda *_: None)
        keeper = Knowledge(bundle, db, lambda change: change(db)).doorkeeper("door")
        entrance = Entrance(
            config, keeper, doorman, recorder, bundle.model_id, Labels(config.events), Peers(Topics("home", "door")),
            now=lambda: self._clock,
        )  # fmt: skip
        self._visits = Visits(make_recogniser(bundle, known), entrance.saw)

    def see(self, shown, steps=()):
        """Shows pictures; `steps`: before which of them the clock is set, and by how much."""
        steps = dict(steps)
        for number, picture in enumerate(shown):
            self._clock += timedelta(seconds=1 / VISIT_FPS) + steps.get(number, timedelta())
            frame = Frame(decode_picture(picture), self._clock, next(self._numbers), "camera")
            self._visits.see(frame, time.perf_counter())


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param({0: -HOUR}, id="back between two visits"),
        pytest.param({1: -HOUR}, id="back between the first two shots"),
        pytest.param({2: -timedelta(days=365 * 60)}, id="back to before 1970"),
        pytest.param(dict.fromkeys(range(SHOTS), -HOUR), id="back before every shot"),
        pytest.param({0: DAY}, id="forward between two visits"),
        pytest.param({1: DAY, 6: -2 * DAY}, id="forward between the first two shots, and back beyond"),
    ],
)
def test_the_door_opens_whatever_the_clock_does(make_terminal, pictures, steps):
    terminal = make_terminal()
    terminal.seed(ada=pictures.ada)
    with ExitStack() as stack:
        entrance = Hall(terminal, stack)
        play = visit(pictures, "ada", shots=SHOTS)
        entrance.see(play)
        entrance.see(play, steps)
        entrance.see(play)
    assert len(entrance.door.pulses) == 3
    recorded = terminal.check()
    assert [event.body["person"] for event in recorded if event.kind == "access"] == ["ada"] * 3


def test_after_a_day_ahead_everything_arrives_in_the_order_of_its_numbers(make_terminal, mosquitto, witness, pictures):
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port)
    tomorrow = datetime.now(UTC) + DAY
    with open_db(terminal.database) as db:
        for n in range(3):
            events.append(db, "access", tomorrow + n * HOUR, "when-the-clock-was-wrong", {"outcome": "denied", "n": n})
    terminal.seed(ada=pictures.ada)
    terminal.show(visit(pictures, "ada"))
    running = terminal.start()
    witness.wait_events(5)
    assert running.stop() == 0
    heard = witness.heard_all_of(terminal.check())
    assert [event["historical"] for event in heard.values()] == [True] * 3 + [False] * (len(heard) - 3)
