"""Follows faces from frame to frame, so that one person standing there for ten seconds is one visit.

                 a face nearby in each frame
                        ┌──────┐
    a face nobody  ┌────▼──────┴───┐   not seen    ┌────────┐  for longer than
    can account ──►│   followed    ├──────────────►│ missed │  max_gap_seconds ──► ended
    for: new id    └──┬─────────▲──┘               └───┬────┘
                      │         └──────────────────────┘
                      │           a face nearby again
                      └─ the embedding jumps (`confirm`): ended, and a new id goes on from here

Faces go to tracks by overlap first, then by the distance of their centres (somebody who walks fast, or a slow camera).
Where two people cross, the boxes alone can swap them; then the embedding has the last word. Ids are never used twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.elapsed import Elapsed
from agent.types import Box, Face, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSettings:
    """What still is the same face."""

    min_iou: float = 0.3  # overlap over union of two boxes in frames that follow each other
    max_shift: float = 1.0  # face sizes: 1.5 m/s at 10 frames a second is 0.15 m, the width of a face
    max_growth: float = 1.6  # ratio of the sizes of two boxes that do not overlap enough
    max_gap_seconds: float = 1.0  # how long a face may be missed
    # Cosine. Our encoder says less than this of nearly all pairs of strangers who look different, and hardly ever of
    # one person half a second later. Low, since a visitor split in two is the commoner mistake, and k shots have to
    # agree anyway.
    min_similarity: float = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Where a visitor is now."""

    id: int
    face: Face  # in this frame
    since: datetime  # the first frame's time
    frames: int  # in which it was seen, this one included


@dataclass(slots=True, eq=False)
class _Followed:
    """A track that has not ended: what is known of it so far."""

    track: Track
    seen: float  # elapsed seconds, of the frame that showed it last
    at: datetime  # the same frame's time
    vector: Floats | None = None  # of the last good shot


class Tracker:
    """Gives each face of a frame the id of its visitor."""

    def __init__(self, settings: TrackSettings | None = None) -> None:
        self._settings = settings or TrackSettings()
        self._elapsed = Elapsed()
        self._followed: dict[int, _Followed] = {}
        self._ended: list[int] = []
        self._last_id = 0

    def update(self, faces: Sequence[Face], at: datetime) -> list[Track]:
        """The track of each of `faces`, in their order. `take_ended` says who is gone."""
        now = self._elapsed(at)
        self._end_the_missed(now)
        owners = self._associate(faces)
        return [self._follow(owners.get(i), face, at, now) for i, face in enumerate(faces)]

    def confirm(self, track_id: int, vector: Floats) -> int:
        """The id of the visitor on this track, given the embedding of a good shot: a new id if it is somebody else.

        Args:
            track_id: from the last `update`.
            vector: (D,) float32 of unit length.
        """
        before = self._followed[track_id].vector
        if before is not None and float(before @ vector) < self._settings.min_similarity:
            track_id = self.split(track_id)
        self._followed[track_id].vector = vector
        return track_id

    def split(self, track_id: int) -> int:
        """Ends a track whose last face is somebody else's; the new id, under which that face is the first."""
        old = self._followed.pop(track_id)
        self._ended.append(track_id)
        new_id = self._new_id()
        track = Track(id=new_id, face=old.track.face, since=old.at, frames=1)
        self._followed[new_id] = _Followed(track, old.seen, old.at)
        return new_id

    def take_ended(self) -> list[int]:
        """Tracks that have ended since the last call: each id is reported once."""
        ended, self._ended = self._ended, []
        return ended

    def finish(self) -> None:
        """Ends all tracks: the camera has stopped."""
        self._ended.extend(self._followed)
        self._followed.clear()

    def _end_the_missed(self, now: float) -> None:
        for track_id, followed in list(self._followed.items()):
            if now - followed.seen > self._settings.max_gap_seconds:
                del self._followed[track_id]
                self._ended.append(track_id)

    def _associate(self, faces: Sequence[Face]) -> dict[int, int]:
        """Index of a face -> id of its track; faces that belong to no track are left out."""
        owners: dict[int, int] = {}
        for closeness in (self._overlap, self._nearness):
            self._pair(faces, closeness, owners)
        return owners

    def _pair(self, faces: Sequence[Face], closeness: Callable[[Box, Box], float], owners: dict[int, int]) -> None:
        """Adds to `owners` the pairs with a closeness above 0, the closest first."""
        pairs = [
            (closeness(followed.track.face.box, face.box), track_id, i)
            for track_id, followed in self._followed.items()
            for i, face in enumerate(faces)
        ]
        for close, track_id, i in sorted(pairs, reverse=True):
            if close > 0 and i not in owners and track_id not in owners.values():
                owners[i] = track_id

    def _overlap(self, a: Box, b: Box) -> float:
        """Intersection over union; 0 where it is less than a track needs."""
        overlap = iou(a, b)
        return overlap if overlap >= self._settings.min_iou else 0.0

    def _nearness(self, a: Box, b: Box) -> float:
        """1 for the same centre, falling to 0 at `max_shift`; 0 where the sizes differ too much."""
        size_a, size_b = math.sqrt(a.width * a.height), math.sqrt(b.width * b.height)
        if max(size_a, size_b) > self._settings.max_growth * min(size_a, size_b):
            return 0.0
        shift = math.hypot(a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2)
        return max(0.0, 1.0 - shift / (self._settings.max_shift * (size_a + size_b) / 2 + 1e-9))

    def _follow(self, track_id: int | None, face: Face, at: datetime, now: float) -> Track:
        """The track with its new face; a new one where there is no id."""
        if track_id is None:
            track = Track(id=self._new_id(), face=face, since=at, frames=1)
            self._followed[track.id] = _Followed(track, now, at)
            return track
        followed = self._followed[track_id]
        before = followed.track
        followed.track = Track(id=track_id, face=face, since=before.since, frames=before.frames + 1)
        followed.seen, followed.at = now, at
        return followed.track

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1; 0 where both are empty."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    return min(1.0, inside / (a.width * a.height + b.width * b.height - inside))  # slivers lose digits
