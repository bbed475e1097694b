"""Commands about privacy: what they answer, what they refuse, and that they bear repeating."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from agent.audit import audit
from agent.clerks import Office
from agent.clerks.privacy import handlers
from agent.config import Config
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.verbs.privacy import COMMANDS
from agent.register import Request
from agent.store import events, people, retention
from agent.store.db import open_db
from agent.types import Embedding, Quality

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
VECTOR = np.eye(16, dtype=np.float32)[0]


@pytest.fixture
def config(tmp_path):
    clock = {"synchronised_file": tmp_path / "timesync" / "synchronized"}
    return Config.model_validate({"device": {"data_dir": tmp_path}, "clock": clock})


@pytest.fixture
def db(config):
    with open_db(config.database_path) as db:
        people.enrol(db, "anna", "Anna", [(Embedding(VECTOR, "m"), Quality(120, 200, 0, 120, 50))], NOW)
        audit(db, "enrolled", "anna", Request("cli", NOW, "b"), {"templates": 1})
        events.append(db, "access", NOW, "b", {"person": "anna"})
        yield db


@pytest.fixture
def changes():
    return []


@pytest.fixture
def ask(db, config, changes):
    office = Office(config, db, lambda change: change(db), "boot", lambda: changes.append(1), lambda: NOW)
    carry_out = handlers(office)
    assert carry_out.keys() == COMMANDS.keys()

    def ask(verb, **fields):
        return carry_out[verb](COMMANDS[verb].model_validate({"id": "c-1", **fields}))

    return ask


def test_forget_answers_with_the_receipt_and_again_with_the_same(ask, db, changes):
    receipt = ask("forget", person="anna", reason="asked", attendance="delete")
    assert (receipt["person"], receipt["by"], receipt["deleted"]) == ("anna", "mqtt", {"templates": 1, "people": 1})
    assert ask("forget", person="anna") == receipt
    assert changes == [1, 1]
    assert ask("receipts")["receipts"] == [receipt] == ask("receipts", person="anna")["receipts"]
    assert ask("receipts", person="ben")["receipts"] == []
    with pytest.raises(CommandError, match="nothing is held"):
        ask("forget", id="c-2", person="ben")


def test_export_answers_without_vectors_and_is_in_the_audit(ask, db):
    everything = ask("export_person", person="anna")
    assert everything["counts"] == {"people": 1, "templates": 1, "events": 1, "audit": 1}
    assert "vector" not in everything["held"]["templates"][0]
    assert ask("audit")["rows"][-1]["action"] == "exported"


def test_retention_tells_first_and_runs_where_the_clock_is_believed(ask, db):
    db.sql.execute("UPDATE people SET visitor = 1, valid_to = '2026-11-26T07:00:00.000000Z'")
    assert ask("retention", dry_run=True) == {"counts": {}, "people": {"anna": "visitor"}}
    with pytest.raises(CommandError, match="send the right time") as refused:
        ask("retention")  # it never ran before
    assert refused.value.code == Code.CLOCK_DOUBTED
    with pytest.raises(CommandError):
        ask("retention", at=NOW + timedelta(hours=2))
    assert ask("retention", at=NOW - timedelta(minutes=2))["people"].keys() == {"anna"}
    assert ask("retention")["people"] == {}
    assert retention.past(db).ran_at == NOW


def test_the_audit_is_told_page_by_page_with_what_is_broken(ask, db):
    audit(db, "enrolled", "ben", Request("cli", NOW, "b"))
    first = ask("audit", limit=1)
    assert [row["number"] for row in first["rows"]] == [1]
    assert first["head"]["number"] == 2
    assert "broken" not in first
    assert [row["number"] for row in ask("audit", after=1)["rows"]] == [2]
    assert ask("audit", verify=True)["broken"] is None
    assert ask("audit", anchor="0" * 64 + "@2")["broken"]["number"] == 2


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("audit", {"anchor": "12"}),
        ("audit", {"limit": 0}),
        ("forget", {"person": "no one"}),
        ("forget", {"person": "anna", "attendance": "burn"}),
        ("retention", {"at": "2026-11-26T08:00:00"}),
    ],
)
def test_what_makes_no_sense_is_refused(verb, fields):
    with pytest.raises(ValidationError):
        COMMANDS[verb].model_validate({"id": "c", **fields})
