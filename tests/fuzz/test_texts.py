"""No file that is read in makes more trouble than a word about what is wrong with it."""

from contextlib import contextmanager, suppress
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from agent.access import keypad
from agent.attendance.roster import RosterError, read_csv
from agent.attendance.roster_ics import read_ics
from agent.errors import CommandError, ConfigError, RulesRefused, ScriptRefused
from agent.members.roll import COLUMNS, apply_roll, read_roll, write_roll
from agent.moments import FIRST, LAST
from agent.reports.basis import own_hours
from agent.rostering import import_roster
from agent.rulebook.edits import Edits, edited
from agent.rulebook.holidays import from_csv, from_ics
from agent.rulebook.parse import open_rules, parse
from agent.simulate.read import read
from agent.simulate.site import replay
from agent.store.db import open_db
from agent.store.holders import load_register
from agent.store.people import list_people
from tests.fakes.keys import KEY
from tests.fakes.registers import add, request
from tests.fakes.timeclock import utc
from tests.fuzz import texts
from tests.fuzz.effort import SECONDS, examples

pytestmark = pytest.mark.timeout(SECONDS)
NOW = utc("2026-11-26 09:00")
DAYS = [date(1970, 1, 1), date(2026, 2, 28), date(2028, 2, 29), date(2026, 12, 24), date(2199, 12, 31)]
ZONES = st.sampled_from([ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Pacific/Apia", "Pacific/Kiritimati")])
EXAMPLE = parse((texts.DEPLOY / "rules.example.toml").read_text(encoding="utf-8"), version=1)
WORDS = (
    *texts.TIMES, "day", "person", "front", "canteen", "vault-outer", "face", "anna", "vera", "again", "card", "pin",
    "key", "mode", "types", "badge", "groups", "state", "factors", "from", "to", "visitor", "0xABC", "4711",
    "1042*4711#", "free_access", "rules", "opens", "closes", "exit", "offline", "online", "storage", "failed", "open",
    "clock", "unsynchronised", "break_start", "unknown", "day 2199-12-31",
)  # fmt: skip


@examples(60)
@given(texts.mutated("rules.example.toml") | st.text())
def test_rules(text):
    with suppress(RulesRefused):
        rules = parse(text, version=1)
        assert all(rules.calendar.kind(day) is None or rules.calendar.kind(day) for day in DAYS)


PLACES = st.lists(
    st.sampled_from(
        ["schedules", "doors", "grants", "days", "attendance", "by_schedule", "factors_in", "front", "night"]
    )
    | st.integers(0, 3)
    | st.text(min_size=1, max_size=3),
    min_size=1,
    max_size=6,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["front", "office", "night", "a.b", '"', "*", "\x7f", ""])
CHANGES = st.one_of(
    st.fixed_dictionaries({"edit": st.just("put"), "path": PLACES, "value": ANYTHING}),
    st.fixed_dictionaries({"edit": st.just("drop"), "path": PLACES}),
    st.fixed_dictionaries(
        {
            "edit": st.just("add"),
            "table": st.sampled_from(["days", "grants", "work"]),
            "value": st.dictionaries(st.text(max_size=4), ANYTHING, max_size=3),
            "at": st.none() | st.integers(0, 9),
        }
    ),
    st.fixed_dictionaries(
        {"edit": st.just("rename"), "table": st.sampled_from(["schedules", "doors"]), "name": NAMES, "to": NAMES}
    ),
    st.fixed_dictionaries(
        {"edit": st.just("grant"), "group": NAMES, "door": NAMES, "schedules": st.lists(NAMES, max_size=2)}
    ),
)


@examples(100)
@given(texts.mutated("rules.example.toml"), st.lists(CHANGES, max_size=3))
def test_changes_of_rules(text, changes):
    with suppress(RulesRefused, ValidationError):
        parse(edited(text, TypeAdapter(Edits).validate_python(changes, strict=True))[0], version=1)


@examples(100)
@given(st.text() | texts.ODDITIES | st.from_regex(r"[0-9*#]{0,30}"))
def test_lines_of_a_keypad(line):
    with suppress(ValueError):
        credential = keypad.parse(line, NOW)
        assert credential.card or credential.pin


@examples(30)
@given(texts.words("day.example.txt", WORDS), st.sampled_from([EXAMPLE, open_rules(ZoneInfo("UTC"))]))
def test_scripts(text, rules):
    with suppress(ScriptRefused):
        replay(read(text, rules), rules)


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    with open_db(tmp_path_factory.mktemp("texts") / "latchkey.db", key=KEY) as opened:
        for person in ("anna", "ben", "carl"):
            add(opened, person)
        yield opened


@contextmanager
def tried(db):
    """Nothing of it stays."""
    with suppress(_OverError), db.transaction():
        yield
        raise _OverError


class _OverError(Exception):
    pass


@examples(100)
@given(texts.tables(*COLUMNS), ZONES, st.booleans())
def test_tables_of_people(db, text, zone, dry):
    with tried(db), suppress(CommandError):
        apply_roll(db, read_roll(texts.written(text), zone), request(NOW), dry=dry)
        assert write_roll(list_people(db), zone)
        assert load_register(db)


@examples(100)
@given(texts.tables("person", "date", "start", "end"), ZONES)
def test_tables_of_shifts(db, text, zone):
    with tried(db), suppress(RosterError, ConfigError):
        worked(db, read_csv(texts.written(text), zone))


def worked(db, shifts):
    """They are imported, and looked at on their days."""
    import_roster(db, request(NOW), shifts, "file")
    for shift in shifts[:3]:
        for at in (shift.starts_at, shift.ends_at, NOW):
            own_hours(db, EXAMPLE, shift.person, min(max(at, FIRST), LAST))


@examples(100)
@given(texts.tables("date", "name", "kind") | st.text())
def test_tables_of_holidays(text):
    with suppress(RulesRefused):
        for day in from_csv(texts.written(text), kind="holiday"):
            _taken(day)


@examples(100)
@given(texts.calendars() | st.binary(), ZONES, st.sampled_from([None, "anna"]))
def test_calendars_of_shifts(db, data, zone, person):
    pytest.importorskip("icalendar")
    with tried(db), suppress(RosterError, ConfigError):
        worked(db, read_ics(data, zone, until=NOW, person=person))


@examples(100)
@given(texts.calendars() | st.binary())
def test_calendars_of_holidays(data):
    pytest.importorskip("icalendar")
    with suppress(RulesRefused):
        for day in from_ics(data, kind="holiday"):
            _taken(day)


def _taken(day):
    """What is made of a holiday is a text that a rulebook can hold, though it may be refused as a rule."""
    with suppress(RulesRefused):
        parse(f'time_zone = "UTC"\n{day.toml()}', version=1)
