"""Jobs over a real database: accepted, done in turn, told of, cancelled, gone on with after a kill, bounded."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from agent.errors import CommandError, EnrolmentRefused, StoreFull
from agent.jobs import jobs as module
from agent.jobs.job import Job, State, Step, Work
from agent.jobs.jobs import MOST_TRIES, MOST_WAITING, Jobs
from agent.jobs.told import progress, recall
from agent.mqtt.message import Code
from agent.mqtt.parts import Spool
from agent.mqtt.topics import PartTopic
from agent.mqtt.wire import COMMANDS, Progress, Result
from agent.seal.keys import SiteKey
from agent.seal.sealing import Seal
from agent.store import commands, events
from agent.store import jobs as store
from agent.store.db import open_db

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)


class Clock:
    seconds = 1000.0

    def __call__(self):
        return self.seconds


class Shop:
    """A worker's jobs, done by hand; `restart` is what a kill and a new start leave."""

    def __init__(self, folder):
        self.folder, self.clock, self.now = folder, Clock(), NOW
        self.told, self.counted, self.full = [], [], False
        self.db = open_db(folder / "test.db")
        self.restart()

    def restart(self, *, resumable=True):
        kept = [job.id for job in store.unfinished(self.db)]
        self.spool = Spool(self.folder / "parts", Seal(SiteKey(bytes(32))), kept=kept)
        self.jobs = Jobs(self.db, self.write, self.spool, tell=self.told.append, now=lambda: self.now, clock=self.clock)
        self.count = self.jobs.handler("ping", Work(self.counting, resumable=resumable))

    def write(self, change):
        if self.full:
            raise StoreFull("no room")
        return change(self.db)

    def counting(self, command, done):
        for number in range(done, 5):
            self.counted.append((command.id, number))
            self.clock.seconds += 1
            yield Step(number + 1, 5, f"at {number + 1}")
        return {"by": command.asked_by}

    def steps(self, count):
        for _ in range(count):
            self.jobs.step()

    def to_the_end(self):
        self.jobs.wake()
        for _ in range(200):
            if not store.unfinished(self.db):
                return
            self.jobs.step()
        raise AssertionError("it does not end")

    def states(self):
        return [(job.id, job.state.value, job.done, job.of, job.note) for job in self.told]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(module, "STEP_SECONDS", 0.01)
    shop = Shop(tmp_path)
    yield shop
    shop.db.close()


def ping(command_id="j1", by="mqtt:anna"):
    return COMMANDS["ping"](id=command_id).asked(by)


def test_a_job_is_accepted_done_and_told_of(shop):
    assert shop.count(ping()) == {"job": "accepted"}
    shop.to_the_end()
    assert shop.states() == [
        ("j1", "running", 0, None, ""),
        *(("j1", "running", n, 5, f"at {n}") for n in range(1, 6)),
        ("j1", "done", 5, 5, ""),
    ]
    job = store.find(shop.db, "j1")
    assert (job.state, job.data, job.body) == (State.DONE, {"by": "mqtt:anna"}, "")
    for told in shop.told:
        Progress.model_validate_json(progress(told).to_json())
    assert job.as_json() | {"accepted_at": "", "changed_at": ""} == {
        "job": "done", "id_of": "j1", "verb": "ping", "by": "mqtt:anna", "done": 5, "of": 5,
        "data": {"by": "mqtt:anna"}, "accepted_at": "", "changed_at": "",
    }  # fmt: skip


def test_the_same_id_again_is_the_same_job(shop):
    shop.count(ping())
    shop.steps(3)
    assert shop.count(ping()) == {"job": "running"}
    shop.to_the_end()
    assert shop.count(ping()) == {"job": "done"}
    assert len(shop.counted) == 5
    said = Result.model_validate_json(recall(shop.db, "j1"))
    assert (said.ok, said.verb, said.data["job"], said.data["done"]) == (True, "ping", "done", 5)
    commands.remember(shop.db, "c1", "list", "{}", NOW)
    assert recall(shop.db, "c1") == "{}"
    assert recall(shop.db, "never") is None


def test_one_at_a_time_in_order(shop):
    for name in ("a", "b"):
        shop.count(ping(name))
    shop.to_the_end()
    assert shop.counted == [(name, number) for name in "ab" for number in range(5)]


def test_it_is_told_twice_a_second_at_the_most(shop):
    def hasty(_, done):
        for number in range(100):
            shop.clock.seconds += 0.001
            yield Step(number, 100)
        return {}

    handler = shop.jobs.handler("ping", Work(hasty))
    module.STEP_SECONDS = 0.5
    handler(ping())
    shop.to_the_end()
    assert [job.state.value for job in shop.told] == ["running", "done"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError(Code.TIMED_OUT, "too late"), "timed_out"),
        (EnrolmentRefused("duplicate_person", "enrolled already"), "duplicate_person"),
        (StoreFull("no room"), "storage_failed"),
    ],
)
def test_it_fails_with_a_code(shop, error, code):
    def failing(_, done):
        yield Step(1, 2)
        raise error

    shop.jobs.handler("ping", Work(failing))(ping())
    shop.to_the_end()
    assert (shop.told[-1].state, shop.told[-1].code, shop.told[-1].message) == (State.FAILED, code, str(error))


def test_a_mistake_of_ours_crashes(shop):
    def wrong(_, done):
        yield Step(1, 2)
        raise ZeroDivisionError

    shop.jobs.handler("ping", Work(wrong))(ping())
    with pytest.raises(ZeroDivisionError):
        shop.to_the_end()


def test_one_that_kills_the_agent_is_not_begun_for_ever(shop):
    shop.count(ping())
    for _ in range(MOST_TRIES):
        shop.steps(2)
        shop.restart()
    shop.to_the_end()
    assert shop.told[-1].code == Code.INTERRUPTED


def test_too_many_are_not_accepted(shop):
    for number in range(MOST_WAITING):
        shop.count(ping(f"j{number}"))
    with pytest.raises(CommandError) as refused:
        shop.count(ping("more"))
    assert refused.value.code == Code.BUSY
    assert shop.count(ping("j3")) == {"job": "accepted"}
    shop.steps(8)
    shop.count(ping("more"))


def test_what_cannot_be_done_is_refused_at_once(shop):
    def check(_):
        raise CommandError(Code.NO_CONSENT, "ask first")

    with pytest.raises(CommandError, match="ask first"):
        shop.jobs.handler("ping", Work(shop.counting), check=check)(ping())
    assert store.unfinished(shop.db) == []


class TestCancel:
    def test_one_that_waits_is_not_begun(self, shop):
        shop.count(ping())
        assert store.cancel(shop.db, "j1", "mqtt:ben")
        assert not store.cancel(shop.db, "j1", "mqtt:carl")
        shop.to_the_end()
        assert (shop.told[-1].code, shop.told[-1].message) == ("cancelled", "given up by mqtt:ben")
        assert shop.counted == []

    def test_one_under_way_tidies_up(self, shop):
        tidied = []

        def work(_, done):
            try:
                while True:
                    shop.clock.seconds += 1
                    yield Step(1, 2)
            finally:
                tidied.append(True)

        shop.jobs.handler("ping", Work(work))(ping())
        shop.steps(3)
        store.cancel(shop.db, "j1", "mqtt:ben")
        shop.to_the_end()
        assert (shop.told[-1].code, tidied) == ("cancelled", [True])
        assert not store.cancel(shop.db, "j1", "mqtt:ben")


class TestRestart:
    def test_it_is_gone_on_with_from_where_it_was(self, shop):
        shop.count(ping())
        shop.steps(4)
        shop.restart()
        shop.to_the_end()
        assert [number for _, number in shop.counted] == [0, 1, 2, 3, 4]
        assert shop.told[-1].state is State.DONE

    def test_stopped_in_order_it_tidies_up_and_goes_on_later(self, shop):
        shop.count(ping())
        shop.steps(3)
        shop.jobs.close()
        shop.jobs.close()
        assert store.find(shop.db, "j1").state is State.RUNNING
        shop.restart()
        shop.to_the_end()
        assert shop.told[-1].state is State.DONE

    def test_one_that_cannot_be_gone_on_with_says_so(self, shop):
        shop.count(ping())
        shop.steps(3)
        shop.restart(resumable=False)
        shop.to_the_end()
        assert (shop.told[-1].state, shop.told[-1].code) == (State.FAILED, "interrupted")

    def test_one_that_only_waited_is_begun(self, shop):
        shop.count(ping())
        shop.restart(resumable=False)
        shop.to_the_end()
        assert shop.told[-1].state is State.DONE

    def test_of_a_verb_that_is_gone_or_a_body_that_is_another(self, shop):
        for id_, verb, body in (("a", "gone", "{}"), ("b", "ping", "{}")):
            job = Job(id=id_, verb=verb, asked_by="mqtt", body=body, accepted_at=NOW, changed_at=NOW)
            store.add(shop.db, job)
        shop.to_the_end()
        assert [(job.id, job.code) for job in shop.told] == [("a", "unknown_verb"), ("b", "bad_request")]

    def test_killed_at_any_line_it_goes_on_and_ends_once(self, tmp_path):
        """Before every eleventh line; `python -m tests.fakes.killed_job FOLDER` tries all of them."""
        run = subprocess.run(
            [sys.executable, "-m", "tests.fakes.killed_job", str(tmp_path / "killed"), "11"],
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        found = json.loads(run.stdout)
        assert found["kills"] >= 10
        assert found["wrong"] == []


class TestParts:
    def test_those_of_an_accepted_job_stay_until_it_is_over(self, shop):
        shop.spool.add(PartTopic("ping", "j1", 1, 1), b"part", size=4)
        shop.count(ping())
        shop.spool.drop("j1")  # as the commander does, once it has answered
        assert shop.spool.waiting_bytes == 4
        shop.steps(3)
        shop.restart()
        assert shop.spool.waiting_bytes == 4
        shop.to_the_end()
        assert shop.spool.waiting_bytes == 0

    def test_those_of_one_that_was_not_accepted_are_as_before(self, shop):
        shop.spool.add(PartTopic("ping", "j1", 1, 1), b"part", size=4)
        shop.full = True
        with pytest.raises(StoreFull):
            shop.count(ping())
        assert shop.spool.hold("j1")


class TestFullDisk:
    def test_how_it_ended_is_kept_when_there_is_room_again(self, shop):
        shop.count(ping())
        shop.steps(6)
        shop.full = True
        shop.steps(4)
        assert shop.told[-1].state is State.RUNNING
        shop.full = False
        shop.to_the_end()
        assert shop.told[-1].state is State.DONE

    def test_a_database_that_cannot_be_read_for_a_moment_ends_nothing(self, shop, caplog):
        class Locked:
            def rows(self, *_):
                raise StoreFull("locked")

        shop.count(ping())
        shop.jobs._db, db = Locked(), shop.jobs._db
        shop.steps(2)
        assert "jobs wait: locked" in caplog.text
        shop.jobs._db = db
        shop.steps(2)
        shop.jobs._db = Locked()
        shop.steps(2)
        shop.jobs._db = db
        shop.to_the_end()
        assert shop.told[-1].state is State.DONE

    def test_it_does_not_begin_before_that_can_be_noted(self, shop):
        shop.count(ping())
        shop.full = True
        shop.steps(3)
        assert shop.counted == []
        shop.full = False
        shop.to_the_end()
        assert len(shop.counted) == 5


def test_old_ones_are_forgotten_and_so_are_too_many(shop):
    shop.count(ping("old"))
    shop.to_the_end()
    shop.now += timedelta(days=store.KEEP_DAYS, seconds=1)
    shop.count(ping("new"))
    shop.count(ping("newer"))
    shop.to_the_end()
    assert [job.id for job in store.recent(shop.db, 10)] == ["newer", "new"]
    assert store.prune(shop.db, NOW, keep=1) == 1
    assert [job.id for job in store.recent(shop.db, 10)] == ["newer"]
    assert events.recent(shop.db, 10) == []
