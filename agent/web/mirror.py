"""What the camera sees, for the person before it: a small picture, and where their face is. Nothing of it is kept.

vision thread: saw(frame, glance) ──► the last one ──► herald: told() ──► SSE      web thread: picture() ──► MJPEG
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from agent.glance import Glance
from agent.types import Frame, Image
from agent.vision.pictures import encode_picture

WIDEST: Final = 320  # pixels
QUALITY: Final = 70  # of the JPEG
EVERY_SECONDS: Final = 0.2  # a picture, and a place of the face, at most
WATCHERS: Final = 4  # of one mirror; a door has a screen or two
PART: Final = b"--frame\r\n"
STALE_SECONDS: Final = 2.0  # the camera has said nothing since: nobody is there
NOBODY: Final[dict[str, Any]] = {"kind": "face", "size": 0}


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A frame with somebody in it."""

    frame: Frame
    glance: Glance
    at: float  # by the clock


class Mirror:
    """`saw` may be called from any thread and never waits: one reference is replaced.

    Attributes:
        watchers: how many watch; the web thread's.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.closed, self.watchers = threading.Event(), 0
        self._clock = clock
        self._last: Sight | None = None
        self._told: dict[str, Any] = NOBODY
        self._due = 0.0
        self._made: tuple[Sight, bytes] | None = None  # for the others who watch

    def saw(self, frame: Frame, glance: Glance | None) -> None:
        """A frame was looked at; the one before is let go of."""
        self._last = None if glance is None else Sight(frame, glance, self._clock())

    def told(self) -> dict[str, Any] | None:
        """Returns where the face is, as fractions of the picture; None where that is no news, or too soon. Herald's."""
        now = self._clock()
        if now < self._due:
            return None
        sight = self._sight()
        news = NOBODY if sight is None else _news(sight)
        if news == self._told:
            return None
        self._told, self._due = news, now + EVERY_SECONDS
        return news

    def picture(self, after: Sight | None = None) -> tuple[Sight, bytes] | None:
        """Returns what is seen and its JPEG; None where nobody is there, or nothing is newer. The web thread's."""
        sight = self._sight()
        if sight is None:
            self._made = None
            return None
        if sight is after:
            return None
        if self._made is None or self._made[0] is not sight:
            self._made = sight, encode_picture(_small(sight.frame), quality=QUALITY)
        return self._made

    def close(self) -> None:
        """Nothing more is shown."""
        self._last = self._made = None
        self.closed.set()

    def _sight(self) -> Sight | None:
        last = self._last
        return last if last is not None and self._clock() - last.at < STALE_SECONDS else None


async def watch(mirror: Mirror, goes_on: Callable[[], bool]) -> AsyncGenerator[bytes] | None:
    """Returns the pictures as the parts of `multipart/x-mixed-replace; boundary=frame`; None: so many watch already.

    Args:
        mirror: whose they are.
        goes_on: whether whoever watches still may.
    """
    if mirror.watchers >= WATCHERS:
        return None
    made = _pictures(mirror, goes_on)
    await anext(made)  # waits for nothing: it is counted now, until it is closed or nobody holds it any more
    return made


async def _pictures(mirror: Mirror, goes_on: Callable[[], bool]) -> AsyncGenerator[bytes]:
    """The picture whenever there is a new one. Whoever is slow misses those in between, and no one waits."""
    mirror.watchers += 1
    try:
        yield b""
        yield PART
        sight = None
        while not mirror.closed.is_set() and goes_on():
            made = mirror.picture(sight)
            if made is not None:
                sight, jpeg = made
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
                yield head + jpeg + b"\r\n" + PART  # a browser shows a part once the next begins
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        mirror.watchers -= 1


def _news(sight: Sight) -> dict[str, Any]:
    height, width = sight.frame.image.shape[:2]
    box, hint = sight.glance.box, sight.glance.hint
    return {
        "kind": "face",
        "x": round((box.x + box.width / 2) / width, 3),  # of its middle
        "y": round((box.y + box.height / 2) / height, 3),
        "size": round(max(box.width, box.height) / height, 3),
        "hint": hint and hint.value,
    }


def _small(frame: Frame) -> Image:
    image = frame.image if frame.small is None else frame.small
    height, width = image.shape[:2]
    if width <= WIDEST:
        return image
    size = WIDEST, max(1, round(height * WIDEST / width))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
