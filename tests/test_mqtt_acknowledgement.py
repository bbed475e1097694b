"""What a collector says: believed where it is signed by one, refused and counted where not; nothing gets lost."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import StoreFull
from agent.mqtt.acknowledgement import MOST_RANGES, Acknowledgements, EventAck
from agent.mqtt.resending import Resending
from agent.mqtt.topics import Topics
from agent.store import events
from agent.store.db import open_db
from agent.trust.keys import SigningKey
from agent.trust.roles import Role
from tests.fakes.trust import OWNER, admission, signed

TOPICS = Topics("hq", "door")
COLLECTOR = SigningKey(b"c" * 32)
NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


def fill(db, count):
    for _ in range(count):
        events.append(db, "access", NOW, "b1", {"outcome": "denied"})


def fill_and_publish(db, count):
    fill(db, count)
    events.mark_published(db, range(1, count + 1), NOW)


def acknowledgements(db, **more):
    options = {
        "newest": lambda: events.newest(db),
        "mark": lambda ranges: events.mark_acknowledged(db, ranges, NOW),
        "now": lambda: NOW,
    }
    return Acknowledgements(admission(TOPICS, collector=(COLLECTOR, Role.COLLECTOR)), **(options | more))


def ack(body, now=NOW, key=COLLECTOR, **more):
    return signed(TOPICS, "event_ack", {"id": "a1"} | body, now, key, **more)


def left(db):
    return [event.seq for event in events.unsent(db, limit=1000)]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param({"through": 3}, [4, 5, 6], id="all up to one"),
        pytest.param({"seqs": [[2, 3], [6, 6]]}, [1, 4, 5], id="ranges"),
        pytest.param({"through": 2, "seqs": [[5, 6]]}, [3, 4], id="both"),
        pytest.param({"through": 6}, [], id="everything"),
    ],
)
def test_what_is_acknowledged_leaves_the_outbox(db, body, kept):
    fill_and_publish(db, 6)
    told = []
    acks = acknowledgements(db, taken=lambda: told.append(1))
    assert acks.take(ack(body))
    assert acks.take(ack(body))  # twice does no harm
    assert (left(db), acks.refused, told) == (kept, 0, [1, 1])


def test_what_has_not_gone_out_nobody_has(db):
    """An older copy of the file was put back: event 3 is another than the one that the collector has."""
    fill_and_publish(db, 2)
    fill(db, 1)
    acks = acknowledgements(db)
    assert acks.take(ack({"seqs": [[1, 3]]}))
    assert left(db) == [3]
    events.mark_published(db, [3], NOW)
    assert acks.take(ack({"seqs": [[3, 3]]}))
    assert left(db) == []


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(lambda: ack({"through": 7}), id="of an event that was never given"),
        pytest.param(lambda: ack({"seqs": [[1, 2], [6, 2**53 - 1]]}), id="a range beyond the newest"),
        pytest.param(lambda: ack({"through": 3}, key=OWNER), id="by an owner, who writes nothing down"),
        pytest.param(lambda: ack({"through": 3}, key=SigningKey(b"x" * 32)), id="by a key that nobody knows"),
        pytest.param(lambda: ack({"through": 3}, target="hq/other"), id="for another device"),
        pytest.param(lambda: ack({"through": 3}, now=NOW - timedelta(hours=1)), id="long ago"),
        pytest.param(lambda: ack({"through": 3}).replace(b'"through":3', b'"through":4'), id="changed on the way"),
        pytest.param(lambda: b'{"id":"a1","through":3}', id="unsigned"),
        pytest.param(lambda: ack({}), id="of nothing"),
        pytest.param(lambda: ack({"seqs": [[3, 2]]}), id="a range from its end"),
        pytest.param(lambda: ack({"through": 0}), id="zero"),
        pytest.param(lambda: ack({"through": True}), id="true"),
        pytest.param(lambda: ack({"seqs": [[1, 1]] * (MOST_RANGES + 1)}), id="too many ranges"),
        pytest.param(lambda: b"\xff\x00", id="noise"),
    ],
)
def test_what_is_not_to_be_believed_is_refused_and_counted(db, payload):
    fill_and_publish(db, 6)
    acks = acknowledgements(db)
    assert not acks.take(payload())
    assert (left(db), acks.refused) == ([1, 2, 3, 4, 5, 6], 1)


def test_a_full_disk_loses_nothing_and_is_no_refusal(db):
    def full(_ranges):
        raise StoreFull("no room")

    fill_and_publish(db, 2)
    acks = acknowledgements(db, mark=full)
    assert not acks.take(ack({"through": 2}))
    assert (left(db), acks.refused) == ([1, 2], 0)


@settings(deadline=None)  # the machine has other work to do
@given(
    st.binary(max_size=200)
    | st.dictionaries(st.text(), st.integers() | st.text()).map(lambda d: json.dumps(d).encode())
)
def test_no_noise_gets_through(payload):
    acks = Acknowledgements(admission(TOPICS), newest=lambda: 9, mark=lambda _: pytest.fail("marked"))
    assert not acks.take(payload)


class TestOutbox:
    def test_what_the_broker_has_is_not_read_again_until_it_is_overdue(self, db):
        fill(db, 3)
        events.mark_published(db, [1, 3], NOW)
        assert [event.seq for event in events.unpublished(db)] == [2]
        assert left(db) == [1, 2, 3]
        assert events.unacknowledged(db, NOW, NOW) == []
        later = NOW + timedelta(minutes=1)
        assert [event.seq for event in events.unacknowledged(db, later, later)] == [1, 3]
        assert [event.seq for event in events.unacknowledged(db, later, later, limit=1)] == [1]

    def test_a_clock_that_was_set_back_keeps_nothing_waiting(self, db):
        fill(db, 1)
        events.mark_published(db, [1], NOW)
        earlier = NOW - timedelta(days=365)
        assert [event.seq for event in events.unacknowledged(db, earlier - timedelta(minutes=1), earlier)] == [1]

    def test_retention_never_forgets_what_is_not_acknowledged(self, db):
        fill(db, 3)
        events.mark_published(db, [1, 2, 3], NOW)
        events.mark_acknowledged(db, [(2, 2)], NOW)
        assert events.prune(db, NOW + timedelta(days=1)) == 1
        assert left(db) == [1, 3]
        assert events.newest(db) == 3

    def test_the_ways_to_read_it_use_their_indexes(self, db):
        query = (
            "UPDATE events SET sent_at = 'x' WHERE sent_at IS NULL AND published_at IS NOT NULL AND seq BETWEEN 1 AND 9"
        )
        plan = str(db.rows(f"EXPLAIN QUERY PLAN {query}"))
        assert "SEARCH events USING INDEX events_unsent (seq" in plan


class World:
    """A device, a bus that loses and repeats, a collector; one outbox in a real database. Time goes by hand."""

    def __init__(self, db, rng):
        self.db, self.rng, self.now = db, rng, NOW
        self.bus, self.written = [], []
        self.acks = acknowledgements(db, now=lambda: self.now, mark=self._mark, taken=self._taken)
        self.restart()

    def restart(self):
        self.resending = Resending(self._overdue, least=1, most=60, rng=self.rng)

    def step(self, *, lossless=False):
        """A minute: what is new and what is overdue goes out, some is written down, some of that acknowledged."""
        self.now += timedelta(seconds=61)
        out = [*events.unpublished(self.db, limit=50), *self.resending.round(self.now.timestamp())]
        events.mark_published(self.db, [event.seq for event in out], self.now)
        self.bus += [event.seq for event in out if lossless or self.rng.random() < 0.7]
        self.bus += [seq for seq in self.bus if self.rng.random() < 0.1]
        taken, self.bus = self.bus[:30], self.bus[30:]
        self.written += taken
        for seq in taken:
            if lossless or self.rng.random() < 0.6:
                assert self.acks.take(ack({"seqs": [[seq, seq]]}, now=self.now))

    def _overdue(self, limit):
        return events.unacknowledged(self.db, self.now - timedelta(seconds=60), self.now, limit=limit)

    def _mark(self, ranges):
        events.mark_acknowledged(self.db, ranges, self.now)

    def _taken(self):
        self.resending.acknowledged(self.now.timestamp())


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_lost_or_comes_twice_all_is_written_down_and_acknowledged_in_the_end(db, seed):
    rng = random.Random(seed)
    world = World(db, rng)
    for _ in range(15):
        fill(db, rng.randrange(6))
        world.step()
        if rng.random() < 0.2:
            world.restart()
        assert not {event.seq for event in events.since(db, 0, 1000)} - set(left(db)) - set(world.written)
    for _ in range(40):
        world.step(lossless=True)
    assert left(db) == []
    assert set(world.written) == set(range(1, events.newest(db) + 1))


def test_the_model_says_what_it_acknowledges():
    assert EventAck(id="a", through=4, seqs=((6, 7),)).ranges == ((1, 4), (6, 7))
