"""Whose a card, a badge number or a PIN is, and what wrong ones lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from agent.access.attempt import Attempt
from agent.access.failures import failed, locked_seconds
from agent.access.holder import Holder
from agent.access.modes import BY_SCHEDULE
from agent.access.post import Post
from agent.access.refusals import Refusal
from agent.access.rules import Mode
from agent.access.standings import NOBODY
from agent.signature.judge import References, mark
from agent.types import Alarm, Credential, Embedding, Reason, Shown, Weighed

Weigh: TypeAlias = Callable[[Embedding, References], Weighed]
SIGNATURES: Final = 32
"""Of one person that are remembered: the same again is a recording, for nobody writes twice the same."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a PIN, or of a signature."""

    attempt: Attempt  # with what is right
    wrong: Reason | None = None
    refusal: Refusal | None = None  # it could not be looked at
    alarms: tuple[Alarm, ...] = ()


class Credentials:
    """Looks at what was shown.

    Args:
        post: the door and who may stand at it.
        check_pin: whether a PIN is that of a hash; in constant time.
        digest: what `Register.cards` has for a card number; a ValueError for what is none.
        weigh: a signature against somebody's references; None where this door has no encoder for signatures.
    """

    def __init__(
        self,
        post: Post,
        *,
        check_pin: Callable[[str, str], bool],
        digest: Callable[[str], str],
        weigh: Weigh | None = None,
    ) -> None:
        self._post = post
        self._check_pin = check_pin
        self._digest = digest
        self._weigh = weigh

    def named(self, credential: Credential, at: datetime) -> Holder | Refusal | None:
        """Returns whom a card or a badge number names, why it names nobody, or None where there is neither."""
        register = self._post.register
        found: list[str | None] = []
        if credential.card is not None:
            found.append(self._of_card(credential.card))
        if credential.badge is not None:
            found.append(register.badges.get(credential.badge))
        if not found:
            return None
        if seconds := self._post.locked_seconds(NOBODY, at):
            return Refusal(Reason.LOCKED_OUT, f"no cards and badge numbers for {seconds:.0f} s")
        holders = {person: register.people.get(person) if person else None for person in found}
        if len(holders) == 1 and (holder := holders[found[0]]) is not None:
            return holder
        return self.failed(NOBODY, Reason.WRONG_CARD if None not in holders.values() else Reason.UNKNOWN_CREDENTIAL, at)

    def _of_card(self, number: str) -> str | None:
        try:
            return self._post.register.cards.get(self._digest(number))
        except ValueError:  # no number that a card can have: nobody's
            return None

    def mode(self, credential: Credential, holder: Holder) -> Mode | Refusal | None:
        """Returns the mode that is asked for, or why this person may not have it."""
        if credential.mode is None:
            return None
        if credential.mode not in {*Mode}:
            return Refusal(Reason.NO_ACCESS, f"there is no such mode; there are {', '.join(Mode)}")
        if not holder.groups & self._post.door.modes_by:
            return Refusal(Reason.NO_ACCESS, "may not change the mode of this door")
        if credential.mode in BY_SCHEDULE and self._post.door.unlocked is None:
            return Refusal(Reason.NO_ACCESS, f"the mode {credential.mode} wants a schedule, and this door has none")
        return Mode(credential.mode)

    def prove(
        self, attempt: Attempt, holder: Holder, pin: str | None, signature: Embedding | None, at: datetime
    ) -> Proof:
        """Looks whether a PIN, or else a signature, is this person's."""
        if pin is not None:
            return self._pin(attempt, holder, pin, at)
        return Proof(attempt) if signature is None else self._signature(attempt, holder, signature, at)

    def _pin(self, attempt: Attempt, holder: Holder, pin: str, at: datetime) -> Proof:
        """Takes as long for the duress PIN as for the other."""
        own, duress = [hash_ is not None and self._check_pin(pin, hash_) for hash_ in (holder.pin, holder.duress)]
        if own or duress:
            self._post.standings.put(holder.id, replace(self._post.standing(holder.id, at), pin_at=at))
        if not own and not duress:
            return Proof(attempt, wrong=Reason.WRONG_PIN)
        return Proof(attempt.with_(Shown.PIN), alarms=() if own else (Alarm.DURESS,))

    def _signature(self, attempt: Attempt, holder: Holder, signature: Embedding, at: datetime) -> Proof:
        references = self._post.register.signatures.get(holder.id)
        if self._weigh is None or references is None or references.model != signature.model:
            return Proof(attempt, refusal=self.unsigned())
        standing, this = self._post.standing(holder.id, at), mark(signature)
        weighed = self._weigh(signature, references)
        if this in standing.signed:
            weighed = replace(weighed, replayed=True)
        tried = replace(attempt, signature=weighed)
        if not weighed.own:
            return Proof(tried, wrong=Reason.WRONG_SIGNATURE)
        self._post.standings.put(holder.id, replace(standing, signed=(this, *standing.signed)[:SIGNATURES]))
        return Proof(tried.with_(Shown.SIGNATURE))

    def unsigned(self, alarms: tuple[Alarm, ...] = ()) -> Refusal:
        """Returns why no signature of a person can be compared here."""
        why = "no signature is enrolled" if self._weigh else "this door has no encoder for signatures"
        return Refusal(Reason.NO_SIGNATURE, why, alarms)

    def forced(self, refusal: Refusal, holder: Holder, pin: str | None) -> Refusal:
        """Returns the same, with the alarm where the duress PIN was typed: who is forced needs help all the more.

        Says and counts nothing else of somebody who is not let in anyway.
        """
        under_duress = pin is not None and holder.duress is not None and self._check_pin(pin, holder.duress)
        return refusal.and_(Alarm.DURESS) if under_duress else refusal

    def failed(self, person: str, reason: Reason, at: datetime) -> Refusal:
        """Counts something wrong against a person, or `NOBODY`; returns what is said of it."""
        standing = failed(self._post.standing(person, at), self._post.door, at)
        self._post.standings.put(person, standing)
        if seconds := locked_seconds(standing, at):
            return Refusal(reason, f"the last of too many: locked out for {seconds:.0f} s", (Alarm.LOCKED_OUT,))
        left = self._post.door.failures - standing.failures
        return Refusal(reason, f"{left} more {'try' if left == 1 else 'tries'}" if left > 0 else "")
