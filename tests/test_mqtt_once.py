"""Seen before: a command is carried out once, also where the agent is killed in between; refusals in bounds."""

import json
import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from agent.clerks.house import exempt
from agent.mqtt.commands import Commander
from agent.mqtt.inbox import Incoming
from agent.mqtt.message import Code
from agent.mqtt.parts import Spool
from agent.mqtt.refusals import BURST
from agent.mqtt.topics import Topics
from agent.mqtt.wire import Result
from agent.seal.sealing import Seal
from agent.store import commands
from agent.store.db import open_db
from agent.trust.keys import SigningKey
from agent.trust.roles import Role
from tests.fakes.keys import KEY
from tests.fakes.trust import OWNER, admission, signed

TOPICS = Topics("hq", "door")
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
BEN, CARL = SigningKey(b"b" * 32), SigningKey(b"c" * 32)
UNLOCK = signed(TOPICS, "unlock", {"id": "u-1"}, NOW)
REMOVE = signed(TOPICS, "remove", {"id": "r-1", "person": "anna"}, NOW)


class Wire:
    """A commander over a real database, made anew at every start; `handle` is what it carries out."""

    def __init__(self, db, handle=lambda _: {}, **more):
        self.topics, self.inbox, self.sent, self.refused, self.seconds = TOPICS, self, [], [], 0.0
        self.commander = Commander(
            self,
            dict.fromkeys(("unlock", "hold", "lock", "remove", "ping", "list", "key_revoke"), handle),
            admission=admission(TOPICS, ben=(BEN, Role.VIEWER), carl=(CARL, Role.OPERATOR)),
            spool=Spool(db.path.parent / "parts", Seal(KEY)),
            recall=lambda id_: commands.recall(db, id_),
            remember=lambda *told: commands.remember(db, *told[:3], NOW, until=told[3]),
            begin=lambda *told: commands.begin(db, *told[:3], NOW, until=told[3]),
            refused=self.refused.append,
            now=lambda: NOW,
            clock=lambda: self.seconds,
            **more,
        )

    def get(self, _seconds):
        return self.message

    def send(self, message):
        self.sent.append(message)

    def ask(self, payload, verb="unlock"):
        self.message = Incoming(TOPICS.command(verb), payload, len(payload))
        self.sent.clear()
        self.commander.step()
        return Result.model_validate_json(self.sent[0].payload) if self.sent else None


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as opened:
        yield opened


def killed_while(path, payload, verb):
    """A process that does what it is asked, and is killed before it can remember; returns how often it did it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:

        def handle(_):
            os.write(write, b"!")
            os.kill(os.getpid(), signal.SIGKILL)

        try:
            Wire(open_db(path), handle).ask(payload, verb)
            os._exit(0)
        finally:  # whatever is wrong: the child must never go on with the tests in its parent's name
            os._exit(1)
    os.close(write)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    with os.fdopen(read, "rb") as done:
        return len(done.read())


def test_who_is_killed_while_it_unlocks_does_not_unlock_again(db):
    assert [killed_while(db.path, UNLOCK, "unlock") for _ in range(3)] == [1, 0, 0]
    done = []
    answer = Wire(db, done.append).ask(UNLOCK)
    assert (answer.ok, answer.code, done) == (False, Code.SEEN_BEFORE, [])
    assert "it was begun, and the device stopped before it was known to be done" in answer.message


def test_who_is_killed_while_it_removes_somebody_does_so_when_asked_again(db):
    assert [killed_while(db.path, REMOVE, "remove") for _ in range(2)] == [1, 1]
    assert Wire(db).ask(REMOVE, "remove").ok


def test_what_was_unlocked_is_remembered_over_a_restart(db):
    done = []
    assert Wire(db, lambda command: done.append(command) or {"seconds": 3.0}).ask(UNLOCK).ok
    wire = Wire(db, done.append)
    again = wire.ask(UNLOCK)
    assert (again.ok, again.code, again.data, len(done)) == (True, Code.SEEN_BEFORE, {"seconds": 3.0}, 1)
    assert [(refused.code, refused.by) for refused in wire.refused] == [(Code.SEEN_BEFORE, "mqtt:owner")]


def test_it_is_remembered_for_as_long_as_it_could_be_sent_whatever_comes(db):
    until = NOW + timedelta(hours=24)
    body = signed(TOPICS, "ping", {"id": "p-1", "not_after": until.isoformat()}, NOW)
    wire = Wire(db)
    assert wire.ask(body, "ping").ok
    with db.transaction():
        for number in range(commands.KEEP + 100):
            commands.remember(db, f"x{number}", "ping", "{}", NOW, until=NOW - timedelta(hours=2))
    assert commands.count(db) <= commands.KEEP + commands.EVERY + 1
    assert Wire(db).ask(body, "ping").code == Code.SEEN_BEFORE


def test_of_a_command_that_reads_the_id_alone_is_kept(db):
    body = signed(TOPICS, "list", {"id": "l-1"}, NOW)
    assert Wire(db, lambda _: {"people": ["anna"]}).ask(body, "list").data == {"people": ["anna"]}
    assert json.loads(commands.recall(db, "l-1")) == {"id": "l-1", "verb": "list", "ok": True}
    assert Wire(db).ask(body, "list").code == Code.SEEN_BEFORE


def test_a_device_that_remembers_too_many_takes_no_more(db):
    done = []
    assert Wire(db, done.append, full=lambda _: True).ask(UNLOCK).code == Code.BUSY
    assert done == []


def test_whoever_has_too_many_remembered_keeps_nobody_from_locking_and_no_owner_from_revoking(db):
    wire = Wire(db, full=lambda command: not exempt(command))
    revoke = {"id": "k-1", "id_of": BEN.public.id}
    for verb, body, key, code in (
        ("ping", {"id": "p-1"}, BEN, Code.BUSY),
        ("unlock", {"id": "u-1"}, CARL, Code.BUSY),
        ("lock", {"id": "l-1"}, CARL, None),
        ("key_revoke", revoke, OWNER, None),
    ):
        assert wire.ask(signed(TOPICS, verb, body, NOW, key), verb).code == code


def test_who_tried_what_is_noted_also_where_it_is_not_answered(db):
    wire = Wire(db)
    viewer = signed(TOPICS, "unlock", {"id": "u-1"}, NOW, BEN)
    answers = [wire.ask(viewer) for _ in range(BURST + 5)]
    assert [answer is None for answer in answers] == [False] * BURST + [True] * 5
    assert len(wire.refused) == BURST + 5
    assert {(refused.by, refused.code, refused.key) for refused in wire.refused} == {
        ("mqtt:ben", Code.NOT_PERMITTED, BEN.public.id)
    }
    assert wire.ask(UNLOCK).ok  # what is right is answered all the same
    wire.seconds = 1.0
    assert wire.ask(viewer) is not None


@pytest.mark.parametrize("verb", ["open-sesame", "unlock"])
def test_a_flood_of_garbage_is_not_answered_for_ever(db, verb):
    wire = Wire(db)
    assert sum(wire.ask(b"garbage", verb) is not None for _ in range(BURST + 100)) == BURST
