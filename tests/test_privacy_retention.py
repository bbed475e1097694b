"""What is old goes by kind, and nothing else; unsent events never."""

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from agent.audit import audit
from agent.config import Config, load_config
from agent.errors import ConfigError
from agent.privacy.forgetting import Rule, forget
from agent.privacy.retention import Nights, carry_out, plan
from agent.register import Request
from agent.store import audit as chain
from agent.store import events, people, receipts, templates
from agent.store import retention as store
from agent.store.db import open_db
from agent.store.times import to_text
from agent.types import Embedding, Quality
from tests.fakes.keys import KEY

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
NIGHT = Request("retention", NOW, "boot")
VECTOR = np.full(16, 0.25, np.float32)


def days(number):
    return timedelta(days=number)


@pytest.fixture
def make(tmp_path):
    def make(**retention):
        return Config.model_validate(
            {
                "device": {"data_dir": tmp_path},
                "retention": retention,
                "clock": {"synchronised_file": tmp_path / "timesync" / "synchronized"},
            }
        )

    return make


@pytest.fixture
def db(make):
    with open_db(make().database_path, key=KEY) as db:
        yield db


def person(db, name, **columns):
    templates.enrol(db, name, None, [(Embedding(VECTOR, KEY.model("m")), Quality(120, 200, 0, 120, 50))], NOW)
    for column, value in columns.items():
        db.sql.execute(f"UPDATE people SET {column} = ? WHERE id = ?", (value, name))  # noqa: S608 - ours


def event(db, ago, *, sent=None):
    made = events.append(db, "access", NOW - days(ago), "b", {"n": ago})
    if sent is not None:
        events.mark_sent(db, [made.seq], NOW - days(sent))
    return made.seq


def punch(db, ago):
    db.sql.execute(
        "INSERT INTO punches (id, person, at, type, by, repeat, site, device, boot_id, uptime, clock)"
        " VALUES (?, 'anna', ?, 'in', 'toggle', 0, 'hq', 'door', 'b', 1.0, 'unknown')",
        (f"p{ago}", to_text(NOW - days(ago))),
    )


def test_events_go_so_long_after_the_broker_got_them_and_unsent_ones_never(db, make):
    event(db, 400)
    event(db, 400, sent=91)
    young = event(db, 400, sent=89)
    assert plan(db, make(), NOW).counts == {"events": 1}
    assert carry_out(db, make(), NOW, NIGHT)["removed"] == {"events": 1}
    assert [each.body.get("n") for each in events.recent(db, 9)][:2] == [400, 400]
    assert young in [each.seq for each in events.recent(db, 9)]


def test_without_a_broker_events_go_by_when_they_happened(db, make):
    event(db, 91)
    event(db, 89)
    config = make().model_copy(update={"mqtt": make().mqtt.model_copy(update={"enabled": False})})
    assert plan(db, config, NOW).counts == {"events": 1}


def test_attendance_goes_after_two_years(db, make):
    punch(db, 731)
    punch(db, 729)
    assert carry_out(db, make(), NOW, NIGHT)["removed"] == {"attendance": 1}
    assert db.rows("SELECT id FROM punches") == [("p729",)]


def test_what_is_never_forgotten_stays(db, make):
    event(db, 9000, sent=9000)
    punch(db, 9000)
    person(db, "anna", state="left", left_at=to_text(NOW - days(9000)))
    never = dict.fromkeys(("events_days", "attendance_days", "audit_days", "receipts_days", "left_days"), "never")
    assert plan(db, make(**never), NOW).as_json() == {"counts": {}, "people": {}}


def test_as_many_days_as_there_are_are_no_error(db, make):
    assert plan(db, make(events_days=36_500.0, left_days=36_500.0), datetime(1971, 1, 1, tzinfo=UTC)).counts == {}


def test_people_go_30_days_after_they_left_and_visitors_after_their_hours(db, make):
    person(db, "anna", state="left", left_at=to_text(NOW - days(31)))
    person(db, "ben", state="left", left_at=to_text(NOW - days(29)))
    person(db, "cy", visitor=1, valid_to=to_text(NOW))
    person(db, "dee", visitor=1, valid_to=to_text(NOW + timedelta(seconds=1)))
    person(db, "eve", valid_to=to_text(NOW - days(99)))  # no visitor
    person(db, "fay", visitor=1)  # for good
    assert dict(plan(db, make(), NOW).people) == {"cy": Rule.VISITOR, "anna": Rule.LEFT}
    done = carry_out(db, make(), NOW, NIGHT)
    assert [each.id for each in people.list_people(db)] == ["ben", "dee", "eve", "fay"]
    assert db.rows("SELECT count(*) FROM templates") == [(4,)]
    assert receipts.get(db, "cy").id == done["people"]["cy"]
    assert (receipts.get(db, "anna").rule, receipts.get(db, "anna").by) == ("left", "retention")
    assert carry_out(db, make(), NOW, NIGHT) == {"removed": {}, "people": {}}


def test_the_front_of_the_audit_goes_and_the_chain_holds(db, make):
    for ago in (1200, 1100, 5):
        audit(db, "changed", None, Request("cli", NOW - days(ago), "b"))
    assert plan(db, make(), NOW).counts == {"audit": 2}
    assert carry_out(db, make(), NOW, NIGHT)["removed"] == {"audit": 2}
    assert [row.action for row in chain.since(db)] == ["changed", "audit_pruned", "retention_ran"]
    assert chain.verify(db) is None


def test_receipts_go_with_whom_the_audit_names_for_them(db, make):
    for name in ("anna", "ben"):
        person(db, name)
        audit(db, "enrolled", name, Request("cli", NOW - days(1200), "b"))
    forget(db, make(), "anna", Request("cli", NOW - days(1100), "b"))
    forget(db, make(), "ben", Request("cli", NOW - days(1000), "b"))
    done = carry_out(db, make(audit_days="never"), NOW, NIGHT)
    assert done["removed"] == {"receipts": 1}
    assert [receipt.person for receipt in receipts.recent(db)] == ["ben"]
    assert [row.subject for row in chain.since(db)] == [None, None, None, "ben", None, None]
    assert chain.verify(db) is None


def test_pictures_of_unknown_people_go_after_a_week(db, make, tmp_path):
    for name, ago in (("old.jpg", 8), ("young.jpg", 6)):
        (tmp_path / "unknown").mkdir(exist_ok=True)
        (tmp_path / "unknown" / name).write_bytes(b"x")
        at = (NOW - days(ago)).timestamp()
        os.utime(tmp_path / "unknown" / name, (at, at))
    assert carry_out(db, make(), NOW, NIGHT)["removed"] == {"unknown": 1}
    assert [path.name for path in (tmp_path / "unknown").iterdir()] == ["young.jpg"]


def test_a_run_stands_in_the_audit_where_it_removed_something(db, make):
    carry_out(db, make(), NOW, NIGHT)
    assert chain.since(db) == []
    event(db, 99, sent=99)
    carry_out(db, make(), NOW, NIGHT)
    assert chain.details(chain.since(db)[0]) == {"removed": {"events": 1}, "people": 0}


class TestNights:
    """The worker's step."""

    @pytest.fixture
    def nights(self, db, make):
        """Returns what a step at a time does."""

        def step(at, **retention):
            zone = at.astimezone(ZoneInfo("Europe/Berlin"))
            one = Nights(
                make(**retention), lambda change: change(db), lambda at: Request("retention", at, "b"), now=lambda: zone
            )
            return one.step(db)

        return step

    def test_the_first_night_takes_note_the_second_forgets_and_so_does_every_one_after(self, db, nights):
        event(db, 400, sent=400)
        assert not nights(NOW)
        assert not nights(NOW + timedelta(hours=1))
        assert nights(NOW + days(1))
        assert not nights(NOW + days(1) + timedelta(hours=1))
        assert nights(NOW + days(2))
        assert events.recent(db, 9)[0].kind == "audit"

    def test_only_a_clock_that_jumped_is_warned_of(self, db, nights, caplog):
        assert not nights(NOW)
        assert caplog.messages == []
        assert nights(NOW + days(1))
        assert not nights(NOW + days(4000))
        assert "the clock says 2037-11-08 04:00, the last night was 2026-11-27 03:00 UTC" in caplog.text

    def test_a_clock_that_jumps_by_years_deletes_nothing(self, db, nights):
        event(db, 0, sent=0)
        store.note_run(db, NOW - days(1))
        assert not nights(NOW + days(4000))
        assert not nights(NOW + days(4000) + timedelta(minutes=1))
        assert nights(NOW)  # set right again
        assert len(events.recent(db, 9)) == 1

    def test_a_clock_that_was_not_set_deletes_nothing(self, db, nights, tmp_path):
        (tmp_path / "timesync").mkdir()
        event(db, 400, sent=400)
        store.note_run(db, NOW - days(1))
        assert not nights(NOW)
        (tmp_path / "timesync" / "synchronized").touch()
        assert nights(NOW)

    def test_a_last_run_in_the_future_does_not_stop_it_for_ever(self, db, nights):
        store.note_run(db, NOW + days(4000))
        assert [nights(NOW + days(n)) for n in range(3)] == [False, True, True]


@pytest.mark.parametrize("value", ["-1", '"always"', "40000", "nan"])
def test_what_is_no_number_of_days_is_refused(tmp_path, value):
    (tmp_path / "agent.toml").write_text(f"[retention]\nleft_days = {value}\n")
    with pytest.raises(ConfigError, match="left_days"):
        load_config(tmp_path / "agent.toml")
