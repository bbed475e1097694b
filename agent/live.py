"""Enrolment at the door: the terminal guides the person, takes some good shots, and ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.bundle import Bundle
from agent.enrolling import Enrolling
from agent.errors import CommandError, EnrolmentRefused
from agent.gallery.likeness import Likeness
from agent.gallery.match import Gallery
from agent.gallery.sitting import STRANGER_SECONDS, Sitting
from agent.guidance import CONSENT
from agent.jobs.job import Step, Steps, Work
from agent.members.consent import text_of
from agent.mqtt.message import Code
from agent.register import Templates
from agent.studio import Session, Studio, Told
from agent.types import Seen

if TYPE_CHECKING:
    from agent.mqtt.verbs.faces import EnrolLiveCommand

WAIT_SECONDS: Final = 0.25
TAKEN_DOWN_BY: Final = "the person, at the door"
"""Who took a consent down that was given at the kiosk."""


class Live:
    """Carries out `enrol_live`. Used by the jobs' thread.

    Args:
        bundle: the models' cards and limits.
        studio: lends the camera.
        enrolling: adds the person.
        changed: told when somebody was enrolled.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        bundle: Bundle,
        studio: Studio,
        enrolling: Enrolling,
        changed: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bundle, self._studio, self._enrolling = bundle, studio, enrolling
        self._changed, self._clock = changed, clock
        self._likeness = Likeness(bundle.duplicate_threshold, bundle.same_person_threshold)

    @property
    def work(self) -> Work:
        """What the jobs do. Whoever stood there has gone when the agent starts again."""
        return Work(self._run, resumable=False)

    def _run(self, command: EnrolLiveCommand, _: int) -> Steps:
        bundle, shots = self._bundle, command.shots
        consent = text_of(command.agrees_to, bundle.config.privacy)
        self._enrolling.check(command.person, command.name, consent)  # it may have been withdrawn while this waited
        sitting = Sitting(
            shots,
            command.seconds,
            limits=bundle.limits,
            same_person=bundle.same_person_threshold,
            space=bundle.space,
        )
        session = Session(
            command.person,
            sitting,
            shots,
            likeness=self._likeness,
            limits=bundle.limits,
            asks=command.ask_consent,
        )
        with self._studio.seated(session):
            yield from self._asked(session, command.seconds)
            yield from self._shot(session, command.seconds)
            done = self._enrolling.add(
                command.person,
                command.name,
                partial(self._judged, session.shots_taken(), command.person),
                replace=command.replace,
                consent=consent,
                consent_by=TAKEN_DOWN_BY if command.ask_consent else None,
                by=command.asked_by,
                command_id=command.id,
            )
        self._changed()
        return {**done}

    def _asked(self, session: Session, seconds: float) -> Iterator[Step]:
        """Until the person has agreed, where they are asked at all."""
        deadline = self._clock() + seconds
        while not (told := session.told()).agreed:
            if told.given_up:
                raise CommandError(Code.NO_CONSENT, "the person has not agreed, at the door")
            if self._clock() >= deadline:
                raise CommandError(Code.TIMED_OUT, f"nobody has agreed at the door within {seconds:g} s")
            yield Step(0, session.shots, CONSENT)
            session.wait(WAIT_SECONDS)

    def _shot(self, session: Session, seconds: float) -> Iterator[Step]:
        """Until there are shots enough."""
        deadline = self._clock() + seconds
        while (told := session.told()).missing and told.rival is None:
            _check_going_on(told, session.shots, left=deadline - self._clock())
            yield Step(told.done, session.shots, told.hint.value)
            session.wait(WAIT_SECONDS)
        if told.rival is not None:
            raise EnrolmentRefused("duplicate_person", f"enrolled already as {told.rival}")

    def _judged(self, shots: list[Seen], person: str, known: Gallery) -> Templates:
        self._likeness.check([seen.embedding.vector for seen in shots], person, known)
        keeps = self._bundle.config.security.keep_crops
        return [(seen.embedding, seen.crop if keeps else seen.crop.quality) for seen in shots]


def _check_going_on(told: Told, shots: int, *, left: float) -> None:
    if told.given_up:
        raise CommandError(Code.CANCELLED, "given up by the person, at the door")
    if told.stranger_seconds > STRANGER_SECONDS:
        raise EnrolmentRefused("different_people", "somebody else has taken the place of the person: begin again")
    if left <= 0:
        missing = ", ".join(pose.value for pose in told.missing)
        raise CommandError(
            Code.TIMED_OUT, f"{told.done} of {shots} shots: {missing} are missing; the last hint was {told.hint.value}"
        )
