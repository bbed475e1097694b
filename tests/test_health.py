"""What the device says of itself."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from agent import health
from agent.config import load_config
from agent.health import HealthCheck, resident_bytes
from agent.store import events
from agent.store.db import open_db

NUMBERS = {"frames": 0, "dropped": 0, "people": 0, "templates": 0}


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


@pytest.fixture
def check(db, tmp_path):
    config = load_config(None, {"device.data_dir": tmp_path, "clock.synchronised_file": tmp_path / "none" / "s"}, {})
    return HealthCheck(config, db, boot_id="boot")


def test_a_quiet_start(check):
    told = check.look(**NUMBERS)
    assert (told.boot_id, told.outbox_depth, told.oldest_unsent_seconds, told.clock) == ("boot", 0, None, "unknown")
    assert 0 <= told.uptime_seconds < 60
    assert told.fps == 0
    at = datetime.fromisoformat(told.at)
    assert abs(at - datetime.now(UTC)) < timedelta(seconds=60)


def test_numbers_are_passed_on(check):
    told = check.look(frames=10, dropped=3, people=5, templates=25)
    assert (told.frames_dropped, told.people, told.templates) == (3, 5, 25)


def test_frames_per_second_since_the_last_look(check):
    check.look(**NUMBERS)
    began = time.monotonic()
    time.sleep(0.3)
    told = check.look(**NUMBERS | {"frames": 6})
    assert 6 / (time.monotonic() - began + 0.2) < told.fps <= 20
    time.sleep(0.1)
    assert check.look(**NUMBERS | {"frames": 6}).fps == 0


def test_the_outbox(check, db):
    now = datetime.now(UTC)
    for age in (90, 30, 10):
        events.append(db, "access", now - timedelta(seconds=age), "boot", {})
    told = check.look(**NUMBERS)
    assert told.outbox_depth == 3
    assert 90 <= told.oldest_unsent_seconds < 150
    events.mark_sent(db, [1], now)
    assert check.look(**NUMBERS).oldest_unsent_seconds < 90


def test_a_clock_that_was_set_back(check, db):
    events.append(db, "access", datetime.now(UTC) + timedelta(hours=1), "boot", {})
    assert check.look(**NUMBERS).oldest_unsent_seconds == 0


def test_the_disk_and_memory(check, tmp_path):
    told = check.look(**NUMBERS)
    stat = os.statvfs(tmp_path)
    assert told.disk_free_bytes == pytest.approx(stat.f_bavail * stat.f_frsize, rel=0.1)
    assert 10e6 < told.memory_bytes < 10e9
    assert told.memory_bytes == pytest.approx(resident_bytes(), rel=0.2)


@pytest.mark.parametrize(
    ("text", "hot"),
    [
        pytest.param("48312\n", 48.312, id="as the kernel writes a temperature"),
        pytest.param("", None, id="empty"),
        pytest.param("hot", None, id="not a number"),
    ],
)
def test_the_temperature(check, tmp_path, monkeypatch, text, hot):
    monkeypatch.setattr(health, "THERMAL", tmp_path / "temp")
    (tmp_path / "temp").write_text(text)
    assert check.look(**NUMBERS).temperature_celsius == hot


def test_not_a_pi(check, tmp_path, monkeypatch):
    for name in ("THERMAL", "THROTTLED"):
        monkeypatch.setattr(health, name, tmp_path / "absent")
    told = check.look(**NUMBERS)
    assert (told.temperature_celsius, told.throttled) == (None, None)


@pytest.mark.parametrize(
    ("text", "now"),
    [("0\n", False), ("50000\n", False), ("50005\n", True), ("4", True), ("?", None)],
    ids=["never", "it has been", "it is", "capped", "garbage"],
)
def test_throttling(check, tmp_path, monkeypatch, text, now):
    monkeypatch.setattr(health, "THROTTLED", tmp_path / "get_throttled")
    (tmp_path / "get_throttled").write_text(text)
    assert check.look(**NUMBERS).throttled is now


def test_it_is_a_message(check):
    assert b'"outbox_depth":0' in check.look(**NUMBERS).to_json().replace(b" ", b"")
