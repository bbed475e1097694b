"""Files that people write or export from other programs: rules, calendars, tables, scripts, the configuration."""

from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import icalendar  # noqa: F401  now, so that its branches are watched

from agent.attendance.roster import RosterError, read_csv
from agent.attendance.roster_ics import read_ics
from agent.config import load_config
from agent.errors import CommandError, ConfigError, RulesRefused, ScriptRefused
from agent.members.roll import read_roll
from agent.rulebook.holidays import from_csv, from_ics
from agent.rulebook.parse import parse
from agent.simulate.read import read
from tests.fuzz.target import Target, text

DEPLOY = Path(__file__).parents[3] / "deploy"
BERLIN = ZoneInfo("Europe/Berlin")
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n"
TAIL = b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
CALENDARS = [
    HEAD + body + TAIL
    for body in (
        b"DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas",
        b"DTSTART;TZID=Europe/Berlin:20261024T220000\r\nDURATION:PT8H\r\nATTENDEE:mailto:ben@example.org",
        b"DTSTART:20261024T080000Z\r\nDTEND:20261024T170000Z\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,FR;COUNT=9\r\nATTENDEE:anna",
    )
]


def rules(_stack: ExitStack):
    def feed(data):
        with suppress(RulesRefused):
            parse(text(data), version=1)

    return feed


def holidays(_stack: ExitStack):
    """A table or a calendar; what is taken is a text that a rulebook can hold."""

    def feed(data):
        for reader, found in ((from_csv, text(data)), (from_ics, data)):
            with suppress(RulesRefused):
                for day in reader(found, kind="holiday"):
                    with suppress(RulesRefused):
                        parse(f'time_zone = "UTC"\n{day.toml()}', version=1)

    return feed


def shifts(_stack: ExitStack):
    def feed(data):
        with suppress(RosterError, ConfigError):
            read_csv(text(data), BERLIN)
        with suppress(RosterError, ConfigError):
            read_ics(data, BERLIN, until=UNTIL)

    return feed


def roll(_stack: ExitStack):
    def feed(data):
        with suppress(CommandError):
            read_roll(text(data), BERLIN)

    return feed


def scripts(_stack: ExitStack):
    known = parse((DEPLOY / "rules.example.toml").read_text(encoding="utf-8"), version=1)

    def feed(data):
        with suppress(ScriptRefused):
            read(text(data), known)

    return feed


def settings(stack: ExitStack):
    """The bytes of agent.toml."""
    file = Path(stack.enter_context(TemporaryDirectory(dir="/dev/shm"))) / "agent.toml"

    def feed(data):
        file.write_bytes(data)
        with suppress(ConfigError):
            load_config(file, {}, {})

    return feed


ROLL = b"id,name,badge,groups,from,to,state\nanna,Anna,1042,staff,2026-01-01,,active\n"
SHIFTS = b"person,date,start,end\nanna,2026-11-02,22:00,06:00\n"
RULES = (DEPLOY / "rules.example.toml").read_bytes()
SETTINGS = b"\n".join(
    line.removeprefix(b"#") for line in (DEPLOY / "agent.example.toml").read_bytes().splitlines() if b" = " in line
)
TARGETS = (
    Target("rules", rules, [RULES[:3000], b'time_zone = "UTC"\n[doors.front]\nfactors = "card+pin"\n'], share=15),
    Target("holidays", holidays, [b"date,name\n2026-12-25,Christmas\n", CALENDARS[0]], share=15, longest=2048),
    Target("shifts", shifts, [SHIFTS, *CALENDARS[1:]], share=15, longest=2048),
    Target("roll", roll, [ROLL, ROLL.replace(b",", b";")], share=60, longest=2048),
    Target("scripts", scripts, [(DEPLOY / "day.example.txt").read_bytes()[:2000]], share=20),
    Target(
        "settings", settings, [SETTINGS, b'[device]\nname = "a"\n[mqtt.tls]\nenabled = true\n'], share=20, longest=8192
    ),
)
