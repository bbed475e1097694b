"""Enrolment of a signature at the kiosk: the person signs a few times, and it ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.config.people import Privacy
from agent.errors import CommandError, EnrolmentRefused
from agent.guidance import CONSENT
from agent.jobs.job import Step, Steps, Work
from agent.live import TAKEN_DOWN_BY
from agent.members import signatures
from agent.members.consent import text_of
from agent.mqtt.message import Code
from agent.signing import Signing, needed
from agent.signing_session import MOST, SigningSession
from agent.studio import Studio
from agent.write import Write

if TYPE_CHECKING:
    from agent.mqtt.verbs.signatures import EnrolSignatureLiveCommand
    from agent.register import Request

WAIT_SECONDS: Final = 0.25


class LiveSigning:
    """Carries out `enrol_signature_live`. Used by the jobs' thread.

    Args:
        signing: the encoder; None where none is installed: then nobody gets here.
        studio: has the screen show what to do.
        privacy: whether people have to agree, and to what.
        write: makes the change.
        request: makes who asks, of a command's asker and id.
        changed: told when somebody was enrolled.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        signing: Signing | None,
        studio: Studio,
        *,
        privacy: Privacy,
        write: Write,
        request: Callable[[str, str], Request],
        changed: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signing, self._studio, self._privacy, self._write = signing, studio, privacy, write
        self._request, self._changed, self._clock = request, changed, clock

    @property
    def work(self) -> Work:
        """What the jobs do. Whoever stood there has gone when the agent starts again."""
        return Work(self._run, resumable=False)

    def _run(self, command: EnrolSignatureLiveCommand, _: int) -> Steps:
        judge = needed(self._signing).judge
        consent = text_of(command.agrees_to, self._privacy)
        session = SigningSession(judge, command.signatures, asks=command.ask_consent)
        with self._studio.seated(session):
            yield from self._until(session, command.seconds, lambda: session.agreed)
            yield from self._until(session, command.seconds, lambda: session.complete)
            put = partial(
                signatures.put,
                person=command.person,
                signatures=session.signed(),
                request=self._request(command.asked_by, command.id),
                privacy=self._privacy,
                consent=consent,
                consent_by=TAKEN_DOWN_BY if command.ask_consent else None,
            )
            done = self._write(put)
        self._changed()
        return done

    def _until(self, session: SigningSession, seconds: float, done: Callable[[], bool]) -> Iterator[Step]:
        """Until the person has agreed, or has signed often enough; each has its time."""
        deadline = self._clock() + seconds
        while not done():
            told = session.guidance()
            if session.given_up:
                code = Code.NO_CONSENT if told.hint == CONSENT else Code.CANCELLED
                raise CommandError(code, "the person wants no more of it, at the door")
            if session.hopeless:
                raise EnrolmentRefused("different_signatures", f"no {told.of} of {MOST} signatures are alike")
            if self._clock() >= deadline:
                raise CommandError(Code.TIMED_OUT, f"{told.done} of {told.of} signatures within {seconds:g} s")
            yield Step(told.done, told.of, told.hint)
            session.wait(WAIT_SECONDS)
