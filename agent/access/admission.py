"""The last word: whether somebody who has shown enough goes in, alone or as the second of two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from agent.access import failures, refusals
from agent.access.around import Around
from agent.access.attempt import Attempt
from agent.access.holder import Holder
from agent.access.modes import ModeChange
from agent.access.passback import crossing
from agent.access.permits import permit, two_needed
from agent.access.post import Post
from agent.access.refusals import Refusal
from agent.access.rules import Mode
from agent.access.standings import NOBODY
from agent.access.whereabouts import Whereabouts
from agent.types import Alarm, Decision, Outcome, Reason, Shown, Sighting

_REPEAT_SECONDS = 60.0  # a repeated sighting opens again for so long after the grant; the gate's own limit is shorter


@dataclass(frozen=True, slots=True)
class _First:
    attempt: Attempt
    until: float  # elapsed seconds


@dataclass(frozen=True, slots=True)
class _Granted:
    decision: Decision
    until: float  # elapsed seconds: a repeat after this is a visit of its own


class Admission:
    """Lets in, and remembers whom: the first of two, and the last one for repeats."""

    def __init__(self, post: Post) -> None:
        self.whereabouts = Whereabouts(post.standings)
        self.mode_change: ModeChange | None = None  # by somebody at the door
        self._post = post
        self._first: _First | None = None
        self._granted: dict[str, _Granted] = {}  # by person
        self._late: list[Decision] = []

    def refusal(self, holder: Holder, around: Around, *, changes_mode: bool = False) -> Refusal | None:
        """Returns why somebody may not come in, whatever is shown.

        Args:
            holder: who.
            around: now.
            changes_mode: by somebody who may: a lock-down does not hold that up.
        """
        post = self._post
        if found := refusals.of_person(holder, around.at, post.rules.zone):
            return found
        if post.locked_down and not changes_mode:
            return Refusal(Reason.LOCKED_DOWN)
        allowed = permit(post.rules, holder.groups, post.name, around.at)
        if allowed.reason is not None:
            return Refusal(allowed.reason, allowed.detail)
        return refusals.of_storage(around)

    def admit(
        self, attempt: Attempt, holder: Holder, around: Around, now: float, *, alarms: tuple[Alarm, ...]
    ) -> Decision:
        """Decides about somebody who has shown all that is needed and whom nothing is against so far.

        Args:
            attempt: who, and what was shown.
            holder: the same person.
            around: now.
            now: the same in elapsed seconds.
            alarms: what is to be told with the decision.
        """
        post = self._post
        if {Shown.CARD, Shown.PIN, Shown.SIGNATURE} & {*attempt.shown}:
            for person in (attempt.person, NOBODY):
                post.standings.put(person, failures.succeeded(post.standings.of(person)))
        if attempt.mode is not None:
            post.modes.chosen = attempt.mode
            self.mode_change = ModeChange(attempt.mode, attempt.person, around.at)
            if attempt.mode is Mode.LOCKED_DOWN:
                return attempt.denied(Refusal(Reason.LOCKED_DOWN, "locked down as asked for", alarms), around.at)
        if against := self._against(holder, around):
            return attempt.denied(replace(against, alarms=alarms), around.at)
        if not two_needed(post.rules, post.name, around.at):
            return self._grant(attempt, None, around, now, alarms=alarms)
        first, self._first = self._first, None
        if first is not None and first.attempt.person != attempt.person and self._still_may(first.attempt, around):
            return self._grant(attempt, first.attempt, around, now, alarms=alarms)
        again = first if first is not None and first.attempt.person == attempt.person else None
        self._first = again or _First(attempt, now + post.door.two_person_seconds)
        return attempt.pending(Reason.SECOND_PERSON_NEEDED, around.at, alarms=alarms)

    def again(self, sighting: Sighting, holder: Holder, around: Around, now: float, *, free: bool) -> Decision | None:
        """Decides about somebody who was let in a moment ago; None where it is to be decided anew.

        Args:
            sighting: marked as a repeat.
            holder: who it is of.
            around: now.
            now: the same in elapsed seconds.
            free: the mode keeps the door unlocked.
        """
        last = self._granted.get(holder.id)
        if last is None or now > last.until:
            return None
        if last.decision.reason is Reason.FREE_ACCESS and not free:
            return None  # nothing was asked for then
        alone = not self._post.factors(holder, around.at).missing((Shown.FACE,))
        if not (free or alone or Shown.FACE in last.decision.shown):
            return None  # a card has opened then: the face alone does not
        attempt = Attempt(holder.id, around.at, shown=last.decision.shown, sighting=sighting)
        against = self.refusal(holder, around) or refusals.of_interlock(self._post.door, around)
        if against is not None and (not free or against.reason is Reason.BLOCKED):
            return attempt.denied(against, around.at)
        return replace(
            last.decision,
            person=holder.id,
            sighting=sighting,
            companion=None,  # whoever came along then
            signature=None,
            at=around.at,
            alarms=(),
            key=None,
            repeat=True,
        )

    def freely(self, decision: Decision, around: Around, now: float) -> Decision:
        """Returns the grant to whoever comes through a door that the mode keeps unlocked, whatever was decided."""
        if decision.outcome is Outcome.GRANTED and decision.repeat:
            return decision
        person = decision.person if decision.shown else None
        repeat = decision.sighting is not None and decision.sighting.repeat
        seconds = self._seconds(around, person)
        if person is not None and decision.outcome is not Outcome.GRANTED:
            self.whereabouts.granted((person,), self._post.door, around.at)
        self._first = None
        granted = replace(
            decision,
            outcome=Outcome.GRANTED,
            reason=Reason.FREE_ACCESS,
            person=person,
            seconds=seconds,
            companion=None,
            detail=decision.sighting.detail if decision.sighting else "",
            repeat=repeat and decision.outcome is not Outcome.GRANTED,
        )
        self._remember(granted, now)
        return granted

    def overdue(self, at: datetime, now: float) -> list[Decision]:
        """Returns the refusal of the first of two whose second has not come, and of those who may no longer."""
        if self._first is not None and now >= self._first.until:
            seconds = self._post.door.two_person_seconds
            refusal = Refusal(Reason.NO_SECOND_PERSON, f"nobody else within {seconds:g} s")
            self._late.append(self._first.attempt.denied(refusal, at))
            self._first = None
        late, self._late = self._late, []
        return late

    def _against(self, holder: Holder, around: Around) -> Refusal | None:
        post = self._post
        found = refusals.of_interlock(post.door, around)
        return found or crossing(post.rules, post.door, holder, post.standing(holder.id, around.at), around).refusal

    def _still_may(self, first: Attempt, around: Around) -> bool:
        """Whether the first of two may still come in; says so if not."""
        holder = self._post.register.people.get(first.person)
        if holder is None:
            return False
        against = self.refusal(holder, around) or self._against(holder, around)
        if against is not None:
            self._late.append(first.denied(against, around.at))
        return against is None

    def _grant(
        self, attempt: Attempt, first: Attempt | None, around: Around, now: float, *, alarms: tuple[Alarm, ...]
    ) -> Decision:
        post = self._post
        people = (first.person, attempt.person) if first else (attempt.person,)
        for person in people:
            standing = post.standing(person, around.at)
            holder = post.register.people[person]
            alarms += crossing(post.rules, post.door, holder, standing, around).alarms
        seconds = self._seconds(around, *people)
        groups = post.register.people[attempt.person].groups
        decision = Decision(
            Outcome.GRANTED,
            Reason.MATCH if attempt.shown == (Shown.FACE,) else Reason.CREDENTIAL,
            attempt.person,
            attempt.sighting,
            around.at,
            attempt.sighting.detail if attempt.sighting else "",
            shown=attempt.shown,
            signature=attempt.signature,
            seconds=seconds,
            companion=first.person if first else None,
            alarms=tuple(dict.fromkeys(alarms)),
            schedule=permit(post.rules, groups, post.name, around.at).schedule,
            key=attempt.key,
        )
        post.modes.let_in(post.rules, around.at)
        self.whereabouts.granted(people, post.door, around.at)
        self._remember(decision, now)
        return decision

    def _remember(self, granted: Decision, now: float) -> None:
        self._granted = {person: last for person, last in self._granted.items() if now <= last.until}
        # of two who were needed each opens again alone only as long as the door is open for both anyway
        seconds = _REPEAT_SECONDS if granted.companion is None else min(granted.seconds, _REPEAT_SECONDS)
        for person in {granted.person, granted.companion} - {None}:
            self._granted[str(person)] = _Granted(granted, now + seconds)

    def _seconds(self, around: Around, *people: str | None) -> float:
        """How long the lock stays released: longer if one of them needs it."""
        door = self._post.door
        pulse = around.pulse_seconds if door.pulse_seconds is None else door.pulse_seconds
        holders = [self._post.register.people.get(person) for person in people if person]
        slow = any(holder is not None and holder.extended for holder in holders)
        return max(pulse, door.extended_seconds) if slow else pulse
