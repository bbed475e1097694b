"""Who has signed in, on which browser: in memory, so that a restart signs everybody out."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agent.trust.roles import Role, may

MOST: Final = 256  # sessions; the oldest goes
TOKEN_BYTES: Final = 32
ID_BYTES: Final = 6
LONGEST_BROWSER: Final = 200  # characters


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that somebody has signed in with."""

    name: str  # of the account
    role: Role
    secret: str = field(repr=False)  # what the page says in `X-Latchkey-Session`: no other page can know it
    began: float  # monotonic seconds
    generation: int = 1  # of the account, when it was opened: with another one it has ended
    id: str = ""  # for people to tell them apart; opens nothing
    address: str = ""  # from where
    browser: str = ""  # what it says of itself

    @property
    def by(self) -> str:
        """Who asks, as the audit has it."""
        return f"page:{self.name}"

    def is_told(self, secret: str) -> bool:
        """Whether somebody knows what its page alone knows."""
        return secrets.compare_digest(self.secret.encode(), secret.encode())

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

    def open(
        self, name: str, role: Role, *, generation: int = 1, address: str = "", browser: str = ""
    ) -> tuple[str, Session]:
        """Returns the token of a new session, which is nowhere else, and the session."""
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._clock()
        secret, id_ = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_hex(ID_BYTES)
        session = Session(name, role, secret, now, generation, id_, address, browser[:LONGEST_BROWSER])
        with self._lock:
            self._open[_hash(token)] = (session, now)
            if len(self._open) > MOST:
                del self._open[min(self._open, key=lambda each: self._open[each][1])]
        return token, session

    def find(self, token: str, *, using: bool = True) -> Session | None:
        """Returns the session of a token, which is used with this unless told; None where there is none any more."""
        key, now = _hash(token), self._clock()
        with self._lock:
            session, used = self._open.get(key, (None, 0.0))
            if session is None:
                return None
            if now - used > self._idle or now - session.began > self._longest:
                del self._open[key]
                return None
            if using:
                self._open[key] = (session, now)
        return session

    def has(self, session: Session) -> bool:
        """Returns whether a session is open."""
        with self._lock:
            return any(each == session for each, _ in self._open.values())

    def of(self, name: str) -> list[tuple[Session, float, float]]:
        """Returns the sessions of an account, the latest first: each with the seconds since it began and was used."""
        now = self._clock()
        with self._lock:
            found = [(each, now - each.began, now - used) for each, used in self._open.values() if each.name == name]
        return sorted(found, key=lambda each: each[1])

    def close(self, token: str) -> None:
        """Ends a session."""
        with self._lock:
            self._open.pop(_hash(token), None)

    def close_all(self, name: str, *, id_: str | None = None, but: Session | None = None) -> int:
        """Ends all sessions of an account, or the one of an id, but for one; returns how many."""
        with self._lock:
            ended = [
                key
                for key, (each, _) in self._open.items()
                if each.name == name and id_ in {None, each.id} and each != but
            ]
            for key in ended:
                del self._open[key]
        return len(ended)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
