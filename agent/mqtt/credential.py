"""A card or a PIN that comes from the network: from a reader, a keypad or another page at the wall."""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from agent.mqtt.message import Command, Time
from agent.types import Credential

log = logging.getLogger(__name__)

VERB: Final = "credential"  # in what is signed
FRESH_SECONDS: Final = 10.0  # between the reader's clock and ours
MOST_A_SECOND: Final = 20  # all readers of a door together; what is beyond is a flood, and would fill the disk

Digits = Annotated[str, Field(pattern=r"^[0-9]{1,16}$")]
Number = Annotated[str, Field(min_length=1, max_length=256)]


class CredentialMessage(Command):
    """What was shown or typed: a card, or a PIN with the badge number where no face was recognised before."""

    at: Time
    card: Number | None = Field(default=None, repr=False)
    pin: Digits | None = Field(default=None, repr=False)
    badge: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    pressed: Annotated[str, Field(max_length=32)] | None = None  # an attendance key
    mode: Annotated[str, Field(max_length=32)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.card is None and self.pin is None and self.pressed is None:
            raise ValueError("a card, a pin or a pressed key is wanted")
        return self


class Reception:
    """Takes credentials that a reader has signed: none that is stale, and no flood. Used by one thread."""

    def __init__(self) -> None:
        self._came: deque[datetime] = deque(maxlen=MOST_A_SECOND)
        self._flooded = False

    def take(self, message: CredentialMessage, now: datetime) -> Credential | None:
        """Returns what was shown; None, with a word in the log, for what is not to be believed.

        Args:
            message: signed by a reader, and not seen before.
            now: UTC.
        """
        if self._too_many(now):
            return None
        age = (now - message.at).total_seconds()
        if abs(age) > FRESH_SECONDS:
            log.warning("credential refused: it is %.0f s old by this clock, want %g at most", age, FRESH_SECONDS)
            return None
        return Credential(
            at=now, card=message.card, badge=message.badge, pin=message.pin, key=message.pressed, mode=message.mode
        )

    def _too_many(self, now: datetime) -> bool:
        """Whether as many as can be have come within the last second; a flood is told of once a second."""
        full = len(self._came) == MOST_A_SECOND and timedelta() <= now - self._came[0] < timedelta(seconds=1)
        if full and not self._flooded:
            log.warning("credentials refused: more than %d within a second", MOST_A_SECOND)
        self._flooded = full
        if not full:
            self._came.append(now)
        return full
