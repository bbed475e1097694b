"""At the door: it hears first, then the record; and what happens when nothing can be recorded."""

import time
from datetime import timedelta

import pytest

from agent import recorder as recorder_module
from agent.access.gate import Gate, GateSettings
from agent.config import load_config
from agent.errors import HardwareError
from agent.recognise import Recogniser
from agent.recorder import Recorder
from agent.runtime import Worker
from agent.store import events
from agent.store.db import open_db
from agent.types import Outcome, Reason
from agent.vision.quality import QualityLimits
from agent.visits import Visits
from tests.fakes.disks import small_disk
from tests.fakes.doors import NotingDoor
from tests.fakes.eyes import BEGAN, FakeEyes, Visitor, frames, known

ANNA, STRANGER = Visitor("anna"), Visitor("erik")
VISIT = [[ANNA]] * 10 + [[]] * 20


class Entrance:
    """Visits over a real recorder, fed with frames of a script."""

    def __init__(self, folder, door=None, **config):
        self.db = open_db(folder / "latchkey.db")
        self.recorded, self.told, self.crashes = [], [], []
        self.recorder = Recorder(self.db, boot_id="boot", recorded=self.recorded.append)
        self.worker = Worker("recorder", self.recorder.step, crashed=self.crashes.append)
        self.door = door or NotingDoor(heard=self.recorder._jobs.qsize)
        self.eyes = FakeEyes([])
        gate = Gate(GateSettings(), camera="camera", threshold=0.5)
        self.recogniser = Recogniser(self.eyes, gate, limits=QualityLimits(), known=known("anna", "ben"))
        settings = load_config(
            None, {"device.data_dir": folder, "clock.synchronised_file": folder / "none" / "s", **config}, {}
        )
        self.visits = Visits(settings, self.recogniser, self.door, self.recorder, model="enc-1", told=self.told.append)

    def see(self, script):
        first = len(self.eyes.script)
        self.eyes.script += script
        for frame in frames(len(script), first=first):
            self.visits.see(frame, time.perf_counter())

    def on_disk(self):
        return [(event.body["outcome"], event.body["reason"]) for event in events.since(self.db, 0, 100)]

    def close(self):
        self.worker.stop()
        self.db.close()


@pytest.fixture
def entrance(tmp_path):
    made = Entrance(tmp_path)
    yield made
    made.close()


def test_somebody_known_is_let_in_and_recorded(entrance):
    entrance.see(VISIT)
    assert entrance.door.pulses == [(5.0, 0)]  # the door heard of it before the recorder did
    assert entrance.visits.opened_by == "anna"
    assert entrance.visits.frames == 30
    entrance.recorder.drain()
    (event,) = entrance.recorded
    assert (event.kind, event.at, event.boot_id) == ("access", BEGAN + timedelta(seconds=0.1), "boot")
    body = event.body
    assert (body["outcome"], body["person"], body["model"], body["clock"]) == ("granted", "anna", "enc-1", "unknown")
    assert 0 < body["latency_ms"] < 10_000
    (decision,) = entrance.told
    assert decision.outcome is Outcome.GRANTED
    assert decision.sighting.latency_ms == pytest.approx(body["latency_ms"], abs=0.01)


def test_a_stranger_is_recorded_and_the_door_stays_shut(entrance):
    entrance.see([[STRANGER]] * 4 + [[]] * 20)
    entrance.recorder.drain()
    assert entrance.on_disk() == [("denied", "unknown")]
    assert entrance.door.pulses == []
    assert entrance.visits.opened_by is None
    assert [decision.reason for decision in entrance.told] == [Reason.UNKNOWN]


def test_nobody_is_no_event(entrance):
    entrance.see([[]] * 20)
    entrance.visits.finish()
    entrance.recorder.drain()
    assert entrance.on_disk() == []
    assert entrance.visits.frames == 20
    assert "frame with a face" not in entrance.recogniser.stopwatch.percentiles()


def test_frames_with_a_face_are_timed(entrance):
    entrance.see(VISIT)
    assert len(entrance.recogniser.stopwatch._times["frame with a face"]) == 10


def test_the_end_records_what_it_concludes(entrance):
    entrance.see([[STRANGER]] * 4)
    assert entrance.told == []
    entrance.visits.finish()
    entrance.visits.finish()
    entrance.recorder.drain()
    assert entrance.on_disk() == [("denied", "unknown")]


def test_the_end_before_the_first_frame(entrance):
    entrance.visits.finish()
    assert entrance.told == []


def test_as_long_as_configured(tmp_path):
    entrance = Entrance(tmp_path, **{"door.pulse_seconds": 2.5})
    entrance.see(VISIT)
    assert [seconds for seconds, _ in entrance.door.pulses] == [2.5]
    entrance.close()


def test_a_relay_that_fails_leaves_a_trace_and_is_no_secret(tmp_path):
    entrance = Entrance(tmp_path, NotingDoor(broken=True))
    with pytest.raises(HardwareError, match="does not obey"):
        entrance.see(VISIT)
    assert entrance.told == []
    assert entrance.visits.opened_by is None
    entrance.recorder.drain()
    assert entrance.on_disk() == [("granted", "match")]
    entrance.close()


@pytest.mark.parametrize("policy", ["stay_shut", "open"])
def test_a_full_disk(tmp_path, monkeypatch, wait_for, policy):
    monkeypatch.setattr(recorder_module, "RETRY_SECONDS", 0.1)
    with small_disk(tmp_path) as disk:
        entrance = Entrance(tmp_path, **{"door.on_storage_failure": policy})
        entrance.worker.start()
        entrance.see(VISIT * 5)  # within the ten seconds of one visit: opened again each time
        wait_for(lambda: len(entrance.recorded) == 5)
        disk.fill(entrance.db)
        while entrance.recorder.healthy:  # the last page may have room for an event or two
            entrance.see(VISIT)
            wait_for(lambda: len(entrance.recorded) == len(entrance.told) or not entrance.recorder.healthy)
        before = len(entrance.door.pulses)
        entrance.see(VISIT * 3 + [[STRANGER]] * 10 + [[]] * 20)
        refused = [d.reason for d in entrance.told[-4:]]
        if policy == "open":
            assert refused == [Reason.MATCH] * 3 + [Reason.UNKNOWN]
            assert len(entrance.door.pulses) == before + 3
        else:
            assert refused == [Reason.STORAGE_FAILED] * 3 + [Reason.UNKNOWN]
            assert entrance.told[-2].person == "anna"
            assert len(entrance.door.pulses) == before
        disk.free(entrance.db)
        wait_for(lambda: len(entrance.recorded) == len(entrance.told))
        assert entrance.on_disk() == [(d.outcome.value, d.reason.value) for d in entrance.told]
        entrance.see(VISIT)
        wait_for(lambda: len(entrance.recorded) == len(entrance.told))
        assert entrance.told[-1].outcome is Outcome.GRANTED
        assert entrance.recorder.lost == 0
        assert entrance.crashes == []
        entrance.close()
