"""The browsers that listen: each has a short queue, and whoever is too slow misses the oldest."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

MOST: Final = 16  # browsers; a door has a screen or two
WAITING: Final = 16  # messages of one browser


class Listener:
    """One browser's queue. Made and used in the event loop, but for `tell` and `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[str] = deque(maxlen=WAITING)
        self._news = asyncio.Event()
        self._closed = False

    def tell(self, message: str) -> None:
        """Leaves a message, in the place of the oldest where there is no room. Never waits."""
        self._waiting.append(message)
        self._wake()

    def close(self) -> None:
        """Nothing more will come."""
        self._closed = True
        self._wake()

    async def take(self) -> list[str]:
        """Waits for messages and returns them all; none once closed."""
        while not self._waiting and not self._closed:
            self._news.clear()
            if not self._waiting and not self._closed:  # one may have come in between
                await self._news.wait()
        taken = []
        with suppress(IndexError):
            while not self._closed:
                taken.append(self._waiting.popleft())
        return taken

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._news.set)


class Audience:
    """All who listen. `publish` and `close` may be called from any thread, and never wait for a browser."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._state: str | None = None
        self._closed = False

    def publish(self, message: Mapping[str, object], *, state: bool = False) -> None:
        """Tells everybody; a `state` also to those who come later, until the next one."""
        text = json.dumps(message, separators=(",", ":"))
        with self._lock:
            if state:
                self._state = text
            for listener in self._listeners:
                listener.tell(text)

    def join(self) -> Listener:
        """Returns a new listener, who begins with the state. Where there are too many, the oldest goes."""
        listener = Listener()
        with self._lock:
            if self._state is not None:
                listener.tell(self._state)
            if self._closed:
                listener.close()
            self._listeners.append(listener)
            if len(self._listeners) > MOST:
                self._listeners.pop(0).close()
        return listener

    def leave(self, listener: Listener) -> None:
        """The browser has gone."""
        with self._lock, suppress(ValueError):
            self._listeners.remove(listener)

    def close(self) -> None:
        """Lets everybody go."""
        with self._lock:
            self._closed = True
            for listener in self._listeners:
                listener.close()

    def __len__(self) -> int:
        """How many listen."""
        return len(self._listeners)
