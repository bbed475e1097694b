"""A card or a PIN that comes from the network: from a reader, a keypad or the kiosk page."""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError, model_validator

from agent.mqtt.message import CommandId, Message, Time
from agent.mqtt.wire import explain
from agent.types import Credential

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 10.0  # between the reader's clock and ours
MOST_A_SECOND: Final = 20  # all readers of a door together; what is beyond is a flood, and would fill the disk
REMEMBERED: Final = 1000  # ids; more cannot be fresh at once

Digits = Annotated[str, Field(pattern=r"^[0-9]{1,16}$")]
Number = Annotated[str, Field(min_length=1, max_length=256)]


class CredentialMessage(Message):
    """What was shown or typed: a card, or a PIN with the badge number where no face was recognised before."""

    id: CommandId
    at: Time
    card: Number | None = Field(default=None, repr=False)
    pin: Digits | None = Field(default=None, repr=False)
    badge: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    key: Annotated[str, Field(max_length=32)] | None = None
    mode: Annotated[str, Field(max_length=32)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.card is None and self.pin is None and self.key is None:
            raise ValueError("a card, a pin or a key is wanted")
        return self


class Reception:
    """Takes credentials from the network: each once, and none that is stale. Used by one thread."""

    def __init__(self) -> None:
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._came: deque[datetime] = deque(maxlen=MOST_A_SECOND)
        self._flooded = False

    def take(self, payload: bytes, now: datetime) -> Credential | None:
        """Returns what was shown; None, with a word in the log, for what is not to be believed.

        Args:
            payload: as it came.
            now: UTC.
        """
        if self._too_many(now):
            return None
        try:
            message = CredentialMessage.model_validate_json(payload)
        except ValidationError as error:
            log.warning("credential refused: %s", explain(error))
            return None
        if message.id in self._seen:
            return None
        age = (now - message.at).total_seconds()
        if abs(age) > FRESH_SECONDS:
            log.warning("credential refused: it is %.0f s old by this clock, want %g at most", age, FRESH_SECONDS)
            return None
        self._seen.append(message.id)
        return Credential(
            at=now, card=message.card, badge=message.badge, pin=message.pin, key=message.key, mode=message.mode
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
