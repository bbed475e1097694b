"""Rules as text: what they become, and what is told of those that would not do."""

import re
import tomllib
from datetime import date, time
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agent.access.factors import Factors
from agent.access.rules import AntiPassback, DoorRules, Grant, Mode, Zone
from agent.access.schedule import ALWAYS, Period
from agent.attendance.rules import Deduction, Key, PunchType, Rounding, TypeBy
from agent.errors import RulesRefused
from agent.rulebook import problems
from agent.rulebook.parse import LONGEST_TEXT, open_rules, parse
from agent.rulebook.tables import Rulebook

EXAMPLE = (Path(__file__).parents[1] / "deploy" / "rules.example.toml").read_text(encoding="utf-8")
ZONE = 'time_zone = "Europe/Berlin"\n'


def rules(text):
    return parse(ZONE + text, version=1)


def refused(text):
    """What is told, without the line of the time zone that every text here has before it."""
    with pytest.raises(RulesRefused) as told:
        parse(ZONE + text, version=1)
    return [re.sub(r"^line (\d+)", lambda line: f"line {int(line[1]) - 1}", one) for one in told.value.problems]


def period(text):
    start, end = text.split("-")
    return Period(time.fromisoformat(start), time.min if end == "24:00" else time.fromisoformat(end))


def keys(kind, path=()):
    """Every key of the format by its path; the names that people choose are left out."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield (*path, name)
            yield from keys(field.annotation, (*path, name))
    for inner in get_args(kind):
        yield from keys(inner, path)


NAMED = {("schedules",), ("zones",), ("doors",), ("shifts",), ("attendance", "keys"), ("attendance", "rounding")}


def written(value, path=()):
    """Every key of a text by its path, names that people choose and places in arrays left out."""
    for one in value if isinstance(value, list) else []:
        yield from written(one, path)
    for key, inner in value.items() if isinstance(value, dict) else []:
        yield (*path, key)
        tables = inner.values() if (*path, key) in NAMED else [inner]
        for table in tables:
            yield from written(table, (*path, key))


class TestExample:
    def test_it_is_accepted(self):
        made = parse(EXAMPLE, version=3)
        assert (made.version, made.zone) == (3, ZoneInfo("Europe/Berlin"))
        assert made.calendar.kind(date(2026, 12, 26)) == "holiday"
        assert made.calendar.kind(date(2026, 4, 6)) == "holiday"
        assert made.calendar.kind(date(2026, 11, 27)) == "half-day"

    def test_every_key_of_the_format_is_in_it(self):
        assert set(keys(Rulebook)) - set(written(tomllib.loads(EXAMPLE))) == set()

    def test_what_it_calls_a_default_is_one(self):
        """A key whose comment begins with "default" alone may be left out."""
        lines = [line for line in EXAMPLE.splitlines() if re.search(r"# default($|;)", line)]
        assert len(lines) > 10
        without = "\n".join(line for line in EXAMPLE.splitlines() if line not in lines)
        assert parse(without, version=1) == parse(EXAMPLE, version=1)


class TestValues:
    def test_days_ranges_and_daily_the_narrower_wins(self):
        made = rules('[schedules.x]\nsat = []\nfri-mon = ["01:00-02:00"]\ndaily = ["03:00-04:00", "22:00-24:00"]')
        one, other = (period("01:00-02:00"),), (period("03:00-04:00"), period("22:00-24:00"))
        assert made.schedules["x"].week == (one, other, other, other, one, (), one)

    def test_kinds_of_special_day(self):
        made = rules(
            '[schedules.x]\nholiday = []\nshort = ["08:00-12:00"]\n[[days]]\nname="a"\nkind="short"\ndate="12-24"'
        )
        assert made.schedules["x"].special == {"holiday": (), "short": (period("08:00-12:00"),)}

    def test_always_is_there(self):
        assert rules("").schedules == {"always": ALWAYS}

    @pytest.mark.parametrize(
        ("text", "inside", "outside"),
        [
            pytest.param('date = "12-25"', date(2030, 12, 25), date(2030, 12, 26), id="every year"),
            pytest.param('date = "12-31"\nto = "01-01"', date(2031, 1, 1), date(2031, 1, 2), id="over New Year"),
            pytest.param("date = 2026-12-24", date(2026, 12, 24), date(2027, 12, 24), id="once, a date of TOML's"),
            pytest.param('date = "2026-12-24"\nto = "2027-01-02"', date(2027, 1, 2), date(2027, 1, 3), id="a span"),
            pytest.param("easter = -2", date(2026, 4, 3), date(2026, 4, 4), id="Good Friday"),
            pytest.param(
                "easter = 1\northodox = true", date(2026, 4, 13), date(2026, 4, 6), id="Orthodox Easter Monday"
            ),
            pytest.param(
                'repeat = "FREQ=YEARLY;BYDAY=4TH;BYMONTH=11"', date(2026, 11, 26), date(2026, 11, 27), id="rule"
            ),
        ],
    )
    def test_special_days(self, text, inside, outside):
        calendar = rules(f'[[days]]\nname = "a"\n{text}').calendar
        assert (calendar.kind(inside), calendar.kind(outside)) == ("holiday", None)

    def test_a_door_with_nothing_said_is_the_default(self):
        made = rules("[doors.front]")
        assert made.doors == {"front": DoorRules("front")}
        assert made.door("other") == DoorRules("other")

    def test_a_door(self):
        front = parse(EXAMPLE, version=1).doors["front"]
        assert front.factors_in == (("night", Factors.parse("face+pin")),)
        assert (front.mode, front.unlocked, front.enters, front.leaves) == (Mode.FIRST_PERSON, "office", "building", "")
        assert front.modes_by == {"cli", "mqtt", "guards"}
        assert parse(EXAMPLE, version=1).doors["vault-outer"].interlock == ("vault-inner",)

    def test_zones(self):
        zones = parse(EXAMPLE, version=1).zones
        assert zones["canteen"] == Zone("canteen", AntiPassback.TIMED, 1800.0)
        assert zones["building"].exempt == {"guards"}
        assert zones["vault"].silent_peers_deny

    def test_grants_of_a_group_in_one_schedule_are_one(self):
        made = rules(
            '[schedules.day]\n[doors.a]\n[doors.b]\n[[grants]]\ngroups=["g","h"]\ndoors=["a"]\n'
            '[[grants]]\ngroups=["g"]\ndoors=["b"]\n[[grants]]\ngroups=["g"]\ndoors=["*"]\nschedule="day"'
        )
        assert made.grants["g"] == (
            Grant(frozenset("g"), frozenset("ab"), "always"),
            Grant(frozenset("g"), frozenset("*"), "day"),
        )
        assert made.grants["h"] == (Grant(frozenset("h"), frozenset("a"), "always"),)

    def test_attendance(self):
        hours = parse(EXAMPLE, version=1).attendance
        assert hours.doors == {"front": TypeBy.KEY, "canteen": TypeBy.FIXED, "vault-outer": TypeBy.SCHEDULE}
        assert hours.fixed == {"canteen": PunchType.BREAK_START}
        assert hours.by_schedule == (("morning", PunchType.IN), ("always", PunchType.OUT))
        assert hours.keys == {"workshop": Key("workshop", PunchType.IN, "4711")}
        assert hours.day_starts == time(4)
        assert hours.deductions == (Deduction(360, 30), Deduction(540, 45))
        assert hours.rounding[PunchType.IN] == Rounding(15, "up")
        assert hours.shifts["early"].schedule.name == "early-shift"
        assert hours.work == ((frozenset({"cleaners"}), "early"),)

    def test_where_none_were_given_there_is_only_a_time_zone(self):
        made = open_rules(ZoneInfo("Asia/Kathmandu"))
        assert (made.version, str(made.zone), made.doors) == (0, "Asia/Kathmandu", {})

    def test_given_rules_never_have_the_version_of_none(self):
        with pytest.raises(ValueError, match="from 1"):
            parse(EXAMPLE, version=0)


class TestRefused:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            pytest.param("x = ", "line 1: not valid TOML: Invalid value", id="no TOML"),
            pytest.param("[doors.a]\n[doors.a]", "line 2: not valid TOML: Cannot declare", id="a table twice"),
            pytest.param("\n[schedule.a]", "line 2: unknown table 'schedule'; did you mean 'schedules'?", id="a table"),
            pytest.param(
                "[doors.a]\nenter = 1", "line 2: [doors.a] unknown key 'enter'; did you mean 'enters'?", id="a key"
            ),
            pytest.param("doors = 5", "line 1: doors = 5: want dictionary", id="no table"),
            pytest.param("[doors]\na = 5", "line 2: [doors] a: want a table, not 5", id="no table of a door"),
            pytest.param(
                '[schedules.a]\nmon-fri = [\n"07:00-19:00",\n"7-8"]',
                "line 4: [schedules.a] mon-fri: '7-8': want from-to as in",
                id="a time in a long array",
            ),
            pytest.param(
                '[schedules.a]\nmon = ["24:00-06:00"]', "line 2: [schedules.a] mon: '24:00-06:00'", id="24:00"
            ),
            pytest.param(
                '[schedules.a]\nmon = ["07:00-12:00", "11:00-13:00"]',
                "line 2: [schedules.a] mon: 07:00-12:00 and 11:00-13:00 overlap",
                id="periods that overlap",
            ),
            pytest.param(
                '[schedules.a]\nmon = ["22:00-06:00", "23:00-23:30"]',
                "22:00-06:00 and 23:00-23:30 overlap",
                id="at night",
            ),
            pytest.param(
                "[schedules.a]\nmon-wed = []\nwed-fri = []",
                "line 3: [schedules.a] wed-fri: wed-fri and mon-wed both say what holds on wed",
                id="two ranges",
            ),
            pytest.param("[schedules.a]\nholliday = []", "'holliday' is no day", id="a kind of day that is none"),
            pytest.param("[schedules.a]\nholliday = []", "did you mean 'holiday'?", id="a kind that was meant"),
            pytest.param("[schedules.always]", "'always' is there already", id="another always"),
            pytest.param('[schedules."*"]', "line 1: [schedules] *: '*': want a name", id="a name"),
            pytest.param(
                '[[days]]\nname="a"\nkind="mon-fri"\neaster=1', "[[days]] kind: 'mon-fri' means days", id="kind"
            ),
            pytest.param('[[days]]\nname="a"', "line 1: [[days]]: want one of date, easter and repeat", id="no day"),
            pytest.param('[[days]]\nname="a"\neaster=1\ndate="12-24"', "line 1: [[days]]: want one of", id="two ways"),
            pytest.param(
                '[[days]]\nname="a"\ndate="02-30"', "line 3: [[days]] date: '02-30': want a date", id="30 Feb"
            ),
            pytest.param('[[days]]\nname="a"\ndate="2026-02-30"', "line 3: [[days]] date: '2026-02-30'", id="once"),
            pytest.param('[[days]]\nname="a"\ndate=1066-10-14', "(1970 to 2199)", id="long ago"),
            pytest.param(
                '[[days]]\nname="a"\ndate="12-24"\nto="2026-12-25"', "line 4: [[days]] to: write both", id="mixed"
            ),
            pytest.param(
                '[[days]]\nname="a"\ndate="2026-12-24"\nto="2026-12-23"',
                "line 4: [[days]] to: want a day from",
                id="back",
            ),
            pytest.param(
                '[[days]]\nname="a"\neaster=400', "line 3: [[days]] easter = 400: want at most 230", id="Easter"
            ),
            pytest.param(
                '[[days]]\nname="a"\nrepeat="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"',
                "line 3: [[days]] repeat: there is no such day",
                id="a rule that never comes true",
            ),
            pytest.param(
                '[zones.z]\nanti_passback="timed"', "line 1: [zones.z] timed_minutes: goes with", id="timed by what"
            ),
            pytest.param(
                '[zones.z]\nanti_passback="hard"\ntimed_minutes=5',
                "line 3: [zones.z] timed_minutes: goes",
                id="not timed",
            ),
            pytest.param(
                '[doors.a]\nmode="first_person"', "line 2: [doors.a] mode: 'first_person' needs a schedule", id="when"
            ),
            pytest.param('[doors.a]\ninterlock=["a"]', "line 2: [doors.a] interlock: the door 'a' cannot", id="itself"),
            pytest.param(
                '[doors.front]\n[[grants]]\ngroups=["g"]\ndoors=["frnt"]',
                "line 4: [[grants]] doors: there is no door 'frnt'; did you mean 'front'?",
                id="no such door",
            ),
            pytest.param(
                '[[grants]]\ngroups=["g"]\ndoors=["*"]\nschedule="nigth"\n[schedules.night]',
                "line 4: [[grants]] schedule: there is no schedule 'nigth'; did you mean 'night'?",
                id="no such schedule",
            ),
            pytest.param(
                '[[grants]]\ngroups=["*"]\ndoors=[]', "line 3: [[grants]] doors: want at least 1, got 0", id="none"
            ),
            pytest.param('[[grants]]\ndoors=["*"]', "line 1: [[grants]] groups is missing", id="to whom"),
            pytest.param(
                '[doors.a]\ntwo_person="x"', "line 2: [doors.a] two_person: there is no schedule 'x'", id="two"
            ),
            pytest.param('[doors.a]\nenters="x"', "line 2: [doors.a] enters: there is no zone 'x'", id="no such zone"),
            pytest.param(
                '[doors.a]\nenters=""\nleaves=""', "line 2: [doors.a] enters: '' is the zone", id="goes nowhere"
            ),
            pytest.param("[doors.a]\npulse_seconds=86401", "pulse_seconds = 86401: want at most 86400", id="too long"),
            pytest.param(
                "[doors.a]\npulse_seconds=nan", "pulse_seconds = nan: want a finite number", id="not a number"
            ),
            pytest.param(
                "[doors.a]\npulse_seconds=20",
                "[doors.a] extended_seconds: 15 is less than pulse_seconds = 20",
                id="extended",
            ),
            pytest.param(
                "[doors.a]\nlockout_seconds=7200", "longest_lockout_seconds: 3600 is less than lockout", id="lock-outs"
            ),
            pytest.param(
                '[doors.a]\nfactors_in={x="face"}', "[doors.a.factors_in] x: there is no schedule 'x'", id="in"
            ),
            pytest.param('[doors.a]\nfactors="foot"', "[doors.a] factors: 'foot' is no way to be let in", id="by foot"),
            pytest.param('[doors."a b"]', "line 1: [doors] a b: want 1 to 64 letters", id="no name of a device"),
            pytest.param(
                '[attendance]\ntype_by="fixed"', "[attendance] type_by: 'fixed' needs the type", id="fixed to"
            ),
            pytest.param(
                '[doors.a]\n[attendance]\ndoors={a="fixed"}',
                "line 3: [attendance.doors] a: 'fixed' needs",
                id="fixed at",
            ),
            pytest.param(
                '[attendance]\ntype_by="schedule"', "[attendance] by_schedule: 'schedule' needs it", id="by which"
            ),
            pytest.param('[attendance.keys.in]\ntype="in"', "line 1: [attendance.keys] in: 'in' is a type", id="a key"),
            pytest.param(
                "[attendance]\n" + "\n".join(f'keys.k{n}.type="in"' for n in range(17)),
                "keys: want at most 16",
                id="keys",
            ),
            pytest.param(
                "[attendance]\ndeductions=[{after_minutes=1}]",
                "[[attendance.deductions]] minutes is missing",
                id="inline",
            ),
            pytest.param(
                '[[work]]\ngroups=["g"]\nshift="x"', "line 3: [[work]] shift: there is no shift 'x'", id="work"
            ),
            pytest.param(
                '[shifts.a]\nschedule="x"', "line 2: [shifts.a] schedule: there is no schedule 'x'", id="shift"
            ),
        ],
    )
    def test_with_the_line_and_the_reason(self, text, told):
        assert any(told in one for one in refused(text)), refused(text)

    @pytest.mark.parametrize(
        ("zone", "told"),
        [
            ('"Europe/Berlni"', "line 1: time_zone: there is no time zone 'Europe/Berlni'; did you mean 'Europe/Ber"),
            ('"Europe"', "line 1: time_zone: there is no time zone 'Europe'"),
            ('"../../etc/passwd"', "line 1: time_zone: '../../etc/passwd': want the name of a time zone"),
            ("5", "line 1: time_zone: 5: want the name of a time zone"),
        ],
    )
    def test_the_time_zone(self, zone, told):
        with pytest.raises(RulesRefused) as refused:
            parse(f"time_zone = {zone}", version=1)
        assert refused.value.problems[0].startswith(told)

    def test_nothing_is_no_rules(self):
        with pytest.raises(RulesRefused, match="line 1: time_zone is missing"):
            parse("", version=1)

    def test_all_problems_at_once_in_the_order_of_the_text(self):
        told = refused(
            '[doors.a]\nmodus=1\nenters="x"\n[schedules.s]\nmon=["x"]\n[[grants]]\ngroups=["g"]\ndoors=["b"]'
        )
        assert [one.split(":")[0] for one in told] == ["line 2", "line 3", "line 5", "line 8"]

    def test_of_very_many_the_first_hundred(self):
        told = refused("".join(f"[doors.d{number}]\nx = 1\n" for number in range(500)))
        assert len(told) == problems.MOST_TOLD + 1
        assert told[-1] == "and 400 more"

    def test_lines_end_as_on_any_system(self):
        with pytest.raises(RulesRefused, match="line 3: unknown table 'x'"):
            parse(f"\ufeff{ZONE}\n[x]".replace("\n", "\r\n"), version=1)


class TestHostile:
    @pytest.mark.timeout(20)
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            pytest.param("x = " + "[" * 100_000, "line 1: nested deeper than", id="arrays in arrays"),
            pytest.param(".".join("a" * 100_000) + " = 1", "line 1: nested deeper than", id="a key of many parts"),
            pytest.param("x = " + "9" * 100_000, "not valid TOML: Exceeds the limit", id="a huge number"),
            pytest.param("[doors.a]\nfailures = " + "9" * 4000, "want at most 100", id="a number"),
            pytest.param("[doors.a]\npulse_seconds = " + "9" * 4000, "pulse_seconds = 99", id="seconds"),
            pytest.param("[doors.a]\nfailures = 0x" + "f" * 100_000, "= a huge number: want", id="hexadecimal"),
            pytest.param('x = "\0"', "line 1: not valid TOML", id="a NUL"),
            pytest.param(
                '[schedules."\\u0000"]', "line 1: [schedules] \0: '\\x00': want a name", id="a NUL that is written"
            ),
            pytest.param("x" * LONGEST_TEXT, "want at most 1,000,000", id="too long"),
            pytest.param("[a]\n" * 200_000, "line 2: not valid TOML", id="very many tables"),
            pytest.param("[[days]]\n" * 100_000, "days: want at most 1000", id="very many days"),
            pytest.param(
                "[doors.a]\n" + '[[grants]]\ngroups=["g"]\ndoors=["b"]\n' * 20_000, "grants: want at most", id="grants"
            ),
            pytest.param(
                '[[days]]\nname="a"\nrepeat="FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"\n' * 20, "no such day", id="rules"
            ),
            pytest.param(
                '[[days]]\nname="a"\nrepeat="FREQ=DAILY"\n' * 101, "days: want at most 100 with", id="more rules"
            ),
            pytest.param("".join(f"k{number} = 1\n" for number in range(60_000)), "and 59,900 more", id="unknown keys"),
        ],
    )
    def test_is_refused_in_time(self, text, told):
        assert any(told in one.replace("59900", "59,900") for one in refused(text)), refused(text)[:3]

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_a_spoiled_example_is_accepted_or_refused_and_nothing_else(self, data):
        lines = EXAMPLE.splitlines()
        for _ in range(data.draw(st.integers(1, 4))):
            number = data.draw(st.integers(0, len(lines) - 1))
            spoil = data.draw(st.sampled_from(["drop", "double", "cut", "swap", "value"]))
            line = lines[number]
            match spoil:
                case "drop":
                    lines[number] = ""
                case "double":
                    lines[number] = f"{line}\n{line}"
                case "cut":
                    lines[number] = line[: data.draw(st.integers(0, len(line)))]
                case "swap":
                    other = data.draw(st.integers(0, len(lines) - 1))
                    lines[number], lines[other] = lines[other], line
                case "value":
                    value = data.draw(st.sampled_from(["[]", "{}", "-1", "1e99", '"x"', "[[1]]", "true", "nan", '"*"']))
                    lines[number] = re.sub(r"=.*", f"= {value}", line)
        try:
            parse("\n".join(lines), version=1)
        except RulesRefused as error:
            told = error.problems
        else:
            told = ()
        assert all(re.match(r"line \d+: .", one) for one in told)
