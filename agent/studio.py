"""The camera is lent to somebody who is being enrolled at the door: meanwhile the door recognises nobody.

vision thread: see(frame) ──► Session.look ──► Sitting      jobs' thread: seated() ──► Session.wait, .told
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.gallery.enrol import crowded
from agent.gallery.likeness import Likeness
from agent.gallery.match import Gallery
from agent.gallery.sitting import Glimpse, Hint, Pose, Sitting
from agent.types import Frame, Seen
from agent.vision.quality import QualityLimits, judge

if TYPE_CHECKING:
    from agent.vision.eyes import Eyes

OVER: Final = "over"
"""In the place of a hint: whoever was guided may go."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the person at the door is told, and how far it is."""

    hint: str  # a Hint, or OVER
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Told:
    """How a session stands."""

    hint: Hint
    done: int
    stranger_seconds: float
    rival: str | None
    missing: tuple[Pose, ...]


class Session:
    """One person before the camera.

    Args:
        person: who is to be enrolled; being like their own templates is no duplicate.
        sitting: decides.
        shots: how many are wanted.
        likeness: knows who is somebody else.
        limits: what a face must have.
    """

    def __init__(self, person: str, sitting: Sitting, shots: int, *, likeness: Likeness, limits: QualityLimits) -> None:
        self.shots = shots
        self._person, self._sitting, self._likeness, self._limits = person, sitting, likeness, limits
        self._hint, self._changed = Hint.LOOK_HERE, threading.Condition()

    def look(self, frame: Frame, eyes: Eyes, gallery: Gallery) -> Guidance:
        """Takes a frame; in the vision's thread."""
        glimpse = self._glimpse(frame, eyes, gallery)
        with self._changed:
            before = len(self._sitting.taken)
            hint = self._sitting.see(glimpse)
            if hint is not self._hint or len(self._sitting.taken) != before:
                self._changed.notify_all()
            self._hint = hint
            return Guidance(hint.value, len(self._sitting.taken), self.shots)

    def told(self) -> Told:
        """Returns how it stands."""
        with self._changed:
            sitting = self._sitting
            return Told(self._hint, len(sitting.taken), sitting.stranger_seconds, sitting.rival, tuple(sitting.missing))

    def wait(self, seconds: float) -> None:
        """Waits for news, or a while."""
        with self._changed:
            self._changed.wait(seconds)

    def shots_taken(self) -> list[Seen]:
        """Returns the shots."""
        with self._changed:
            return list(self._sitting.taken)

    def _glimpse(self, frame: Frame, eyes: Eyes, gallery: Gallery) -> Glimpse:
        faces = eyes.faces(frame.image, frame.small)
        if not faces:
            return Glimpse(frame.at)
        by_size = sorted(faces, key=lambda face: min(face.box.width, face.box.height), reverse=True)
        front, others = by_size[0], [min(face.box.width, face.box.height) for face in by_size[1:2]]
        crop = eyes.crop(frame.image, front)
        if others and crowded(crop.quality.face_px, others[0]):
            return Glimpse(frame.at, crowded=True)
        rejection = judge(crop.quality, self._limits)
        if rejection is not None:
            return Glimpse(frame.at, rejection=rejection)
        embedding = eyes.embed(crop)
        rival = self._likeness.rival(embedding.vector, self._person, gallery) if len(gallery.people) else None
        return Glimpse(frame.at, Seen(front, crop, embedding), rival=rival and rival[0])


class Studio:
    """Lends the camera to one session at a time.

    Args:
        eyes: of the vision's thread.
        known: who is enrolled now.
    """

    def __init__(self, eyes: Eyes, known: Callable[[], Gallery]) -> None:
        self.guide: Callable[[Guidance], object] = lambda _: None  # told of every change, for the screen at the door
        self._eyes, self._known = eyes, known
        self._session: Session | None = None
        self._said: Guidance | None = None

    def see(self, frame: Frame) -> bool:
        """Takes a frame, and returns whether somebody is being enrolled: then nobody else is to look at it."""
        session = self._session
        if session is None:
            return False
        self._say(session.look(frame, self._eyes, self._known()))
        return True

    @contextmanager
    def seated(self, session: Session) -> Iterator[Session]:
        """Lends the camera to a session for as long as the context lasts; from the thread of the jobs."""
        self._say(Guidance(Hint.LOOK_HERE.value, 0, session.shots))
        self._session = session
        try:
            yield session
        finally:
            self._session = None
            self._say(Guidance(OVER, len(session.shots_taken()), session.shots))

    def _say(self, guidance: Guidance) -> None:
        if guidance != self._said:
            self._said = guidance
            self.guide(guidance)
