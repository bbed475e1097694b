"""Putting rules in force: in the database, over MQTT's clerk; and what is remembered of them."""

import hashlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.clerks import Office
from agent.clerks.rules import handlers
from agent.config import Config
from agent.errors import CommandError, RulesRefused
from agent.mqtt.message import Code
from agent.mqtt.verbs.rules import RulesApplyCommand, RulesCommand
from agent.register import Request
from agent.rules_in_force import apply_rules, edition_of, load_rules
from agent.store import events
from agent.store.db import open_db
from agent.store.rules import KEEP, add_rules, rules_history, rules_in_force, rules_of, rules_version

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
REQUEST = Request("mqtt", NOW, "b1", "c1")
TEXT = 'time_zone = "Europe/Berlin"\n'
OTHER = 'time_zone = "UTC"\n'
BAD = "time_zone = 5\n[x]\n"


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


@pytest.fixture
def give(db):
    return lambda text, **options: apply_rules(lambda change: change(db), text, REQUEST, **options)


def audits(db):
    return [event.body for event in events.recent(db, 100) if event.kind == "audit"]


class TestStore:
    def test_none_at_first(self, db):
        assert (rules_version(db), rules_in_force(db), rules_history(db)) == (0, None, [])

    def test_the_newest_is_in_force_and_the_others_are_kept(self, db):
        assert add_rules(db, "a", "cli", NOW) == 1
        assert add_rules(db, "b", "mqtt", NOW + timedelta(days=1)) == 2
        assert rules_version(db) == 2
        assert (rules_in_force(db).text, rules_in_force(db).by, rules_in_force(db).at) == (
            "b",
            "mqtt",
            NOW + timedelta(1),
        )
        assert [one.version for one in rules_history(db)] == [2, 1]
        assert rules_of(db, 1).text == "a"
        assert rules_of(db, 3) is None

    def test_so_many_are_kept_and_no_version_comes_twice(self, db):
        for number in range(KEEP + 5):
            add_rules(db, str(number), "cli", NOW)
        assert [one.version for one in rules_history(db)] == list(range(KEEP + 5, 5, -1))


class TestApply:
    def test_they_are_in_force_and_audited_with_version_and_digest(self, db, give):
        applied = give(TEXT)
        assert (applied.version, applied.changed) == (1, True)
        made = load_rules(db, ZoneInfo("UTC"))
        assert (made.version, str(made.zone)) == (1, "Europe/Berlin")
        (audit,) = audits(db)
        assert (audit["action"], audit["by"], audit["command_id"]) == ("rules_applied", "mqtt", "c1")
        said = audit.get("details", audit)
        assert (said["version"], said["sha256"]) == (1, hashlib.sha256(TEXT.encode()).hexdigest())

    def test_the_same_again_is_no_new_version_whatever_was_expected(self, db, give):
        give(TEXT, expect=0)
        again = give(TEXT, expect=0)
        assert (again.version, again.changed) == (1, False)
        assert len(audits(db)) == 1

    def test_wrong_ones_are_refused_as_a_whole_and_the_old_ones_stay(self, db, give):
        give(TEXT)
        with pytest.raises(RulesRefused) as refused:
            give(BAD)
        assert len(refused.value.problems) == 2
        assert rules_in_force(db).text == TEXT
        assert len(audits(db)) == 1

    def test_somebody_else_s_change_is_not_overwritten(self, db, give):
        give(TEXT)
        with pytest.raises(CommandError, match="version 1 is in force, not 0") as refused:
            give(OTHER, expect=0)
        assert refused.value.code == Code.RULES_CHANGED
        assert rules_in_force(db).text == TEXT
        assert give(OTHER, expect=1).version == 2

    def test_a_crash_before_the_audit_leaves_the_old_ones(self, db):
        def crash(change):
            with db.transaction():
                change(db)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            apply_rules(crash, TEXT, REQUEST)
        assert (rules_version(db), audits(db)) == (0, [])


class TestLoad:
    def test_without_any_everybody_may_in_the_machine_s_zone(self, db):
        made = load_rules(db, ZoneInfo("Asia/Kathmandu"))
        assert (made.version, str(made.zone)) == (0, "Asia/Kathmandu")

    def test_what_another_latchkey_has_taken_and_this_one_does_not_understand_is_told(self, db):
        add_rules(db, f"{TEXT}[tomorrow]", "cli", NOW)
        with pytest.raises(RulesRefused, match="version 1") as refused:
            load_rules(db, ZoneInfo("UTC"))
        assert refused.value.problems[1].startswith("line 2: unknown table 'tomorrow'")

    def test_of_a_version(self, db, give):
        give(TEXT)
        give(OTHER)
        assert edition_of(db, 1).text == TEXT
        assert edition_of(db, None).text == OTHER
        with pytest.raises(CommandError, match="no rules of version 3"):
            edition_of(db, 3)


class TestClerk:
    @pytest.fixture
    def told(self):
        return []

    @pytest.fixture
    def ask(self, db, told):
        office = Office(Config(), db, lambda change: change(db), "b1", lambda: told.append("changed"), lambda: NOW)
        carry_out = handlers(office)
        return lambda verb, command: carry_out[verb](command)

    def test_they_are_applied_and_the_agent_is_told_once(self, ask, told):
        command = RulesApplyCommand(id="c1", text=TEXT, expect=0)
        first = ask("rules_apply", command)
        again = ask("rules_apply", command)
        assert (first["version"], first["changed"]) == (1, True)
        assert again == first | {"changed": False}
        assert told == ["changed"]

    def test_wrong_ones_are_refused_with_their_lines(self, ask, told):
        with pytest.raises(CommandError) as refused:
            ask("rules_apply", RulesApplyCommand(id="c1", text=BAD))
        assert refused.value.code == Code.BAD_RULES
        assert [line.split(":")[0] for line in str(refused.value).splitlines()] == ["line 1", "line 2"]
        assert told == []

    def test_they_are_shown(self, ask):
        assert ask("rules", RulesCommand(id="c0")) == {"version": 0, "text": ""}
        ask("rules_apply", RulesApplyCommand(id="c1", text=TEXT))
        shown = ask("rules", RulesCommand(id="c2", version=1))
        assert (shown["version"], shown["text"], shown["by"]) == (1, TEXT, "mqtt")
        with pytest.raises(CommandError) as refused:
            ask("rules", RulesCommand(id="c3", version=9))
        assert refused.value.code == Code.UNKNOWN_VERSION
