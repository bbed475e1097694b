"""Who may where, as a matrix of groups and doors: changing one place of it changes as few grants as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agent.access.schedule import ALWAYS
from agent.rulebook.sheet import Sheet

_GRANTS: Final = "grants"


def granted(book: dict[str, Any], group: str, door: str) -> list[str]:
    """Returns the schedules in which a group is granted a door by name, each once; "*" is a name like another."""
    found = (_schedule(grant) for grant in book.get(_GRANTS, []) if group in grant["groups"] and door in grant["doors"])
    return list(dict.fromkeys(found))


def grant(sheet: Sheet, group: str, door: str, schedules: Sequence[str]) -> None:
    """Makes the group be granted the door in these schedules and in no others.

    Args:
        sheet: to change.
        group: a name, or "*" for everybody.
        door: a name, or "*" for every door.
        schedules: none of them: not at all.
    """
    for number in reversed(range(len(sheet.book.get(_GRANTS, [])))):
        here = sheet.book[_GRANTS][number]
        if group in here["groups"] and door in here["doors"] and _schedule(here) not in schedules:
            _take(sheet, number, group, door)
    there = granted(sheet.book, group, door)
    for schedule in schedules:
        if schedule not in there:
            _give(sheet, group, door, schedule)


def _take(sheet: Sheet, number: int, group: str, door: str) -> None:
    here = sheet.book[_GRANTS][number]
    groups = [each for each in here["groups"] if each != group]
    doors = [each for each in here["doors"] if each != door]
    if not groups and not doors:
        sheet.drop((_GRANTS, number))
    elif not groups:
        sheet.put((_GRANTS, number, "doors"), doors)
    else:
        sheet.put((_GRANTS, number, "groups"), groups)
        if doors:  # which the group keeps
            sheet.add(_GRANTS, {"groups": [group], "doors": doors, "schedule": _schedule(here)}, number + 1)


def _give(sheet: Sheet, group: str, door: str, schedule: str) -> None:
    for number, here in enumerate(sheet.book.get(_GRANTS, [])):
        if _schedule(here) == schedule:
            if set(here["groups"]) == {group}:
                return sheet.put((_GRANTS, number, "doors"), [*here["doors"], door])
            if set(here["doors"]) == {door}:
                return sheet.put((_GRANTS, number, "groups"), [*here["groups"], group])
    return sheet.add(_GRANTS, {"groups": [group], "doors": [door], "schedule": schedule}, None)


def _schedule(grant: dict[str, Any]) -> str:
    return str(grant.get("schedule", ALWAYS.name))
