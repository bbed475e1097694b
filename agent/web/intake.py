"""What is typed and drawn on the page: checked, and handed to the door by a worker, for which no browser ever waits."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final, Self, TypeAlias

from pydantic import Field, model_validator

from agent.access import keypad
from agent.mqtt.credential import MOST_A_SECOND
from agent.mqtt.message import Message
from agent.signature.trace import trace
from agent.types import Credential, Floats
from agent.web.drawn import Drawn

Signed: TypeAlias = Callable[[Floats, int | None, datetime], object]
WAITING: Final = 4  # for the door, which may take its time over a PIN
STEP_SECONDS: Final = 0.5


class Typed(Message):
    """The body of a POST."""

    typed: Annotated[str, Field(min_length=1, max_length=keypad.LONGEST + 8)] | None = Field(default=None, repr=False)
    key: Annotated[str, Field(min_length=1, max_length=32)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.typed is None and self.key is None:
            raise ValueError("something typed or a key is wanted")
        return self

    def credential(self, at: datetime) -> Credential:
        """Returns what was typed as `agent.access.keypad` reads it.

        Raises:
            ValueError: it is none; the message does not repeat it.
        """
        if self.typed is None:
            return Credential(at, key=self.key)
        read = keypad.parse(self.typed, at)
        return Credential(at, card=read.card, badge=read.badge, pin=read.pin, key=self.key)


class Intake:
    """Between the web and the door.

    Args:
        shown: takes a credential; may take its time.
        signed: takes a signature, the number of the session it is for, if any, and when it came; likewise. None:
            signatures are not compared here.
    """

    def __init__(self, shown: Callable[[Credential], object], signed: Signed | None = None) -> None:
        self._shown, self._signed = shown, signed
        self._waiting: queue.Queue[Callable[[], object]] = queue.Queue(WAITING)
        self._came: deque[float] = deque(maxlen=MOST_A_SECOND)

    def too_many(self) -> bool:
        """Counts one more request, good or not; returns whether there were too many within the last second."""
        now = time.monotonic()
        full = len(self._came) == MOST_A_SECOND and now - self._came[0] < 1.0
        if not full:
            self._came.append(now)
        return full

    def take(self, typed: Typed) -> bool:
        """Queues what was typed; returns False where there is no room. Never waits.

        Raises:
            ValueError: it is no credential.
        """
        return self._put(partial(self._shown, typed.credential(datetime.now(UTC))))

    @property
    def takes_signatures(self) -> bool:
        """Whether signatures are compared here."""
        return self._signed is not None

    def take_drawn(self, drawn: Drawn) -> bool:
        """Queues what was drawn; returns False where there is no room, or nobody looks at it. Never waits.

        Raises:
            SignatureRefused: it is no signature.
        """
        return self._signed is not None and self._put(
            partial(self._signed, trace(drawn.points), drawn.session, datetime.now(UTC))
        )

    def _put(self, show: Callable[[], object]) -> bool:
        try:
            self._waiting.put_nowait(show)
        except queue.Full:
            return False
        return True

    def step(self) -> None:
        """Of a worker: waits for something typed or drawn, and shows it to the door."""
        try:
            show = self._waiting.get(timeout=STEP_SECONDS)
        except queue.Empty:
            return
        show()
