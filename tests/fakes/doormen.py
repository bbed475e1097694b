"""A door with its doorman, worked by hand."""

import threading
import time
from datetime import UTC, datetime

from agent.access.latch import LockSettings
from agent.config import load_config
from agent.doorman import Doorman
from agent.hardware.doors import DoorOptions
from agent.hardware.doors.log import LogDoor
from agent.hardware.inputs import Change
from agent.orders import Orders
from agent.store.db import open_db
from tests.fakes.inputs import TypedInputs

SHORT = LockSettings(
    exit_seconds=0.2, max_open_seconds=0.4, held_open_soon_seconds=0.05, held_open_seconds=0.1, grace_seconds=0.05
)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Entrance:
    """A doorman with a door that says what it does, worked by hand."""

    def __init__(self, settings=SHORT, *, wipe=None, door=None, **state):
        self.told = []
        self.door = door or LogDoor(DoorOptions(max_open_seconds=settings.max_open_seconds))
        self.inputs = TypedInputs(**state)
        self.doorman = Doorman(
            self.door,
            self.inputs,
            settings,
            told=lambda effect, _: self.told.append(effect),
            wipe=wipe,
            now=lambda: NOON,
        )

    def happens(self, which, on):
        self.inputs.change(Change(which, on, time.monotonic()))
        self.doorman.step()

    def until(self, condition, seconds=5.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            self.doorman.step()


class OrderedAgent:
    """What of the agent carries out orders."""

    def __init__(self, path):
        self.entrance = Entrance(contact=False)
        self.doorman, self.door = self.entrance.doorman, self.entrance.door
        self.db, self.fails = open_db(path), None
        (synchronised := path.with_name("synchronised")).touch()
        told = {"device.data_dir": path.parent, "door.pulse_seconds": 0.3, "clock.synchronised_file": synchronised}
        config = load_config(None, told, {})
        self.orders = Orders(self.db, self.write, self.doorman, config, boot_id="boot", now=lambda: NOON)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def write(self, change):
        if self.fails:
            raise self.fails
        return change(self.db)

    def _run(self):
        while not self._stop.is_set():
            self.orders.step()

    def __enter__(self):
        self.orders.step()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self.doorman.close()
        self.db.close()
