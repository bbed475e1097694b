"""Rules that somebody is about to save, beside those in force."""

import pytest

from agent.errors import CommandError, RulesRefused
from agent.rulebook.edits import Put
from agent.rules_drafted import (
    LONGEST_DRAFT,
    MOST_CHANGES,
    MOST_NAMED,
    difference,
    drafted,
    effects,
    none_in_force,
    tried,
    week,
)
from agent.rules_in_force import editions
from agent.store import members
from agent.store.db import open_db
from agent.store.rules import add_rules
from tests.fakes.registers import NOW, add

TEXT = """\
time_zone = "Europe/Berlin"   # here
[schedules.office]
mon-sat = ["08:00-18:00"]
[doors.hq]
[[grants]]
groups = ["staff"]
doors = ["hq"]
schedule = "office"
"""
LATE = TEXT.replace("mon-sat", "mon-fri")
MONDAY, THURSDAY = "2026-11-23", "2026-11-26"


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        for person in ("anna", "ben", "guest"):
            add(db, person)
            members.set_groups(db, person, ["guests"] if person == "guest" else ["staff"])
        yield db


@pytest.fixture
def ruled(db):
    add_rules(db, TEXT, "cli", NOW)
    return db


class TestDraft:
    def test_what_is_not_changed_does_not_differ(self, ruled):
        draft = drafted(ruled, TEXT, [], year=2026)
        assert (draft["text"], draft["difference"], draft["year"]) == (TEXT, [], [])

    def test_a_change_is_told_as_lines(self, ruled):
        edit = Put(edit="put", path=["schedules", "office", "sat"], value=[])
        draft = drafted(ruled, TEXT, [edit], year=2026)
        assert draft["text"] == TEXT.replace('"]\n[doors', '"]\nsat = []\n[doors')
        assert [line.text for line in draft["difference"] if line.kind == "new"] == ["sat = []"]
        assert (draft["weeks"]["office"]["days"][5], draft["weeks"]["office"]["keys"]["sat"]) == ("sat", [])

    def test_where_no_rules_are_in_force_all_of_it_is_new(self, db):
        assert {line.kind for line in drafted(db, TEXT, [], year=2026)["difference"]} == {"new"}

    def test_what_is_wrong_is_told(self, db):
        with pytest.raises(RulesRefused, match=r"line 5: \[doors.hq\] unknown key 'x'"):
            drafted(db, TEXT.replace("[doors.hq]", "[doors.hq]\nx = 1"), [], year=2026)

    @pytest.mark.parametrize("ask", ["drafted", "difference", "tried", "week", "effects"])
    def test_what_would_keep_the_device_busy_is_refused(self, ruled, ask):
        long = TEXT + "#" * LONGEST_DRAFT
        asked = {
            "drafted": lambda: drafted(ruled, long, [], year=2026),
            "difference": lambda: difference(ruled, long),
            "tried": lambda: tried(ruled, long, "anna", "hq", None),
            "week": lambda: week(ruled, long, "anna", "hq", MONDAY),
            "effects": lambda: effects(ruled, long, MONDAY, here="hq"),
        }
        with pytest.raises(RulesRefused, match="more than 200,000 characters"):
            asked[ask]()


class TestTrying:
    def test_the_draft_and_what_is_in_force(self, ruled):
        said = tried(ruled, LATE, "anna", "hq", "2026-11-28 12:00")
        assert (said["draft"]["granted"], said["draft"]["reason"]) == (False, "outside_schedule")
        assert said["draft"]["version"] is None
        assert (said["in_force"]["granted"], said["in_force"]["detail"]) == (True, "office until 18:00")
        assert said["note"] is None

    def test_a_door_that_is_not_mentioned(self, ruled):
        assert "did you mean 'hq'" in tried(ruled, TEXT, "anna", "hqq", None)["note"]

    @pytest.mark.parametrize(
        ("person", "at", "match"),
        [("nobody", None, "nobody is enrolled as 'nobody'"), ("anna", "yesterday", "'yesterday' is no time")],
    )
    def test_who_or_when_is_unknown(self, ruled, person, at, match):
        with pytest.raises(CommandError, match=match):
            tried(ruled, TEXT, person, "hq", at)


class TestWeek:
    def test_day_by_day(self, ruled):
        said = week(ruled, LATE, "anna", "hq", THURSDAY)
        assert (said["days"][0], said["days"][6]) == (MONDAY, "2026-11-29")
        assert said["draft"][5:] == [[], []]
        assert said["in_force"][5:] == [[("08:00", "18:00")], []]

    @pytest.mark.parametrize("day", ["", "2026-13-01", "0001-01-01", "9999-12-31", "24.12.2026"])
    def test_what_is_no_day(self, ruled, day):
        with pytest.raises(CommandError, match="want"):
            week(ruled, TEXT, "anna", "hq", day)


class TestEffects:
    def test_who_loses_what(self, ruled):
        said = effects(ruled, LATE, MONDAY, here="hq")
        assert said["changes"] == [
            {
                "door": "hq",
                "gained": False,
                "count": 2,
                "people": ("anna", "ben"),
                "days": ["sat"],
                "from": "08:00",
                "to": "18:00",
            }
        ]
        assert (said["more"], said["not_seen"]) == (0, 0)

    def test_the_same_on_several_days_is_one(self, ruled):
        said = effects(ruled, TEXT.replace("18:00", "19:00"), MONDAY, here="hq")["changes"]
        assert [(row["gained"], row["from"], row["to"], len(row["days"])) for row in said] == [
            (True, "18:00", "19:00", 6)
        ]

    def test_the_first_rules_take_from_everybody_and_are_told_by_day(self, db):
        rows = effects(db, TEXT, MONDAY, here="back")["changes"]
        assert {(row["door"], row["gained"]) for row in rows} == {("back", False), ("hq", False)}
        guest = next(row for row in rows if row["people"] == ("guest",) and row["door"] == "hq")
        assert (guest["from"], guest["to"], len(guest["days"])) == ("00:00", "24:00", 7)

    def test_many_are_counted(self, ruled):
        for number in range(MOST_NAMED):
            add(ruled, f"p{number}")
            members.set_groups(ruled, f"p{number}", ["staff"])
        [row] = effects(ruled, LATE, MONDAY, here="hq")["changes"]
        assert (row["count"], len(row["people"])) == (MOST_NAMED + 2, MOST_NAMED)

    def test_no_more_than_can_be_read(self, ruled):
        doors = "".join(f"[doors.d{number}]\n" for number in range(MOST_CHANGES + 5))
        said = effects(ruled, TEXT.replace('["hq"]', '["*"]') + doors, MONDAY, here="hq")
        assert (len(said["changes"]), said["more"]) == (MOST_CHANGES, 5)


@pytest.mark.parametrize(
    "say",
    [
        lambda db, text: drafted(db, text, [], year=2026),
        lambda db, text: tried(db, text, "anna", "hq", None),
        lambda db, text: week(db, text, "anna", "hq", MONDAY),
        lambda db, text: effects(db, text, MONDAY, here="hq"),
    ],
    ids=["drafted", "tried", "week", "effects"],
)
def test_a_draft_that_takes_seconds_to_read_is_not_read(ruled, say):
    with pytest.raises(RulesRefused, match="more than 200,000 characters"):
        say(ruled, f"{TEXT}# {'x' * 200_000}")


def test_what_a_draft_begins_with_where_there_are_none_changes_nothing(db):
    assert effects(db, none_in_force()["text"], MONDAY, here="hq")["changes"] == []


def test_groups_and_versions(ruled):
    assert members.group_counts(ruled) == {"guests": 1, "staff": 2}
    [edition] = editions(ruled)
    assert (edition["version"], edition["by"], "text" in edition) == (1, "cli", False)
