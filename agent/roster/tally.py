"""One short text for everything that a roster holds, kept up to date by adding and taking away. Pure.

Each document becomes a number of 4096 bits (SHAKE-256 of its leaf), and the tally is their sum: AdHash (Bellare
and Micciancio, "A New Paradigm for Collision-Free Hashing: Incrementality at Reduced Cost", EUROCRYPT 1997). To find
another set with the same sum takes 2^(2 sqrt(4096)) = 2^128 steps by Wagner's generalised birthday (CRYPTO 2002). So a
service that says how much there is cannot leave a document out, and a device checks that without reading all it holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

BYTES: Final = 512
_MODULUS: Final = 1 << (8 * BYTES)


@dataclass(frozen=True, slots=True)
class Tally:
    """The sum over a set of documents."""

    sum: int = 0

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> Self:
        """Returns that of these leaves."""
        return cls(sum(map(_number, leaves)) % _MODULUS)

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Returns the tally that `raw` wrote."""
        return cls(int.from_bytes(raw, "big"))

    @property
    def raw(self) -> bytes:
        """The sum, to be kept."""
        return self.sum.to_bytes(BYTES, "big")

    @property
    def text(self) -> str:
        """What a head says of it: 64 hexadecimal digits."""
        return hashlib.sha256(self.raw).hexdigest()

    def replaced(self, before: bytes | None, after: bytes) -> Tally:
        """Returns the tally with one leaf in the place of another, or of none."""
        taken = _number(before) if before is not None else 0
        return Tally((self.sum - taken + _number(after)) % _MODULUS)


def _number(leaf: bytes) -> int:
    return int.from_bytes(hashlib.shake_256(leaf).digest(BYTES), "big")
