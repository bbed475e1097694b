"""What a collector says: which events it has written down, so that they may leave the outbox.

With `[mqtt] acknowledged` the broker's PUBACK is not enough. A broker may lose what it took, and a collector may stand
still for a week: the device keeps an event until somebody says, signed by a key whose role is `collector`, that it is
in a database. An acknowledgement that is not to be believed is refused and counted; nothing leaves the outbox by it.
Nothing is lost with one that never arrives: what it was about is sent again, see `agent.mqtt.resending`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Self, TypeAlias

from pydantic import Field, ValidationError, model_validator

from agent.errors import CommandError, StoreError
from agent.mqtt.admission import Admission
from agent.mqtt.complaints import Complaints
from agent.mqtt.message import LARGEST, Code, Command
from agent.mqtt.wire import explain

logger = logging.getLogger(__name__)

VERB: Final = "event_ack"
MOST_RANGES: Final = 500  # in one message

Seq: TypeAlias = Annotated[int, Field(ge=1, le=LARGEST)]
Range: TypeAlias = tuple[Seq, Seq]
"""First and last, both written down, and all between them."""


class EventAck(Command):
    """Events that are written down: all up to one, or ranges, or both."""

    through: Seq | None = None
    seqs: Annotated[tuple[Range, ...], Field(max_length=MOST_RANGES)] = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.ranges:
            raise ValueError("through or seqs is wanted")
        if any(first > last for first, last in self.seqs):
            raise ValueError("seqs: the first of a range comes before its last")
        return self

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """What it acknowledges: first and last of each range."""
        return (*([(1, self.through)] if self.through is not None else []), *self.seqs)


class Acknowledgements:
    """Takes what collectors say. Used by the commander's thread.

    Args:
        admission: whether a message is to be believed.
        newest: the greatest seq that the device has given.
        mark: notes ranges of events as acknowledged.
        taken: told after each that was believed.
        now: the time, UTC.
    """

    def __init__(
        self,
        admission: Admission,
        *,
        newest: Callable[[], int],
        mark: Callable[[Sequence[tuple[int, int]]], object],
        taken: Callable[[], object] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.refused = 0  # since the start
        self._admission, self._newest, self._mark, self._taken, self._now = admission, newest, mark, taken, now
        self._complaints = Complaints()

    def take(self, payload: bytes) -> bool:
        """Returns whether a message was believed; what is wrong with it is told in the log, once.

        Args:
            payload: as it came.
        """
        try:
            ack = EventAck.model_validate_json(self._admission.admit(VERB, payload, self._now()).arguments)
            self._check(ack)
        except CommandError as error:
            return self._refuse(f"{error.code}: {error}")
        except ValidationError as error:
            return self._refuse(explain(error))
        try:
            self._mark(ack.ranges)
        except StoreError as error:  # they are sent again, and acknowledged again
            logger.warning("acknowledged events cannot be marked: %s", error)
            return False
        self._complaints.forget()
        self._taken()
        return True

    def _check(self, ack: EventAck) -> None:
        """Raises CommandError for what nobody can have written down: it is about another device, or made up."""
        newest, last = self._newest(), max(last for _, last in ack.ranges)
        if last > newest:
            raise CommandError(Code.BAD_REQUEST, f"it acknowledges the event {last}, and the newest here is {newest}")

    def _refuse(self, why: str) -> bool:
        self.refused += 1
        self._complaints.add(f"an acknowledgement is refused: {why}")
        return False
