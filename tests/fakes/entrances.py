"""An entrance over a real recorder, doorkeeper, doorman and lock; the relay only notes, and there are no inputs."""

from datetime import UTC, datetime, timedelta

from agent.access.doorkeeper import Doorkeeper
from agent.config import load_config
from agent.doorman import Doorman
from agent.ears import Ears
from agent.entrance import Entrance
from agent.hardware.inputs import InputsOptions
from agent.hardware.inputs.none import NoInputs
from agent.labels import Labels
from agent.make import lock_settings
from agent.mqtt.topics import Topics
from agent.peers import Peers
from agent.pins import check_pin
from agent.recorder import Recorder
from agent.runtime import Worker
from agent.store import events
from agent.store.db import open_db
from agent.types import Alarm, Credential, Match, Reason, Sighting
from tests.fakes.doors import NotingDoor
from tests.fakes.doorways import digest, door, register, rules
from tests.fakes.keys import KEY

BEGAN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday


class Hall:
    """An entrance to be tried. Nothing is written before `drain`, or before its worker is started."""

    def __init__(self, folder, *people, of=None, door_=None, zones=(), more=(), opened=lambda: None, **config):
        self.db = open_db(folder / "latchkey.db", key=KEY)
        self.recorded, self.decided, self.crashes = [], [], []
        self.passed, self.claims, self.again = [], [], []
        self.at = BEGAN
        self.recorder = Recorder(self.db, boot_id="boot", recorded=self.recorded.append)
        self.worker = Worker("recorder", self.recorder.step, crashed=self.crashes.append)
        self.door = door_ or NotingDoor(heard=self.recorder._jobs.qsize)
        told = {"device.data_dir": folder, "device.name": "front", "clock.synchronised_file": folder / "none" / "s"}
        self.config = load_config(None, told | config, {})
        self.doorman = Doorman(self.door, NoInputs(InputsOptions()), lock_settings(self.config), told=self._told)
        in_force = rules(of or door(), *more, zones=zones)
        keeper = Doorkeeper(
            "front", in_force, register(*people), standings={}, mode=None, opened_on=None,
            check_pin=lambda pin, hash_: check_pin(pin, hash_) if hash_.startswith("$scrypt") else pin == hash_,
            digest=digest,
        )  # fmt: skip
        ears = Ears(
            decided=self.decided.append, passed=self.passed.append, claimed=self.claims.append,
            look_again=self.again.append, key_waits=lambda: self.again.append("everybody"),
        )  # fmt: skip
        self.peers = Peers(Topics("home", "front"))
        self.entrance = Entrance(
            self.config, keeper, self.doorman, self.recorder, "enc-1", Labels(self.config.events, keeper.register),
            self.peers, ears, lambda: self.at,
        )  # fmt: skip
        self.entrance.change(lambda _: None)

    def _told(self, effect, at):
        self.entrance.told(effect, at)

    def later(self, seconds):
        """Time goes by."""
        self.at += timedelta(seconds=seconds)
        self.entrance.tick()

    def face(self, person, *, repeat=False):
        """Somebody is recognised; None: nobody that is known."""
        reason = Reason.UNKNOWN if person is None else Reason.MATCH
        match = Match(person or "anna", 0.7 if person else 0.2, None, 2.0)
        self.entrance.saw(
            Sighting(self.at, "camera", 1, reason, person, match, 0.5, 2, 2, None, "as seen", repeat=repeat)
        )

    def card(self, number, **more):
        self.entrance.showed(Credential(self.at, card=number, **more))

    def pin(self, pin, badge=None, **more):
        self.entrance.showed(Credential(self.at, pin=pin, badge=badge, **more))

    @property
    def told(self):
        return [(decision.outcome.value, decision.reason.value, decision.person) for decision in self.decided]

    def events(self, kind="access"):
        """What is on the disk."""
        self.drain()
        return [event for event in events.since(self.db, 0, 1000) if event.kind == kind]

    def alarms(self):
        return [Alarm(event.body["alarm"]) for event in self.events("alarm")]

    def drain(self):
        """Has everything written that waits for it; more may come."""
        while not self.recorder._jobs.empty():
            self.recorder.step()

    def close(self):
        self.worker.stop()
        self.doorman.close()
        self.db.close()
