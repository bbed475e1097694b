"""Changes of a rulebook's text: what was asked is there, and nothing else is another."""

import copy
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from agent.errors import RulesRefused
from agent.rulebook.edits import Edits, edited
from agent.rulebook.parse import LONGEST_TEXT, parse, rulebook
from agent.rulebook.plain import plain
from agent.rulebook.sheet import MOST_READ
from agent.rulebook.uses import used

EXAMPLE = (Path(__file__).parents[1] / "deploy" / "rules.example.toml").read_text(encoding="utf-8")
EDITS = TypeAdapter(Edits)

SMALL = """\
# The house of Ann.
time_zone = "UTC"   # for now

# When
[schedules.office]
mon-fri = ["07:00-19:00"]   # as agreed
                            # in spring
sat = []

# Where
[doors.front]   # the glass one
unlocked = "office"
mode = "scheduled"

[[grants]]
groups = ["staff"]
doors = ["*"]
schedule = "office"
"""
INLINE = """\
time_zone = "UTC"
schedules = { office = { mon-fri = ["07:00-19:00"] } }   # all of them
days = [{ name = "New Year", date = "01-01" }]
grants = [
    { groups = ["staff"], doors = ["front"], schedule = "office" },   # ours
    { groups = ["guests"], doors = ["front"], schedule = "office" }   # theirs
]
doors.front.mode = "normal"   # dotted
doors."back".mode = "normal"
"""


def change(text, *edits):
    return edited(text, EDITS.validate_python([*edits], strict=True))[0]


def put(path, value):
    return {"edit": "put", "path": path.split("."), "value": value}


def drop(*path):
    return {"edit": "drop", "path": [*path]}


def add(table, at=None, **value):
    return {"edit": "add", "table": table, "value": value, "at": at}


def rename(table, name, to):
    return {"edit": "rename", "table": table, "name": name, "to": to}


def book(text):
    return plain(tomllib.loads(text.replace("\r\n", "\n")))


class TestPut:
    def test_a_value_alone_is_another(self):
        assert change(SMALL, put("time_zone", "Asia/Tokyo")) == SMALL.replace(
            'time_zone = "UTC"   # for', 'time_zone = "Asia/Tokyo" # for'
        )

    def test_comments_stay_below_each_other(self):
        changed = change(SMALL, put("schedules.office.mon-fri", ["08:00-09:00"]))
        assert changed == SMALL.replace("07:00-19:00", "08:00-09:00")
        changed = change(SMALL, put("schedules.office.mon-fri", []))
        assert "mon-fri = []                # as agreed\n                            # in spring" in changed

    def test_the_same_value_changes_nothing(self):
        odd = SMALL.replace('["07:00-19:00"]', "[ '07:00-19:00' ,]")
        assert change(odd, put("schedules.office.mon-fri", ["07:00-19:00"])) == odd

    def test_a_key_is_added_before_the_heading_of_what_follows(self):
        changed = change(SMALL, put("schedules.office.sun", ["10:00-12:00"]))
        assert changed == SMALL.replace("sat = []\n", 'sat = []\nsun = ["10:00-12:00"]\n')

    def test_and_behind_a_comment_that_goes_on(self):
        text = SMALL.replace("sat = []\n", "")
        changed = change(text, put("schedules.office.sun", []))
        assert changed == text.replace("# in spring\n", "# in spring\nsun = []\n")

    def test_a_table_is_added_behind_its_kind(self):
        changed = change(SMALL, put("schedules.late shift", {"daily": ["22:00-06:00"]}))
        assert changed == SMALL.replace("sat = []\n", 'sat = []\n\n[schedules."late shift"]\ndaily = ["22:00-06:00"]\n')

    def test_the_first_of_its_kind_stands_at_the_end(self):
        changed = change(SMALL, put("zones.house", {"anti_passback": "soft"}))
        assert changed == SMALL + '\n[zones.house]\nanti_passback = "soft"\n'

    def test_of_a_table_only_what_differs_is_written(self):
        changed = change(SMALL, put("doors.front", {"unlocked": "office", "mode": "first_person", "failures": 3}))
        assert changed == SMALL.replace('"scheduled"\n', '"first_person"\nfailures = 3\n')

    def test_none_takes_away(self):
        assert change(SMALL, put("schedules.office.sat", None)) == SMALL.replace("sat = []\n", "")
        assert change(SMALL, put("doors.front", {"mode": None})) == SMALL.replace(
            'unlocked = "office"\nmode = "scheduled"\n', ""
        )

    def test_none_takes_nothing_from_a_table_that_is_not_there(self):
        assert change(SMALL, put("zones.house.anti_passback", None), put("attendance.keys.job", None)) == SMALL

    def test_what_is_missing_on_the_way_is_made(self):
        changed = change(SMALL, put("attendance.keys.job", {"type": "in"}), put("attendance.enabled", False))
        assert changed.endswith('\n[attendance.keys.job]\ntype = "in"\n\n[attendance]\nenabled = false\n')
        changed = change(SMALL, put("doors.back.factors_in.office", "card"))
        assert '\n[doors.back]\nfactors_in = { office = "card" }\n' in changed

    def test_an_empty_text_but_for_headers_gets_its_line_at_the_top(self):
        text = "[doors.a]\n"
        with pytest.raises(RulesRefused, match="time_zone is missing"):
            change(text, put("doors.a.mode", "normal"))

    def test_indented_keys_are_joined_by_indented_ones(self):
        text = SMALL.replace("sat = []", "  sat = []")
        assert "\n  sat = []\n  sun = []\n" in change(text, put("schedules.office.sun", []))

    def test_dates_may_be_written_as_such(self):
        text = SMALL + '[[days]]\nname = "x"\ndate = 2026-01-02\n'
        assert change(text, put("time_zone", "UTC")) == text
        same = {"edit": "put", "path": ["days", 0, "date"], "value": "2026-01-02"}
        assert change(text, same) == text
        assert 'date = "2026-01-03"' in change(text, same | {"value": "2026-01-03"})


class TestArrays:
    TEXT = (
        SMALL
        + '[attendance]\nterminals = [   # clocks\n    "front",   # 1\n    "back", "side",   # 2\n]\n'
        + "[doors.back]\n[doors.side]\n"
    )

    @pytest.mark.parametrize(
        ("names", "written"),
        [
            (["front", "back"], '[   # clocks\n    "front",   # 1\n    "back",   # 2\n]'),
            (["front", "side"], '[   # clocks\n    "front",   # 1\n    "side",   # 2\n]'),
            (["back", "side"], '[   # clocks\n    "back", "side",   # 2\n]'),
            (
                ["front", "back", "side", "*"],
                '[   # clocks\n    "front",   # 1\n    "back", "side",   # 2\n    "*",\n]',
            ),
            (
                ["*", "front", "back", "side"],
                '[   # clocks\n    "*",\n    "front",   # 1\n    "back", "side",   # 2\n]',
            ),
            (
                ["front", "*", "back", "side"],
                '[   # clocks\n    "front",   # 1\n    "*",\n    "back", "side",   # 2\n]',
            ),
            (["front", "back", "*", "side"], '[   # clocks\n    "front",   # 1\n    "back", "*", "side",   # 2\n]'),
            (["*", "back", "side"], '[   # clocks\n    "*",   # 1\n    "back", "side",   # 2\n]'),
            ([], "[   # clocks\n]"),
        ],
        ids=lambda value: "+".join(value) or "none" if isinstance(value, list) else "",
    )
    def test_elements_keep_their_lines(self, names, written):
        changed = change(self.TEXT, put("attendance.terminals", names))
        assert f"terminals = {written}\n" in changed

    def test_many_alike_are_left_to_a_person(self):
        with pytest.raises(RulesRefused, match="only a person can change"):
            change(self.TEXT, put("attendance.terminals", ["front"] * 6))

    def test_without_a_comma_at_the_end(self):
        text = INLINE + '\n[attendance]\nterminals = [\n  "front" # 1\n]\n'
        changed = change(text, put("attendance.terminals", ["front", "*"]))
        assert changed.endswith('[\n  "front", # 1\n  "*",\n]\n')

    @pytest.mark.parametrize("remark", ["#" * 200, "# one, two", "# ,"])
    def test_a_comment_is_a_comment_whatever_is_in_it(self, remark):
        """A regular expression read 200 of `#` in 2^200 ways, and nothing else ran meanwhile."""
        text = INLINE + f'\n[attendance]\nterminals = [\n  "front",\n  "back" {remark}\n]\n'
        assert change(text, put("attendance.terminals", ["front"])).endswith('"front",\n]\n')
        more = change(text, put("attendance.terminals", ["front", "back", "*"]))
        assert more.endswith(f'"front",\n  "back", {remark}\n  "*",\n]\n')


class TestDrop:
    def test_a_key_takes_its_comment_with_it(self):
        changed = change(SMALL, drop("schedules", "office", "mon-fri"))
        assert changed == re.sub(r"mon-fri.*\n.*spring\n", "", SMALL)

    def test_a_table_takes_what_is_in_it_and_leaves_the_heading_of_what_follows(self):
        text = SMALL.replace("# Where", "[schedules.late]\n# quiet\nsat = []\n\n# Where")
        assert change(text, drop("schedules", "late")) == SMALL

    def test_the_last_of_a_kind(self):
        assert change(SMALL, drop("grants", 0)) == SMALL[: SMALL.index("[[grants]]")]

    def test_what_is_still_used_is_refused_by_its_lines(self):
        with pytest.raises(RulesRefused) as refused:
            change(SMALL, drop("schedules", "office"))
        assert len(refused.value.problems) == 2
        assert "[doors.front] unlocked: there is no schedule 'office'" in refused.value.problems[0]

    def test_what_is_not_there_is_gone_already(self):
        assert change(SMALL, drop("zones", "x"), drop("grants", 7), drop("time_zone", "x")) == SMALL

    def test_below_a_place_that_is_none(self):
        with pytest.raises(RulesRefused, match=r"there is no grants\.7 in these rules"):
            change(SMALL, {"edit": "put", "path": ["grants", 7, "schedule"], "value": "always"})


class TestAdd:
    def test_at_the_end_in_the_middle_and_first(self):
        one, two, three = ({"name": name, "date": f"01-0{number}"} for number, name in enumerate("abc", start=1))
        changed = change(EXAMPLE, add("days", **one), add("days", at=1, **two), add("days", at=0, **three))
        names = [day["name"] for day in book(changed)["days"]]
        assert [names[0], names[2], names[-1]] == ["c", "b", "a"]
        assert kept(EXAMPLE, changed)

    def test_where_there_were_none(self):
        changed = change(SMALL, add("days", name="x", easter=1))
        assert changed == SMALL + '\n[[days]]\nname = "x"\neaster = 1\n'


class TestRename:
    @pytest.mark.parametrize(
        ("table", "name"),
        [(table, name) for table in ("schedules", "zones", "doors", "shifts") for name in book(EXAMPLE)[table]],
    )
    def test_every_use_follows(self, table, name):
        uses = used(book(EXAMPLE), table)[name]
        changed = change(EXAMPLE, rename(table, name, "new.name"))
        parse(changed, version=1)
        after = book(changed)
        assert name not in used(after, table)
        assert len(used(after, table)["new.name"]) == len(uses)
        assert [*after[table]].index("new.name") == [*book(EXAMPLE)[table]].index(name)
        assert kept(EXAMPLE, changed)

    def test_to_a_name_that_is_taken(self):
        with pytest.raises(RulesRefused, match="'night' is there already"):
            change(EXAMPLE, rename("schedules", "office", "night"))

    def test_of_what_is_not_there(self):
        with pytest.raises(RulesRefused, match=r"there is no zones\.x"):
            change(EXAMPLE, rename("zones", "x", "y"))

    def test_to_itself(self):
        assert change(EXAMPLE, rename("schedules", "office", "office")) == EXAMPLE


class TestOtherWaysToWrite:
    def test_inline_tables_and_dotted_keys(self):
        changed = change(
            INLINE,
            put("schedules.late", {"sat": []}),
            put("schedules.office.mon-fri", ["08:00-12:00"]),
            add("grants", groups=["x"], doors=["*"]),
            drop("grants", 1),
            drop("days", 0),
            put("doors.front.failures", 3),
            rename("doors", "front", "main"),
        )
        assert (
            changed
            == """\
time_zone = "UTC"
schedules = { office = { mon-fri = ["08:00-12:00"] }, late = { sat = [] } } # all of them
days = []
grants = [
    { groups = ["staff"], doors = ["main"], schedule = "office" },   # ours
    { groups = ["x"], doors = ["*"] },
]
doors.main.mode = "normal"   # dotted
doors.main.failures = 3
doors."back".mode = "normal"
"""
        )

    def test_line_ends_of_windows_and_a_mark_stay(self):
        text = "\ufeff" + SMALL.replace("\n", "\r\n")
        assert change(text, put("time_zone", "Asia/Tokyo")).replace("\r\n", "\n") == "\ufeff" + change(
            SMALL, put("time_zone", "Asia/Tokyo")
        )
        assert "\n" not in change(text, put("doors.back", {})).replace("\r\n", "")

    def test_what_is_written_as_tables_is_not_replaced_at_once(self):
        with pytest.raises(RulesRefused, match="grants is written as tables: change them one by one"):
            change(SMALL, put("grants", []))

    @pytest.mark.parametrize(
        ("written", "edit"),
        [
            ('schedules = { a = { mon = [\n"07:00-12:00", # why\n] } }\n', put("schedules.a.tue", [])),
            (
                'schedules = { a = {} }\ngrants = [\n{ groups = ["x"], doors = [\n"*" # all\n] },\n]\n',
                {"edit": "put", "path": ["grants", 0, "schedule"], "value": "a"},
            ),
        ],
        ids=["in a table", "in an element"],
    )
    def test_a_comment_where_it_cannot_be_kept_is_left_to_a_person(self, written, edit):
        with pytest.raises(RulesRefused, match="only a person can change"):
            change('time_zone = "UTC"\n' + written, edit)

    def test_a_text_that_is_wrong_is_refused_before(self):
        with pytest.raises(RulesRefused, match="line 2: "):
            change('time_zone = "UTC"\nx = 1\n', put("time_zone", "UTC"))

    def test_names_that_need_quotes(self):
        changed = change(SMALL, rename("schedules", "office", 'a "b" \\ ü'))
        assert 'a "b" \\ ü' in book(changed)["schedules"]

    def test_what_an_edit_nests_too_deep_is_refused_by_the_next_as_well(self):
        deep: list[object] = []
        for _ in range(20):
            deep = [deep]
        with pytest.raises(RulesRefused, match="nested deeper"):
            change(SMALL, put("doors.front.interlock", deep), put("time_zone", "Asia/Tokyo"))

    @pytest.mark.parametrize(
        "wrong",
        [add("grants", doors=5), put("zones", 5), drop("grants", 0, "groups")],
        ids=["added", "put", "dropped"],
    )
    def test_what_an_edit_makes_wrong_is_refused_before_the_next_that_minds(self, wrong):
        allowed = {"edit": "grant", "group": "staff", "door": "front", "schedules": []}
        with pytest.raises(RulesRefused):
            change(SMALL, rename("doors", "front", "gate"), wrong, allowed)

    def test_what_is_said_of_the_new_text_is_what_it_says(self):
        text, meant = edited(SMALL, EDITS.validate_python([rename("doors", "front", "gate")], strict=True))
        assert ([*meant.doors], meant) == (["gate"], rulebook(text))

    def test_many_changes_of_a_long_text_are_refused(self):
        long = SMALL + "#" * (MOST_READ // 5)
        again = [rename("doors", one, other) for one, other in pairwise(["front", "a", "b", "c", "d", "e", "f"])]
        assert "[doors.e]" in change(long, *again[:5])
        with pytest.raises(RulesRefused, match="so many changes at once"):
            change(long, *again)

    def test_one_change_at_many_places_of_a_long_text_is_many(self):
        grant = '[[grants]]\ngroups = ["{}", "x"]\ndoors = ["front"]\n'
        long = SMALL + "".join(grant.format(f"g{number}") for number in range(10)) + "#" * (MOST_READ // 9)
        with pytest.raises(RulesRefused, match="so many changes at once"):
            change(long, {"edit": "grant", "group": "x", "door": "front", "schedules": []})

    def test_it_does_not_grow_without_bounds(self):
        long = "x" * 64
        with pytest.raises(RulesRefused, match="want at most"):
            change(SMALL + "#" * (LONGEST_TEXT - len(SMALL) - 20), put(f"schedules.{long}", {}))

    @pytest.mark.parametrize(
        "edit",
        [
            {"edit": "put", "path": [], "value": 1},
            {"edit": "put", "path": ["a"] * 7, "value": 1},
            {"edit": "put", "path": [""], "value": 1},
            {"edit": "put", "path": [-1], "value": 1},
            {"edit": "add", "table": "doors", "value": {}},
            {"edit": "rename", "table": "days", "name": "a", "to": "b"},
            {"edit": "burn", "path": ["doors"]},
        ],
        ids=str,
    )
    def test_what_is_no_edit(self, edit):
        with pytest.raises(ValidationError):
            change(SMALL, edit)


COMMENT = re.compile(r"#[^\n]*")


def kept(before, after):
    """Whether every comment is there as it was, in its order. No text here has a # in a string."""
    return COMMENT.findall(before) == COMMENT.findall(after)


PERIODS = st.sampled_from([[], ["07:00-12:00"], ["22:00-06:00"], ["00:00-24:00"], ["06:00-08:00", "18:00-20:15"]])
DAYS = st.sampled_from(["mon", "wed", "sun", "daily", "mon-fri", "sat-sun", "holiday"])
NAMES = st.sampled_from(["office", "night", "front", "late", "two words", "a.b", "ü"])


@st.composite
def rulebooks(draw):
    """One of the texts with comments put anywhere a comment may stand."""
    lines = draw(st.sampled_from([EXAMPLE, SMALL, INLINE])).splitlines()
    for at in sorted(draw(st.lists(st.integers(0, len(lines)), max_size=8)), reverse=True):
        lines.insert(at, draw(st.sampled_from(["# put here", "    # and here", "", "#"])))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n# the end\n"]))


@st.composite
def changes(draw):
    """An edit, and the same done to what the text says."""
    name, day, periods = draw(NAMES), draw(DAYS), draw(PERIODS)
    table = draw(st.sampled_from(["schedules", "doors", "zones", "shifts"]))
    match draw(st.sampled_from(["put", "new", "door", "add", "rename", "drop"])):
        case "put":
            return {"edit": "put", "path": ["schedules", name, day], "value": periods}
        case "new":
            return {"edit": "put", "path": ["schedules", name], "value": {day: periods}}
        case "door":
            return {"edit": "put", "path": ["doors", name, "failures"], "value": draw(st.integers(1, 9))}
        case "add":
            at = draw(st.none() | st.integers(0, 3))
            return add("days", at, name=name, date="05-01") if at else add("grants", at, groups=[name], doors=["*"])
        case "rename":
            return rename(table, name, draw(NAMES))
        case "drop":
            return drop("schedules", name, day)


def expected(said, edit):
    """By naive means. A rename follows its uses: that the result parses says so."""
    said = copy.deepcopy(said)
    match edit:
        case {"edit": "put", "path": [table, name, key], "value": value}:
            said.setdefault(table, {}).setdefault(name, {})[key] = value
        case {"edit": "put", "path": [table, name], "value": value}:
            said.setdefault(table, {})[name] = value
        case {"edit": "add", "table": table, "value": value, "at": at}:
            there = said.setdefault(table, [])
            there.insert(len(there) if at is None else at, value)
        case {"edit": "drop", "path": [table, name, key]}:
            said.get(table, {}).get(name, {}).pop(key, None)
        case {"edit": "rename"}:
            return None
    return said


class TestAnyEdit:
    @given(rulebooks(), st.lists(changes(), min_size=1, max_size=5))
    @settings(max_examples=150, deadline=None)
    def test_keeps_every_comment_and_says_what_was_asked(self, text, edits):
        for edit in edits:
            try:
                changed = change(text, edit)
            except RulesRefused as error:
                if "only a person" in str(error):  # all of these can be done
                    raise
                continue
            if (said := expected(book(text), edit)) is not None:
                assert book(changed) == {**said}
            if edit["edit"] == "drop":  # takes its own comments, those at the ends of its lines
                before = iter(COMMENT.findall(text))
                assert all(comment in before for comment in COMMENT.findall(changed))  # in order
            elif not (edit["edit"] == "put" and len(edit["path"]) == 2):  # takes the keys that it does not have
                assert kept(text, changed)
            text = changed
