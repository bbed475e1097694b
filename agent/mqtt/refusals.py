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
BREATH_SECONDS: Final = 0.002  # after each refusal of a flood, so that the door has the processor


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
        self._noted, self._words = noted, Bucket(BURST, RATE, clock)

    def answered(self, refused: Refused | None = None) -> bool:
        """Returns whether a refusal is answered; in a flood it takes a breath instead."""
        if refused is not None:
            self._noted(refused)
        if self._words.take():
            return True
        time.sleep(BREATH_SECONDS)
        return False
