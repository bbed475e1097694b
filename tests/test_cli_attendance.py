"""`latchkey attendance` and `latchkey report`, and the same over MQTT."""

from __future__ import annotations

import getpass
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.attendance.punch import Clock
from agent.attendance.rules import AttendanceRules
from agent.clerks import Office
from agent.clerks.attendance import handlers
from agent.config import load_config
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.verbs.attendance import COMMANDS
from agent.reports.basis import own_hours
from agent.rules_in_force import load_rules
from agent.store import events, people, punches
from agent.store.db import open_db
from agent.store.members import set_groups
from agent.timeclock import Terminal, punch
from tests.fakes.terminal import Terminal as Shell
from tests.fakes.terminal import forget_logging
from tests.fakes.timeclock import shift, site, wall

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    """Anna came three hours ago, and Ben two, and went one ago. In March it was the same at noon."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")  # what is typed is read by the clock on the wall
    shell = Shell(tmp_path, monkeypatch, capsys)
    with open_db(shell.database) as db:
        for person in ("anna", "ben"):
            people.add_person(db, person, name=person.title(), at=datetime(2026, 1, 1, tzinfo=UTC))
        for now in (MARCH, NOW):
            come(db, "anna", now - 3 * HOUR)
            come(db, "ben", now - 2 * HOUR)
            come(db, "ben", now - HOUR)
    yield shell
    forget_logging()


def come(db, person, at, clock=Clock.SYNCHRONISED):
    terminal = Terminal("hq", "front", "b1")
    rules = replace(load_rules(db), attendance=AttendanceRules())  # somewhere else they are switched on
    return punch(db, rules, terminal, person, at, key=None, uptime=1.0, clock=clock)


def first_of(shell, person):
    return shell("attendance", "list", "--person", person, "--json").json[0]["id"]


class TestCorrecting:
    def test_a_time(self, latchkey):
        id_, at = first_of(latchkey, "anna"), NOW - 4 * HOUR
        outcome = latchkey("attendance", "correct", id_, "--at", f"{at:%Y-%m-%d %H:%M:%S}", "--why", "forgot")
        assert (outcome.code, outcome.err) == (0, "")
        (entry,) = latchkey("attendance", "list", "--person", "anna", "--json").json
        (said,) = entry["corrections"]
        assert (said["at"], said["says"], said["why"]) == (f"{at:%Y-%m-%dT%H:%M:%S}.000Z", getpass.getuser(), "forgot")
        assert entry["at"] == f"{NOW - 3 * HOUR:%Y-%m-%dT%H:%M:%S}.000Z"

    def test_void_and_withdrawn(self, latchkey):
        id_ = first_of(latchkey, "anna")
        done = latchkey("attendance", "correct", id_, "--void", "--why", "not her", "--by", "boss", "--json").json
        assert latchkey("report", "who-is-in", "--json").json == []
        latchkey("attendance", "correct", done["correction"], "--void", "--why", "it was")
        assert [each["person"] for each in latchkey("report", "who-is-in", "--json").json] == ["anna"]
        listed = latchkey("attendance", "list", "--person", "anna").out
        assert "boss: not her" in listed
        assert f"correction of {done['correction']}" in listed

    def test_a_missing_punch(self, latchkey):
        at = f"{NOW - HOUR:%Y-%m-%d %H:%M}"
        outcome = latchkey("attendance", "add", "anna", "--at", at, "--type", "out", "--why", "forgot", "--by", "boss")
        assert outcome.out.startswith("out of anna added: ")
        assert latchkey("report", "who-is-in", "--json").json == []

    def test_the_audit_tells_who_did_it(self, latchkey, monkeypatch):
        monkeypatch.setenv("SUDO_USER", "olga")
        latchkey("attendance", "add", "anna", "--at", "2026-01-02 08:00", "--type", "in", "--why", "forgot")
        *_, last = latchkey("audit", "list", "--json").json_lines
        assert (last["action"], last["by"], last["details"]["says"]) == ("punch_added", "cli:olga", "olga")

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (("correct", "nothing", "--void", "--why", "w"), 1, "no punch or correction has the id 'nothing'"),
            (
                ("add", "zoe", "--at", "2026-01-02 08:00", "--type", "in", "--why", "w"),
                1,
                "nobody is enrolled as 'zoe'",
            ),
            (("add", "anna", "--at", "noon", "--type", "in", "--why", "w"), 2, "--at: 'noon' is not a time"),
            (("import", "gone.csv"), 2, "gone.csv: No such file or directory"),
            (("import", "agent.toml"), 2, "want a file that ends in .csv or .ics"),
        ],
    )
    def test_mistakes_are_told(self, latchkey, arguments, code, message):
        outcome = latchkey("attendance", *arguments)
        assert (outcome.code, outcome.out) == (code, "")
        assert message in outcome.err
        assert "Traceback" not in outcome.err


class TestRosters:
    def test_are_imported_once_and_replaced_by_a_new_file(self, latchkey):
        file = latchkey.folder / "shifts.csv"
        file.write_text("person,date,start,end\nanna,2026-11-02,08:00,12:00\nanna,2026-11-03,08:00,12:00\n")
        done = [latchkey("attendance", "import", file, "--json").json for _ in range(2)]
        assert done == [{"shifts": 2, "changed": 2}, {"shifts": 2, "changed": 0}]
        file.write_text(file.read_text().replace("11-03,08:00,12:00", "11-03,08:00,13:00"))
        assert latchkey("attendance", "import", file).out == f"{file}: 2 shifts, 2 changed\n"
        assert len([event for event in latchkey("events", "--json").json_lines if event["kind"] == "audit"]) == 2

    def test_nothing_is_imported_for_nobody(self, latchkey):
        file = latchkey.folder / "shifts.csv"
        file.write_text("person,date,start,end\nanna,2026-11-02,08:00,12:00\nzoe,2026-11-02,08:00,12:00\n")
        outcome = latchkey("attendance", "import", file)
        assert (outcome.code, outcome.out) == (2, "")
        assert "nobody is enrolled as zoe" in outcome.err

    def test_nothing_is_imported_that_ends_twice(self, latchkey):
        file = latchkey.folder / "shifts.csv"
        file.write_text("person,date,start,end\nanna,2026-11-02,08:00,12:00\nanna,2026-11-02,08:00,13:00\n")
        outcome = latchkey("attendance", "import", file)
        assert (outcome.code, outcome.out) == (2, "")
        assert "anna works from 2026-11-02" in outcome.err
        assert "to 2 different times" in outcome.err

    def test_calendars(self, latchkey):
        file = latchkey.folder / "anna.ics"
        event = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261102T080000\r\nDTEND:20261102T120000\r\nEND:VEVENT"
        file.write_bytes(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{event}\r\nEND:VCALENDAR\r\n".encode())
        assert latchkey("attendance", "import", file, "--person", "anna", "--json").json["changed"] == 1
        assert "names no attendee" in latchkey("attendance", "import", file).err


class TestReports:
    def test_a_line_a_person_or_a_day(self, latchkey):
        outcome = latchkey("report", "attendance", "--month", "2026-03")
        assert [line.split()[:2] for line in outcome.out.splitlines()[1:]] == [["anna", "Anna"], ["ben", "Ben"]]
        outcome = latchkey("report", "attendance", "--month", "2026-03", "--person", "ben")
        assert {line.split()[0] for line in outcome.out.splitlines()[1:]} == {"ben"}

    @pytest.mark.parametrize(
        ("option", "begins"), [("--csv", b"person,name,day"), ("--xlsx", b"PK"), ("--html", b"<!doctype html>")]
    )
    def test_files_are_for_their_owner_alone(self, latchkey, option, begins):
        file = latchkey.folder / "report"
        outcome = latchkey("report", "attendance", option, "--out", file)
        assert (outcome.code, outcome.out) == (0, f"{file} written\n")
        assert file.read_bytes().startswith(begins)
        assert file.stat().st_mode & 0o777 == 0o600

    def test_json(self, latchkey):
        anna, ben = latchkey("report", "attendance", "--month", "2026-03", "--json").json
        assert ben["worked_seconds"] == 3600
        assert anna["days"][0]["flags"] == "missing_out"

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (("--csv", "--html"), 2, "exclude each other"),
            (("--month", "11/26"), 2, "--month: '11/26' is not a month"),
            (("--person", "zoe"), 1, "nobody is enrolled as 'zoe'"),
            (("--csv", "--out", "/nowhere/x.csv"), 2, "--out /nowhere/x.csv: No such file or directory"),
        ],
    )
    def test_mistakes_are_told(self, latchkey, arguments, code, message):
        outcome = latchkey("report", "attendance", *arguments)
        assert (outcome.code, outcome.out) == (code, "")
        assert message in outcome.err

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("attendance", "--html"), [("attendance", "html", 2)]),
            (("attendance", "--json", "--person", "ben"), [("attendance", "json", 1)]),
            (("exceptions", "--json"), [("exceptions", "json", 2)]),
            (("attendance",), []),
            (("exceptions",), []),
            (("who-is-in", "--json"), []),
        ],
    )
    def test_what_is_taken_away_is_in_the_audit_and_what_is_looked_at_is_not(self, latchkey, arguments, told):
        month = () if arguments[0] == "who-is-in" else ("--month", "2026-03")
        assert latchkey("report", *arguments, *month).code == 0
        with open_db(latchkey.database) as db:
            rows = [event.body for event in events.since(db, 0, 100, kinds=("audit",))]
        left = [row["details"] for row in rows if row["action"] == "report_exported"]
        assert left == [
            {"report": report, "kind": kind, "month": "2026-03", "people": people} for report, kind, people in told
        ]

    def test_who_is_in(self, latchkey):
        outcome = latchkey("report", "who-is-in")
        assert outcome.out.splitlines()[1].split()[:2] == ["anna", "Anna"]
        assert outcome.out.splitlines()[-1] == "1 person in"

    def test_exceptions(self, latchkey):
        with open_db(latchkey.database) as db:
            at = MARCH.replace(day=20)
            come(db, "ben", at, Clock.UNSYNCHRONISED)
            come(db, "gone", at)
            stranger = {"outcome": "denied", "reason": "unknown", "person": None}
            events.append(db, "access", at, "b1", stranger)
        told = latchkey("report", "exceptions", "--month", "2026-03", "--json").json
        found = {(each["person"], each["what"]) for each in told}
        assert found >= {("ben", "unsynchronised"), ("gone", "unknown"), ("", "unknown")}
        assert "turned away: unknown" in latchkey("report", "exceptions", "--month", "2026-03").out
        assert "turned away" not in latchkey("report", "exceptions", "--month", "2026-03", "--person", "ben").out


class TestOverMqtt:
    @pytest.fixture
    def ask(self, latchkey):
        with open_db(latchkey.database) as db:
            config = load_config(latchkey.config)
            office = Office(config, db, lambda change: change(db), "b1", lambda: None, lambda: MARCH)

            def ask(verb, **body):
                return handlers(office)[verb](COMMANDS[verb].model_validate({"id": "c1", **body}, strict=False))

            ask.db = db
            yield ask

    def test_own_hours(self, ask):
        hours = ask("hours", person="ben")
        assert (hours["person"], hours["worked_seconds"], hours["in_since"]) == ("ben", 3600, None)
        assert ask("hours", person="anna")["in_since"] == f"{MARCH - 3 * HOUR:%Y-%m-%dT%H:%M:%S}.000Z"

    def test_own_hours_of_who_came_before_midnight_for_the_day_after(self, ask):
        rules, came = site(**shift("00:00-08:00")), wall("2026-03-10 23:55")
        set_groups(ask.db, "ben", ["staff"])
        punch(ask.db, rules, Terminal("hq", "front", "b1"), "ben", came, key=None, uptime=1.0, clock=Clock.RTC)
        told = own_hours(ask.db, rules, "ben", came + timedelta(minutes=3))
        assert (told["in_since"], told["worked_seconds"]) == ("2026-03-10T22:55:00.000Z", 3600)

    def test_of_nobody(self, ask):
        with pytest.raises(CommandError) as caught:
            ask("hours", person="zoe")
        assert caught.value.code == Code.UNKNOWN_PERSON

    def test_who_is_in(self, ask):
        assert [(each["person"], each["where"]) for each in ask("who_is_in")["people"]] == [("anna", "front")]

    def test_a_correction_bears_repeating(self, ask):
        body = {"person": "anna", "at": MARCH - HOUR, "type": "out", "why": "forgot", "by": "boss"}
        first = ask("correct", **body)
        assert ask("correct", **body) == first
        assert ask("who_is_in")["people"] == []
        assert [each.id for each in punches.corrections(ask.db)] == ["cmd-c1"]
        again = ask("correct", id="c2", punch=first["correction"], void=True, why="no", by="boss")
        assert again["person"] == "anna"
        assert len(ask("who_is_in")["people"]) == 1

    def test_one_thing_is_named(self):
        with pytest.raises(ValueError, match="name the punch to correct, or the person"):
            COMMANDS["correct"].model_validate({"id": "c", "why": "w", "by": "b", "void": True})
