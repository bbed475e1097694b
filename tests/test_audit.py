"""What was changed stands in the chain and goes out as an event, in the transaction of the change."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from agent.audit import audit, audit_start
from agent.config import Config
from agent.mqtt.telemetry import AuditEvent, event_body
from agent.privacy.chain import ERASED, ERASED_BY, GENESIS, PRUNED, START, Anchor
from agent.register import Request
from agent.store import audit as chain
from agent.store import events
from agent.store.db import open_db
from agent.trust.statement import canonical

NOW = datetime(2026, 11, 26, 8, 0, 0, 123_456, tzinfo=UTC)
REQUEST = Request("cli:root", NOW, "boot")


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


def test_a_change_is_a_row_and_an_event(db):
    audit(db, "enrolled", "anna", REQUEST, {"templates": 2})
    audit(db, "rules_applied", None, Request("mqtt", NOW, "boot", "c1"))
    first, second = chain.since(db)
    assert (first.number, first.action, first.subject, first.details) == (1, "enrolled", "anna", '{"templates":2}')
    assert (second.by, second.command_id, second.details) == ("mqtt", "c1", "{}")
    assert chain.verify(db) is None
    assert chain.head(db) == Anchor(2, second.hash)
    one, two = events.recent(db, 2)
    assert (one.body["number"], one.body["previous"], one.body["hash"]) == (1, GENESIS, first.hash)
    assert two.body["previous"] == first.hash
    sent = event_body(two, site="hq", device="door", historical=False)
    assert sent["at"] == second.at  # or nobody could check the hash
    AuditEvent.model_validate_json(json.dumps(sent))


def test_the_digest_is_that_of_what_is_sent_also_of_whole_seconds(db):
    """As deploy/MQTT.md has it, from the payload as it is signed."""
    audit(db, "unlocked", "front", REQUEST, {"seconds": 5.0, "each": [1.0, 2.5], "of": {"a": 3.0, "b": True}})
    (event,) = events.recent(db, 1)
    sent = json.loads(canonical(event_body(event, site="hq", device="door", historical=False)))
    about = {key: sent[key] for key in ("command_id", "details", "subject")}
    text = json.dumps([sent["about_salt"], about], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == sent["about_digest"]
    assert chain.verify(db) is None


def test_a_change_that_is_undone_leaves_neither(db):
    def fails():
        with db.transaction():
            audit(db, "enrolled", "anna", REQUEST)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert (chain.head(db), events.recent(db, 1)) == (START, [])


@pytest.mark.parametrize("by", ["", "x" * 81, "two\nlines"])
def test_who_asks_is_a_short_text(db, by):
    with pytest.raises(ValueError, match="who asks"):
        audit(db, "enrolled", "anna", Request(by, NOW, "boot"))


def test_details_that_are_not_json_are_refused(db):
    with pytest.raises(ValueError, match="JSON"):
        audit(db, "enrolled", "anna", REQUEST, {"at": NOW})


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE audit SET action = 'enrolled' WHERE number = 3", 3),
        ("UPDATE audit SET subject = 'ben' WHERE number = 2", 2),
        ("UPDATE audit SET \"by\" = 'cli:ben' WHERE number = 2", 2),
        ("UPDATE audit SET details = '{\"n\": 1}' WHERE number = 2", 2),
        ("UPDATE audit SET number = -number WHERE number = 4", -4),
        ("UPDATE audit SET at = '2026-11-26T08:00:00.124Z' WHERE number = 5", 5),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number <= 2", 1),
        ("INSERT INTO audit_anchor SELECT 1, number, hash FROM audit WHERE number = 2", 1),
        ("UPDATE audit SET subject = NULL, command_id = NULL, details = NULL, about_salt = NULL WHERE number = 3", 3),
    ],
)
def test_what_was_done_to_the_table_is_found(db, statement, number):
    for n in range(5):
        audit(db, "changed", "anna", REQUEST, {"n": n})
    db.sql.execute(statement)
    assert chain.verify(db).number == number


def test_the_front_is_pruned_and_the_chain_still_holds(db):
    for n in range(5):
        audit(db, "changed", "anna", Request("cli", NOW + timedelta(days=n), "b"), {"n": n})
    assert chain.prunable(db, NOW) is None
    to = chain.prunable(db, NOW + timedelta(days=3))
    assert to.number == 3
    assert chain.prune(db, to) == 3
    assert chain.verify(db).number == 3  # nobody has said so
    audit(db, PRUNED, None, REQUEST, {"to": to.number, "hash": to.hash})
    assert chain.verify(db) is None
    assert chain.verify(db, to) is None
    db.sql.execute("DELETE FROM audit WHERE number = 4")
    assert chain.verify(db).number == 4


def test_rows_of_before_a_clock_was_set_back_are_not_pruned_out_of_turn(db):
    for days in (9, 1, 9):
        audit(db, "changed", "anna", Request("cli", NOW + timedelta(days=days), "b"))
    assert chain.prunable(db, NOW + timedelta(days=5)) is None


def test_all_may_be_pruned_and_the_numbers_go_on(db):
    audit(db, "changed", "anna", REQUEST)
    to = chain.prunable(db, NOW + timedelta(days=1))
    chain.prune(db, to)
    assert chain.head(db) == to
    audit(db, PRUNED, None, REQUEST, {"to": to.number, "hash": to.hash})
    assert chain.head(db).number == 2
    assert chain.verify(db) is None


def test_a_person_is_erased_from_the_rows_and_the_chain_still_holds(db):
    audit(db, "enrolled", "anna", REQUEST, {"templates": 2})
    audit(db, "enrolled", "ben", REQUEST, {"templates": 2})
    audit(db, "merged", "ben", REQUEST, {"with": ["anna"]})
    audit(db, "mode_changed", "door", Request("anna", NOW, "b"), {"mode": "free"})
    audit(db, "enrolled", "annabel", REQUEST, {"note": "not anna"})
    assert [row.number for row in chain.about(db, "anna")] == [1, 3, 4]
    rows = chain.erase(db, "anna")
    assert rows == {ERASED: [1, 3], ERASED_BY: [4]}
    assert chain.about(db, "anna") == []
    assert chain.since(db)[3].subject == "door"  # what was done stays, who did it is gone
    assert chain.verify(db).number == 1
    audit(db, "forgotten", None, REQUEST, rows)
    assert chain.verify(db) is None


def test_a_person_called_as_those_who_are_none_erases_nothing(db):
    audit(db, "rules_applied", "rules", Request("mqtt", NOW, "b"))
    nothing = {ERASED: [], ERASED_BY: []}
    assert (chain.erase(db, "mqtt"), chain.erase(db, "rules")) == (nothing, nothing)
    assert chain.verify(db) is None


class TestStart:
    def test_the_first_start_is_only_noted_and_the_same_again_says_nothing(self, db):
        config = Config()
        assert audit_start(db, config, ["detector-1", "encoder-1"], REQUEST) == []
        assert audit_start(db, config, ["detector-1", "encoder-1"], REQUEST) == []
        assert chain.since(db) == []

    def test_another_model_is_said_with_the_one_before(self, db):
        audit_start(db, Config(), ["encoder-1"], REQUEST)
        assert audit_start(db, Config(), ["encoder-2"], REQUEST) == ["models_changed"]
        (event,) = events.recent(db, 1)
        assert event.body["details"] == {"before": ["encoder-1"], "after": ["encoder-2"]}

    def test_another_configuration_is_said_by_its_tables_and_a_digest(self, db):
        audit_start(db, Config(), ["m"], REQUEST)
        config = Config.model_validate({"gate": {"shots": 7}, "mqtt": {"username": "confidential"}})
        assert audit_start(db, config, ["m"], REQUEST) == ["configuration_changed"]
        (event,) = events.recent(db, 1)
        assert event.body["details"]["tables"] == ["gate", "mqtt"]
        assert "confidential" not in str(db.rows("SELECT * FROM started"))
