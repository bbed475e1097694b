"""Orders from the command line: given by one thread, carried out by another, over a real database."""

import threading
import time
from datetime import UTC, datetime

import pytest

from agent.errors import CommandError, StoreError
from agent.orders import give
from agent.store import events, orders
from agent.store.db import open_db
from agent.store.orders import What
from tests.fakes.doormen import OrderedAgent

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as opened:
        yield opened


@pytest.fixture
def agent(db):
    with OrderedAgent(db.path) as running:
        yield running


def test_an_unlock_is_carried_out_audited_and_forgotten(agent, db):
    give(db, What.UNLOCK, 0.4)
    assert agent.door.unlocked
    (event,) = events.recent(db, 5)
    assert (event.kind, event.body["action"], event.body["by"], event.body["details"]["seconds"]) == (
        "audit",
        "unlocked",
        "cli",
        0.4,
    )
    assert event.body["clock"] == "synchronised"
    assert db.rows("SELECT * FROM door_orders") == []


def test_without_seconds_it_is_as_long_as_a_grant(agent, db):
    give(db, What.UNLOCK)
    assert events.recent(db, 5)[0].body["details"]["seconds"] == 0.3


def test_hold_and_lock(agent, db):
    give(db, What.HOLD)
    assert agent.doorman.report().held
    give(db, What.LOCK)
    assert not agent.door.unlocked
    assert [event.body["action"] for event in events.recent(db, 5)] == ["held", "locked"]


@pytest.mark.parametrize("what", [What.UNLOCK, What.HOLD])
def test_in_a_lock_down_it_is_refused(agent, db, what):
    agent.doorman.lock_down(on=True)
    with pytest.raises(CommandError, match="locked down: set another mode first"):
        give(db, what)
    assert not agent.door.unlocked


def test_where_no_agent_runs_it_is_refused_and_never_carried_out_later(db):
    with pytest.raises(CommandError, match=r"no agent runs on .*latchkey\.db: start it, or look at its log"):
        give(db, What.UNLOCK, patience_seconds=0.3)
    with OrderedAgent(db.path) as running:
        running.orders.step()
        assert not running.door.unlocked
    assert events.recent(db, 5) == []


def test_what_was_ordered_before_the_agent_began_is_dropped(db):
    orders.place(db, What.UNLOCK, None, expires=time.monotonic() + 1e6)  # as left over from before a reboot
    with OrderedAgent(db.path) as running:
        running.orders.step()
        assert not running.door.unlocked
    assert db.rows("SELECT * FROM door_orders") == []


def test_a_full_disk_carries_nothing_out(agent, db, caplog):
    agent.fails = StoreError("full")
    with pytest.raises(CommandError, match="no agent runs"):
        give(db, What.UNLOCK, patience_seconds=0.3)
    assert not agent.door.unlocked
    assert "have to wait: full" in caplog.text


def test_an_agent_that_dies_in_between_is_told_and_does_not_do_it_later(db):
    def dies():
        while not (taken := orders.take(db_of_agent, time.monotonic())):
            time.sleep(0.01)
        return taken

    with open_db(db.path) as db_of_agent:
        thread = threading.Thread(target=dies)
        thread.start()
        with pytest.raises(CommandError, match="taken the order but does not say what became of it"):
            give(db, What.UNLOCK, patience_seconds=0.3)
        thread.join()
    assert not orders.waiting(db)
