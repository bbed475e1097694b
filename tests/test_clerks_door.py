from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from agent.access.rules import DoorRules, Mode
from agent.clerks import Office
from agent.clerks.door import handlers
from agent.config import Config
from agent.errors import CommandError, StoreFull
from agent.mqtt.verbs.door import COMMANDS
from agent.store import events
from agent.store.db import open_db
from agent.store.door import load_mode
from tests.fakes.doormen import Entrance

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOON = "2026-11-26T12:00:20Z"


class Clerk:
    """The handlers over a real database and a door; commands come as JSON."""

    def __init__(self, folder, db, *, remote=True, synchronised=True):
        file = folder / "synchronized"
        if synchronised:
            file.touch()
        config = Config.model_validate(
            {
                "mqtt": {"remote_unlock": remote},
                "clock": {"synchronised_file": str(file)},
                "door": {"pulse_seconds": 0.2},
            }
        )
        self.db, self.changes, self.full, self.rules = db, 0, False, DoorRules("front", unlocked="office")
        self.now = NOW
        self.entrance = Entrance()
        self.door, self.doorman = self.entrance.door, self.entrance.doorman
        office = Office(config, db, self.write, "boot", self.changed, now=lambda: self.now)
        self._handlers = handlers(office, self.doorman, lambda: self.rules)

    def write(self, change):
        if self.full:
            raise StoreFull("full")
        return change(self.db)

    def changed(self):
        self.changes += 1

    def __call__(self, verb, **fields):
        return self._handlers[verb](COMMANDS[verb].model_validate({"id": "c-1", **fields}, strict=False))

    def asks(self, verb, *, key):
        """The same, signed by a key, in time."""
        body = {"id": "c-1", "not_after": self.now + timedelta(seconds=20)}
        return self._handlers[verb](COMMANDS[verb].model_validate(body).asked("mqtt:somebody", key))

    def refused(self, verb, **fields):
        with pytest.raises(CommandError) as error:
            self(verb, **fields)
        return str(error.value.code), str(error.value)

    @property
    def audited(self):
        return [event.body["action"] for event in events.recent(self.db, 9)]


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as opened:
        yield opened


@pytest.fixture
def make(tmp_path, db):
    made = []

    def clerk(**options):
        made.append(Clerk(tmp_path, db, **options))
        return made[-1]

    yield clerk
    for one in made:
        one.doorman.close()


def test_every_verb_has_its_handler(make):
    assert set(make()._handlers) == set(COMMANDS)


class TestUnlocking:
    def test_it_unlocks_for_the_seconds_and_is_audited(self, make):
        clerk = make()
        assert clerk("unlock", not_after=SOON, seconds=0.4) == {"seconds": 0.4}
        assert clerk.door.unlocked
        (event,) = events.recent(clerk.db, 9)
        assert (event.body["action"], event.body["by"], event.body["command_id"], event.body["details"]["seconds"]) == (
            "unlocked",
            "mqtt",
            "c-1",
            0.4,
        )

    def test_without_seconds_it_is_a_pulse(self, make):
        assert make()("unlock", not_after=SOON) == {"seconds": 0.2}

    def test_hold_until_lock(self, make):
        clerk = make()
        clerk("hold", not_after=SOON)
        assert clerk.doorman.report().held
        clerk("lock")
        assert not clerk.door.unlocked
        assert clerk.audited == ["held", "locked"]

    @pytest.mark.parametrize("verb", ["unlock", "hold"])
    @pytest.mark.parametrize(
        ("options", "not_after", "refusal"),
        [
            pytest.param({"remote": False}, SOON, ("not_allowed", "remote_unlock is false"), id="off unless turned on"),
            pytest.param(
                {"synchronised": False}, SOON, ("clock_unsure", "is not there"), id="with a clock that may be wrong"
            ),
            pytest.param({}, "2026-11-26T12:00:31Z", ("bad_request", "31 s ahead: want 30 s"), id="too far ahead"),
            pytest.param({}, "2026-11-26T11:59:59Z", ("expired", "to be done by"), id="too late"),
        ],
    )
    def test_refused(self, make, verb, options, not_after, refusal):
        clerk = make(**options)
        refused, text = clerk.refused(verb, not_after=not_after)
        assert (refused, refusal[1] in text) == (refusal[0], True)
        assert (clerk.door.unlocked, clerk.audited) == (False, [])

    @pytest.mark.parametrize("verb", ["unlock", "hold"])
    def test_the_time_after_which_it_is_not_done_has_to_be_given(self, verb):
        with pytest.raises(ValidationError, match="not_after"):
            COMMANDS[verb].model_validate_json('{"id": "c-1"}')

    @pytest.mark.parametrize("verb", ["unlock", "hold"])
    def test_in_a_lock_down_it_is_refused(self, make, verb):
        clerk = make()
        clerk.doorman.lock_down(on=True)
        assert clerk.refused(verb, not_after=SOON)[0] == "locked_down"
        assert clerk.audited == []

    def test_longer_than_the_maximum_is_refused(self, make):
        assert (
            make().refused("unlock", not_after=SOON, seconds=31)[1] == "seconds: 31 is more than max_open_seconds = 30"
        )

    def test_what_cannot_be_recorded_does_not_unlock(self, make):
        clerk = make()
        clerk.full = True
        with pytest.raises(StoreFull):
            clerk("unlock", not_after=SOON)
        assert not clerk.door.unlocked

    def test_but_locks(self, make):
        clerk = make()
        clerk("hold", not_after=SOON)
        clerk.full = True
        with pytest.raises(StoreFull):
            clerk("lock")
        assert not clerk.door.unlocked


class TestMode:
    def test_without_one_it_is_told(self, make):
        assert make()("mode") == {"mode": "normal", "since": None, "by": None}

    def test_it_is_set_and_told(self, make):
        clerk = make()
        assert clerk("mode", mode="locked_down") == {
            "mode": "locked_down",
            "since": "2026-11-26T12:00:00.000Z",
            "by": "mqtt",
        }
        assert (load_mode(clerk.db).mode, clerk.changes, clerk.audited) == (Mode.LOCKED_DOWN, 1, ["mode_set"])

    def test_free_access_is_unlocking(self, make):
        assert make(remote=False).refused("mode", mode="free_access")[0] == "not_allowed"
        assert make()("mode", mode="free_access", not_after=SOON)["mode"] == "free_access"

    @pytest.mark.parametrize(
        ("options", "more", "code"),
        [
            pytest.param(
                {}, {"not_after": "2026-11-26T18:00:00Z"}, "bad_request", id="that a broker may keep for hours"
            ),
            pytest.param({}, {"not_after": "2026-11-26T11:59:59Z"}, "expired", id="that comes late"),
            pytest.param({}, {}, "bad_request", id="without an end"),
            pytest.param(
                {"synchronised": False}, {"not_after": SOON}, "clock_unsure", id="by a clock that may be wrong"
            ),
        ],
    )
    def test_free_access_that_was_kept_back_opens_no_door(self, make, options, more, code):
        clerk = make(**options)
        assert clerk.refused("mode", mode="free_access", **more)[0] == code
        assert load_mode(clerk.db).mode is None

    def test_free_access_ends_a_lock_down(self, make):
        clerk = make()
        clerk("mode", mode="locked_down")
        assert clerk("mode", mode="free_access", not_after=SOON)["mode"] == "free_access"

    def test_the_rules_say_who_may(self, make):
        clerk = make()
        clerk.rules = DoorRules("front", modes_by=frozenset({"cli"}))
        assert clerk.refused("mode", mode="normal")[0] == "not_allowed"
        assert clerk.changes == 0

    def test_an_unknown_one_is_no_command(self):
        with pytest.raises(ValidationError, match="mode"):
            COMMANDS["mode"].model_validate_json('{"id": "c-1", "mode": "ajar"}')
        assert COMMANDS["mode"].model_validate_json('{"id": "c-1", "mode": "scheduled"}').mode is Mode.SCHEDULED


def test_the_clock_of_the_office_is_in_utc(db):
    office = Office(Config(), db, lambda change: change(db), "boot", lambda: None)
    assert abs(office.request(COMMANDS["lock"](id="c-1")).at - datetime.now(UTC)) < timedelta(seconds=5)


class TestHowOften:
    def test_one_key_unlocks_so_often_a_minute_and_another_still_may(self, make):
        clerk = make()
        for _ in range(6):
            clerk.asks("unlock", key="a" * 16)
        with pytest.raises(CommandError, match="6 times within a minute by one key") as refused:
            clerk.asks("unlock", key="a" * 16)
        assert refused.value.code == "too_often"
        with pytest.raises(CommandError, match="6 times within a minute"):
            clerk.asks("hold", key="a" * 16)
        clerk.asks("hold", key="b" * 16)
        assert len(clerk.audited) == 7
        clerk.now += timedelta(seconds=61)
        clerk.asks("unlock", key="a" * 16)

    def test_what_is_refused_for_another_reason_does_not_count(self, make):
        clerk = make()
        clerk.doorman.lock_down(on=True)
        for _ in range(10):
            with pytest.raises(CommandError, match="locked down"):
                clerk.asks("unlock", key="a" * 16)
        clerk.doorman.lock_down(on=False)
        clerk.asks("unlock", key="a" * 16)
