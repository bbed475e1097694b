"""Beside the door: punches of a clock that was not set get their time, over a restart of the agent too."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from agent import health, history, upkeep
from agent.attendance.punch import Clock
from agent.backup import leftovers, outgoing
from agent.clock import kernel_boot_id
from agent.config import Config
from agent.health import HealthCheck
from agent.history import Counts
from agent.store import people, punches, samples
from agent.store.db import open_db
from agent.timeclock import Terminal, punch
from agent.upkeep import Upkeep
from tests.fakes.timeclock import site

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)  # what the clock says that was never set


@pytest.fixture
def db(tmp_path, monkeypatch):
    monkeypatch.setattr(upkeep, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(upkeep, "LOOK_SECONDS", 0.0)
    with open_db(tmp_path / "latchkey.db") as db:
        people.add_person(db, "anna", name=None, at=LONG_AGO)
        yield db


@pytest.fixture
def synchronised(tmp_path):
    """The file that says so; in the beginning there is not even its folder."""
    return tmp_path / "timesync" / "synchronized"


@pytest.fixture
def start(db, synchronised):
    """Starts the agent."""

    def started(boot_id):
        config = Config.model_validate({"clock": {"synchronised_file": synchronised}})
        return Upkeep(config, db, lambda change: change(db), boot_id)

    return started


def come(db, boot_id, ago=0.0):
    """Anna punches, so many seconds ago."""
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME) - ago
    terminal = Terminal("hq", "front", boot_id, kernel_boot_id())
    at = LONG_AGO + timedelta(seconds=uptime)
    return punch(db, site(), terminal, "anna", at, key=None, uptime=uptime, clock=Clock.UNSYNCHRONISED)


def age(db):
    """How long ago Anna's punches were, as corrected, in seconds."""
    now = datetime.now(UTC)
    return [round((now - each.at).total_seconds()) for each in punches.counted(db, LONG_AGO, now)]


def test_what_backups_leave_goes_by_itself(db, tmp_path):
    config = Config.model_validate({"device": {"data_dir": tmp_path}})
    left = [outgoing.file_of(config, "old"), leftovers.snapshot_file(config, 2**22 + 1)]
    kept = [outgoing.file_of(config, "new"), leftovers.snapshot_file(config, os.getpid())]
    left[0].parent.mkdir()
    for file in left + kept:
        file.write_bytes(b"names")
    os.utime(left[0], (time.time() - outgoing.KEEP_SECONDS - 60,) * 2)
    Upkeep(config, db, lambda change: change(db), "boot").step()
    assert [file.exists() for file in left + kept] == [False, False, True, True]


def test_nothing_is_done_before_the_clock_is_right(db, start, synchronised):
    synchronised.parent.mkdir()
    beside = start("run-1")
    come(db, "run-1")
    beside.step()
    assert punches.corrections(db) == []
    synchronised.touch()
    beside.step()
    beside.step()
    assert [each.by for each in punches.corrections(db)] == ["clock"]
    assert age(db) == [0]


def test_an_agent_that_starts_later_sets_right_what_an_earlier_one_has_recorded(db, start, synchronised):
    synchronised.parent.mkdir()
    start("run-1").step()
    come(db, "run-1", ago=30)
    synchronised.touch()
    start("run-2").step()
    assert age(db) == [30]


def test_a_start_before_anything_can_say_whether_the_clock_is_right(db, start, synchronised):
    beside = start("run-1")
    beside.step()
    synchronised.parent.mkdir()  # NTP comes up
    come(db, "run-1", ago=5)
    beside.step()
    synchronised.touch()
    beside.step()
    assert age(db) == [5]


def test_a_clock_that_is_lost_again_and_found_again(db, start, synchronised):
    synchronised.parent.mkdir()
    synchronised.touch()
    beside = start("run-1")
    beside.step()
    synchronised.unlink()
    beside.step()
    come(db, "run-1", ago=5)
    synchronised.touch()
    beside.step()
    assert age(db) == [5]


def test_how_the_device_is_is_kept_now_and_then(db, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "EVERY_SECONDS", 0.0)
    config = Config.model_validate({"device": {"data_dir": tmp_path}, "clock": {"synchronised_file": tmp_path / "s"}})
    seen = [Counts(0, 0, None), Counts(50, 7, 41.5)]
    kept = history.History(HealthCheck(config, db, boot_id="b"), lambda change: change(db), lambda: seen.pop(0))
    beside = Upkeep(config, db, lambda change: change(db), "b", kept)
    for _ in range(2):
        with monkeypatch.context() as patch:  # the folder is there, the file not: the clock is not set, and says so
            patch.setattr(health, "clock_state", lambda _: Clock.UNSYNCHRONISED if len(seen) == 1 else Clock.UNKNOWN)
            beside.step()
    (sample,) = samples.series(db, datetime.now(UTC) - timedelta(minutes=1), 1)
    assert (sample["latency_ms"], sample["frames_dropped"], sample["outbox_depth"]) == (41.5, 7, 0)
    assert sample["fps"] > 0
    assert sample["disk_free_bytes"] > 0
