"""Between recognition and the door: what was seen and shown, by whom, becomes a decision.

                       a face, card or badge number of          all of one way,
                       somebody who may come in now             and nothing against it
    NOBODY ───────────────────────────────────────► ATTEMPT ──────────────────────────► granted
      ▲  ▲    ▲                                      │ │  ▲ │                              ▲
      │  │    │ time is over: INCOMPLETE,            │ │  └─┘ a wrong PIN or card,         │
      │  │    │ somebody else came                   │ │      or more is asked for         │
      │  │    └──────────────────────────────────────┘ │                                   │ the second,
      │  │                      locked out, may not     │     two are needed, and this      │ another person,
      │  └──────────────────────────────────────────────┤     is the first                  │ likewise
      │                                                 └─────────────────► WAITING FOR ────┘
      │     time is over: NO_SECOND_PERSON                                  THE SECOND
      └────────────────────────────────────────────────────────────────────────┘

What is against it is asked in this order, and again when all has been shown: the person's state and validity, the mode,
the schedules, the storage; then the interlock, anti-passback, the second person.

Where the mode keeps the door unlocked everybody is let in, known or not, but for the blocklist and the interlock.
Only PINs, cards and signatures count as failures and are locked out: a face that is enough by itself still opens, so
that nobody can shut somebody out by typing wrong PINs to the badge number. Unknown cards and badge numbers lock out all
cards and badge numbers at this door, right ones as well: who tries on would learn from the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from agent.access.admission import Admission
from agent.access.around import Around, Passage
from agent.access.credentials import Credentials, Weigh
from agent.access.holder import Register, Standing
from agent.access.inquiry import Inquiry
from agent.access.modes import ModeChange, Modes
from agent.access.post import Post
from agent.access.refusals import of_interlock
from agent.access.rules import Mode, Rules
from agent.access.standings import Standings
from agent.elapsed import Elapsed
from agent.types import Credential, Decision, Outcome, Reason, Sighting

_REREAD_SECONDS = 1.0
_STAYS_SHUT = {Reason.BLOCKED, Reason.LOCKED_DOWN}  # also where the mode keeps the door unlocked


class Doorkeeper:
    """Fed with sightings, credentials and the passing of time; used by one thread.

    Each call returns at most one decision. Its alarms are to be raised also where it is pending. After each call
    `take_changes`, `take_passages` and `take_mode_change` have what is to be stored with it and told to other doors,
    and `claim` may be another.
    """

    def __init__(
        self,
        door: str,
        rules: Rules,
        register: Register,
        *,
        standings: Mapping[str, Standing],
        mode: Mode | None,
        opened_on: str | None,
        check_pin: Callable[[str, str], bool],
        digest: Callable[[str], str],
        weigh: Weigh | None = None,
    ) -> None:
        """Starts with nobody there.

        Args:
            door: its name in the rules.
            rules: of the site.
            register: the people.
            standings: as stored, by person.
            mode: as chosen; None: as in the rules.
            opened_on: as stored.
            check_pin: whether a PIN is that of a hash; in constant time.
            digest: what `Register.cards` has for a card number.
            weigh: a signature against somebody's references; None: there is no encoder for signatures.
        """
        self._post = Post(door, rules, register, Standings(standings), Modes(door, mode, opened_on))
        self._admission = Admission(self._post)
        credentials = Credentials(self._post, check_pin=check_pin, digest=digest, weigh=weigh)
        self._inquiry = Inquiry(self._post, credentials, self._admission)
        self._elapsed = Elapsed()
        self._at: datetime | None = None
        self._let_in: tuple[str | None, float] = None, 0.0  # the last card that was, and until when it is the same

    @property
    def rules(self) -> Rules:
        """The rules in force; may be set at any time, a running attempt goes on under the new ones."""
        return self._post.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._post.rules = rules

    @property
    def register(self) -> Register:
        """The people; may be set at any time, a running attempt goes on with who the person is now."""
        return self._post.register

    @register.setter
    def register(self, register: Register) -> None:
        self._post.register = register

    @property
    def mode(self) -> Mode:
        """The mode that holds: the chosen one, or that of the rules."""
        return self._post.modes.mode(self.rules)

    @property
    def opened_on(self) -> str | None:
        """The span that the first person has opened; to be stored with the mode."""
        return self._post.modes.opened_on

    @property
    def claim(self) -> str | None:
        """The person whose face alone is to be compared now. When it changes, visits begin anew."""
        return self._inquiry.claim(self._at) if self._at else None

    def set_mode(self, mode: Mode | None) -> None:
        """Sets the mode, None for that of the rules; `DoorRules.modes_by` is for the caller to look at."""
        self._post.modes.chosen = mode

    def expect(self) -> None:
        """To be called before that is read which `recall` takes over; all that was taken has to be stored first."""
        self._post.standings.expect()

    def recall(self, standings: Mapping[str, Standing]) -> None:
        """Takes over how people stand from the store, where people were merged, renamed or forgotten."""
        self._post.standings.recall(standings)

    def unlocked(self, around: Around) -> bool:
        """Whether the mode keeps the door unlocked now: never while another door of the interlock is open."""
        post = self._post
        unlocked = post.modes.unlocked(post.rules, around.at, clock_ok=around.clock_ok)
        return unlocked and of_interlock(post.door, around) is None

    def see(self, sighting: Sighting, around: Around) -> Decision | None:
        """Decides about a face; None where it was seen before the card that it would have to go with."""
        now, free = self._advance(around), self.unlocked(around)
        return self._freely(self._inquiry.see(sighting, around, now, free=free), around, now, free=free)

    def show(self, credential: Credential, around: Around) -> Decision | None:
        """Decides about what came from a keypad or a card reader; None for a key that waits, or a card read twice."""
        now, free = self._advance(around), self.unlocked(around)
        if self._reread(credential, now):
            return None
        if (credential.card, credential.badge, credential.pin, credential.signature) == (None,) * 4:
            return self._inquiry.press(credential, around, now)
        decision = self._freely(self._inquiry.show(credential, around, now, free=free), around, now, free=free)
        if decision is not None and decision.outcome is Outcome.GRANTED:
            self._let_in = credential.card, now + _REREAD_SECONDS
        return decision

    def tick(self, around: Around) -> list[Decision]:
        """Returns the refusals of those who did not go on in time. To be called a few times a second."""
        now = self._advance(around)
        return self._inquiry.overdue() + self._admission.overdue(around.at, now)

    def take_gone(self) -> list[str]:
        """Returns whose attempts have ended without a word since the last time: they may be recognised again."""
        gone, self._inquiry.gone = self._inquiry.gone, []
        return gone

    def passed(self, people: Iterable[str], around: Around) -> None:
        """The door was opened for these, as the lock says; where the rules say `passes_on_opening` that moves them."""
        self._advance(around)
        self._admission.whereabouts.passed(people, self._post.door, around.at)

    def hear(self, passage: Passage) -> None:
        """Another door of the zone let somebody through; where people are whom nobody knows here does not matter."""
        if passage.person in self.register.people:
            self._admission.whereabouts.hear(passage, self._at)

    def take_changes(self) -> dict[str, Standing]:
        """Returns how people stand now who stood otherwise the last time; to be stored with the decision."""
        return self._post.standings.take()

    def take_passages(self) -> list[Passage]:
        """Returns who went through since the last time; for the other doors of the zone."""
        return self._admission.whereabouts.take()

    def whereabouts(self, most: int) -> tuple[Passage, ...]:
        """Returns who is where, as far as is known: the latest `most`, the latest first."""
        return self._admission.whereabouts.latest(most)

    @property
    def changes(self) -> int:
        """How often somebody has come to stand otherwise: as long as it is the same, `whereabouts` is."""
        return self._post.standings.changes

    def take_mode_change(self) -> ModeChange | None:
        """Returns the mode that somebody has chosen at the door since the last time; in force already."""
        change, self._admission.mode_change = self._admission.mode_change, None
        return change

    def _advance(self, around: Around) -> float:
        """Lets time pass; returns the seconds so far."""
        self._at = around.at
        now = self._elapsed(around.at)
        self._inquiry.advance(around.at, now)
        return now

    def _reread(self, credential: Credential, now: float) -> bool:
        """Whether it is the card that has just been let in: readers read a card twice."""
        card, until = self._let_in
        return card is not None and now < until and credential == Credential(credential.at, card=card)

    def _freely(self, decision: Decision | None, around: Around, now: float, *, free: bool) -> Decision | None:
        if decision is None or not free or decision.reason in _STAYS_SHUT:
            return decision
        if decision.outcome is Outcome.PENDING and self._inquiry.asks_for_mode:
            return decision  # who changes the mode shows everything all the same
        self._inquiry.drop()
        return self._admission.freely(decision, around, now)
