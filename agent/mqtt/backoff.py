"""How long to wait before the next attempt."""

from __future__ import annotations

import random


class Backoff:
    """Doubles from `least` to `most` seconds, half of it at random, so that a fleet does not return all at once."""

    def __init__(self, *, least: float, most: float, rng: random.Random | None = None) -> None:
        self._least = least
        self._most = most
        self._rng = rng or random.Random()  # noqa: S311  no secret
        self._attempt = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        # 2 ** 30 is far beyond any limit and keeps the power small.
        longest = min(self._most, self._least * 2.0 ** min(self._attempt, 30))
        self._attempt += 1
        return longest / 2 + self._rng.uniform(0, longest / 2)

    def reset(self) -> None:
        """The last attempt was a success that lasted."""
        self._attempt = 0
