"""A picture of the last decision at the door, for whoever may read its topic. Only with `[homeassistant] camera`.

Nothing is kept: not here, and not by the broker, for it is not retained; a broker that is away gets none. It shows
whoever stood there, also people who never agreed to be recognised: `deploy/HOMEASSISTANT.md` has the thinking.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from agent.mqtt.connection import Outgoing
from agent.mqtt.link import Link
from agent.types import Decision, Frame, Image, Outcome
from agent.vision.pictures import encode_picture

QUALITY: Final = 70  # of the JPEG
LARGEST: Final = 640  # pixels of the longer side
STALE_SECONDS: Final = 5.0  # older than that, a frame shows nobody of the decision
BETWEEN_SECONDS: Final = 1.0  # at the least, from one picture to the next


class DoorCamera:
    """Sees frames, and tells one where somebody was let in or not. For any thread.

    Args:
        link: to the broker.
        clock: seconds, monotonic.
    """

    def __init__(self, link: Link, clock: Callable[[], float] = time.monotonic) -> None:
        self._link, self._clock = link, clock
        self._lock = threading.Lock()
        self._last: tuple[Frame, float] | None = None
        self._told = -BETWEEN_SECONDS

    def saw(self, frame: Frame) -> None:
        """A frame was taken; the one before is let go of."""
        with self._lock:
            self._last = frame, self._clock()

    def decided(self, decision: Decision) -> None:
        """Tells the last frame, unless more is asked for at the door, or it is too soon."""
        if decision.outcome is Outcome.PENDING or not self._link.connected:
            return
        image = self._image()
        if image is None:
            return
        self._link.send(Outgoing(self._link.topics.snapshot, encode_picture(image, quality=QUALITY)))

    def _image(self) -> Image | None:
        now = self._clock()
        with self._lock:
            if self._last is None or now - self._last[1] > STALE_SECONDS or now - self._told < BETWEEN_SECONDS:
                return None
            self._told = now
            image = self._last[0].image
        step = -(-max(image.shape[:2]) // LARGEST)
        return image[::step, ::step]
