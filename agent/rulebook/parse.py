"""Reads rules: all of a text, or nothing and why not."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from agent.access.calendar import SpecialDays
from agent.access.rules import Rules
from agent.access.schedule import ALWAYS
from agent.attendance.rules import AttendanceRules
from agent.errors import RulesRefused
from agent.rulebook.compiled import compiled
from agent.rulebook.kinds import Names
from agent.rulebook.lines import Lines, TooDeep
from agent.rulebook.problems import describe
from agent.rulebook.tables import Rulebook

LONGEST_TEXT: Final = 1_000_000  # characters

_WHERE: Final = re.compile(r" \(at line (\d+), column \d+\)$")


def parse(text: str, *, version: int) -> Rules:
    """Returns the rules that `text` (TOML) writes.

    Args:
        text: as `deploy/rules.example.toml` explains.
        version: that it will have, from 1; 0 would let everybody in, see `open_rules`.

    Raises:
        RulesRefused: listing everything that is wrong with it, line by line.
    """
    if version < 1:
        raise ValueError(f"rules that were given have a version from 1, got {version}")
    return compiled(rulebook(text), version)


def rulebook(text: str) -> Rulebook:
    """Returns what `text` writes, table by table.

    Raises:
        RulesRefused: listing everything that is wrong with it, line by line.
    """
    lines, raw = scanned(same_text(text))
    names = Names.of(raw)
    try:
        return Rulebook.model_validate(raw, context=names)
    except ValidationError as error:
        raise RulesRefused(describe(error, lines, names)) from None


def open_rules(zone: ZoneInfo) -> Rules:
    """Returns the rules where none were given: everybody enrolled may, at any time, with the face; nobody punches.

    Args:
        zone: the machine's.
    """
    return Rules(
        version=0,
        calendar=SpecialDays(),
        zone=zone,
        schedules={ALWAYS.name: ALWAYS},
        attendance=AttendanceRules(enabled=False),
    )


def same_text(text: str) -> str:
    """Returns the text without what editors add: a mark of its coding, and the line ends of Windows."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def scanned(text: str) -> tuple[Lines, dict[str, Any]]:
    """Returns where things stand in a TOML text, and what it holds, whatever that means.

    Raises:
        RulesRefused: it is too long, too deep, or no TOML.
    """
    return lines_of(text), read(text)


def lines_of(text: str) -> Lines:
    """Returns where things stand in a TOML text.

    Raises:
        RulesRefused: it is too long, or too deep.
    """
    if len(text) > LONGEST_TEXT:
        raise RulesRefused([f"the rules have {len(text):,} characters: want at most {LONGEST_TEXT:,}"])
    try:
        return Lines(text)
    except TooDeep as error:
        raise RulesRefused([f"line {error.line}: {error}"]) from None


def read(text: str) -> dict[str, Any]:
    """Returns what a TOML text holds, whatever it means.

    Raises:
        RulesRefused: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = str(error)
        where = _WHERE.search(told)  # else "(at end of document)"
        line = int(where[1]) if where else text.count("\n") + 1
        raise RulesRefused([f"line {line}: not valid TOML: {_WHERE.sub('', told)[:200]}"]) from None
    except (ValueError, RecursionError) as error:  # a number that Python will not read; what `Lines` has let pass
        raise RulesRefused([f"not valid TOML: {str(error)[:100]}"]) from None
