"""Remembers the best look at each visitor until the visit is over, and has it kept where it ended unknown.

    vision: saw(track, crop) ──► the best so far ──► left(track, whom) ──┐ both: unknown, and not recognised after all
    recorder: recorded(event): nobody knows who that was ────────────────┴──► a queue ──► step(): the album

Nothing is written while somebody may still be recognised.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.types import Crop, Embedding, Event, Reason

log = logging.getLogger(__name__)

VISITORS: Final = 32  # remembered at once; the one that came first is forgotten
WAITING: Final = 16  # pictures to be written; beyond that the oldest is not kept
STEP_SECONDS: Final = 0.5
UNKNOWN: Final = frozenset({Reason.UNKNOWN.value, Reason.EMPTY_GALLERY.value})
"""The reasons for which a picture is kept: whoever is like two who are enrolled is not unknown."""


@dataclass(slots=True, eq=False)
class Visitor:
    """What is known of somebody on a track."""

    crop: Crop
    embedding: Embedding
    event: tuple[str, datetime] | None = None  # that said that nobody knows them
    gone: bool = False


class Witness:
    """`saw`, `left` and `recorded` may be called from any thread, and return at once; `step` is a worker's.

    Args:
        keep: keeps a picture: the event's id, its time, the crop and its embedding.
    """

    def __init__(self, keep: Callable[[str, datetime, Crop, Embedding], object]) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._visitors: dict[int, Visitor] = {}  # by track
        self._waiting: deque[Visitor] = deque(maxlen=WAITING)
        self._news = threading.Event()

    def saw(self, track: int, crop: Crop, embedding: Embedding) -> None:
        """A good look at somebody."""
        with self._lock:
            visitor = self._visitors.get(track)
            if visitor is None:
                self._visitors[track] = Visitor(crop, embedding)
                if len(self._visitors) > VISITORS:
                    del self._visitors[next(iter(self._visitors))]
            elif _worth(crop) > _worth(visitor.crop):
                visitor.crop, visitor.embedding = crop, embedding

    def left(self, track: int, person: str | None) -> None:
        """A track has ended; `person` is who it was, if that was found out."""
        with self._lock:
            visitor = self._visitors.get(track)
            if visitor is None:
                return
            if person is not None:
                del self._visitors[track]
                return
            visitor.gone = True
            self._settle(track, visitor)

    def recorded(self, event: Event) -> None:
        """An event was recorded; of one visit the first that says that nobody knows who it was counts."""
        body = event.body
        track = body.get("track")
        if event.kind != "access" or not isinstance(track, int):
            return
        with self._lock:
            visitor = self._visitors.get(track)
            if visitor is None:
                return
            if body.get("person") is not None:
                del self._visitors[track]
            elif body.get("reason") in UNKNOWN and visitor.event is None:
                visitor.event = event.id, event.at
                self._settle(track, visitor)

    def step(self) -> None:
        """Waits a little, and has kept what is to be kept."""
        self._news.wait(STEP_SECONDS)
        self._news.clear()
        while self._waiting:
            visitor = self._waiting.popleft()
            if visitor.event is not None:
                self._keep(*visitor.event, visitor.crop, visitor.embedding)

    def _settle(self, track: int, visitor: Visitor) -> None:
        if visitor.gone and visitor.event is not None:
            del self._visitors[track]
            self._waiting.append(visitor)
            self._news.set()


def _worth(crop: Crop) -> float:
    """The better, the sharper and the more frontal."""
    return crop.quality.sharpness * max(0.0, 1.0 - abs(crop.quality.yaw))
