from datetime import UTC, date, datetime, timedelta

import pytest

from agent.access.effects import Passed
from agent.access.modes import awaits_first, keeps_unlocked
from agent.access.rules import DoorRules, Mode
from agent.access.schedule import Span
from agent.errors import CommandError, StoreError
from agent.hardware.inputs import Input
from agent.modes import ModeWatch, mode_as_json, set_mode
from agent.register import Request
from agent.store import events
from agent.store.db import open_db
from agent.store.door import load_mode
from tests.fakes.entrances import Entrance

MORNING = datetime(2026, 11, 26, 8, tzinfo=UTC)
SPAN = Span(MORNING, MORNING + timedelta(hours=9), date(2026, 11, 26))
OFFICE = DoorRules("front", unlocked="office")
CLI = Request("cli", MORNING, "boot")


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as opened:
        yield opened


@pytest.mark.parametrize(
    ("mode", "span", "opened_on", "unlocked", "awaited"),
    [
        pytest.param(Mode.NORMAL, SPAN, MORNING, False, False, id="normal is never unlocked"),
        pytest.param(Mode.LOCKED_DOWN, SPAN, MORNING, False, False, id="locked down even less"),
        pytest.param(Mode.FREE_ACCESS, None, None, True, False, id="free access always"),
        pytest.param(Mode.SCHEDULED, SPAN, None, True, False, id="by schedule inside it"),
        pytest.param(Mode.SCHEDULED, None, None, False, False, id="by schedule not outside it"),
        pytest.param(Mode.FIRST_PERSON, SPAN, None, False, True, id="the first person is awaited"),
        pytest.param(Mode.FIRST_PERSON, SPAN, MORNING, True, False, id="the first person has come"),
        pytest.param(Mode.FIRST_PERSON, SPAN, MORNING - timedelta(days=1), False, True, id="yesterday does not count"),
        pytest.param(Mode.FIRST_PERSON, None, MORNING, False, False, id="outside nobody is awaited"),
    ],
)
def test_what_a_mode_does(mode, span, opened_on, unlocked, awaited):
    assert (keeps_unlocked(mode, span, opened_on), awaits_first(mode, span, opened_on)) == (unlocked, awaited)


class TestSetting:
    def test_it_is_kept_and_audited_together(self, db):
        kept = set_mode(db, Mode.FREE_ACCESS, OFFICE, CLI)
        assert mode_as_json(kept, OFFICE) == {"mode": "free_access", "since": "2026-11-26T08:00:00.000Z", "by": "cli"}
        (event,) = events.recent(db, 5)
        assert (event.kind, event.body["action"], event.body["mode"], event.body["was"]) == (
            "audit",
            "mode_set",
            "free_access",
            "normal",
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


class Watched:
    """A door, its doorman and who watches the mode, at a time of one's own."""

    def __init__(self, db, rules=OFFICE):
        self.db, self.rules, self.at, self.clock, self.writes_fail = db, rules, MORNING, "synchronised", False
        self.entrance = Entrance(contact=False)
        self.doorman, self.door = self.entrance.doorman, self.entrance.door
        self.watch = self.started()

    def started(self):
        return ModeWatch(
            self.db,
            self.doorman,
            self.write,
            rules=lambda: self.rules,
            span=lambda _, at: SPAN if SPAN.starts_at <= at < SPAN.ends_at else None,
            clock=lambda: self.clock,
            now=lambda: self.at,
        )

    def write(self, change):
        if self.writes_fail:
            raise StoreError("full")
        return change(self.db)

    def sets(self, mode, minutes=0):
        set_mode(self.db, mode, self.rules, Request("cli", MORNING + timedelta(minutes=minutes), "boot"))
        self.watch.look()


@pytest.fixture
def watched(db):
    made = Watched(db)
    yield made
    made.doorman.close()


class TestWatching:
    def test_free_access_unlocks_and_normal_locks(self, watched):
        watched.sets(Mode.FREE_ACCESS)
        assert watched.door.unlocked
        watched.sets(Mode.NORMAL)
        assert not watched.door.unlocked

    def test_a_lock_down_holds_over_a_restart(self, watched):
        watched.sets(Mode.LOCKED_DOWN)
        again = watched.started()
        again.look()
        assert (again.mode, watched.doorman.grant(5, "ada"), watched.door.unlocked) == (Mode.LOCKED_DOWN, False, False)

    def test_by_schedule_it_follows_the_hours(self, watched):
        watched.sets(Mode.SCHEDULED)
        assert watched.door.unlocked
        watched.at = SPAN.ends_at
        watched.watch.look()
        assert not watched.door.unlocked

    def test_not_with_a_clock_that_may_be_wrong(self, watched):
        watched.clock = "unsynchronised"
        watched.sets(Mode.SCHEDULED)
        assert not watched.door.unlocked
        watched.clock = "synchronised"
        watched.watch.look()
        assert watched.door.unlocked

    def test_the_first_person_unlocks_it_once_a_period_and_over_a_restart(self, watched):
        watched.sets(Mode.FIRST_PERSON)
        assert not watched.door.unlocked
        watched.watch.came()
        watched.watch.step()
        assert watched.door.unlocked
        watched.doorman.keep(unlocked=False)
        watched.started().look()
        assert watched.door.unlocked
        watched.at = MORNING + timedelta(days=1)
        watched.watch.look()
        assert not watched.door.unlocked

    def test_whoever_comes_before_the_hours_does_not_count(self, watched):
        watched.at = MORNING - timedelta(minutes=5)
        watched.sets(Mode.FIRST_PERSON)
        watched.watch.came()
        watched.watch.look()
        watched.at = MORNING
        watched.watch.look()
        assert not watched.door.unlocked

    def test_the_rules_own_mode_holds_until_somebody_sets_one(self, watched):
        watched.rules = DoorRules("front", mode=Mode.FREE_ACCESS)
        watched.watch.look()
        assert watched.door.unlocked
        watched.sets(Mode.NORMAL)
        assert not watched.door.unlocked

    def test_a_lock_by_command_stands_until_the_mode_is_set_anew(self, watched):
        watched.sets(Mode.FREE_ACCESS)
        watched.doorman.lock()
        watched.watch.look()
        assert not watched.door.unlocked
        watched.sets(Mode.FREE_ACCESS, minutes=1)
        assert watched.door.unlocked

    def test_somebody_waiting_is_told_soon(self, watched):
        set_mode(watched.db, Mode.FREE_ACCESS, OFFICE, CLI)
        watched.watch.soon()
        watched.watch.step()
        assert watched.door.unlocked

    def test_a_full_disk_leaves_things_as_they_are_and_is_told_once(self, watched, caplog):
        watched.sets(Mode.FIRST_PERSON)
        watched.writes_fail = True
        for _ in range(3):
            watched.watch.came()
            watched.watch.look()
        assert not watched.door.unlocked
        assert caplog.text.count("it stays as it is: full") == 1

    def test_in_a_lock_down_the_exit_button_still_lets_out(self, watched):
        watched.sets(Mode.LOCKED_DOWN)
        watched.entrance.happens(Input.EXIT_BUTTON, on=True)
        watched.entrance.happens(Input.CONTACT, on=True)
        assert watched.entrance.told == [Passed((), others=True)]
