"""What a person has to show: one way, or several ways of which one is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from agent.types import Shown

_WAYS = {
    "face": (Shown.FACE,),
    "face+pin": (Shown.FACE, Shown.PIN),
    "face+card": (Shown.FACE, Shown.CARD),
    "card": (Shown.CARD,),
    "pin": (Shown.PIN,),
    "card+pin": (Shown.CARD, Shown.PIN),
    "card+face": (Shown.CARD, Shown.FACE),
}
"""`face+card` finds the face among everybody and asks for the card; `card+face` compares with its holder alone."""


@dataclass(frozen=True, slots=True)
class Factors:
    """Ways to be let in, written as `face+pin` or, where either is enough, `face, card+pin`.

    The order counts where it changes what is compared: `face+card` searches everybody for the face and wants the
    card of whoever that is, `card+face` compares the face with the card's holder alone.
    """

    ways: tuple[tuple[Shown, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the ways that `text` names.

        Raises:
            ValueError: saying what there is.
        """
        names = [" ".join(name.split()).replace(" ", "") for name in text.split(",")]
        unknown = [name for name in names if name not in _WAYS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no way to be let in; there are {', '.join(_WAYS)}")
        return cls(tuple(dict.fromkeys(_WAYS[name] for name in names)))

    def __str__(self) -> str:
        names = {way: name for name, way in _WAYS.items()}
        return ", ".join(names[way] for way in self.ways)


FACE = Factors(((Shown.FACE,),))
