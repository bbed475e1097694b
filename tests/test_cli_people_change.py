"""Changing people from the command line: particulars, PINs, cards, consent, merging, tables."""

import getpass
import json
import os
from datetime import UTC, datetime

import pytest

from agent.pins import check_pin
from agent.store import events
from agent.store.db import open_db
from agent.store.holders import load_register
from agent.store.rules import add_rules
from tests.fakes.blocks import GREEN, RED, Block
from tests.fakes.terminal import Terminal, forget_logging

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TZ", "UTC")
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


@pytest.fixture
def staff(latchkey):
    """Anna and Ben, without faces."""
    for person in ("anna", "ben"):
        assert latchkey("people", "set", person, "--new").code == 0
    return latchkey


@pytest.fixture
def typed(monkeypatch):
    """Puts lines on stdin."""
    opened = []

    def typing(*lines):
        read, write = os.pipe()
        os.write(write, "".join(f"{line}\n" for line in lines).encode())
        os.close(write)
        opened.append(os.fdopen(read))
        monkeypatch.setattr("sys.stdin", opened[-1])

    yield typing
    for each in opened:
        each.close()


def shown(latchkey, person="anna"):
    return latchkey("people", "show", person, "--json").json


def holder(latchkey, person="anna"):
    with open_db(latchkey.database) as db:
        return load_register(db).people[person]


class TestSet:
    def test_everything_at_once(self, latchkey):
        outcome = latchkey(
            "people", "set", "anna", "--new", "--name", "Anna Ågren", "--badge", "0815", "--group", "staff", "--group",
            "night", "--from", "2026-12-01", "--to", "2026-12-24T18:00+01:00", "--state", "suspended", "--factors",
            "card+pin", "--extended", "--visitor", "--notes", "contractor",
        )  # fmt: skip
        assert (outcome.code, outcome.out) == (0, "anna: suspended, night, staff\n")
        told = shown(latchkey)
        assert (told["name"], told["badge"], told["groups"], told["factors"]) == (
            "Anna Ågren", "0815", ["night", "staff"], "card+pin",
        )  # fmt: skip
        assert (told["valid_from"], told["valid_to"]) == ("2026-12-01T00:00:00.000Z", "2026-12-24T17:00:00.000Z")
        assert (told["extended"], told["visitor"], told["notes"]) == (True, True, "contractor")

    def test_what_is_not_named_stays_and_empty_takes_away(self, staff):
        staff("people", "set", "anna", "--badge", "1", "--to", "2026-12-24", "--factors", "card", "--extended")
        staff("people", "set", "anna", "--name", "Anna")
        assert (shown(staff)["badge"], shown(staff)["valid_to"]) == ("1", "2026-12-25T00:00:00.000Z")
        staff("people", "set", "anna", "--badge", "", "--to", "", "--factors", "", "--no-extended")
        told = shown(staff)
        assert [told[key] for key in ("badge", "valid_to", "factors", "extended")] == [None, None, None, False]

    def test_groups_are_added_and_taken_away(self, staff):
        staff("people", "set", "anna", "--group", "a", "--group", "b")
        staff("people", "set", "anna", "--group", "+c", "--group", "-a")
        assert shown(staff)["groups"] == ["b", "c"]

    def test_times_are_those_of_the_rules_in_force(self, staff):
        with open_db(staff.database) as db:
            add_rules(db, 'time_zone = "Europe/Berlin"\n', "cli", NOW)
        staff("people", "set", "anna", "--from", "2026-12-01T08:00", "--to", "2026-12-24")
        told = shown(staff)
        assert (told["valid_from"], told["valid_to"]) == ("2026-12-01T07:00:00.000Z", "2026-12-24T23:00:00.000Z")
        assert "2026-12-01T08:00:00+01:00,2026-12-25T00:00:00+01:00" in staff("people", "export-list").out

    def test_json_tells_the_person(self, staff):
        assert staff("people", "set", "anna", "--badge", "1", "--json").json == shown(staff)

    @pytest.mark.parametrize(
        ("options", "status", "told"),
        [
            (["--from", "soon"], 2, "Invalid value for --from: 'soon' is no time: want 2026-12-24"),
            (["--state", "gone"], 2, "Invalid value for '--state'"),
            (["--visitor"], 1, "anna is a visitor: say until when"),
            (["--factors", "nose"], 1, "'nose' is no way to be let in"),
            (["--badge", "77"], 1, "the badge number of anna is that of ben"),
        ],
    )
    def test_mistakes_change_nothing(self, staff, options, status, told):
        staff("people", "set", "ben", "--badge", "77")
        before = shown(staff)
        outcome = staff("people", "set", "anna", "--name", "New", *options)
        assert outcome.code == status
        assert told in outcome.err
        assert "Traceback" not in outcome.err
        assert shown(staff) == before

    def test_a_slip_in_the_id_adds_nobody(self, staff):
        outcome = staff("people", "set", "ana", "--badge", "1")
        assert (outcome.code, outcome.err) == (1, "latchkey: nobody is enrolled as 'ana'\n")

    def test_block(self, staff):
        assert staff("people", "block", "anna").out == "anna is blocked\n"
        assert shown(staff)["state"] == "blocked"


class TestList:
    def test_who_is_in_a_group_or_stands_so_or_is_called_so(self, staff):
        staff("people", "set", "ben", "--name", "Ben Ågren", "--group", "lab", "--state", "left")
        for options in (["--group", "lab"], ["--state", "left"], ["--search", "ågren"]):
            assert [one["id"] for one in staff("people", "list", "--json", *options).json] == ["ben"]
        assert staff("people", "list", "--group", "none", "--json").json == []

    def test_in_words(self, staff):
        staff("people", "set", "ben", "--badge", "77", "--group", "lab", "--group", "staff")
        assert staff("people", "list").out.splitlines()[2].split()[:6] == [
            "ben",
            "ben",
            "77",
            "active",
            "lab,",
            "staff",
        ]


class TestPin:
    def test_from_stdin(self, staff, typed):
        typed("4711", "2806")
        outcome = staff("people", "pin", "anna", "--duress", "--stdin")
        assert (outcome.code, outcome.out) == (0, "anna: PIN and duress PIN set\n")
        assert check_pin("4711", holder(staff).pin)
        assert check_pin("2806", holder(staff).duress)
        assert staff("people", "pin", "anna", "--clear").out == "anna has no PIN now\n"
        assert holder(staff).pin is None

    def test_asked_for_without_echo_and_twice(self, staff, monkeypatch):
        answers = iter(["4711", "4711"])
        monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
        assert staff("people", "pin", "anna", "--json").json == {"person": "anna", "pin": True, "duress": False}

    def test_never_asked_for_with_an_echo(self, staff, monkeypatch):
        monkeypatch.setattr("getpass.getpass", getpass.fallback_getpass)  # what it does without a terminal
        outcome = staff("people", "pin", "anna")
        assert (outcome.code, outcome.err) == (
            1,
            "latchkey: no terminal to ask for the PIN at: give it with --stdin\n",
        )

    def test_a_slip_the_second_time_changes_nothing(self, staff, monkeypatch):
        answers = iter(["4711", "4712"])
        monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
        outcome = staff("people", "pin", "anna")
        assert (outcome.code, outcome.err) == (1, "latchkey: that was another PIN: nothing was changed\n")
        assert holder(staff).pin is None

    @pytest.mark.parametrize(
        ("lines", "told"),
        [
            (["1234"], "the PIN counts up or down: choose another one"),
            ([""], "stdin holds no PIN"),
            ([], "stdin holds no PIN"),
        ],
    )
    def test_a_bad_one(self, staff, typed, lines, told):
        typed(*lines)
        outcome = staff("people", "pin", "anna", "--stdin")
        assert (outcome.code, outcome.err) == (1, f"latchkey: {told}\n")


class TestCard:
    def test_added_by_its_number_or_from_stdin_and_removed(self, staff, typed):
        assert (
            staff("people", "card", "add", "anna", "04:A2:2F:91:5B:80").out
            == "anna: card ending in B80 added, 1 card\n"
        )
        typed("1234 5678")
        assert staff("people", "card", "add", "anna", "--stdin").out == "anna: card ending in 78 added, 2 cards\n"
        assert "cards: B80 20" in staff("people", "show", "anna").out
        assert staff("people", "card", "remove", "anna", "--hint", "78").out == "anna: 1 card removed, 1 left\n"
        assert staff("people", "card", "remove", "anna", "04a22f915b80").out == "anna: 1 card removed, 0 left\n"
        assert staff("people", "card", "remove", "anna", "--all").out == "anna: 0 cards removed, 0 left\n"

    def test_typed_by_a_reader_where_it_is_asked_for(self, staff, monkeypatch):
        monkeypatch.setattr("getpass.getpass", lambda _: "04A22F915B80")
        assert staff("people", "card", "add", "anna").code == 0
        assert staff("people", "card", "remove", "anna", "--json").json == {"person": "anna", "removed": 1, "cards": 0}

    def test_of_somebody_else(self, staff):
        staff("people", "card", "add", "anna", "12345678")
        outcome = staff("people", "card", "add", "ben", "1234-5678")
        assert (outcome.code, outcome.err) == (1, "latchkey: this card is that of anna: remove it there first\n")

    def test_one_way_to_name_it(self, staff):
        assert staff("people", "card", "remove", "anna", "12345678", "--all").code == 2


class TestConsent:
    def test_given_and_taken_back(self, staff):
        outcome = staff("people", "consent", "anna", "--text", "notice 1", "--by", "reception")
        assert outcome.out.startswith("anna agrees to notice 1, 20")
        assert shown(staff)["consents"][0]["by"] == "reception"
        told = staff("people", "consent", "anna", "--withdraw").out
        assert told == "anna does not agree any more: 0 templates removed\n"
        assert [each["given"] for each in shown(staff)["consents"]] == [True, False]

    def test_the_text_of_the_configuration(self, staff):
        assert staff("people", "consent", "anna").code == 1
        done = staff("people", "consent", "anna", "--set", "privacy.consent_text=notice 2", "--json").json
        assert done["text"] == "notice 2"

    def test_no_face_without_it(self, latchkey):
        photo = latchkey.photo("1.png", Block(RED))
        wanted = ["--set", "privacy.require_consent=true"]
        outcome = latchkey("enrol", "anna", photo, *wanted)
        assert outcome.code == 1
        assert outcome.err.startswith("latchkey: anna has not agreed to be recognised: ask, then enrol with --consent")
        assert latchkey("people", "list", "--json").json == []
        assert latchkey("enrol", "anna", photo, "--consent", "notice 1", *wanted).code == 0
        assert [each["text"] for each in shown(latchkey)["consents"]] == ["notice 1"]
        more = latchkey.photo("2.png", Block(RED, tint=9))
        assert latchkey("enrol", "anna", more, *wanted).code == 0
        assert latchkey("people", "consent", "anna", "--withdraw").out.endswith(": 2 templates removed\n")
        assert latchkey("enrol", "anna", photo, *wanted).code == 1

    def test_of_everybody_in_a_folder(self, latchkey):
        latchkey.photo("staff/anna/1.png", Block(RED))
        latchkey.photo("staff/bob/1.png", Block(GREEN))
        wanted = ["--set", "privacy.require_consent=true", "--set", "privacy.consent_text=notice 2"]
        outcome = latchkey("enrol", "staff", *wanted)
        assert (outcome.code, outcome.out.count("has not agreed")) == (1, 2)
        assert latchkey("enrol", "staff", "--consented", *wanted).code == 0
        assert shown(latchkey, "bob")["consents"][0]["text"] == "notice 2"


class TestOneOrTwo:
    def test_rename_and_merge(self, staff):
        assert staff("people", "rename", "anna", "ann").out == "anna is ann now\n"
        assert staff("people", "merge", "ben", "ann").out == "ben is ann now: 0 templates\n"
        assert shown(staff, "ann")["former_ids"] == ["anna", "ben"]
        outcome = staff("people", "show", "ben")
        assert (outcome.code, outcome.err) == (1, "latchkey: nobody is enrolled as 'ben': that is ann now\n")

    def test_undo(self, staff):
        with open_db(staff.database) as db:
            event = events.append(db, "access", NOW, "b", {"person": "anna"})
        outcome = staff("people", "undo", "anna", event.seq, "--by", "anna")
        assert outcome.out == f"event {event.seq} was not anna: 0 templates forgotten, 0 of the punches void\n"
        assert staff("people", "undo", "ben", event.seq).code == 1


class TestTables:
    def test_import_says_what_it_would_do_then_does_it(self, latchkey):
        table = latchkey.folder / "staff.csv"
        table.write_bytes("\ufeffid;name;groups\r\nanna;Änne;a,b\r\nben;Ben;\r\n".encode())
        latchkey("people", "set", "ben", "--new")
        told = latchkey("people", "import", table, "--dry-run").out
        assert told == "nothing was done; it would be: 1 added, 1 changed, 0 unchanged\n"
        assert latchkey("people", "import", table, "--json").json == {"added": 1, "changed": 1, "unchanged": 0}
        assert shown(latchkey)["groups"] == ["a", "b"]

    def test_all_mistakes_with_their_lines(self, staff):
        table = staff.folder / "staff.csv"
        table.write_text("id,from\ncy,soon\n/,\n")
        outcome = staff("people", "import", table)
        assert outcome.code == 1
        first, second = outcome.err.splitlines()
        assert first.startswith("latchkey: line 2: 'soon' is no time")
        assert second.startswith("latchkey: line 3: '/' is not a person id")

    def test_what_is_exported_is_imported(self, staff):
        staff("people", "set", "anna", "--badge", "1", "--to", "2026-12-24", "--group", "a")
        table = staff.folder / "out.csv"
        table.write_text(staff("people", "export-list").out)
        assert staff("people", "import", table, "--json").json == {"added": 0, "changed": 0, "unchanged": 2}
        assert (
            staff("people", "export-list", "--group", "a").out.splitlines()[1].startswith("anna,anna,1,a,,2026-12-25T")
        )

    @pytest.mark.parametrize(("content", "told"), [(None, "No such file"), (b"id\n\xe4\n", 'save it as "CSV UTF-8"')])
    def test_what_cannot_be_read(self, staff, content, told):
        table = staff.folder / "staff.csv"
        if content is not None:
            table.write_bytes(content)
        outcome = staff("people", "import", table)
        assert outcome.code == 1
        assert told in outcome.err


def test_changes_are_told_as_the_command_line_s(staff):
    told = [json.loads(line) for line in staff("events", "--json").out.splitlines()]
    assert {event["action"] for event in told} == {"person_added"}
    assert all(event["by"].startswith("cli") for event in told)
