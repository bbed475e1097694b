"""Which zone people are in: moved by the door's grants, or when it opens, and by what other doors tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import nlargest

from agent.access.around import Passage
from agent.access.passback import leads_to
from agent.access.rules import DoorRules
from agent.access.standings import Standings

_SKEW = timedelta(minutes=5)  # a passage from further ahead comes from a clock that is wrong


class Whereabouts:
    """Moves people; what the zone's other doors have to hear is kept until it is taken."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings
        self._waiting: dict[str, tuple[str, ...]] = {}  # granted, and not through yet -> all who were let in at once
        self._untold: list[Passage] = []

    def granted(self, people: tuple[str, ...], door: DoorRules, at: datetime) -> None:
        """These may go through now: they are through, or will be when the door is opened.

        Args:
            people: by id, the one whom the lock hears of last.
            door: where.
            at: now.
        """
        if door.passes_on_opening:
            self._waiting[people[-1]] = people
        else:
            self._move(people, door, at)

    def passed(self, people: Iterable[str], door: DoorRules, at: datetime) -> None:
        """The door was opened for these; whoever was let in together with them is through as well."""
        for person in people:
            self._move(self._waiting.pop(person, ()), door, at)

    def hear(self, passage: Passage, at: datetime | None) -> None:
        """Another door of the zone let somebody through; what is older than what is known is no news.

        Args:
            passage: who, whereto, when by that door's clock.
            at: now, where that is known.
        """
        if at is not None and passage.at > at + _SKEW:
            passage = replace(passage, at=at)
        standing = self._standings.of(passage.person)
        known = standing.zone_at
        if at is not None and known is not None and known > at + _SKEW:
            known = None  # the clock has been set back since
        if known is None or passage.at >= known:
            self._standings.put(passage.person, replace(standing, zone=passage.zone, zone_at=passage.at))

    def take(self) -> list[Passage]:
        """Returns the passages that other doors have not been told of."""
        untold, self._untold = self._untold, []
        return untold

    def latest(self, most: int) -> tuple[Passage, ...]:
        """Returns where people have gone, the latest first."""
        known = [
            Passage(person, standing.zone, standing.zone_at)
            for person, standing in self._standings.known().items()
            if standing.zone is not None and standing.zone_at is not None
        ]
        return tuple(nlargest(most, known, key=lambda passage: passage.at))

    def _move(self, people: tuple[str, ...], door: DoorRules, at: datetime) -> None:
        zone = leads_to(door)
        for person in people if zone is not None else ():
            self._standings.put(person, replace(self._standings.of(person), zone=zone, zone_at=at))
            self._untold.append(Passage(person, zone or "", at))
