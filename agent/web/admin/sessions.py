"""Who has signed in, on which browser: in memory, so that a restart signs everybody out."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.trust.roles import Role, may

MOST: Final = 256  # sessions; the oldest goes
TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that somebody has signed in with."""

    name: str  # of the account
    role: Role
    secret: str  # what the page says in `X-Latchkey-Session` whenever it changes something: no other page can know it
    began: float  # monotonic seconds

    @property
    def by(self) -> str:
        """Who asks, as the audit has it."""
        return f"page:{self.name}"

    def may(self, verb: str) -> bool:
        """Whether its role may ask a verb."""
        return may(self.role, verb)


class Sessions:
    """All of them, by what their cookies say. May be used from any thread.

    Args:
        idle_seconds: until one ends that nobody uses.
        longest_seconds: of any.
        clock: monotonic seconds.
    """

    def __init__(
        self, idle_seconds: float, longest_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._idle, self._longest, self._clock = idle_seconds, longest_seconds, clock
        self._lock = threading.Lock()
        self._open: dict[bytes, tuple[Session, float]] = {}  # by the hash of the token: with when it was used last

    def open(self, name: str, role: Role) -> tuple[str, Session]:
        """Returns the token of a new session, which is nowhere else, and the session."""
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._clock()
        session = Session(name, role, secrets.token_urlsafe(TOKEN_BYTES), now)
        with self._lock:
            self._open[_hash(token)] = (session, now)
            if len(self._open) > MOST:
                del self._open[min(self._open, key=lambda each: self._open[each][1])]
        return token, session

    def find(self, token: str) -> Session | None:
        """Returns the session of a token, which is used with this; None where there is none any more."""
        key, now = _hash(token), self._clock()
        with self._lock:
            session, used = self._open.get(key, (None, 0.0))
            if session is None:
                return None
            if now - used > self._idle or now - session.began > self._longest:
                del self._open[key]
                return None
            self._open[key] = (session, now)
        return session

    def close(self, token: str) -> None:
        """Ends a session."""
        with self._lock:
            self._open.pop(_hash(token), None)

    def close_all(self, name: str) -> None:
        """Ends all sessions of an account."""
        with self._lock:
            self._open = {key: each for key, each in self._open.items() if each[0].name != name}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
