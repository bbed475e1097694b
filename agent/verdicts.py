"""The words for what is concluded about who stands at the door: what is done, why, what is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a decision does to the door."""

    GRANTED = "granted"
    DENIED = "denied"
    PENDING = "pending"  # more is asked for: a PIN, a card, a face, the second person; told, never recorded


class Reason(StrEnum):
    """Why. One per decision; `deploy/MQTT.md` says what each means to the person at the door."""

    # granted
    MATCH = "match"  # k of n shots agree above the threshold and the margin, and the rules let this person in
    CREDENTIAL = "credential"  # a card or a PIN was shown, alone or with the face, and the rules let this person in
    FREE_ACCESS = "free_access"  # the door is open to everybody now; who it was does not matter
    # denied: who it is
    UNKNOWN = "unknown"  # nobody in the gallery is similar enough
    AMBIGUOUS = "ambiguous"  # two people in the gallery are about as similar
    INCONSISTENT = "inconsistent"  # the shots point to different people
    EMPTY_GALLERY = "empty_gallery"  # nobody is enrolled
    POOR_QUALITY = "poor_quality"  # stood at the door, but no shot was good enough
    UNKNOWN_CREDENTIAL = "unknown_credential"  # nobody has this card, or this badge number
    WRONG_PIN = "wrong_pin"
    WRONG_CARD = "wrong_card"  # the card is another person's than the face
    FACE_MISMATCH = "face_mismatch"  # the face is not that of the card's holder
    WRONG_SIGNATURE = "wrong_signature"  # not as this person signs, or a recording
    NO_SIGNATURE = "no_signature"  # one is asked for, and there is none of this person to compare it with
    INCOMPLETE = "incomplete"  # what was asked for did not come in time
    LOCKED_OUT = "locked_out"  # too many wrong PINs or cards in a row: wait
    # denied: who it is may not
    SUSPENDED = "suspended"
    LEFT = "left"
    BLOCKED = "blocked"  # on the blocklist: an alarm as well
    NOT_YET_VALID = "not_yet_valid"
    NO_LONGER_VALID = "no_longer_valid"  # also a visitor whose hours are over
    NO_ACCESS = "no_access"  # none of the groups is ever let in here
    OUTSIDE_SCHEDULE = "outside_schedule"  # let in here, but not now
    PASSBACK = "passback"  # already inside, or not inside where one has to be
    PEERS_SILENT = "peers_silent"  # whether already inside is not known: other doors of the zone cannot be heard
    NO_SECOND_PERSON = "no_second_person"  # two are needed here, and the second did not come in time
    # denied: the door does not
    LOCKED_DOWN = "locked_down"
    INTERLOCK = "interlock"  # the other door of the lock is open
    STORAGE_FAILED = "storage_failed"  # the decision could not be recorded and the policy is to stay shut
    # pending
    PIN_NEEDED = "pin_needed"
    CARD_NEEDED = "card_needed"
    FACE_NEEDED = "face_needed"
    SIGNATURE_NEEDED = "signature_needed"
    SECOND_PERSON_NEEDED = "second_person_needed"


class Alarm(StrEnum):
    """What somebody has to be told at once: an event of its own, `event/alarm`; of a decision, or of the door."""

    DURESS = "duress"  # silent: nothing at the door shows it
    BLOCKED_PERSON = "blocked_person"
    LOCKED_OUT = "locked_out"
    PASSBACK = "passback"  # let in all the same: anti-passback is soft here
    TAILGATING = "tailgating"  # more faces went through than were granted: a hint
    HELD_OPEN_SOON = "held_open_soon"  # from here on of the door; this is the pre-alarm
    HELD_OPEN = "held_open"
    FORCED_OPEN = "forced_open"
    TAMPER = "tamper"


@dataclass(frozen=True, slots=True)
class Weighed:
    """What came of a comparison."""

    distance: float  # less half of that among the references: 0 or so where it is the person's own
    threshold: float  # the most that passes
    references: int
    replayed: bool = False

    @property
    def own(self) -> bool:
        """Whether it is taken for the person's own."""
        return self.distance <= self.threshold and not self.replayed
