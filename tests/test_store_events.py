"""Events: in order, once, on the disk, until the broker has them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from agent.errors import StoreError
from agent.store import events
from agent.store.db import open_db

NOW = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


def append(db, n=1, at=NOW):
    with db.transaction():
        return [events.append(db, "access", at, "boot1", {"n": i}) for i in range(n)]


def seqs(found):
    return [event.seq for event in found]


def test_an_event_reads_back_as_it_was(db):
    body = {"person": "Åsa \U0001f600", "similarity": 0.1 + 0.2, "quality": {"b": [1, None, True], "a": {}}}
    event = events.append(db, "access", NOW, "boot1", body)
    assert (event.seq, event.kind, event.at, event.boot_id, event.body) == (1, "access", NOW, "boot1", body)
    assert ULID.from_str(event.id).datetime == NOW.replace(microsecond=123000)
    assert events.recent(db, 10) == events.unsent(db) == events.since(db, 0, 10) == [event]


def test_the_time_is_kept_as_an_instant(db):
    event = events.append(db, "access", NOW.astimezone(timezone(timedelta(hours=9))), "boot1", {})
    assert event.at == NOW
    assert event.at.utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="time zone"):
        events.append(db, "access", NOW.replace(tzinfo=None), "boot1", {})


class Word(StrEnum):
    YES = "yes"


def test_a_word_of_an_enum_is_text(db):
    assert events.append(db, "access", NOW, "boot1", {"outcome": Word.YES}).body == {"outcome": "yes"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_any_json_reads_back(db, body):
    seq = events.append(db, "access", NOW, "boot1", body).seq
    assert events.since(db, seq - 1, 1)[0].body == body


@pytest.mark.parametrize(
    "body",
    [{"a": {1, 2}}, {"a": b"bytes"}, {"a": NOW}, {"a": float("nan")}, {"a": (1, 2)}, {1: "a"}, {"a": object()}],
    ids=["a set", "bytes", "a time", "no number", "a tuple", "a number for a key", "an object"],
)
def test_what_json_cannot_say_is_refused(db, body):
    with pytest.raises(ValueError, match="not JSON"):
        events.append(db, "access", NOW, "boot1", body)
    assert events.count_unsent(db) == 0


def test_a_circle_is_refused(db):
    body: dict[str, object] = {}
    body["self"] = body
    with pytest.raises(ValueError, match="not JSON"):
        events.append(db, "access", NOW, "boot1", body)


def test_trying_again_with_the_same_id_records_nothing_new(db):
    first = events.append(db, "access", NOW, "boot1", {"n": 1}, id="01KAN000000000000000000000")
    again = events.append(db, "access", NOW, "boot1", {"n": 1}, id="01KAN000000000000000000000")
    assert again == first
    with pytest.raises(ValueError, match="01KAN000000000000000000000 is taken by another event"):
        events.append(db, "access", NOW, "boot1", {"n": 2}, id="01KAN000000000000000000000")
    assert seqs([first, *append(db)]) == [1, 2]


def test_the_outbox_empties_in_order_as_the_broker_acknowledges(db):
    append(db, 10)
    assert seqs(events.unsent(db, limit=4)) == [1, 2, 3, 4]
    events.mark_sent(db, [1, 3, 4], NOW)  # acknowledgements come out of order
    assert seqs(events.unsent(db, after=0, limit=4)) == [2, 5, 6, 7]
    assert seqs(events.unsent(db, after=6, limit=4)) == [7, 8, 9, 10]
    assert (events.count_unsent(db), events.oldest_unsent(db).seq) == (7, 2)
    events.mark_sent(db, iter([2, 2, 99, *range(5, 11)]), NOW)
    assert (events.unsent(db), events.count_unsent(db), events.oldest_unsent(db)) == ([], 0, None)
    assert seqs(events.since(db, 7, 2)) == [8, 9]
    assert seqs(events.recent(db, 3)) == [8, 9, 10]


def test_the_first_acknowledgement_counts(db):
    append(db)
    events.mark_sent(db, [1], NOW)
    events.mark_sent(db, [1], NOW + timedelta(days=1))
    assert db.rows("SELECT sent_at FROM events") == [("2026-11-22T06:00:00.123456Z",)]


def test_finding_the_unsent_does_not_read_the_sent(db):
    for query in ("SELECT seq FROM events INDEXED BY events_unsent WHERE sent_at IS NULL AND seq > ? ORDER BY seq",):
        plan = str(db.rows(f"EXPLAIN QUERY PLAN {query}", (0,)))
        assert "events_unsent (seq>?)" in plan
        assert "TEMP B-TREE" not in plan
    assert "events_sent" in str(db.rows("EXPLAIN QUERY PLAN DELETE FROM events WHERE sent_at < ?", ("x",)))


def test_pruning_forgets_only_what_was_sent_long_ago(db):
    append(db, 10)
    events.mark_sent(db, [1, 2, 3, 5, 6], NOW)
    events.mark_sent(db, [7, 8, 9], NOW + timedelta(days=2))
    assert events.count_old(db, NOW + timedelta(days=1)) == 5
    assert events.prune(db, NOW + timedelta(days=1)) == 5
    assert seqs(events.since(db, 0, 20)) == [4, 7, 8, 9, 10]  # 4 is unsent
    assert events.prune(db, NOW + timedelta(days=1)) == 0


def test_without_a_broker_what_happened_long_ago_is_forgotten(db):
    append(db, 3)
    events.mark_sent(db, [1], NOW)
    assert events.count_old(db, NOW + timedelta(days=900), broker=False) == 3
    assert events.prune(db, NOW - timedelta(days=900), broker=False) == 0
    assert events.prune(db, NOW + timedelta(days=900), broker=False) == 3


def test_a_seq_is_never_used_again(db):
    append(db, 5)
    events.mark_sent(db, range(6), NOW)
    assert events.prune(db, NOW + timedelta(days=1)) == 5
    assert events.recent(db, 10) == []
    db.close()
    with open_db(db.path) as again:
        assert seqs(append(again)) == [6]


def test_an_undone_event_leaves_no_trace(db):
    with pytest.raises(ZeroDivisionError):
        append_and_fail(db)
    assert events.recent(db, 10) == []


def append_and_fail(db):
    with db.transaction():
        append(db, 3)
        raise ZeroDivisionError


def test_a_clock_set_back_does_not_change_the_order(db):
    times = [NOW, NOW - timedelta(days=365), NOW - timedelta(seconds=1), datetime(1970, 1, 1, tzinfo=UTC), NOW]
    for at in times:
        append(db, at=at)
    assert [event.at for event in events.unsent(db)] == times
    assert seqs(events.recent(db, 5)) == [1, 2, 3, 4, 5]
    assert len({event.id for event in events.recent(db, 5)}) == 5


def test_an_event_of_before_1970_is_not_lost(db):
    append(db, at=datetime(1969, 7, 20, tzinfo=UTC))
    assert events.recent(db, 1)[0].at.year == 1969


WRITE = """
import sys; from datetime import UTC, datetime; from pathlib import Path
from agent.store import events; from agent.store.db import open_db
with open_db(Path(sys.argv[1])) as db:
    print("ready", flush=True); sys.stdin.readline()
    for i in range(150):
        events.append(db, "audit", datetime.now(UTC), "other", {"i": i})
"""


def test_two_processes_write_at_once(db):
    other = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(db.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "ready\n"
    other.stdin.write("go\n")
    other.stdin.flush()
    for i in range(150):
        events.append(db, "access", NOW, "mine", {"i": i})
    other.communicate(timeout=60)
    assert other.returncode == 0
    found = events.since(db, 0, 1000)
    assert seqs(found) == list(range(1, 301))
    for boot in ("mine", "other"):
        assert [event.body["i"] for event in found if event.boot_id == boot] == list(range(150))


def test_a_closed_database_is_a_store_error(db):
    db.close()
    with pytest.raises(StoreError, match="closed"):
        append(db)
