"""From a frame to what is concluded about the visitors in it: detect, track, best shot, encode, match, gate.

Fed with frames, one after the other, by one thread. There is no clock here and no I/O: the same frames give the same
sightings again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent.access.gate import Gate
from agent.gallery.match import Gallery
from agent.glance import Glance, glance
from agent.stopwatch import Stopwatch
from agent.types import Crop, Embedding, Frame, Rejection, Sighting
from agent.vision.eyes import Eyes
from agent.vision.motion import MotionGate
from agent.vision.quality import QualityLimits, judge
from agent.vision.track import Track, Tracker


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Who is enrolled, and how similar a visitor must be; replaced as a whole when people change."""

    gallery: Gallery
    threshold: float  # cosine


class Witness(Protocol):
    """Is told of whoever is looked at, for another purpose than to recognise them."""

    def saw(self, track: int, crop: Crop, embedding: Embedding, /) -> None:
        """A good look at somebody."""
        ...

    def left(self, track: int, person: str | None, /) -> None:
        """They have gone, and this is who they were, where that was found out."""
        ...


class Recogniser:
    """Looks at frames.

    Args:
        eyes: of this thread.
        gate: concludes.
        limits: what a face must have to be compared.
        known: to begin with; `known` may be set from any thread, and so may `claimed`: whoever shows a card is compared
            with its holder alone, by a gate of that claim's own, until it is None again.
        motion: lets an empty hall cost next to nothing; None looks at every frame.
    """

    def __init__(
        self, eyes: Eyes, gate: Gate, *, limits: QualityLimits, known: Known, motion: MotionGate | None = None
    ) -> None:
        self.known = known
        self.claimed: Known | None = None
        self.witness: Witness | None = None
        self.stopwatch = Stopwatch()
        self.faces = 0  # in the last frame
        self.near: dict[int, str | None] = {}  # tracks in the last frame whose face is near, with who it is
        self.glance: Glance | None = None  # at whoever is nearest in the last frame
        self.tracks = Tracker()
        self.gate = gate
        self.eyes, self._limits, self._motion = eyes, limits, motion
        self._claim: tuple[Known, Gate] | None = None  # that is being looked into
        self._reopened: deque[str | None] = deque()  # None: everybody
        self._refused: dict[int, Rejection] = {}  # by track: why it is not good enough as yet

    def see(self, frame: Frame) -> list[Sighting]:
        """What this frame was the last missing piece of: mostly nothing."""
        while self._reopened:
            if (person := self._reopened.popleft()) is None:
                self.gate.look_again()
            else:
                self.gate.reopen(person)
        known, gate = self._asked()
        if self._motion is not None:
            with self.stopwatch.stage("motion"):
                moved = self._motion.moved(frame.image if frame.small is None else frame.small, frame.at)
            if not moved:
                return self._without_faces(frame.at)
        with self.stopwatch.stage("detect"):
            faces = self.eyes.faces(frame.image, frame.small)
        self.faces = len(faces)
        if faces and self._motion is not None:
            self._motion.keep(frame.at)
        tracks = self.tracks.update(faces, frame.at)
        self.near = {track.id: self.gate.person(track.id) for track in tracks if self._is_near(track)}
        concluded = self._gone(frame.at)
        concluded += [self._look(track, frame, known.gallery, gate) for track in tracks]
        self.glance = glance([(track.id, track.face.box) for track in tracks], self._refused, self._limits)
        return [sighting for sighting in concluded + self._gone(frame.at) if sighting is not None]

    def finish(self, at: datetime) -> list[Sighting]:
        """The camera has stopped: what there is to conclude about those who were still there."""
        self.tracks.finish()
        return [sighting for sighting in self._gone(at) if sighting is not None]

    def reopen(self, person: str) -> None:
        """What was concluded of this person came to nothing: look again. From any thread, before the next frame."""
        self._reopened.append(person)

    def look_again(self) -> None:
        """Whoever stands there has pressed a key: recognise them once more. From any thread, before the next frame."""
        self._reopened.append(None)

    def rest(self, at: datetime) -> list[Sighting]:
        """Nobody is looked at in this frame: what there is to conclude about those who were there before."""
        return self._without_faces(at)

    def _without_faces(self, at: datetime) -> list[Sighting]:
        self.faces, self.near, self.glance = 0, {}, None
        self.tracks.update([], at)
        return [sighting for sighting in self._gone(at) if sighting is not None]

    def _is_near(self, track: Track) -> bool:
        return min(track.face.box.width, track.face.box.height) >= self._limits.min_face_px

    def _asked(self) -> tuple[Known, Gate]:
        """Whom to compare with now, and what concludes from it."""
        known, claimed = self.known, self.claimed
        self.gate.threshold = known.threshold
        if claimed is None:
            self._claim = None
            return known, self.gate
        if self._claim is None or self._claim[0] is not claimed:
            self._claim = claimed, self.gate.again()
            self._claim[1].threshold = claimed.threshold
        return self._claim

    def _look(self, track: Track, frame: Frame, gallery: Gallery, gate: Gate) -> Sighting | None:
        """One face of this frame: refused, not needed, or compared."""
        if not gate.wants(track.id, frame.at):
            return None
        with self.stopwatch.stage("align"):
            crop = self.eyes.crop(frame.image, track.face)
        rejection = judge(crop.quality, self._limits)
        if rejection is not None:
            self._refused[track.id] = rejection
            return gate.reject(track.id, frame.at, rejection)
        self._refused.pop(track.id, None)
        with self.stopwatch.stage("encode"):
            embedding = self.eyes.embed(crop)
        with self.stopwatch.stage("match"):
            match = gallery.nearest(embedding.vector)
        visitor = self.tracks.confirm(track.id, embedding.vector)
        if self.witness is not None:
            self.witness.saw(visitor, crop, embedding)
        return gate.see(visitor, frame.at, match, crop.quality)

    def _gone(self, at: datetime) -> list[Sighting | None]:
        gates = [self.gate] if self._claim is None else [self._claim[1], self.gate]
        ended = self.tracks.take_ended()
        for track in ended:
            self._refused.pop(track, None)
            if self.witness is not None:
                self.witness.left(track, next(filter(None, (gate.person(track) for gate in gates)), None))
        return [gate.leave(track, at) for track in ended for gate in gates]
