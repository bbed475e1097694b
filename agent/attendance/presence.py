"""Who is in: the list for whoever counts heads outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from agent.access.rules import Rules
from agent.attendance.punch import Punch
from agent.attendance.rules import PunchType


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody was let through a door."""

    person: str
    at: datetime  # UTC
    door: str


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who is in, as far as anybody knows."""

    person: str
    since: datetime  # UTC
    where: str  # the device
    by: Literal["punch", "access"]
    on_break: bool = False


def who_is_in(punches: Iterable[Punch], passages: Iterable[Passage], rules: Rules, at: datetime) -> list[Present]:
    """Returns who is in, by person.

    What happened last decides: coming or going by punch, or a door that was opened, unless it leads outside. A door
    that opens for a punch says nothing of its own. Whoever came longer ago than `longest_hours` has gone without a
    word. In doubt somebody is in: for a list of whom to look for that is the right mistake.

    Args:
        punches: as corrected, of the last `longest_hours` at least.
        passages: of the same time.
        rules: of the site.
        at: now.
    """
    longest = timedelta(hours=rules.attendance.longest_hours)
    window = timedelta(seconds=rules.attendance.repeat_seconds)
    last: dict[str, Punch] = {}
    heard: dict[str, datetime] = {}  # of the last punch, also of a repeat
    since: dict[str, datetime] = {}
    for punch in sorted(punches, key=lambda punch: (punch.at, punch.id)):
        if punch.at > at:
            continue
        heard[punch.person] = punch.at
        if punch.repeat:
            continue
        before = last.get(punch.person)
        if before is None or before.type is PunchType.OUT or punch.at - since[punch.person] > longest:
            since[punch.person] = punch.at
        last[punch.person] = punch
    present = {
        person: Present(person, since[person], punch.device, "punch", on_break=punch.type is PunchType.BREAK_START)
        for person, punch in last.items()
        if punch.type is not PunchType.OUT and at - since[person] <= longest
    }
    for passage in sorted(passages, key=lambda passage: passage.at):
        punched = heard.get(passage.person)
        if passage.at > at or at - passage.at > longest or (punched and passage.at - punched <= window):
            continue
        if rules.door(passage.door).enters == "":
            present.pop(passage.person, None)
        else:
            known = present.get(passage.person)
            came = known.since if known else passage.at
            present[passage.person] = Present(passage.person, came, passage.door, "access")
    return [present[person] for person in sorted(present)]
