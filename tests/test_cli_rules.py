"""`latchkey rules`."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli.rules import MOST_BYTES
from agent.store.db import open_db
from agent.store.people import add_person
from tests.fakes.terminal import Terminal, forget_logging

EXAMPLE = Path(__file__).parents[1] / "deploy" / "rules.example.toml"
SMALL = 'time_zone = "UTC"\n[schedules.day]\ndaily = ["08:00-18:00"]\nholiday = []\n'


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.toml").write_text(SMALL)
    (tmp_path / "other.toml").write_text(SMALL + "[doors.front]\n")
    (tmp_path / "bad.toml").write_text(
        SMALL + '[doors.front]\nmood = "x"\n[[grants]]\ngroups = ["g"]\ndoors = ["frnt"]\n'
    )
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


class TestCheck:
    def test_good_ones(self, latchkey):
        outcome = latchkey.run("rules", "check", EXAMPLE)
        assert outcome.code == 0
        assert "4 doors, 5 schedules, 4 groups with grants, time zone Europe/Berlin: can be applied" in outcome.out
        assert not latchkey.database.exists()

    def test_bad_ones_line_by_line(self, latchkey):
        outcome = latchkey.run("rules", "check", "bad.toml")
        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err.splitlines() == [
            "latchkey: bad.toml: line 6: [doors.front] unknown key 'mood'; did you mean 'mode'?",
            "latchkey: bad.toml: line 9: [[grants]] doors: there is no door 'frnt'; did you mean 'front'?",
        ]

    def test_for_programs(self, latchkey):
        outcome = latchkey.run("rules", "check", "bad.toml", "--json")
        assert outcome.code == 1
        assert [one[:7] for one in outcome.json["problems"]] == ["line 6:", "line 9:"]
        assert latchkey.run("rules", "check", "good.toml", "--json").json == {"problems": []}

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (None, "cannot be read: No such file"),
            (b"\xff", "not UTF-8 text (byte 0)"),
            (bytes(MOST_BYTES + 1), "more than 4,000,000 bytes"),
        ],
        ids=["none", "no text", "too large"],
    )
    def test_no_text(self, latchkey, content, told):
        if content:
            (latchkey.folder / "x.toml").write_bytes(content)
        outcome = latchkey.run("rules", "check", "x.toml")
        assert outcome.code == 1
        assert f"x.toml: {told}" in outcome.err


class TestApply:
    def test_show_and_history(self, latchkey):
        assert latchkey("rules", "apply", "good.toml").out == "version 1 is in force\n"
        assert latchkey("rules", "apply", "good.toml").out == "version 1 is in force already\n"
        assert latchkey("rules", "apply", "other.toml", "--json").json["version"] == 2
        assert latchkey("rules", "show").out == SMALL + "[doors.front]\n"
        assert latchkey("rules", "show", "--version", "1").out == SMALL
        assert latchkey("rules", "show", "--json").json["by"].startswith("cli:")
        assert [one["version"] for one in latchkey("rules", "history", "--json").json] == [2, 1]
        assert latchkey("rules", "history").out.splitlines()[0].split() == ["version", "at", "by", "sha256"]

    def test_a_device_that_they_do_not_mention_is_told(self, latchkey):
        outcome = latchkey("rules", "apply", "other.toml")
        assert outcome.code == 0
        assert "the rules do not mention 'door', as this device is called ([device] name): only what" in outcome.err
        assert "there are front" in outcome.err
        assert latchkey("rules", "apply", "other.toml", "--set", "device.name=front").err == ""

    def test_bad_ones_leave_the_old_ones(self, latchkey):
        latchkey("rules", "apply", "good.toml")
        outcome = latchkey("rules", "apply", "bad.toml")
        assert (outcome.code, outcome.out) == (1, "")
        assert "bad.toml: line 6:" in outcome.err
        assert latchkey("rules", "show").out == SMALL

    def test_another_version_than_expected(self, latchkey):
        assert latchkey("rules", "apply", "good.toml", "--expect", "0").code == 0
        outcome = latchkey("rules", "apply", "other.toml", "--expect", "0")
        assert outcome.code == 1
        assert "somebody else changed the rules meanwhile: version 1 is in force, not 0" in outcome.err

    def test_before_any_there_is_nothing_to_show(self, latchkey):
        latchkey("rules", "apply", "bad.toml")
        outcome = latchkey("rules", "show")
        assert (outcome.code, outcome.out) == (0, "")
        assert "no rules were ever given" in outcome.err
        assert latchkey("rules", "show", "--json").json == {"version": 0, "text": ""}
        assert latchkey("rules", "show", "--version", "3").code == 1


class TestImport:
    @pytest.fixture(autouse=True)
    def files(self, latchkey):
        (latchkey.folder / "days.csv").write_text("date,name\n2026-12-25,Christmas\n2026-12-26,Boxing Day\n")
        (latchkey.folder / "days.ics").write_text(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:New Year\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY\n"
            "END:VEVENT\nEND:VCALENDAR\n"
        )

    def test_printed(self, latchkey):
        outcome = latchkey("rules", "import", "days.ics", "--kind", "closed")
        assert outcome.out == '[[days]]\nname = "New Year"\nkind = "closed"\ndate = "01-01"\n'
        assert latchkey("rules", "import", "days.csv", "--json").json[0]["date"] == "2026-12-25"
        assert not latchkey.database.exists()

    def test_added_to_the_rules_in_force(self, latchkey):
        latchkey("rules", "apply", "good.toml")
        outcome = latchkey("rules", "import", "days.csv", "--apply")
        assert outcome.out == "2 days added, 0 there already\nversion 2 is in force\n"
        shown = latchkey("rules", "show").out
        assert shown.startswith(SMALL)
        assert shown.endswith('[[days]]\nname = "Boxing Day"\nkind = "holiday"\ndate = "2026-12-26"\n')
        outcome = latchkey("rules", "import", "days.csv", "--apply")
        assert outcome.out == "0 days added, 2 there already\nversion 2 is in force already\n"

    def test_there_have_to_be_rules_in_force(self, latchkey):
        latchkey("rules", "apply", "bad.toml")
        outcome = latchkey("rules", "import", "days.csv", "--apply")
        assert outcome.code == 1
        assert "apply some first" in outcome.err

    def test_a_bad_list_names_the_file_and_the_line(self, latchkey):
        (latchkey.folder / "x.csv").write_text("25.12.2026,Christmas\n")
        outcome = latchkey("rules", "import", "x.csv")
        assert outcome.code == 1
        assert outcome.err.startswith("latchkey: x.csv: line 1: want date, name")

    def test_without_icalendar_it_says_what_to_install(self, latchkey, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "icalendar", None)
        outcome = latchkey("rules", "import", "days.ics")
        assert outcome.code == 2
        assert "pip install 'latchkey[reports]'" in outcome.err


class TestTry:
    @pytest.fixture(autouse=True)
    def anna(self, latchkey):
        (latchkey.folder / "rules.toml").write_text(
            'time_zone = "Europe/Berlin"\n[schedules.day]\ndaily = ["08:00-18:00"]\n[doors.front]\n'
            '[[grants]]\ngroups = ["*"]\ndoors = ["front"]\nschedule = "day"\n'
        )
        latchkey("rules", "apply", "rules.toml")
        with open_db(latchkey.database) as db:
            add_person(db, "anna", name=None, at=datetime(2026, 11, 22, tzinfo=UTC))

    def test_in_the_site_s_time(self, latchkey):
        assert latchkey("rules", "try", "anna", "front", "2026-07-01 17:59").out.splitlines() == [
            "Wed 2026-07-01 17:59 CEST, version 1",
            "yes, day until 18:00",
            "to be shown: face",
            "mode of the door: normal",
        ]
        assert (
            "no, outside_schedule: again Thu 08:00" in latchkey("rules", "try", "anna", "front", "2026-07-01 18:00").out
        )

    def test_for_programs(self, latchkey):
        found = latchkey("rules", "try", "anna", "front", "2026-07-01T12:00:00Z", "--json").json
        assert (found["granted"], found["schedule"], found["at"]) == (True, "day", "2026-07-01T12:00:00.000Z")
        assert "granted" in latchkey("rules", "try", "anna", "front", "--json").json

    def test_a_door_that_is_not_mentioned_is_said(self, latchkey):
        outcome = latchkey("rules", "try", "anna", "frnt", "2026-07-01 12:00")
        assert outcome.out.splitlines()[1] == "no, no_access: none of the groups may at any time"
        assert "the rules do not mention a door 'frnt'; did you mean 'front'?" in outcome.err

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["bob", "front"], "nobody is enrolled as 'bob'"),
            (["anna", "front", "noon"], "'noon' is no time"),
            (["anna", "front", "9999-12-31 23:59"], "want a time in the years 1970 to 2199"),
            (["anna", "front", "2026-03-29 02:30"], "2026-03-29 02:30 does not exist in Europe/Berlin"),
        ],
        ids=["nobody", "no time", "no such year", "skipped"],
    )
    def test_mistakes(self, latchkey, arguments, told):
        outcome = latchkey("rules", "try", *arguments)
        assert outcome.code == 1
        assert told in outcome.err
