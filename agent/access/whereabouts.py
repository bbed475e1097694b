"""Which zone people are in: moved by the door's grants, or by its contact, and by what other doors tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.access.around import Passage
from agent.access.passback import leads_to
from agent.access.rules import DoorRules
from agent.access.standings import Standings

_GRACE_SECONDS = 2.0  # who opens as the relay falls has opened
_SKEW = timedelta(minutes=5)  # a passage from further ahead comes from a clock that is wrong


@dataclass(frozen=True, slots=True)
class _Waiting:
    people: tuple[str, ...]
    zone: str
    until: float  # elapsed seconds


class Whereabouts:
    """Moves people; what the zone's other doors have to hear is kept until it is taken."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings
        self._open = False
        self._waiting: _Waiting | None = None  # granted, and the door not opened yet
        self._untold: list[Passage] = []

    def granted(self, people: tuple[str, ...], door: DoorRules, *, at: datetime, until: float) -> None:
        """These may go through now: they are through, or will be when the door is opened.

        Args:
            people: by id.
            door: where.
            at: now.
            until: the end of the grant in elapsed seconds; opened later, it was not by them.
        """
        zone = leads_to(door)
        if zone is None:
            return
        if door.passes_on_opening and not self._open:
            before = self._waiting.people if self._waiting and self._waiting.zone == zone else ()
            self._waiting = _Waiting((*before, *people), zone, until + _GRACE_SECONDS)
        else:
            self._move(people, zone, at)

    def contact(self, *, opened: bool, at: datetime, now: float) -> None:
        """The door was opened or closed.

        Args:
            opened: which of the two.
            at: now.
            now: the same in elapsed seconds.
        """
        self._open = opened
        waiting, self._waiting = self._waiting, None
        if opened and waiting and now <= waiting.until:
            self._move(dict.fromkeys(waiting.people), waiting.zone, at)

    def hear(self, passage: Passage, at: datetime | None) -> None:
        """Another door of the zone let somebody through; what is older than what is known is no news.

        Args:
            passage: who, whereto, when by that door's clock.
            at: now, where that is known.
        """
        if at is not None and passage.at > at + _SKEW:
            passage = replace(passage, at=at)
        standing = self._standings.of(passage.person)
        if standing.zone_at is None or passage.at >= standing.zone_at:
            self._standings.put(passage.person, replace(standing, zone=passage.zone, zone_at=passage.at))

    def take(self) -> list[Passage]:
        """Returns the passages that other doors have not been told of."""
        untold, self._untold = self._untold, []
        return untold

    def _move(self, people: Iterable[str], zone: str, at: datetime) -> None:
        for person in people:
            self._standings.put(person, replace(self._standings.of(person), zone=zone, zone_at=at))
            self._untold.append(Passage(person, zone, at))
