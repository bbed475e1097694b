"""A hint that somebody followed: more faces went through an opening than were granted.

It is a hint and no more. A face counts as gone through when it was near while the door was open, for long enough to be
no flicker, and is not seen any more a moment after the door has closed; whoever still stands there was only waiting.

What it cannot see: who follows with the face turned away, behind another one, or outside the picture; who walks out
through the same opening; whether a face that is gone went through or turned back. A track that breaks makes one person
two where the second half is not recognised. So it never locks anything and decides nothing; and where the exit button
or a command has released the door, nobody knows how many were let in, and it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.access.effects import Raised
from agent.types import Alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class TailgateSettings:
    """How long, in seconds."""

    near_seconds: float = 0.5  # a face that is near for less is a flicker
    settle_seconds: float = 1.0  # after closing: whoever is still seen then did not go through


@dataclass(slots=True)
class _Near:
    """A track that was near while the door was open."""

    first: float
    last: float  # while the door was open
    person: str | None = None


@dataclass(slots=True)
class _Opening:
    people: set[str]
    faceless: int
    counted: bool = True  # who was let in is known
    closed_at: float | None = None
    near: dict[int, _Near] = field(default_factory=dict)
    still_there: set[int] = field(default_factory=set)  # a moment after closing


class Tailgate:
    """Fed with what passes and what is seen, by one thread; instants are seconds of one clock."""

    def __init__(self, settings: TailgateSettings) -> None:
        self._settings = settings
        self._opening: _Opening | None = None

    def passed(self, people: tuple[str, ...], *, faceless: int = 0, others: bool = False) -> None:
        """The door was opened for these people, or stands open while they are granted.

        Args:
            people: who.
            faceless: how many of them were granted without their face: these are among the faces that nobody knows.
            others: the exit button or a command released it as well.
        """
        if self._opening is None or self._opening.closed_at is not None:
            self._opening = _Opening(set(), 0)
        self._opening.people |= set(people)
        self._opening.faceless += faceless
        self._opening.counted &= not others

    def saw(self, at: float, near: Mapping[int, str | None]) -> Raised | None:
        """A picture was looked at.

        Args:
            at: when it was taken.
            near: the tracks whose face is near, each with who that is, where it is known.

        Returns:
            The alarm, once for an opening, when it is settled that more went through than were granted.
        """
        opening = self._opening
        if opening is None:
            return None
        if opening.closed_at is None:
            for track, person in near.items():
                seen = opening.near.setdefault(track, _Near(at, at))
                seen.last, seen.person = at, person or seen.person
            return None
        if at < opening.closed_at + self._settings.settle_seconds:
            return None
        self._opening, opening.still_there = None, set(near)
        return Raised(Alarm.TAILGATING) if self._followed(opening) > 0 else None

    def closed(self, at: float) -> None:
        """The door is closed."""
        if self._opening is not None and self._opening.closed_at is None:
            self._opening.closed_at = at

    def _followed(self, opening: _Opening) -> int:
        """Returns how many more went through than were granted."""
        if not opening.counted:
            return 0
        through = [
            seen.person or track
            for track, seen in opening.near.items()
            if track not in opening.still_there and seen.last - seen.first >= self._settings.near_seconds
        ]
        return len(set(through) - opening.people) - opening.faceless
