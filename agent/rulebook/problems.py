"""Says what is wrong with a rulebook: the line, where, what was found, what is wanted, and what may have been meant."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agent.rulebook.kinds import Names
from agent.rulebook.lines import Lines, Path
from agent.rulebook.tables import Rulebook

MOST_TOLD = 100
_WHAT = {
    "schedule": "there is no schedule {name}",
    "zone": "there is no zone {name}",
    "door": "there is no door {name}",
    "shift": "there is no shift {name}",
    "day": "{name} is neither a day (mon to sun, a range as in mon-fri, daily) nor the kind of a special day in [[days]]",
}


def describe(error: ValidationError, lines: Lines, names: Names) -> list[str]:
    """Returns all problems, one a line, in the order of the text; the first `MOST_TOLD` of them if there are more."""
    found = [
        (path, detail)
        for each in error.errors(include_url=False)
        for path, detail in _split(each)
        if not _is_other_way(each, error)
    ]
    found.sort(key=lambda one: lines.of(one[0]))
    told = [f"line {lines.of(path)}: {_sentence(path, detail, names)}" for path, detail in found[:MOST_TOLD]]
    if len(found) > MOST_TOLD:
        told.append(f"and {len(found) - MOST_TOLD} more")
    return list(dict.fromkeys(told))
