"""The camera is lent to somebody who is being enrolled at the door: meanwhile the door recognises nobody.

vision thread: see(frame) ──► Session.look ──► Sitting      jobs' thread: seated() ──► Session.wait, .told
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from agent.errors import CommandError, EnrolmentRefused
from agent.gallery.enrol import crowded
from agent.gallery.likeness import Likeness
from agent.gallery.match import Gallery
from agent.gallery.sitting import Glimpse, Hint, Pose, Sitting
from agent.glance import Glance
from agent.guidance import CANCELLED, CONSENT, ENROLLED, OVER, Guidance
from agent.signing_session import SigningSession
from agent.types import Box, Embedding, Frame, Seen
from agent.vision.quality import QualityLimits, judge

if TYPE_CHECKING:
    from agent.vision.eyes import Eyes

Seated = TypeVar("Seated", "Session", SigningSession)


@dataclass(frozen=True, slots=True)
class Told:
    """How a session stands."""

    hint: Hint
    done: int
    stranger_seconds: float
    rival: str | None
    missing: tuple[Pose, ...]
    agreed: bool  # True where nobody asks for it
    given_up: bool  # by the person


class Session:
    """One person before the camera.

    Args:
        person: who is to be enrolled; being like their own templates is no duplicate.
        sitting: decides.
        shots: how many are wanted.
        likeness: knows who is somebody else.
        limits: what a face must have.
        asks: the person has to agree before the first shot.
    """

    def __init__(
        self,
        person: str,
        sitting: Sitting,
        shots: int,
        *,
        likeness: Likeness,
        limits: QualityLimits,
        asks: bool = False,
    ) -> None:
        self.shots = shots
        self.glance: Glance | None = None  # at the nearest face of the last frame
        self._agreed, self._given_up = not asks, False
        self._person, self._sitting, self._likeness, self._limits = person, sitting, likeness, limits
        self._hint, self._changed = Hint.LOOK_HERE, threading.Condition()

    def look(self, frame: Frame, eyes: Eyes, gallery: Gallery) -> Guidance:
        """Takes a frame; in the vision's thread."""
        with self._changed:
            if not self._agreed:
                return self.guidance()
        glimpse, box = self._glimpse(frame, eyes, gallery)
        with self._changed:
            before = len(self._sitting.taken)
            hint = self._sitting.see(glimpse)
            if hint is not self._hint or len(self._sitting.taken) != before:
                self._changed.notify_all()
            self._hint = hint
            self.glance = None if box is None else Glance(box, hint)
            return self.guidance()

    def guidance(self) -> Guidance:
        """Returns what the person is told now."""
        with self._changed:
            hint = self._hint.value if self._agreed else CONSENT
            return Guidance(hint, len(self._sitting.taken), self.shots)

    def answer(self, *, agreed: bool) -> None:
        """The person agrees, or wants no more of it; from any thread."""
        with self._changed:
            self._agreed, self._given_up = self._agreed or agreed, self._given_up or not agreed
            self._changed.notify_all()

    def told(self) -> Told:
        """Returns how it stands."""
        with self._changed:
            sitting = self._sitting
            return Told(
                self._hint,
                len(sitting.taken),
                sitting.stranger_seconds,
                sitting.rival,
                tuple(sitting.missing),
                self._agreed,
                self._given_up,
            )

    def wait(self, seconds: float) -> None:
        """Waits for news, or a while."""
        with self._changed:
            self._changed.wait(seconds)

    def shots_taken(self) -> list[Seen]:
        """Returns the shots."""
        with self._changed:
            return list(self._sitting.taken)

    def _glimpse(self, frame: Frame, eyes: Eyes, gallery: Gallery) -> tuple[Glimpse, Box | None]:
        faces = eyes.faces(frame.image, frame.small)
        if not faces:
            return Glimpse(frame.at), None
        by_size = sorted(faces, key=lambda face: min(face.box.width, face.box.height), reverse=True)
        front, others = by_size[0], [min(face.box.width, face.box.height) for face in by_size[1:2]]
        crop = eyes.crop(frame.image, front)
        if others and crowded(crop.quality.face_px, others[0]):
            return Glimpse(frame.at, crowded=True), front.box
        rejection = judge(crop.quality, self._limits)
        if rejection is not None:
            return Glimpse(frame.at, rejection=rejection), front.box
        embedding = eyes.embed(crop)
        rival = self._likeness.rival(embedding.vector, self._person, gallery) if len(gallery.people) else None
        return Glimpse(frame.at, Seen(front, crop, embedding), rival=rival and rival[0]), front.box


class Studio:
    """Lends the camera to one session at a time, or to nobody while somebody signs on the screen.

    Args:
        eyes: of the vision's thread.
        known: who is enrolled now.
    """

    def __init__(self, eyes: Eyes, known: Callable[[], Gallery]) -> None:
        self.guide: Callable[[Guidance], object] = lambda _: None  # told of every change, for the screen at the door
        self._eyes, self._known = eyes, known
        self._session: Session | SigningSession | None = None
        self._number = 0  # of the session
        self._saying = threading.Lock()
        self._said: Guidance | None = None

    @property
    def glance(self) -> Glance | None:
        """At whoever is being enrolled."""
        session = self._session
        return session.glance if isinstance(session, Session) else None

    def answer(self, number: int, *, agreed: bool) -> bool:
        """Hands what the person has pressed to their session; False where that is over. From any thread."""
        session = self._session
        if session is None or self._number != number:
            return False
        session.answer(agreed=agreed)
        self._say(session, session.guidance())
        return True

    def sign(self, number: int, signature: Embedding) -> bool:
        """Hands a signature to the session that asks for it; False where that is over. From any thread."""
        session = self._session
        if not isinstance(session, SigningSession) or self._number != number:
            return False
        session.sign(signature)
        self._say(session, session.guidance())
        return True

    def see(self, frame: Frame) -> bool:
        """Takes a frame, and returns whether somebody is being enrolled: then nobody else is to look at it."""
        session = self._session
        if session is None:
            return False
        if isinstance(session, Session):
            self._say(session, session.look(frame, self._eyes, self._known()))
        return True

    @contextmanager
    def seated(self, session: Seated) -> Iterator[Seated]:
        """Lends the camera to a session for as long as the context lasts; from the thread of the jobs."""
        self._number, why = self._number + 1, CANCELLED
        self._session = session
        self._say(session, session.guidance())
        try:
            yield session
            why = ENROLLED
        except (EnrolmentRefused, CommandError) as refused:
            why = str(refused.code)
            raise
        finally:
            self._say(session, replace(session.guidance(), hint=OVER, why=why))

    def _say(self, session: Session | SigningSession, guidance: Guidance) -> None:
        """Nothing is said after a session's end, though a frame was looked at for it meanwhile."""
        with self._saying:
            guidance = replace(guidance, session=self._number)
            if session is not self._session or guidance == self._said:
                return
            self._said = guidance
            if guidance.hint == OVER:
                self._session = None
            self.guide(guidance)
