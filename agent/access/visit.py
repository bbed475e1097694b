"""What the gate remembers of one visit, and what can be said about it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from agent.gallery.verdict import verdict
from agent.types import Match, Quality, Reason, Rejection


@dataclass(frozen=True, slots=True)
class Shot:
    """One good picture of the visitor, compared with the gallery."""

    at: float  # elapsed seconds
    match: Match
    quality: Quality

    def names(self, *, threshold: float, min_margin: float) -> str | None:
        """Whom this shot alone would let in."""
        reason, _ = verdict(self.match, threshold=threshold, min_margin=min_margin)
        return self.match.person if reason is Reason.MATCH else None


@dataclass(slots=True)
class Visit:
    """One track so far. A try is what lies between two rests; times are elapsed seconds."""

    track: int
    pause: float  # seconds of the next rest
    person: str | None = None  # who it is, once that is settled
    resting_until: float = 0.0
    last_shot: float = 0.0
    compared: int = 0  # shots that could have agreed on somebody, in the whole visit
    near_since: float | None = None  # since when somebody is near, in this try
    shots: list[Shot] = field(default_factory=list)  # the good ones, of this try
    rejections: list[Rejection] = field(default_factory=list)  # the bad ones, of this try and after the last good one
    told: Counter[Reason] = field(default_factory=Counter)  # refusals, told or not, in the whole visit

    def add(self, shot: Shot, *, forget_after: float) -> None:
        """A good shot: whatever spoiled the pictures before it is mended, and shots long before it no longer count."""
        if self.stale(shot.at, after=forget_after):
            self.shots.clear()
        self.shots.append(shot)
        self.compared += shot.match.person is not None
        self.rejections.clear()
        self.near_since = shot.at

    def stale(self, now: float, *, after: float) -> bool:
        """True if the newest shot of this try is from longer ago."""
        return bool(self.shots) and now - self.shots[-1].at > after

    def refuse(self, rejection: Rejection, now: float) -> None:
        """A bad shot of somebody near."""
        self.rejections.append(rejection)
        if self.near_since is None:
            self.near_since = now

    def step_back(self) -> None:
        """Too far away to be asked for a better picture."""
        self.rejections.clear()
        self.near_since = None

    def rest(self, now: float, *, longest_pause: float, longer: bool) -> None:
        """Ends this try and waits, `longer` the next time."""
        self.shots.clear()
        self.step_back()
        self.resting_until = now + self.pause
        if longer:
            self.pause = min(2 * self.pause, longest_pause)

    def close(self) -> None:
        """Rests for as long as the track lasts."""
        self.resting_until = math.inf

    def nearest(self) -> Shot:
        """The shot that is most like somebody."""
        return max(self.shots, key=lambda shot: shot.match.similarity)

    def commonest_rejection(self) -> str:
        """The last text of the cause that spoiled most pictures."""
        code = Counter(rejection.code for rejection in self.rejections).most_common(1)[0][0]
        return next(rejection.text for rejection in reversed(self.rejections) if rejection.code == code)
