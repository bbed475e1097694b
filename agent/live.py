"""Enrolment at the door: the terminal guides the person, takes some good shots, and ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.bundle import Bundle
from agent.enrolling import Enrolling
from agent.errors import CommandError, EnrolmentRefused
from agent.gallery.likeness import Likeness
from agent.gallery.match import Gallery
from agent.gallery.sitting import STRANGER_SECONDS, Sitting
from agent.jobs.job import Step, Steps, Work
from agent.members.consent import text_of
from agent.mqtt.message import Code
from agent.register import Templates
from agent.studio import Session, Studio, Told
from agent.types import Seen

if TYPE_CHECKING:
    from agent.mqtt.verbs.faces import EnrolLiveCommand

WAIT_SECONDS: Final = 0.25


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
        consent = text_of(command.consent, bundle.config.privacy)
        self._enrolling.check(command.person, command.name, consent)  # it may have been withdrawn while this waited
        sitting = Sitting(
            shots,
            command.seconds,
            limits=bundle.limits,
            same_person=bundle.same_person_threshold,
            space=bundle.space,
        )
        session = Session(command.person, sitting, shots, likeness=self._likeness, limits=bundle.limits)
        deadline = self._clock() + command.seconds
        with self._studio.seated(session):
            while (told := session.told()).missing and told.rival is None:
                _check_going_on(told, shots, left=deadline - self._clock())
                yield Step(told.done, shots, told.hint.value)
                session.wait(WAIT_SECONDS)
        if told.rival is not None:
            raise EnrolmentRefused("duplicate_person", f"enrolled already as {told.rival}")
        done = self._enrolling.add(
            command.person,
            command.name,
            partial(self._judged, session.shots_taken(), command.person),
            replace=command.replace,
            consent=consent,
            by=command.asked_by,
            command_id=command.id,
        )
        self._changed()
        return done

    def _judged(self, shots: list[Seen], person: str, known: Gallery) -> Templates:
        self._likeness.check([seen.embedding.vector for seen in shots], person, known)
        keeps = self._bundle.config.security.keep_crops
        return [(seen.embedding, seen.crop if keeps else seen.crop.quality) for seen in shots]


def _check_going_on(told: Told, shots: int, *, left: float) -> None:
    if told.stranger_seconds > STRANGER_SECONDS:
        raise EnrolmentRefused("different_people", "somebody else has taken the place of the person: begin again")
    if left <= 0:
        missing = ", ".join(pose.value for pose in told.missing)
        raise CommandError(
            Code.TIMED_OUT, f"{told.done} of {shots} shots: {missing} are missing; the last hint was {told.hint.value}"
        )
