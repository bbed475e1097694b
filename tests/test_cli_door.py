"""`latchkey door` over a real database, with the part of an agent that carries out orders."""

from datetime import UTC, datetime

import pytest

from agent.access.rules import Mode
from agent.store.db import open_db
from agent.store.door import load_mode
from agent.store.rules import add_rules
from tests.fakes.doormen import OrderedAgent
from tests.fakes.terminal import Terminal, forget_logging

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
RULES = """
time_zone = "Europe/Berlin"

[schedules.office]
mon-fri = ["08:00-17:00"]

[doors.door]
unlocked = "office"
modes_by = ["{by}"]
"""


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


@pytest.fixture
def agent(latchkey):
    with OrderedAgent(latchkey.database) as running:
        yield running


class TestMode:
    def test_it_is_shown_and_set(self, latchkey):
        assert latchkey("door", "mode", "locked_down").code == 0
        assert latchkey("door", "mode").out.startswith("locked_down, since 20")
        shown = latchkey("door", "mode", "--json").json
        assert (shown["mode"], shown["by"].partition(":")[0]) == ("locked_down", "cli")
        with open_db(latchkey.database) as db:
            assert load_mode(db).mode is Mode.LOCKED_DOWN

    def test_until_somebody_sets_one_the_rules_say_it(self, latchkey):
        open_db(latchkey.database).close()
        assert latchkey("door", "mode").out == "normal, by the rules\n"

    def test_an_unknown_one_is_told_with_those_there_are(self, latchkey):
        outcome = latchkey("door", "mode", "ajar")
        assert outcome.code == 2
        assert "free_access" in outcome.err

    def test_one_by_schedule_wants_a_schedule(self, latchkey):
        outcome = latchkey("door", "mode", "scheduled")
        assert (outcome.code, "name one by `unlocked` in the rules of door" in outcome.err) == (1, True)

    def test_the_rules_in_force_say_who_may_and_by_which_schedule(self, latchkey):
        with open_db(latchkey.database) as db:
            add_rules(db, RULES.format(by="mqtt"), "cli", NOON)
        outcome = latchkey("door", "mode", "normal")
        assert outcome.code == 1
        assert "may not set the mode of door: its rules say modes_by = mqtt" in outcome.err
        with open_db(latchkey.database) as db:
            add_rules(db, RULES.format(by="cli"), "cli", NOON)
        assert latchkey("door", "mode", "scheduled").code == 0

    def test_without_a_database_there_is_nothing_to_show(self, latchkey):
        assert latchkey("door", "mode").code == 2


class TestOrders:
    def test_unlock_hold_and_lock(self, latchkey, agent):
        for arguments, says in [
            (("unlock", "--seconds", "0.3"), "unlocked\n"),
            (("hold",), "unlocked until it is locked\n"),
            (("lock",), "locked\n"),
        ]:
            outcome = latchkey("door", *arguments)
            assert (outcome.code, outcome.out) == (0, says)
            assert agent.door.unlocked is (arguments != ("lock",))

    def test_in_a_lock_down_it_is_refused(self, latchkey, agent):
        agent.doorman.lock_down(on=True)
        outcome = latchkey("door", "unlock")
        assert (outcome.code, outcome.err) == (1, "latchkey: the door is locked down: set another mode first\n")

    def test_where_no_agent_runs_it_is_refused(self, latchkey, monkeypatch):
        monkeypatch.setattr("agent.orders.EXPIRES_SECONDS", 0.3)
        open_db(latchkey.database).close()
        outcome = latchkey("door", "lock")
        assert (outcome.code, "no agent runs on" in outcome.err) == (1, True)

    @pytest.mark.parametrize("seconds", ["0", "-1", "soon", "31", "nan"])
    def test_a_time_that_is_none_is_refused(self, latchkey, seconds):
        outcome = latchkey("door", "unlock", "--seconds", seconds)
        assert (outcome.code, "Traceback" in outcome.err) == (2, False)
