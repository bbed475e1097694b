"""One person who signs a few times at the kiosk, for references that agree with each other.

web: sign(embedding), answer() ──► SigningSession ◄── jobs' thread: wait, signed, given_up
"""

from __future__ import annotations

import threading
from typing import Final

import numpy as np

from agent.guidance import CONSENT, SIGN, SIGN_AGAIN, Guidance
from agent.signature.judge import REPLAYED, Judge, distances
from agent.types import Embedding

MOST: Final = 15
"""Signatures in all: whoever signs otherwise each time is not kept for ever."""


class SigningSession:
    """Asks for signatures until enough of them agree. Methods may be called from any thread.

    Args:
        judge: says which is not like the others.
        wanted: how many.
        asks: the person has to agree before the first one.
    """

    def __init__(self, judge: Judge, wanted: int, *, asks: bool = False) -> None:
        self._judge, self._wanted = judge, wanted
        self._agreed, self._given_up = not asks, False
        self._taken: list[Embedding] = []
        self._all, self._hint = 0, SIGN
        self._changed = threading.Condition()

    def guidance(self) -> Guidance:
        """Returns what the person is told now."""
        with self._changed:
            return Guidance(self._hint if self._agreed else CONSENT, len(self._taken), self._wanted)

    def answer(self, *, agreed: bool) -> None:
        """The person agrees, or wants no more of it."""
        with self._changed:
            self._agreed, self._given_up = self._agreed or agreed, self._given_up or not agreed
            self._changed.notify_all()

    def sign(self, signature: Embedding) -> None:
        """Takes one more; one that is equal to another, or is not like the others at last, is asked for again."""
        with self._changed:
            if not self._agreed or self.complete or self.hopeless:
                return
            self._all += 1
            self._hint = SIGN_AGAIN if self._repeats(signature) else SIGN
            if self._hint is SIGN:
                self._taken.append(signature)
            odd = self._judge.outlier(np.stack([each.vector for each in self._taken])) if self.complete else None
            if odd is not None:
                del self._taken[odd]
                self._hint = SIGN_AGAIN
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Waits for news, or a while."""
        with self._changed:
            self._changed.wait(seconds)

    @property
    def agreed(self) -> bool:
        """Whether the person has; True where nobody asks for it."""
        return self._agreed

    @property
    def given_up(self) -> bool:
        """Whether the person wants no more of it."""
        return self._given_up

    @property
    def complete(self) -> bool:
        """Whether there are enough, and they agree."""
        return len(self._taken) >= self._wanted

    @property
    def hopeless(self) -> bool:
        """Whether there were so many that no more are asked for."""
        return self._all >= MOST

    def signed(self) -> list[Embedding]:
        """Returns those that count."""
        with self._changed:
            return list(self._taken)

    def _repeats(self, signature: Embedding) -> bool:
        """Whether it is a recording of one that was taken."""
        return any(distances(signature.vector[None], each.vector[None])[0, 0] < REPLAYED for each in self._taken)
