"""Asks who is at the door for what is needed, one thing after the other, until all has been shown or time is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from agent.access.admission import Admission
from agent.access.around import Around
from agent.access.attempt import NEEDED, Attempt
from agent.access.credentials import Credentials
from agent.access.holder import Holder, State
from agent.access.post import Post
from agent.access.refusals import Refusal
from agent.access.rules import Mode
from agent.access.standings import NOBODY
from agent.types import Alarm, Credential, Decision, Outcome, Reason, Shown, Sighting


class Inquiry:
    """One attempt at a time: whoever comes next begins another. Times `now` are elapsed seconds."""

    def __init__(self, post: Post, credentials: Credentials, admission: Admission) -> None:
        self._post, self._credentials, self._admission = post, credentials, admission
        self._attempt: Attempt | None = None
        self._pressed: tuple[str, float] | None = None  # a key, and until when it waits for somebody
        self._late: list[Decision] = []
        self.gone: list[str] = []  # whose attempt ended of which nothing is said; whoever takes them clears it

    @property
    def asks_for_mode(self) -> bool:
        """Whether who is at the door wants to change its mode."""
        return self._attempt is not None and self._attempt.mode is not None

    def claim(self, at: datetime) -> str | None:
        """Returns whose face is asked for, where it is to be compared with that person alone."""
        attempt = self._attempt
        if attempt is None:
            return None
        factors = self._post.factors(self._post.register.people.get(attempt.person), at)
        return attempt.person if factors.compares_one(attempt.shown) else None

    def advance(self, at: datetime, now: float) -> None:
        """Lets time pass: what is over ends before anything else happens."""
        if self._attempt is not None and now >= self._attempt.until:
            self._give_up(at, f"not in time: {', '.join(self._missing(self._attempt, at))}")
        if self._pressed is not None and now >= self._pressed[1]:
            self._pressed = None

    def overdue(self) -> list[Decision]:
        """Returns the refusals of those who did not go on."""
        late, self._late = self._late, []
        return late

    def drop(self) -> None:
        """Forgets the attempt: it does not matter any more."""
        self._attempt = None

    def press(self, credential: Credential, around: Around, now: float) -> Decision | None:
        """A key alone: it belongs to who stands here, or comes next."""
        if credential.mode is not None:
            alone = Refusal(Reason.INCOMPLETE, "a mode is asked for together with a card or a PIN")
            return Attempt(NOBODY, around.at).denied(alone, around.at)
        if credential.key is None:
            return None
        if self._attempt is None:
            self._pressed = (credential.key, now + self._post.door.factor_seconds)
            return None
        attempt = self._attempt = replace(self._attempt, key=credential.key)
        holder = self._post.register.people.get(attempt.person)
        if holder is None:
            return self._refused(attempt, Refusal(Reason.UNKNOWN), around.at)
        if refusal := self._admission.refusal(holder, around, changes_mode=attempt.mode is not None):
            return self._refused(attempt, refusal, around.at)
        return self._go_on(attempt, holder, around, now, begins=True)

    def see(self, sighting: Sighting, around: Around, now: float, *, free: bool) -> Decision | None:
        """Weighs a face; None where it was seen before it was asked for."""
        at, running = around.at, self._attempt
        if running is not None and sighting.at < running.asked_at and self.claim(at) is not None:
            return None
        holder = self._post.register.people.get(sighting.person) if sighting.person is not None else None
        if sighting.reason is not Reason.MATCH or holder is None:
            return self._unrecognised(sighting, around, now)
        if sighting.repeat and (again := self._admission.again(sighting, holder, around, now, free=free)):
            return replace(again, key=self._key()) if again.outcome is Outcome.GRANTED else again
        if running is not None and running.person != holder.id:
            if self._waits_for_face(running, at) and holder.state is not State.BLOCKED:
                return self._failed(replace(running, sighting=sighting), Reason.FACE_MISMATCH, at, now)
            running = None
        attempt = running or Attempt(holder.id, at, key=self._key())
        attempt = replace(attempt, sighting=sighting).with_(Shown.FACE)
        if refusal := self._admission.refusal(holder, around, changes_mode=attempt.mode is not None):
            return self._refused(attempt, refusal, at)
        begins = running is not None or self._post.factors(holder, at).takes(Shown.FACE)
        return self._go_on(attempt, holder, around, now, begins=begins)

    def show(self, credential: Credential, around: Around, now: float, *, free: bool) -> Decision:
        """Weighs a card, a badge number, a PIN or a signature."""
        at, running = around.at, self._attempt
        named = self._credentials.named(credential, at)
        if isinstance(named, Refusal):
            return Attempt(NOBODY, at).denied(named, at)
        holder = named or (self._post.register.people.get(running.person) if running else None)
        if holder is None:
            return self._unclaimed(around)
        if running is not None and running.person != holder.id:
            if credential.card is not None and Shown.CARD in self._missing(running, at):
                return self._failed(running, Reason.WRONG_CARD, at, now)
            running = None
        attempt = running or Attempt(holder.id, at, key=self._key())
        attempt = replace(attempt, key=credential.key or attempt.key)
        mode = self._credentials.mode(credential, holder)
        if isinstance(mode, Mode) and (credential.card is not None or credential.pin is not None):
            attempt = replace(attempt, mode=mode)
        refusal = self._admission.refusal(holder, around, changes_mode=attempt.mode is not None)
        if refusal := refusal or (mode if isinstance(mode, Refusal) else None):
            return self._refused(attempt, self._credentials.forced(refusal, holder, credential.pin), at)
        return self._verify(attempt, credential, holder, around, now, every=free or attempt.mode is not None)

    def _verify(
        self, attempt: Attempt, credential: Credential, holder: Holder, around: Around, now: float, *, every: bool
    ) -> Decision:
        """Weighs what leads somewhere here, or `every` thing."""
        at, factors = around.at, self._post.factors(holder, around.at)
        card = credential.card is not None and (every or factors.takes(Shown.CARD))
        takes_pin = every or factors.takes(Shown.PIN)
        # Only of somebody who has shown something else: a badge number alone is a guess, and may be another's
        signs = credential.signature is not None and attempt.shown != () and (every or factors.takes(Shown.SIGNATURE))
        if (card or takes_pin or signs) and (seconds := self._post.locked_seconds(holder.id, at)):
            locked = Refusal(Reason.LOCKED_OUT, f"for {seconds:.0f} s")
            return self._refused(attempt, self._credentials.forced(locked, holder, credential.pin), at)
        if card and Shown.CARD not in attempt.shown:
            attempt = replace(attempt.with_(Shown.CARD), asked_at=at)
        pin, signature = credential.pin if takes_pin else None, credential.signature if signs else None
        proof = self._credentials.prove(attempt, holder, pin, signature, at)
        if proof.refusal is not None:
            return self._refused(proof.attempt, proof.refusal, at)
        if proof.wrong is not None:
            return self._failed(proof.attempt, proof.wrong, at, now)
        begins = card or takes_pin or signs
        return self._go_on(proof.attempt, holder, around, now, begins=begins, alarms=proof.alarms)

    def _go_on(
        self,
        attempt: Attempt,
        holder: Holder,
        around: Around,
        now: float,
        *,
        begins: bool,
        alarms: tuple[Alarm, ...] = (),
    ) -> Decision:
        """Lets in who has shown all that is needed; asks for the rest otherwise.

        Args:
            attempt: with what has been shown just now.
            holder: the same person.
            around: now.
            now: the same.
            begins: what was shown leads somewhere; otherwise it is as if nobody had come.
            alarms: to be told with the decision.
        """
        at, running = around.at, self._attempt
        missing = self._post.factors(holder, at).missing(attempt.shown)
        if not missing:
            self._take_over(attempt, at)
            return self._admission.admit(attempt, holder, around, now, alarms=alarms)
        if missing[0] is not Shown.FACE and (seconds := self._post.locked_seconds(holder.id, at)):
            return self._refused(attempt, Refusal(Reason.LOCKED_OUT, f"for {seconds:.0f} s", alarms), at)
        if missing[0] is Shown.SIGNATURE and holder.id not in self._post.register.signatures:
            return self._refused(attempt, self._credentials.unsigned(alarms), at)
        if begins:
            same = running is not None and running.person == attempt.person and running.shown == attempt.shown
            until = running.until if running is not None and same else now + self._post.door.seconds_to_show(missing[0])
            self._take_over(attempt, at)
            self._attempt = replace(attempt, until=until)
        return self._ask(attempt, at, alarms=alarms)

    def _unrecognised(self, sighting: Sighting, around: Around, now: float) -> Decision:
        """Nobody in particular was seen."""
        at, running = around.at, self._attempt
        attempt = Attempt(NOBODY, at, sighting=sighting)
        if self._post.locked_down:
            return attempt.denied(Refusal(Reason.LOCKED_DOWN), at)
        reason = Reason.UNKNOWN if sighting.reason is Reason.MATCH else sighting.reason  # forgotten meanwhile
        if running is not None and self._waits_for_face(running, at):
            running = replace(running, sighting=sighting)
            if reason is Reason.UNKNOWN:
                return self._failed(running, Reason.FACE_MISMATCH, at, now)
            self._attempt = running  # a better picture may come
            return self._ask(running, at)
        if running is None and not self._post.factors(None, at).takes(Shown.FACE):
            return self._ask(attempt, at)
        return attempt.denied(Refusal(reason, sighting.detail), at)

    def _unclaimed(self, around: Around) -> Decision:
        """A PIN or a signature, and nobody whose it could be."""
        at, attempt = around.at, Attempt(NOBODY, around.at)
        if self._post.locked_down:
            return attempt.denied(Refusal(Reason.LOCKED_DOWN), at)
        if self._missing(attempt, at)[0] is Shown.PIN:
            return attempt.denied(Refusal(Reason.UNKNOWN_CREDENTIAL, "the badge number has to come before it"), at)
        return self._ask(attempt, at)

    def _failed(self, attempt: Attempt, reason: Reason, at: datetime, now: float) -> Decision:
        """Something wrong was shown: the attempt goes on, unless that locks out."""
        refusal = self._credentials.failed(attempt.person, reason, at)
        self._take_over(attempt, at)
        if attempt.shown and not refusal.alarms:
            seconds = self._post.door.seconds_to_show(*self._missing(attempt, at)[:1])
            self._attempt = replace(attempt, until=now + seconds, refused=True)
        return attempt.denied(refusal, at)

    def _refused(self, attempt: Attempt, refusal: Refusal, at: datetime) -> Decision:
        """This person does not come in; whoever else is at the door goes on."""
        if self._attempt is not None and self._attempt.person == attempt.person:
            self._attempt = None
        return attempt.denied(refusal, at)

    def _take_over(self, attempt: Attempt, at: datetime) -> None:
        """Ends the running attempt, if that is another person's."""
        if self._attempt is not None and self._attempt.person != attempt.person:
            self._give_up(at, "somebody else came")
        self._attempt = None

    def _give_up(self, at: datetime, why: str) -> None:
        """Ends the attempt; said in the next tick, unless something wrong was said already."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None and attempt.refused:
            self.gone.append(attempt.person)
        elif attempt is not None:
            self._late.append(attempt.denied(Refusal(Reason.INCOMPLETE, why), at))

    def _ask(self, attempt: Attempt, at: datetime, *, alarms: tuple[Alarm, ...] = ()) -> Decision:
        return attempt.pending(NEEDED[self._missing(attempt, at)[0]], at, alarms=alarms)

    def _missing(self, attempt: Attempt, at: datetime) -> tuple[Shown, ...]:
        return self._post.factors(self._post.register.people.get(attempt.person), at).missing(attempt.shown)

    def _waits_for_face(self, attempt: Attempt, at: datetime) -> bool:
        """Whether the next face has to be that of this person."""
        return bool(attempt.shown) and Shown.FACE in self._missing(attempt, at)[:1]

    def _key(self) -> str | None:
        """The key that was pressed for whoever comes next."""
        key, self._pressed = self._pressed[0] if self._pressed else None, None
        return key
