"""The one writer: real threads, real SQLite, real full disks."""

import logging
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from agent import recorder as recorder_module
from agent.errors import CommandError, StoreFull
from agent.recorder import Recorder
from agent.runtime import Worker
from agent.store import events
from agent.store.db import open_db
from tests.fakes.disks import SmallDatabase, small_disk

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
LARGE = "x" * 3000  # more than the room left in any page


class Bench:
    """A recorder at work, and what it told."""

    def __init__(self, path):
        self.path = path
        self.db = open_db(path)
        self.told, self.crashes = [], []
        self.recorder = Recorder(self.db, boot_id="boot", recorded=self.told.append)
        self.worker = Worker("recorder", self.recorder.step, crashed=self.crashes.append)

    def record(self, *numbers):
        for n in numbers:
            self.recorder.record("access", NOW + timedelta(seconds=n), {"n": n, "text": LARGE})

    def on_disk(self):
        with open_db(self.path) as reader:
            stored = events.since(reader, 0, 10_000)
        assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
        return [event.body["n"] for event in stored]

    def close(self):
        self.worker.stop()
        self.db.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(recorder_module, "RETRY_SECONDS", 0.1)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "latchkey.db")
    yield made
    made.close()


@pytest.fixture
def at_work(bench):
    bench.worker.start()
    return bench


@pytest.fixture(params=["a full disk", "a full database"])
def disk(request, tmp_path):
    if request.param == "a full database":
        yield SmallDatabase(tmp_path)
        return
    with small_disk(tmp_path) as disk:
        if isinstance(disk, SmallDatabase):
            pytest.skip("only root may mount a small disk")
        yield disk


@pytest.fixture
def full(disk, wait_for):
    """A recorder at work whose disk is full since event 3, with events 3 to 7 waiting."""
    made = Bench(disk.path / "latchkey.db")
    made.worker.start()
    made.record(0, 1, 2)
    wait_for(lambda: len(made.told) == 3)
    disk.fill(made.db)
    made.record(3, 4, 5, 6, 7)
    wait_for(lambda: not made.recorder.healthy)
    yield made
    made.close()


# Recording


def test_events_are_recorded_in_order_and_told(at_work, wait_for):
    at_work.record(*range(20))
    wait_for(lambda: len(at_work.told) == 20)
    assert at_work.on_disk() == list(range(20))
    first = at_work.told[0]
    assert (first.seq, first.kind, first.at, first.boot_id) == (1, "access", NOW, "boot")
    assert len({event.id for event in at_work.told}) == 20
    assert at_work.recorder.healthy
    assert at_work.recorder.lost == 0


def test_what_is_told_is_on_the_disk(tmp_path, wait_for):
    path, seen = tmp_path / "latchkey.db", []
    with open_db(path) as db, open_db(path) as reader:
        recorder = Recorder(
            db, boot_id="boot", recorded=lambda event: seen.append(event in events.since(reader, event.seq - 1, 1))
        )
        recorder.record("access", NOW, {"n": 1})
        recorder.record("access", NOW, {"n": 2})
        recorder.drain()
    assert seen == [True, True]


def test_many_threads_record_and_write(at_work):
    def busy(thread):
        for n in range(10):
            at_work.record(100 * thread + n)
            assert at_work.recorder.write(lambda db: db.rows("SELECT count(*) FROM events")[0][0]) >= n + 1
        return thread

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(busy, range(4))) == [0, 1, 2, 3]
    stored = at_work.on_disk()
    assert sorted(stored) == sorted(100 * thread + n for thread in range(4) for n in range(10))
    for thread in range(4):
        assert [n for n in stored if n // 100 == thread] == [100 * thread + n for n in range(10)]


# Writing


def test_a_change_is_done_by_the_worker_after_what_came_before(bench, wait_for):
    bench.record(0, 1, 2)
    done = []
    waiting = threading.Thread(
        target=lambda: done.append(
            bench.recorder.write(lambda db: (threading.current_thread().name, len(events.since(db, 0, 10))))
        )
    )
    waiting.start()
    time.sleep(0.1)
    assert done == []
    bench.worker.start()
    waiting.join(10)
    assert done == [("recorder", 3)]


@pytest.mark.parametrize("error", [ValueError("ha"), StoreFull("ho"), TimeoutError("hm"), SystemExit(3)])
def test_who_waits_gets_the_error_and_the_worker_goes_on(at_work, error):
    def change(db):
        raise error

    with pytest.raises(type(error)) as caught:
        at_work.recorder.write(change)
    assert caught.value is error
    assert at_work.recorder.write(lambda db: 7) == 7
    assert at_work.crashes == []


def test_a_change_that_was_not_begun_in_time_is_never_done(at_work):
    release, begun, done = threading.Event(), threading.Event(), []

    def block(db):
        begun.set()
        release.wait(10)

    blocker = threading.Thread(target=at_work.recorder.write, args=[block])
    blocker.start()
    assert begun.wait(10)
    with pytest.raises(StoreFull, match="too busy"):
        at_work.recorder.write(lambda db: done.append(1), seconds=0.1)
    release.set()
    blocker.join(10)
    assert at_work.recorder.write(lambda db: 7) == 7
    assert done == []


def test_a_change_that_was_begun_is_waited_for(at_work):
    """Whoever hears that it failed may try again: it must not have been done then."""

    def slow(db):
        time.sleep(0.4)
        return "done"

    assert at_work.recorder.write(slow, seconds=0.1) == "done"


def test_no_room_in_the_queue(bench, monkeypatch):
    monkeypatch.setattr(recorder_module, "STEP_SECONDS", 0.05)
    monkeypatch.setattr(recorder_module, "ROOM", 2)
    recorder = Recorder(bench.db, boot_id="boot", recorded=bench.told.append)
    recorder.record("access", NOW, {"n": 1})
    recorder.record("access", NOW, {"n": 2})
    done = []
    with pytest.raises(StoreFull, match="too busy"):
        recorder.write(lambda db: done.append(1))
    recorder.drain()
    assert done == []
    assert bench.on_disk() == [1, 2]


# A full disk


def test_events_wait_in_order_until_there_is_room(full, disk, wait_for, caplog):
    assert full.on_disk() == [0, 1, 2]
    full.record(8, 9)
    time.sleep(0.3)
    assert not full.recorder.healthy
    disk.free(full.db)
    wait_for(lambda: len(full.told) == 10)
    assert full.recorder.healthy
    assert full.on_disk() == list(range(10))
    assert full.recorder.lost == 0
    assert full.crashes == []
    logged = [record.getMessage() for when in ("setup", "call") for record in caplog.get_records(when)]
    assert sum("events cannot be recorded" in line for line in logged) == 1  # and not again each time
    assert sum("events are recorded again" in line for line in logged) == 1
    full.db.check()


def test_full_and_full_again(full, disk, wait_for):
    disk.free(full.db)
    wait_for(lambda: full.recorder.healthy)
    disk.fill(full.db)
    full.record(8, 9)
    wait_for(lambda: not full.recorder.healthy)
    disk.free(full.db)
    wait_for(lambda: len(full.told) == 10)
    assert full.on_disk() == list(range(10))


def test_nobody_waits_for_a_full_disk(full):
    done = []
    began = time.monotonic()
    with pytest.raises(StoreFull, match="free some space"):
        full.recorder.write(lambda db: done.append(1))
    assert time.monotonic() - began < 0.5
    assert done == []


def test_a_change_that_waited_when_the_disk_became_full_is_never_done(disk, wait_for):
    bench = Bench(disk.path / "latchkey.db")
    events.append(bench.db, "access", NOW, "boot", {"n": 0, "text": LARGE})
    bench.record(1)
    disk.fill(bench.db)
    done, refused = [], []

    def write():
        try:
            bench.recorder.write(lambda db: done.append(1), seconds=0.5)
        except StoreFull as error:
            refused.append(error)

    writer = threading.Thread(target=write)
    writer.start()  # healthy still: it queues behind the event that will not fit
    wait_for(lambda: bench.recorder._jobs.qsize() == 2)
    bench.worker.start()
    writer.join(10)
    assert len(refused) == 1
    disk.free(bench.db)
    wait_for(lambda: bench.told)
    assert bench.recorder.write(lambda db: 7) == 7
    assert done == []
    bench.close()


def test_what_memory_has_no_room_for_is_lost_loudly(disk, wait_for, caplog, monkeypatch):
    monkeypatch.setattr(recorder_module, "STEP_SECONDS", 0.05)
    monkeypatch.setattr(recorder_module, "ROOM", 5)
    bench = Bench(disk.path / "latchkey.db")
    bench.worker.start()
    bench.record(0)
    wait_for(lambda: bench.told)
    disk.fill(bench.db)
    bench.record(1)
    wait_for(lambda: not bench.recorder.healthy)
    bench.record(*range(2, 10))
    assert bench.recorder.lost == 3
    lost = [record for record in caplog.records if record.message.startswith("event lost, the disk is full")]
    assert [record.levelno for record in lost] == [logging.ERROR] * 3
    assert "'n': 7" in lost[0].message
    disk.free(bench.db)
    wait_for(lambda: len(bench.told) == 7)
    assert bench.on_disk() == list(range(7))
    bench.close()


# The end


def test_draining_does_what_is_left(bench):
    bench.record(*range(30))
    bench.recorder.drain()
    assert bench.on_disk() == list(range(30))
    bench.recorder.drain()
    assert bench.on_disk() == list(range(30))


def test_draining_serves_those_who_still_wait(bench, wait_for):
    done = []
    writer = threading.Thread(target=lambda: done.append(bench.recorder.write(lambda db: 7)))
    writer.start()
    wait_for(lambda: bench.recorder._jobs.qsize() == 1)
    bench.recorder.drain()
    writer.join(10)
    assert done == [7]


def test_draining_gives_up_on_a_full_disk_loudly_and_soon(full, caplog):
    done = []

    def write():
        with pytest.raises(StoreFull):
            full.recorder.write(lambda db: done.append(1))

    full.worker.stop()
    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    began = time.monotonic()
    full.recorder.drain()
    assert time.monotonic() - began < 2
    for writer in writers:
        writer.join(20)
        assert not writer.is_alive()
    lost = [record.getMessage() for record in caplog.records if record.getMessage().startswith("event lost")]
    assert [n for n in range(10) if any(f"'n': {n}," in line for line in lost)] == [3, 4, 5, 6, 7]
    assert full.recorder.lost == 5
    assert full.on_disk() == [0, 1, 2]
    assert done == []


def test_room_at_the_last_moment(full, disk):
    full.worker.stop()
    disk.free(full.db)
    full.recorder.drain()
    assert full.on_disk() == list(range(8))
    assert full.recorder.lost == 0


def test_after_the_end_nothing_is_lost_in_silence(bench, caplog):
    bench.recorder.drain()
    bench.record(1)
    assert "event lost, the agent has stopped" in caplog.text
    assert bench.recorder.lost == 1
    began = time.monotonic()
    with pytest.raises(StoreFull):
        bench.recorder.write(lambda db: 7)
    assert time.monotonic() - began < 0.5


def test_those_who_wait_while_it_stops_are_served(at_work):
    """The publisher and the commander write until they have stopped themselves."""
    stop, count = threading.Event(), [0, 0]

    def busy(i):
        while not stop.is_set():
            at_work.recorder.write(lambda db: None)
            count[i] += 1

    threads = [threading.Thread(target=busy, args=[i]) for i in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert at_work.worker.stop() is True
    at_work.recorder.drain()
    assert min(count) > 0


# Other mishaps


def test_a_database_that_another_program_keeps_locked(at_work, wait_for, caplog):
    at_work.recorder.write(lambda db: db.sql.execute("PRAGMA busy_timeout = 50"))
    other = sqlite3.connect(at_work.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    at_work.record(0, 1)
    wait_for(lambda: not at_work.recorder.healthy)
    assert "locked" in caplog.text
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: len(at_work.told) == 2)
    assert at_work.on_disk() == [0, 1]
    assert at_work.crashes == []


def test_an_event_that_is_none_crashes_the_worker_and_loses_no_other(bench, caplog):
    bench.record(0)
    bench.recorder.record("access", NOW, {"n": float("nan")})
    bench.record(1)
    bench.recorder.record("access", NOW, {"n": (1, 2)})
    bench.record(2)
    bench.worker.start()
    assert bench.worker.finished.wait(10)
    assert [type(error) for error in bench.crashes] == [ValueError]
    assert "event lost, it is not what the database takes" in caplog.text
    bench.recorder.drain()
    assert bench.on_disk() == [0, 1, 2]
    assert bench.recorder.lost == 2


# What is written with an event


def beside(n):
    """Makes a further event, as a punch is one of an access."""

    def also(db, event):
        return [events.append(db, "attendance", event.at, event.boot_id, {"n": n, "of": event.seq})]

    return also


def test_what_goes_with_an_event_is_told_after_it(at_work, wait_for):
    at_work.recorder.record("access", NOW, {"n": 1}, beside(2))
    wait_for(lambda: len(at_work.told) == 2)
    assert [(event.kind, event.seq) for event in at_work.told] == [("access", 1), ("attendance", 2)]
    assert at_work.told[1].body["of"] == 1


def test_what_goes_with_an_event_is_there_with_it_or_not_at_all(at_work, wait_for):
    tries = []

    def also(db, event):
        tries.append(event.seq)
        made = beside(2)(db, event)
        if len(tries) == 1:
            raise StoreFull("no room")
        return made

    at_work.recorder.record("access", NOW, {"n": 1}, also)
    wait_for(lambda: tries)
    if len(tries) == 1:
        assert at_work.on_disk() == []
    wait_for(lambda: len(at_work.told) == 2)
    assert tries == [1, 1]  # no number was lost
    assert at_work.on_disk() == [1, 2]


def test_a_change_that_is_refused_and_that_nobody_waits_for_is_no_crash(bench, caplog):
    def refused(_):
        raise CommandError("not_allowed", "not by you")

    bench.recorder.do(refused)
    bench.recorder.step()
    assert "not by you" in caplog.text


def test_the_log_has_no_names(bench, caplog):
    bench.recorder.give_up()
    bench.recorder.record("access", NOW, {"person": "anna", "name": "Anna Muster"})
    assert "anna" in caplog.text
    assert "Anna Muster" not in caplog.text
