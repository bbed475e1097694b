"""Says what is wrong with a rulebook: the line, where, what was found, what is wanted, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agent.rulebook.kinds import Names, shown
from agent.rulebook.lines import Lines, Path
from agent.rulebook.tables import Rulebook

MOST_TOLD = 100
_UNKNOWN = {
    "schedule": "there is no schedule {}",
    "zone": "there is no zone {}",
    "door": "there is no door {}",
    "shift": "there is no shift {}",
    "day": "{} is no day (mon, mon-fri, daily) and no kind of special day in [[days]]",
}


def describe(error: ValidationError, lines: Lines, names: Names) -> list[str]:
    """Returns all problems, one a line, in the order of the text; the first `MOST_TOLD` of them if there are more."""
    found = [
        (lines.of(path), path, detail) for each in error.errors(include_url=False) for path, detail in _split(each)
    ]
    found.sort(key=lambda one: one[0])
    told = [f"line {line}: {_sentence(path, detail, names)}" for line, path, detail in found[:MOST_TOLD]]
    return [*dict.fromkeys(told), *([f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else [])]


def _split(detail: ErrorDetails) -> Iterator[tuple[Path, ErrorDetails]]:
    """One error as the problems that it is, each with its path; `[key]` is what pydantic calls the key of a table."""
    path = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] != "refused_keys":
        yield path, detail
        return
    for keys, text in detail["ctx"]["problems"]:
        yield (*path, *keys), {**detail, "type": "refused", "msg": text}


def _sentence(path: Path, detail: ErrorDetails, names: Names) -> str:
    key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    match detail["type"]:
        case "extra_forbidden":
            kind = "table" if isinstance(detail["input"], dict | list) else "key"
            keys = _keys(path[:-1])
            return f"{_table(path[:-1])}unknown {kind} {key!r}{_nearest(key, keys) or _all(keys)}"
        case "missing":
            return f"{_table(path[:-1])}{key} is missing"
        case "refused":
            return f"{_place(path)}: {detail['msg']}"
        case "too_short" | "too_long" as size:
            bound = "at least" if size == "too_short" else "at most"
            count = detail["ctx"]["min_length" if size == "too_short" else "max_length"]
            return f"{_place(path)}: want {bound} {count}, got {detail['ctx']['actual_length']}"
        case "unknown_name":
            what, name = detail["ctx"]["what"], detail["ctx"]["name"]
            known = names.known[what]
            return f"{_place(path)}: {_UNKNOWN[what].format(shown(name))}{_nearest(name, known)}"
        case "unknown_zone":
            name = detail["ctx"]["name"]
            return f"{_place(path)}: there is no time zone {shown(name)}{_nearest(name, available_timezones())}"
        case "model_type":
            return f"{_place(path)}: want a table, not {shown(detail['input'])}"
        case _:
            value = "" if detail["input"] == key else f" = {shown(detail['input'])}"  # a key is its own
            return f"{_place(path)}{value}: want {_wanted(detail['msg'])}"


def _place(path: Path) -> str:
    """As it would be written in the text: `[doors.front] mode`, `[[grants]] doors`."""
    last = max((number for number, part in enumerate(path) if isinstance(part, str)), default=-1)
    if last < 0:
        return "the rules"
    if last < len(path) - 1 and path[0] in {"days", "grants", "work"} and last == 0:
        return f"[[{path[0]}]]"
    return f"{_table(path[:last])}{path[last]}"


def _table(path: Path) -> str:
    """The header of a table and a blank; nothing for what stands outside every table."""
    if not path:
        return ""
    name = ".".join(part for part in path if isinstance(part, str))
    return f"[[{name}]] " if isinstance(path[-1], int) else f"[{name}] "


def _keys(path: Path) -> list[str]:
    """The keys that a table may have."""
    kind: Any = Rulebook
    for part in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation
        else:  # dict[str, X] or list[X], perhaps Annotated
            kind = get_args(kind)[-1] if get_args(kind) else None
    return [*kind.model_fields] if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _all(keys: list[str]) -> str:
    return f"; there are {', '.join(keys)}" if keys else ""


def _wanted(told: str) -> str:
    """What pydantic wants, in our words."""
    wanted = told.removeprefix("Input should be ").removeprefix("a valid ")
    for theirs, ours in (("greater than or equal to", "at least"), ("less than or equal to", "at most")):
        wanted = wanted.replace(theirs, ours)
    return wanted[:1].lower() + wanted[1:]


def _nearest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word[:80], list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
