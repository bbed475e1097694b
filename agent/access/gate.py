"""Concludes from the shots of one visit who it is: k of n shots must agree, whatever one lucky shot says.

One visit is one track. What the gate knows of it:

                 a usable face                 k shots agree on a person
      (new) ──────────────────► WATCHING ────────────────────────────────► SETTLED ──┐
                                 │  │ ▲                                              │ the track
        n shots without k that   │  │ │ the pause is over; the next one is twice as  │ ends
        agree, or no patience    │  ▼ │ long where shots were compared               ├───────────► gone
                                 │ RESTING ──────────────────────────────────────────┤
        the same, and of the     ▼                                                   │
        n x tries shots of the  CLOSED ──────────────────────────────────────────────┘
        visit fewer than k are left

A stranger's chance is that of all the shots that were ever compared, so these are counted over the whole visit: no
more than n x tries, in however many tries, shots that were forgotten again included. The threshold is made for as many
(`agent.gallery.threshold`). SETTLED, RESTING and CLOSED look at the visitor now and then, for the tracker to see that
it is still the same, and conclude nothing from it; after CLOSED only a new track is a new visit.

Leaving WATCHING is a conclusion, a `Sighting`. The same person within `revisit_seconds` of being seen last is the same
visit on another track: let in again, and marked as a `repeat`. A try without agreement tells its refusal; where there
was nothing to compare, three times in a visit at most. Who stays too small, or is gone before k shots, has passed by
(`passed_by`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from agent.access.visit import Shot, Visit
from agent.elapsed import Elapsed
from agent.gallery.verdict import verdict
from agent.types import Match, Quality, Reason, Rejection, Sighting

_LONGEST_PAUSE_SECONDS = 60.0
_MOST_UNCOMPARED = 3  # refusals of one reason in a visit that are told although no shot was compared


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """How sure the gate must be, and how long it tries."""

    shots_needed: int = 2  # k: a shot for somebody else costs one
    shots: int = 5  # n, of one try
    within_seconds: float = 3.0  # in which the k lie
    min_margin: float = 0.05  # cosine, to the second person
    patience_seconds: float = 4.0  # of one try
    retry_seconds: float = 3.0  # the pause after the first refusal
    tries: int = 2  # a visit is closed after shots * tries compared shots: the threshold reckons with so many
    revisit_seconds: float = 10.0  # out of sight for less is still the same visit
    check_seconds: float = 1.0  # who is settled, resting or closed is looked at so often: still the same?


class Gate:
    """Fed with what was seen on each track; says at most one thing about each try."""

    def __init__(self, settings: GateSettings, *, camera: str, threshold: float) -> None:
        """Starts with nobody there.

        Args:
            settings: how sure, how long.
            camera: the name for sightings.
            threshold: the least similarity, cosine; may be set again when the gallery changes.
        """
        self.threshold = threshold
        self.passed_by = 0  # visitors who never came near enough, or were gone too soon
        self.repeats = 0  # people let in again on the visit that was their last one still
        self._settings = settings
        self._camera = camera
        self._elapsed = Elapsed()
        self._visits: dict[int, Visit] = {}
        self._seen: dict[str, float] = {}  # person -> elapsed seconds

    def again(self) -> Self:
        """Return a gate with the same settings that has seen nobody."""
        return type(self)(self._settings, camera=self._camera, threshold=self.threshold)

    def wants(self, track: int, at: datetime) -> bool:
        """True if a good shot of this track is worth encoding now.

        The first k at once, so that staff do not wait; then what is left of the n spread over the patience, so that
        a colleague who comes nearer is not refused in half a second.
        """
        now, visit = self._elapsed(at), self._visits.get(track)
        if visit is None:
            return True
        if visit.person is not None or now < visit.resting_until:
            return now - visit.last_shot >= self._settings.check_seconds
        if len(visit.shots) < self._settings.shots_needed:
            return True
        return now - visit.last_shot >= self._settings.patience_seconds / self._settings.shots

    def see(self, track: int, at: datetime, match: Match, quality: Quality) -> Sighting | None:
        """A good shot, compared: a conclusion if it is the one that was missing."""
        now, visit = self._elapsed(at), self._visit(track)
        visit.last_shot = now
        shot = Shot(now, match, quality)
        if visit.person is not None:
            if self._names(shot) == visit.person:
                self._seen[visit.person] = now
            return None
        if now < visit.resting_until:
            return None
        if self._enough(visit) and visit.stale(now, after=self._settings.patience_seconds):
            return self._refuse(visit, at, now)  # the try that was broken off; this shot is not compared
        visit.add(shot, forget_after=self._settings.patience_seconds)
        person = self._agreed(visit, now)
        if person is not None:
            return self._settle(visit, at, now, person)
        return self._refuse(visit, at, now) if self._over(visit, now) else None

    def reject(self, track: int, at: datetime, rejection: Rejection) -> Sighting | None:
        """A bad shot: a conclusion if somebody is near and has shown nothing better for too long."""
        now, visit = self._elapsed(at), self._visit(track)
        if visit.person is not None or now < visit.resting_until:
            return None
        if rejection.code == "too_small":
            visit.step_back()
        else:
            visit.refuse(rejection, now)
        if self._enough(visit):
            return self._refuse(visit, at, now) if self._late(visit, now) else None
        if visit.near_since is None or now - visit.near_since < self._settings.patience_seconds:
            return None
        return self._tell(visit, at, now, Reason.POOR_QUALITY, visit.commonest_rejection())

    def leave(self, track: int, at: datetime) -> Sighting | None:
        """The track has ended: a conclusion if there were shots enough for one and none was drawn yet."""
        now, visit = self._elapsed(at), self._visits.pop(track, None)
        if visit is None:
            return None
        if visit.person is not None:
            self._seen[visit.person] = now
        elif self._enough(visit):
            return self._refuse(visit, at, now)
        elif not visit.told:
            self.passed_by += 1
        return None

    def person(self, track: int) -> str | None:
        """Return who a track is, once that is settled."""
        visit = self._visits.get(track)
        return None if visit is None else visit.person

    def reopen(self, person: str) -> None:
        """What was concluded of this person came to nothing: who stands there may be recognised again."""
        self._seen.pop(person, None)
        for track, visit in list(self._visits.items()):
            if visit.person == person:
                self._visits[track] = Visit(track, pause=self._settings.retry_seconds, compared=visit.compared)

    def look_again(self) -> None:
        """Whoever stands there may be concluded once more, as a repeat, while there are shots left for it."""
        for track, visit in list(self._visits.items()):
            if visit.person is not None and self._left(visit) >= self._settings.shots_needed:
                self._visits[track] = Visit(track, pause=self._settings.retry_seconds, compared=visit.compared)

    def _visit(self, track: int) -> Visit:
        return self._visits.setdefault(track, Visit(track, pause=self._settings.retry_seconds))

    def _names(self, shot: Shot) -> str | None:
        return shot.names(threshold=self.threshold, min_margin=self._settings.min_margin)

    def _enough(self, visit: Visit) -> bool:
        """True if this try has shots enough for a conclusion."""
        return len(visit.shots) >= self._settings.shots_needed

    def _left(self, visit: Visit) -> int:
        """How many shots may still be compared in this visit."""
        return self._settings.shots * self._settings.tries - visit.compared

    def _over(self, visit: Visit, now: float) -> bool:
        """True if this try, without agreement so far, gets no more shots."""
        if len(visit.shots) >= self._settings.shots or self._left(visit) <= 0:
            return True
        return self._enough(visit) and (visit.shots[-1].match.person is None or self._late(visit, now))

    def _late(self, visit: Visit, now: float) -> bool:
        """True if the first good shot of this try is longer ago than patience lasts."""
        return now - visit.shots[0].at >= self._settings.patience_seconds

    def _agreed(self, visit: Visit, now: float) -> str | None:
        """The person that the newest shot names, if k more of the late ones name it than name somebody else."""
        named = [self._names(shot) for shot in visit.shots if now - shot.at <= self._settings.within_seconds]
        person = named[-1]
        if person is None:
            return None
        others = len(named) - named.count(person) - named.count(None)
        return person if named.count(person) - others >= self._settings.shots_needed else None

    def _settle(self, visit: Visit, at: datetime, now: float, person: str) -> Sighting:
        """The visit is `person`'s; a repeat where the last one of the same person has hardly ended."""
        seen = self._seen.get(person)
        visit.person = person
        self._seen = {p: t for p, t in self._seen.items() if now - t < self._settings.revisit_seconds} | {person: now}
        repeat = seen is not None and now - seen < self._settings.revisit_seconds
        self.repeats += repeat
        best = max((s for s in visit.shots if self._names(s) == person), key=lambda s: s.match.similarity)
        _, detail = verdict(best.match, threshold=self.threshold, min_margin=self._settings.min_margin)
        return replace(self._sighting(visit, at, Reason.MATCH, best, detail), repeat=repeat)

    def _refuse(self, visit: Visit, at: datetime, now: float) -> Sighting | None:
        """The shots of this try name nobody."""
        named = Counter(name for name in map(self._names, visit.shots) if name is not None)
        reason, detail = verdict(visit.nearest().match, threshold=self.threshold, min_margin=self._settings.min_margin)
        if visit.shots[-1].match.person is None:
            reason, detail = Reason.EMPTY_GALLERY, "nobody is enrolled"
        elif len(named) > 1:
            reason, detail = Reason.INCONSISTENT, ", ".join(f"{n} for {name}" for name, n in named.most_common())
        elif reason is Reason.MATCH:
            needed = f"{self._settings.shots_needed} within {self._settings.within_seconds:g} s"
            reason, detail = Reason.UNKNOWN, f"{named.total()} of {len(visit.shots)} shots agree, need {needed}"
        return self._tell(visit, at, now, reason, detail)

    def _tell(self, visit: Visit, at: datetime, now: float, reason: Reason, detail: str) -> Sighting | None:
        """A refusal, unless nothing was compared and it was told often enough; either way the try is over."""
        compared = any(shot.match.person is not None for shot in visit.shots)
        sighting = self._sighting(visit, at, reason, visit.nearest() if visit.shots else None, detail)
        visit.rest(now, longest_pause=_LONGEST_PAUSE_SECONDS, longer=compared)  # who only looked away is no stranger
        if self._left(visit) < self._settings.shots_needed:
            visit.close()
        visit.told[reason] += 1
        return sighting if compared or visit.told[reason] <= _MOST_UNCOMPARED else None

    def _sighting(self, visit: Visit, at: datetime, reason: Reason, best: Shot | None, detail: str) -> Sighting:
        named = Counter(name for name in map(self._names, visit.shots) if name is not None)
        return Sighting(
            at=at,
            camera=self._camera,
            track=visit.track,
            reason=reason,
            person=visit.person,
            match=best.match if best else None,
            threshold=self.threshold,
            shots=len(visit.shots),
            agreeing=named[visit.person] if visit.person else max(named.values(), default=0),
            quality=best.quality if best else None,
            detail=detail,
            each=tuple((shot.match, shot.quality) for shot in visit.shots),
        )
