"""`latchkey simulate`: scripts that are wrong, and what a script can say."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.access.holder import State
from agent.access.rules import Mode
from agent.attendance.punch import Clock
from agent.cli.entry import main
from agent.errors import ScriptRefused
from agent.rulebook.parse import open_rules, parse
from agent.simulate.outcome import Decided, Noted
from agent.simulate.people import ATTRIBUTES
from agent.simulate.read import LONGEST_TEXT, read
from agent.simulate.script import FORMS, Step
from agent.simulate.site import replay
from agent.simulate.story import lines

TEXT = 'time_zone = "Europe/Berlin"\n[doors.front]\n[doors.side]\n[[grants]]\ngroups=["*"]\ndoors=["*"]\n[attendance]\n'
RULES = parse(TEXT, version=1)
OPEN = open_rules(ZoneInfo("UTC"))
HEAD = "person anna badge 1042 pin 4711 card A-1\nday 2026-11-23\n"


def problems(text, rules=RULES):
    with pytest.raises(ScriptRefused) as refused:
        read(text, rules)
    return list(refused.value.problems)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param("09:00 front face ben", "there is no person 'ben': add `person ben ...` above", id="a stranger"),
        pytest.param("09:00 frnt face anna", "the rules have no door 'frnt'; there are front, side", id="no such door"),
        pytest.param("09:00 front face", "want `face PERSON [again]`", id="too little"),
        pytest.param("09:00 front face anna twice", "want `face PERSON [again]`", id="an odd word"),
        pytest.param("09:00 front opens wide", "want `opens`", id="too much"),
        pytest.param("09:00 front pin", "want `pin [BADGE] PIN [key KEY] [mode MODE]`", id="a PIN without one"),
        pytest.param("09:00 front pin 1 2 key", "want `pin [BADGE] PIN [key KEY] [mode MODE]`", id="half a pair"),
        pytest.param("09:00 front card A-1 colour red", "want `card NUMBER [key KEY] [mode MODE]`", id="an odd pair"),
        pytest.param("09:00 front key lunch", "there is no attendance key 'lunch' in the rules", id="no such key"),
        pytest.param("09:00 front storage gone", "want `storage ok|failed [open]`", id="an odd state"),
        pytest.param("09:00 front storage ok open", "want `storage ok|failed [open]`", id="a policy for nothing"),
        pytest.param("09:00 front", "want a door and what happens there, such as `front face anna`", id="nothing"),
        pytest.param("9:00 front face anna", "want `person`, `day` or a time such as 08:58 first", id="9:00"),
        pytest.param("25:00 front face anna", "hour must be in 0..23", id="no such hour"),
        pytest.param("day 23.11.2026", "want `day` and a date such as 2026-11-23", id="a date of another kind"),
        pytest.param("day 2026-11-31", "day is out of range for month", id="no such day"),
        pytest.param("day 2026-11-22", "2026-11-22 is before 2026-11-23: days go on", id="yesterday"),
        pytest.param("09:00 person ben from 9999-12-31", "want a time in the years 1970 to 2199", id="no such year"),
        pytest.param("person", "want `person ID` and any of: ", id="nobody"),
        pytest.param("person ben state ill", "there is no state 'ill'; there are active,", id="no such state"),
        pytest.param("person ben height 180", "'height' is nothing that a person has; there are ", id="no such thing"),
        pytest.param("person ben badge", "want a value after badge", id="no value"),
        pytest.param("person ben badge 1042", "the badge number 1042 is anna's already", id="a badge twice"),
        pytest.param("person ben card a-1", "the card a-1 is anna's already", id="a card twice"),
        pytest.param("person ben card", "want a number after card", id="no number"),
        pytest.param("person ben factors smile", "'smile' is no way to be let in; there are ", id="no such factor"),
        pytest.param("person ben from noon", "want a time such as 08:58, 08:58:05 or 02:30+01:00", id="noon"),
        pytest.param("09:00 front types *#", "a PIN is typed as PIN# or BADGE*PIN#, with digits only", id="garbage"),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_told_with_its_number(line, problem):
    (told,) = problems(
        f"{HEAD}08:00 front face anna\n{line}\n" if line[0].isdigit() else f"{HEAD}{line}\n08:00 front unknown"
    )
    number = 4 if line[0].isdigit() else 3
    assert told.startswith(f"line {number}: {problem}")


def test_a_mode_and_a_happening_that_there_is_not_are_told_with_those_there_are():
    first, second, third = problems(
        f"{HEAD}09:00 front mode ajar\n09:01 front explodes\n09:02 front card A-1 mode ajar"
    )
    assert first == "line 3: want `mode MODE`"
    assert second.startswith("line 4: 'explodes' is nothing that happens at a door; there are face, unknown,")
    assert third.startswith("line 5: there is no mode 'ajar'; there are normal,")


def test_all_lines_that_are_wrong_are_told():
    assert len(problems("person a b\nperson -\n08:00 front face anna\nhello")) == 4


def test_time_goes_on():
    (told,) = problems(f"{HEAD}09:00 front unknown\n08:59 front unknown")
    assert told == "line 4: 08:59 is before the 2026-11-23 09:00:00 of the line above: time goes on"


def test_a_time_needs_a_day():
    assert problems("08:00 front unknown") == ["line 1: want a line such as `day 2026-11-23` above the first time"]


def test_a_person_who_changes_later_needs_a_time():
    (told,) = problems(f"{HEAD}09:00 front unknown\nperson anna state left")
    assert told == "line 4: a person who changes later needs a time before `person`"


def test_nothing_at_all():
    (told,) = problems("# nothing\n\n")
    assert told.startswith("nothing happens: want lines such as")


def test_a_text_that_is_too_long():
    assert problems("#" * (LONGEST_TEXT + 1))[0].startswith("the script has 1,000,001 characters")


class TestClockChanges:
    def steps(self, *clocks, day="2026-10-25"):
        text = "".join(f"{clock} front unknown\n" for clock in clocks)
        return [step.at for step in read(f"day {day}\n{text}", RULES).steps]

    def test_an_hour_that_is_shown_twice_goes_on(self):
        assert self.steps("02:30", "02:45", "02:15", "03:00") == [
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            datetime(2026, 10, 25, 0, 45, tzinfo=UTC),
            datetime(2026, 10, 25, 1, 15, tzinfo=UTC),
            datetime(2026, 10, 25, 2, 0, tzinfo=UTC),
        ]

    def test_an_offset_says_which(self):
        assert self.steps("02:30+01:00") == [datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]

    def test_an_hour_that_is_skipped_is_refused(self):
        (told,) = problems("day 2026-03-29\n02:30 front unknown")
        assert told == "line 2: 02:30 is never shown on 2026-03-29: the clock is set forward over it"


def test_comments_start_after_a_space_so_that_pins_may_end_in_a_hash():
    (step,) = read(f"{HEAD}09:00 front types 1042*4711#  # typed", RULES).steps
    assert isinstance(step, Step)
    assert step.words == ("1042*4711#",)


def test_the_example_says_everything_that_can_be_said():
    text = (Path(__file__).parents[1] / "deploy/day.example.txt").read_text(encoding="utf-8")
    script = read(text, OPEN)
    comments = " ".join(text.split())
    assert {step.verb for step in script.steps if isinstance(step, Step)} >= {*FORMS} - {
        "ambiguous", "inconsistent", "empty_gallery",
    }  # fmt: skip
    assert all(each in comments for each in [*FORMS, *Mode, *State, *Clock, *ATTRIBUTES])
    assert [*lines(replay(script, OPEN))]
    rules = parse((Path(__file__).parents[1] / "deploy/rules.example.toml").read_text(encoding="utf-8"), version=1)
    assert [*lines(replay(read(text, rules), rules))]


def test_every_verb_does_something():
    arguments = {
        "face": "anna", "card": "A-1", "pin": "4711", "types": "4711#", "key": "in", "mode": "normal",
        "storage": "ok", "clock": "rtc",
    }  # fmt: skip
    text = "".join(f"09:{minute:02} front {verb} {arguments.get(verb, '')}\n" for minute, verb in enumerate(FORMS))
    found = replay(read(HEAD + text, RULES), RULES)
    assert {told.door for told in found.told} == {"front"}


def test_without_rules_everybody_may_at_any_door():
    found = replay(read(f"{HEAD}09:00 anywhere face anna\n09:05 elsewhere face anna", OPEN), OPEN)
    assert [told.decision.outcome for told in found.told] == ["granted", "granted"]


def test_a_grant_that_is_not_used_is_noted_where_there_is_a_contact():
    text = f"{HEAD}09:00 front face anna\n10:00 front opens\n10:00:01 front closes"
    told = replay(read(text, RULES), RULES).told
    assert [(each.what, each.about) for each in told if isinstance(each, Noted)][:1] == [("not_passed", "anna")]


def test_a_face_again_is_a_repeat_and_no_punch():
    found = replay(read(f"{HEAD}09:00:00 front face anna\n09:00:20 front face anna again", RULES), RULES)
    first, second = [told for told in found.told if isinstance(told, Decided)]
    assert (len(first.punches), second.decision.repeat, second.punches) == (1, True, ())


def test_where_attendance_is_off_there_is_no_timesheet():
    rules = parse(
        'time_zone = "UTC"\n[[grants]]\ngroups=["*"]\ndoors=["*"]\n[attendance]\nenabled = false\n', version=1
    )
    text = [*lines(replay(read(f"{HEAD}09:00 front face anna", rules), rules))]
    assert text == [
        "Mon 2026-11-23",
        "  09:00:00  front  granted  match                 anna          Welcome.  [5 s; always]",
    ]


class TestCommand:
    @pytest.fixture
    def day(self, tmp_path):
        day = tmp_path / "day.txt"
        day.write_text(f"{HEAD}09:00 front face anna\n", encoding="utf-8")
        return day

    def test_it_prints_decisions_and_the_timesheet(self, day, capsys):
        day.with_suffix(".toml").write_text(TEXT, encoding="utf-8")
        assert main(["simulate", str(day)]) == 0
        out = capsys.readouterr().out.splitlines()
        assert out[1].split()[:5] == ["09:00:00", "front", "granted", "match", "anna"]
        assert out[3].split()[:4] == ["person", "day", "in", "out"]

    def test_the_rules_beside_the_script_are_taken(self, day, capsys):
        day.with_suffix(".toml").write_text('time_zone = "UTC"\n', encoding="utf-8")
        assert main(["simulate", str(day)]) == 0
        assert "no_access" in capsys.readouterr().out

    def test_without_rules_everybody_may_and_nobody_punches(self, day, capsys):
        assert main(["simulate", str(day), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["events"][0]["reason"], told["timesheet"]) == ("match", [])

    def test_it_prints_json(self, day, capsys):
        day.with_suffix(".toml").write_text(TEXT, encoding="utf-8")
        assert main(["simulate", str(day), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["events"][0]["reason"] == "match"
        assert told["timesheet"][0]["person"] == "anna"

    def test_a_script_that_is_wrong_is_told_with_file_and_line(self, day, capsys):
        day.write_text("day 2026-11-23\n09:00 front face ben\n", encoding="utf-8")
        assert main(["simulate", str(day)]) == 1
        assert f"{day}: line 2: there is no person 'ben'" in capsys.readouterr().err

    def test_rules_that_are_wrong_are_told_with_file_and_line(self, day, tmp_path, capsys):
        rules = tmp_path / "rules.toml"
        rules.write_text('time_zone = "Mars"\n', encoding="utf-8")
        assert main(["simulate", str(day), "--rules", str(rules)]) == 1
        assert f"{rules}: line 1: " in capsys.readouterr().err

    @pytest.mark.parametrize("missing", ["script", "rules"])
    def test_a_file_that_is_not_there(self, day, tmp_path, missing, capsys):
        absent = str(tmp_path / "absent")
        arguments = [absent] if missing == "script" else [str(day), "--rules", absent]
        assert main(["simulate", *arguments]) == 1
        assert f"cannot read the {missing} {absent}: No such file or directory" in capsys.readouterr().err

    def test_a_file_that_is_no_text(self, day, capsys):
        day.write_bytes(b"\xff\xfe\x00")
        assert main(["simulate", str(day)]) == 1
        assert "it is not UTF-8" in capsys.readouterr().err
