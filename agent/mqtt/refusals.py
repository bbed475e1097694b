"""What becomes of messages that are refused before anything is done: noted, and answered as long as they are few."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.mqtt.bucket import Bucket
from agent.mqtt.message import Code

BURST: Final = 200  # refusals that are answered at once
RATE: Final = 20.0  # a second, in the long run
LONGEST_BREATH_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was not carried out, for who sent it or when."""

    verb: str
    id: str | None
    code: Code
    by: str | None  # `mqtt:<name>` where the signature was good
    key: str | None = None  # id of the key that it names


class Refusals:
    """Of one commander.

    Args:
        noted: told of each, whether or not it is answered.
        clock: monotonic seconds.
    """

    def __init__(self, noted: Callable[[Refused], object], clock: Callable[[], float]) -> None:
        self._noted, self._clock, self._words = noted, clock, Bucket(BURST, RATE, clock)
        self._begun = clock()

    def begin(self) -> None:
        """A message is being looked at."""
        self._begun = self._clock()

    def answered(self, refused: Refused | None = None) -> bool:
        """Returns whether a refusal is answered.

        In a flood it is not, and rests for as long as it has worked on this one, so that the door has the processor.
        """
        if refused is not None:
            self._noted(refused)
        if self._words.take():
            return True
        time.sleep(min(LONGEST_BREATH_SECONDS, self._clock() - self._begun))
        return False
