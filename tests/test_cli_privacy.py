"""Forgetting, exporting, receipts, retention and the audit from the command line."""

import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from agent.store import events
from agent.store.db import open_db
from agent.store.times import to_text
from tests.fakes.blocks import GREEN, RED, Block
from tests.fakes.terminal import Terminal, forget_logging


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUDO_USER", "olga")
    latchkey = Terminal(tmp_path, monkeypatch, capsys)
    for name, color in (("anna", RED), ("bob", GREEN)):
        latchkey.photo(f"staff/{name}/1.png", Block(color))
    assert latchkey("enrol", "staff").code == 0
    yield latchkey
    forget_logging()


class TestForget:
    def test_a_person_is_forgotten_and_a_receipt_is_left(self, latchkey):
        outcome = latchkey("forget", "anna", "--yes", "--reason", "her letter")
        assert outcome.code == 0
        assert outcome.out.startswith("anna forgotten: deleted templates 1, people 1; ")
        (receipt,) = latchkey("receipts", "list", "--json").json
        assert receipt["receipt"] in outcome.out
        assert (receipt["person"], receipt["by"], receipt["rule"], receipt["reason"]) == (
            "anna", "cli:olga", "asked", "her letter",
        )  # fmt: skip
        assert latchkey("receipts", "show", "anna", "--json").json == receipt
        assert "deleted: templates 1, people 1" in latchkey("receipts", "show", receipt["receipt"]).out
        assert "her letter" in latchkey("receipts", "list").out
        assert [one["id"] for one in latchkey("people", "list", "--json").json] == ["bob"]

    def test_nobody_is_forgotten_without_a_yes(self, latchkey, monkeypatch, tmp_path):
        (tmp_path / "answer").write_text("n\n")
        with (tmp_path / "answer").open() as answer:
            monkeypatch.setattr("sys.stdin", answer)
            assert latchkey("forget", "anna").code == 1
        assert len(latchkey("people", "list", "--json").json) == 2

    def test_attendance_is_what_one_says(self, latchkey):
        assert latchkey("forget", "anna", "--yes", "--attendance", "delete", "--json").json["kept"] == {}
        assert latchkey("forget", "bob", "--yes", "--attendance", "burn").code == 2

    def test_of_whom_nothing_is_held_is_said(self, latchkey):
        outcome = latchkey("forget", "carl", "--yes")
        assert (outcome.code, outcome.err) == (1, "latchkey: nothing is held of 'carl': nobody was forgotten\n")

    def test_a_receipt_that_is_not_there_is_said(self, latchkey):
        outcome = latchkey("receipts", "show", "anna")
        assert (outcome.code, outcome.err) == (
            1, "latchkey: there is no receipt 'anna': see `latchkey receipts list`\n",
        )  # fmt: skip


class TestExport:
    def test_a_file_to_read_and_to_read_by_programs(self, latchkey):
        outcome = latchkey("export", "anna", "--out", "anna.zip")
        assert outcome.code == 0
        assert outcome.out.startswith("anna.zip: all that is held about anna: ")
        with zipfile.ZipFile("anna.zip") as archive:
            data = json.loads(archive.read("data.json"))
            assert b"<h2>Face templates (1)</h2>" in archive.read("index.html")
        assert len(data["held"]["templates"][0]["vector"]) == 16  # base64 of three numbers
        assert latchkey("audit", "list", "--person", "anna", "--json").json_lines[-1]["action"] == "exported"

    def test_a_folder_that_is_not_there_is_said(self, latchkey):
        outcome = latchkey("export", "anna", "--out", "absent/anna.zip", "--json")
        assert (outcome.code, outcome.json["error"]["code"]) == (2, "failed")
        assert "want a file in a folder" in outcome.err

    def test_of_whom_nothing_is_held_is_said(self, latchkey):
        assert latchkey("export", "carl", "--out", "carl.zip").code == 1


class TestRetention:
    @pytest.fixture
    def old(self, latchkey):
        at = datetime.now(UTC) - timedelta(days=400)
        with open_db(latchkey.database) as db:
            events.append(db, "access", at, "b", {})
            db.sql.execute("UPDATE people SET state = 'left', left_at = ? WHERE id = 'bob'", (to_text(at),))
        return latchkey

    def test_a_dry_run_tells_and_does_nothing(self, old):
        assert old("retention", "run", "--dry-run").out == "bob: left\n1 person, events 1\n"
        assert old("retention", "run", "-n", "--json").json == {"counts": {"events": 1}, "people": {"bob": "left"}}

    def test_a_run_forgets_and_the_next_finds_nothing(self, old):
        done = old("retention", "run", "--json").json
        assert done["removed"] == {"events": 1}
        assert old("receipts", "show", "bob", "--json").json["receipt"] == done["people"]["bob"]
        assert old("retention", "run").out == "0 people\n"

    def test_a_clock_that_nobody_has_set_forgets_nothing_unless_one_says_so(self, old, tmp_path):
        (tmp_path / "timesync").mkdir()
        never_set = ("--set", f"clock.synchronised_file={tmp_path / 'timesync' / 'synchronized'}")
        outcome = old("retention", "run", *never_set)
        assert outcome.code == 1
        assert "nothing has set it: nothing was forgotten" in outcome.err
        assert old("retention", "run", "--clock-is-right", *never_set).code == 0


class TestAudit:
    def test_changes_are_listed_with_who_made_them(self, latchkey):
        assert latchkey("people", "remove", "bob", "--yes").code == 0
        number, _, by, action, subject, details = latchkey("audit", "list").out.splitlines()[1].split()
        assert (number, by, action, subject, details) == ("1", "cli:olga", "enrolled", "anna", '{"templates":1}')
        rows = latchkey("audit", "list", "--json").json_lines
        assert [(row["number"], row["action"], row["subject"]) for row in rows] == [
            (1, "enrolled", "anna"), (2, "enrolled", "bob"), (3, "removed", "bob"),
        ]  # fmt: skip
        assert [row["number"] for row in latchkey("audit", "list", "--person", "bob", "--json").json_lines] == [2, 3]

    def test_a_whole_chain_is_whole(self, latchkey):
        head = latchkey("audit", "head").out.strip()
        assert head.endswith("@2")
        assert latchkey("audit", "verify", "--anchor", head).out == f"whole up to row 2: {head}\n"
        assert latchkey("audit", "head", "--json").json == {"number": 2, "hash": head.removesuffix("@2")}

    def test_the_first_broken_row_is_named(self, latchkey):
        with open_db(latchkey.database) as db:
            db.sql.execute("UPDATE audit SET subject = 'eve' WHERE number = 2")
        outcome = latchkey("audit", "verify")
        assert (outcome.code, outcome.out.splitlines()[0][:22]) == (1, "broken: row 2 was chan")
        assert latchkey("audit", "verify", "--json").json["broken"]["number"] == 2

    def test_a_tail_that_was_cut_off_shows_against_the_anchor(self, latchkey):
        head = latchkey("audit", "head").out.strip()
        with open_db(latchkey.database) as db:
            db.sql.execute("DELETE FROM audit WHERE number = 2")
        assert latchkey("audit", "verify").code == 0
        outcome = latchkey("audit", "verify", "--anchor", head)
        assert outcome.code == 1
        assert "row 2 and all up to 2 are missing" in outcome.out

    def test_what_is_no_anchor_is_said(self, latchkey):
        outcome = latchkey("audit", "verify", "--anchor", "12")
        assert outcome.code == 1
        assert "--anchor: an anchor is a hash" in outcome.err
