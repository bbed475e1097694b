"""Who is forgotten is gone from all tables and from the bytes of the files; a receipt stays."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.audit import audit
from agent.config import Config
from agent.errors import CommandError
from agent.members.merge import rename
from agent.privacy.export import held
from agent.privacy.forgetting import Attendance, Rule, as_json, forget, remove
from agent.privacy.redaction import Others, Pseudonyms
from agent.register import Request
from agent.store import audit as chain
from agent.store import commands, events, people, places, receipts, templates
from agent.store.db import open_db
from agent.store.places import NAMES_OF_COLUMNS, PLACES
from agent.store.times import to_text
from agent.types import Embedding, Quality
from tests.fakes.keys import KEY

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
REQUEST = Request("cli:root", NOW, "boot", "c-1")
QUALITY = Quality(120, 200, 0, 120, 50)
NAME = "Änna Geheimrätin"
PIN_HASH = "scrypt$16384$8$1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0"


@pytest.fixture
def config(tmp_path):
    return Config.model_validate({"device": {"data_dir": tmp_path}})


@pytest.fixture
def db(config):
    with open_db(config.database_path, key=KEY) as db:
        yield db


def vector(seed):
    values = np.random.default_rng(seed).normal(size=128).astype(np.float32)
    return values / np.linalg.norm(values)


def enrol(db, person, name, seed):
    templates.enrol(db, person, name, [(Embedding(vector(seed), KEY.model("m")), QUALITY)], NOW)
    audit(db, "enrolled", person, REQUEST, {"templates": 1})
    with db.transaction() as sql:
        sql.execute("INSERT INTO memberships VALUES (?, 'staff')", (person,))
        sql.execute(
            "INSERT INTO consents (person, given, at, text, by) VALUES (?, 1, ?, 'v1', 'ben')", (person, to_text(NOW))
        )
        sql.execute("INSERT INTO pins VALUES (?, ?, NULL, ?)", (person, f"{PIN_HASH}{seed}", to_text(NOW)))
        sql.execute("INSERT INTO cards VALUES (?, ?, '42', ?)", (f"digest-of-{person}", person, to_text(NOW)))
        sql.execute("INSERT INTO standings (person, failures, lockouts) VALUES (?, 1, 0)", (person,))
        sql.execute(
            "INSERT INTO punches (id, person, at, type, by, repeat, site, device, boot_id, uptime, clock)"
            " VALUES (?, ?, ?, 'in', 'toggle', 0, 'hq', 'door', 'b', 1.0, 'unknown')",
            (f"punch-of-{seed}", person, to_text(NOW)),
        )
        sql.execute("INSERT INTO rosters VALUES (?, ?, ?, 'a.ics')", (person, to_text(NOW), to_text(NOW)))
        sql.execute(
            "INSERT INTO corrections (id, person, void, by, why, made_at) VALUES (?, ?, 0, 'anna', 'late', ?)",
            (f"correction-of-{seed}", person, to_text(NOW)),
        )


@pytest.fixture
def staff(db):
    enrol(db, "anna", NAME, 1)
    enrol(db, "ben", "Ben", 2)
    access(db, person="anna", second="ben", detail="0.71 to anna, need 0.52")
    access(db, person="ben", second="anna", detail="0.71 to ben, need 0.52")
    access(db, person=None, second="ben", detail="0.31 to anna, need 0.52")
    access(db, person="annabel", detail="0.9 to annabel, need 0.52")
    listed = {"people": [{"id": "anna", "name": NAME}, {"id": "ben", "name": "Ben"}]}
    commands.remember(
        db, "c-list", "list", json.dumps({"id": "c-list", "verb": "list", "ok": True, "data": listed}), NOW
    )
    commands.remember(db, "c-ping", "ping", '{"id":"c-ping","verb":"ping","ok":true,"data":{"at":"x"}}', NOW)
    return db


def access(db, **body):
    return events.append(db, "access", NOW, "b", {"reason": "match", "shown": ["face"], "companion": None, **body})


def bodies(db):
    return [event.body for event in events.recent(db, 100) if event.kind == "access"]


def blob(db, person):
    """The template as it is in the file."""
    return db.rows("SELECT vector FROM templates WHERE person = ?", (person,))[0][0]


def table(db, name, columns="*"):
    return db.rows(f"SELECT {columns} FROM {name}")  # noqa: S608 - ours


def bytes_of(db):
    """All that is in the files of the database."""
    return b"".join(path.read_bytes() for path in db.path.parent.glob(db.path.name + "*") if path.is_file())


def test_every_column_that_may_name_a_person_is_known(db):
    """A new table with a person is not forgotten: say in agent.store.places what becomes of its rows."""
    there = places.columns(db)
    may = {(table, column) for table, column in there if column in NAMES_OF_COLUMNS or (table, column) in PLACES}
    assert may <= PLACES.keys()
    assert {("events", "body"), ("commands", "result"), ("people", "id")} <= set(there)


def test_a_table_that_nobody_has_told_of_is_emptied_all_the_same(staff, config):
    staff.sql.execute("CREATE TABLE lockers (person TEXT, number INTEGER)")
    staff.sql.execute("INSERT INTO lockers VALUES ('anna', 7), ('ben', 8)")
    assert forget(staff, config, "anna", REQUEST).what["deleted"]["lockers"] == 1
    assert staff.rows("SELECT person FROM lockers") == [("ben",)]


def test_nothing_of_the_person_is_left_in_any_table_but_the_receipt(staff, config):
    receipt = forget(staff, config, "anna", REQUEST, attendance=Attendance.DELETE)
    left = {}
    for name in {name for name, _ in places.columns(staff)}:
        for row in table(staff, name):
            if '"anna"' in json.dumps(row, default=repr).replace("\\", ""):
                left.setdefault(name, []).append(row)
    assert left.keys() == {"receipts", "audit", "events"}
    assert [row[3] for row in left["audit"]] == ["forgotten"]
    (event,) = left["events"]
    assert json.loads(event[5])["details"]["receipt"] == receipt.id
    assert staff.rows("SELECT id FROM people") == [("ben",)]
    assert chain.verify(staff) is None


@pytest.mark.parametrize("reader", [False, True], ids=["alone", "while the agent has the file open"])
def test_no_byte_of_a_vector_a_pin_a_card_or_a_name_is_left_in_the_files(staff, config, reader):
    sealed, bens = blob(staff, "anna"), blob(staff, "ben")
    searched = [
        sealed,
        f"{PIN_HASH}1".encode(),
        b"digest-of-anna",
        NAME.encode(),
        json.dumps(NAME)[1:-1].encode(),
    ]
    before = bytes_of(staff)
    assert all(each in before for each in searched)
    other = open_db(staff.path) if reader else None
    if other:
        other.rows("SELECT * FROM people")
    forget(staff, config, "anna", REQUEST)
    after = bytes_of(staff)
    assert [each for each in searched if each in after] == []
    # and no part of the vector, on whichever page it may have lain
    assert not any(sealed[i : i + 16] in after for i in range(0, len(sealed), 16))
    assert bens in after
    if other:
        other.close()


def test_who_was_named_as_having_said_something_of_others_is_not_named_any_more(staff, config):
    with staff.transaction() as sql:
        sql.execute(
            "INSERT INTO corrections (id, person, void, by, why, made_at) VALUES ('of-ben', 'ben', 1, ?, 'late', ?)",
            (NAME, to_text(NOW)),
        )
        sql.execute(
            "INSERT INTO consents (person, given, at, text, by) VALUES ('ben', 0, ?, 'v1', ?)", (to_text(NOW), NAME)
        )
    audit(staff, "punch_corrected", "ben", REQUEST, {"says": NAME})
    forget(staff, config, "anna", REQUEST)
    assert not [each for each in (NAME.encode(), json.dumps(NAME)[1:-1].encode()) if each in bytes_of(staff)]
    assert chain.verify(staff) is None
    assert [
        by.startswith("forgotten-") for by, person in table(staff, "consents", "by, person") if person == "ben"
    ] == [
        False,
        True,
    ]


def test_the_bytes_go_also_in_a_large_database_whose_rows_have_moved(db, config):
    for n in range(300):
        templates.enrol(db, f"p{n}", f"Name of {n}", [(Embedding(vector(n), KEY.model("m")), QUALITY)], NOW)
    sealed = {n: blob(db, f"p{n}") for n in range(0, 300, 3)}
    for n in range(0, 300, 3):
        forget(db, config, f"p{n}", Request("cli", NOW, "b"), vacuum=n > 290)
    after = bytes_of(db)
    assert [n for n in range(0, 300, 3) if sealed[n][:16] in after or f"Name of {n}'".encode() in after] == []


def test_events_lose_the_person_and_keep_the_rest(staff, config):
    forget(staff, config, "anna", REQUEST)
    hers, bens, strangers, annabels = bodies(staff)
    pseudonym = hers["person"]
    assert pseudonym.startswith("forgotten-")
    assert (hers["second"], hers["detail"]) == ("ben", f"0.71 to {pseudonym}, need 0.52")
    assert (bens["person"], bens["second"]) == ("ben", pseudonym)
    assert strangers["detail"] == f"0.31 to {pseudonym}, need 0.52"
    assert annabels["person"] == "annabel"
    assert "to annabel," in annabels["detail"]


def test_events_lose_badge_and_earlier_name_with_the_person(staff, config):
    for person, badge, name in (("anna", "1042", "Ann Before"), ("ben", "1043", "Ben")):
        access(staff, person=person, badge=badge, name=name)
    forget(staff, config, "anna", REQUEST)
    *_, hers, bens = bodies(staff)
    assert (hers["badge"], hers["name"]) == (None, None)
    assert (bens["badge"], bens["name"]) == ("1043", "Ben")


def test_the_pseudonym_stands_nowhere_beside_the_id(staff, config):
    receipt = forget(staff, config, "anna", REQUEST)
    assert bodies(staff)[0]["person"] not in json.dumps(as_json(receipt))
    assert bodies(staff)[0]["person"] not in str(staff.rows("SELECT * FROM audit"))


def test_hours_that_are_kept_tell_only_whose_the_events_are_that_they_came_from(staff, config):
    event = access(staff, person="anna", detail="")
    events.append(staff, "attendance", NOW, "b", {"person": "anna", "access": event.id}, id="punch-of-1")
    forget(staff, config, "anna", REQUEST, attendance=Attendance.KEEP)
    hers, *_, let_in = [body["person"] for body in bodies(staff)]
    (punched,) = [each.body["person"] for each in events.recent(staff, 100) if each.kind == "attendance"]
    (by,) = staff.rows("SELECT by FROM corrections WHERE person = 'anna'")[0]
    assert let_in == punched
    assert len({hers, punched, by}) == 3
    assert all(each.startswith("forgotten-") for each in (hers, punched, by))


@pytest.mark.parametrize("attendance", [Attendance.KEEP, Attendance.PSEUDONYMISE])
def test_reasons_of_corrections_lose_the_person_but_of_hours_that_are_kept(staff, config, attendance):
    with staff.transaction() as sql:
        sql.execute("UPDATE corrections SET why = 'anna was late'")
    receipt = forget(staff, config, "anna", REQUEST, attendance=attendance)
    reasons = dict(staff.rows("SELECT id, why FROM corrections"))
    assert (reasons["correction-of-1"] == "anna was late") is (attendance is Attendance.KEEP)
    assert reasons["correction-of-2"].startswith("forgotten-")
    assert receipt.what["pseudonymised"]["corrections"] > 0


def test_answers_to_commands_are_emptied_and_stay_known(staff, config):
    forget(staff, config, "anna", REQUEST)
    assert json.loads(commands.recall(staff, "c-list")) == {"id": "c-list", "verb": "list", "ok": True}
    assert "data" in json.loads(commands.recall(staff, "c-ping"))


@pytest.mark.parametrize(
    ("attendance", "whose"),
    [
        (Attendance.KEEP, ["anna", "ben"]),
        (Attendance.PSEUDONYMISE, ["ben", "forgotten"]),
        (Attendance.DELETE, ["ben"]),
    ],
)
def test_attendance_is_treated_as_configured(staff, config, attendance, whose):
    config = config.model_copy(
        update={"retention": config.retention.model_copy(update={"forget_attendance": attendance.value})}
    )
    receipt = forget(staff, config, "anna", REQUEST)
    for name in ("punches", "rosters", "corrections"):
        found = sorted(person.split("-")[0] for (person,) in table(staff, name, "person"))
        assert found == whose
    assert sum(receipt.what[part].get("punches", 0) for part in ("deleted", "pseudonymised", "kept")) == 1
    assert not staff.rows("SELECT 1 FROM corrections WHERE by = 'anna'")  # who corrected others' punches, too


def test_the_receipt_says_what_when_by_whom_and_under_which_rule(staff, config):
    receipt = forget(staff, config, "anna", REQUEST, reason="letter of 20 November")
    assert receipts.get(staff, "anna") == receipt == receipts.get(staff, receipt.id)
    assert (receipt.at, receipt.by, receipt.rule, receipt.reason) == (NOW, "cli:root", "asked", "letter of 20 November")
    assert receipt.what["deleted"] == {
        "templates": 1, "memberships": 1, "consents": 1, "pins": 1, "cards": 1, "standings": 1, "people": 1,
    }  # fmt: skip
    assert receipt.what["kept"] == {"punches": 1, "rosters": 1, "corrections": 1}
    assert receipt.what["erased"] == {"audit": 1}
    assert json.loads(json.dumps(as_json(receipt)))["receipt"] == receipt.id


def test_the_same_command_again_is_the_same_receipt(staff, config):
    assert forget(staff, config, "anna", REQUEST) == forget(staff, config, "anna", REQUEST)
    assert len(receipts.recent(staff)) == 1


def test_who_is_gone_without_a_trace_cannot_be_forgotten_again(staff, config):
    forget(staff, config, "anna", REQUEST, attendance=Attendance.DELETE)
    with pytest.raises(CommandError, match="nothing is held of 'anna'"):
        forget(staff, config, "anna", Request("cli", NOW, "b"), attendance=Attendance.DELETE)
    with pytest.raises(CommandError, match="nothing is held of 'nobody'"):
        forget(staff, config, "nobody", Request("cli", NOW, "b"))
    assert len(receipts.recent(staff)) == 1


def test_who_was_removed_can_be_forgotten_later(staff, config):
    sealed = blob(staff, "anna")
    done = remove(staff, "anna", REQUEST)
    assert done.templates == 1
    assert receipts.get(staff, done.receipt).rule == "removed"
    assert sealed not in bytes_of(staff)
    assert bodies(staff)[0]["person"] == "anna"  # what happened, happened
    receipt = forget(staff, config, "anna", Request("cli", NOW, "b"), rule=Rule.LEFT)
    assert (receipt.what["deleted"], receipt.rule) == ({}, "left")
    assert bodies(staff)[0]["person"] != "anna"
    assert chain.verify(staff) is None


def test_nobody_cannot_be_removed(db):
    with pytest.raises(CommandError, match="nobody is enrolled as 'anna'"):
        remove(db, "anna", REQUEST)


def test_ids_of_before_are_forgotten_as_well(staff, config):
    staff.sql.execute("INSERT INTO former_ids VALUES ('anna-old', 'anna'), ('ben', 'anna')")  # ben is another by now
    access(staff, person="anna-old", detail="")
    forget(staff, config, "anna", REQUEST)
    assert bodies(staff)[-1]["person"].startswith("forgotten-")
    assert people.get_person(staff, "ben") is not None


def test_an_id_of_before_forgets_nobody_by_half(staff, config):
    rename(staff, "anna", "anne", REQUEST)
    with pytest.raises(CommandError, match="anna is called anne now: say anne"):
        forget(staff, config, "anna", REQUEST)
    with pytest.raises(CommandError, match="anna is called anne now: say anne"):
        held(staff, config, "anna", NOW)
    assert people.get_person(staff, "anne") is not None
    assert bodies(staff)[0]["person"] == "anna"


def test_what_fails_half_way_leaves_everything(staff, config):
    staff.sql.execute("CREATE TRIGGER fails BEFORE INSERT ON receipts BEGIN SELECT raise(ABORT, 'full'); END")
    before = [table(staff, name) for name in ("people", "templates", "events", "audit", "punches")]
    with pytest.raises(ValueError, match="full"):
        forget(staff, config, "anna", REQUEST)
    assert before == [table(staff, name) for name in ("people", "templates", "events", "audit", "punches")]


class TestWords:
    """Ids are words that others are, too."""

    @pytest.mark.parametrize(
        ("person", "body", "after"),
        [
            ("face", {"shown": ["face"], "person": "face"}, {"shown": ["face"], "person": "X"}),
            ("match", {"reason": "match", "second": "match"}, {"reason": "match", "second": "X"}),
            ("2", {"detail": "2 more tries"}, {"detail": "2 more tries"}),
            ("2", {"detail": "0.2 to 2, need 2"}, {"detail": "0.2 to X, need 2"}),
            ("anna", {"detail": "with anna."}, {"detail": "with X."}),
            ("anna", {"detail": "anna-2 and anna.b and joanna stay"}, {"detail": "anna-2 and anna.b and joanna stay"}),
            ("anna", {"details": {"anna": [{"id": "anna"}]}}, {"details": {"X": [{"id": "X"}]}}),
            ("a.b", {"detail": "to a.b, to axb"}, {"detail": "to X, to axb"}),
        ],
    )
    def test_only_the_person_is_replaced(self, person, body, after):
        assert Pseudonyms([person], "", "X")(body) == after

    def test_names_are_replaced_too(self):
        assert Pseudonyms(["anna"], "Anna B", "X")({"name": "Anna B", "detail": "hello Anna B!"}) == {
            "name": "X",
            "detail": "hello X!",
        }

    def test_others_are_taken_out(self):
        others = Others(["ben", "007"], ["Ben Ten", "Cy"])
        body = {
            "person": "anna",
            "second": "ben",
            "detail": "0.7 to ben. 007 is to 007, with Ben Ten",
            "shown": ["ben"],
        }
        mark = Others.MARK
        assert others(body) == {
            "person": "anna",
            "second": mark,
            "detail": f"0.7 to {mark}. 007 is to {mark}, with {mark}",
            "shown": ["ben"],
        }
