from datetime import UTC, datetime

import pytest

from agent.access.rules import DoorRules, Mode
from agent.errors import CommandError
from agent.modes import mode_as_json, set_mode
from agent.register import Request
from agent.store import events
from agent.store.db import open_db
from agent.store.door import load_mode

MORNING = datetime(2026, 11, 26, 8, tzinfo=UTC)
OFFICE = DoorRules("front", unlocked="office")
CLI = Request("cli", MORNING, "boot")


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as opened:
        yield opened


class TestSetting:
    def test_it_is_kept_and_audited_together(self, db):
        kept = set_mode(db, Mode.FREE_ACCESS, OFFICE, CLI)
        assert mode_as_json(kept, OFFICE) == {"mode": "free_access", "since": "2026-11-26T08:00:00.000Z", "by": "cli"}
        (event,) = events.recent(db, 5)
        assert (event.kind, event.body["action"], event.body["details"]) == (
            "audit",
            "mode_set",
            {"mode": "free_access", "was": "normal"},
        )

    @pytest.mark.parametrize(
        ("by", "groups", "allowed"),
        [
            pytest.param({"cli"}, set(), True, id="the command line"),
            pytest.param({"mqtt"}, set(), False, id="only the broker may"),
            pytest.param({"guards"}, {"guards"}, True, id="somebody of the group"),
            pytest.param({"guards"}, {"staff"}, False, id="somebody of another group"),
            pytest.param(set(), {"guards"}, False, id="nobody may"),
        ],
    )
    def test_who_may(self, db, by, groups, allowed):
        rules = DoorRules("front", modes_by=frozenset(by))
        if allowed:
            set_mode(db, Mode.NORMAL, rules, CLI, groups=frozenset(groups))
            return
        with pytest.raises(CommandError, match="cli may not set the mode of front: its rules say modes_by = ") as error:
            set_mode(db, Mode.NORMAL, rules, CLI, groups=frozenset(groups))
        assert error.value.code == "not_allowed"
        assert (load_mode(db).mode, events.recent(db, 5)) == (None, [])

    @pytest.mark.parametrize("mode", [Mode.SCHEDULED, Mode.FIRST_PERSON])
    def test_a_mode_by_schedule_wants_one(self, db, mode):
        with pytest.raises(CommandError, match=f"the mode {mode} wants a schedule: name one by `unlocked`"):
            set_mode(db, mode, DoorRules("front"), CLI)

    def test_where_nobody_has_set_one_the_rules_say_it(self, db):
        assert mode_as_json(load_mode(db), DoorRules("front", mode=Mode.LOCKED_DOWN)) == {
            "mode": "locked_down",
            "since": None,
            "by": None,
        }
