"""What a person has to show: one way, or several ways of which one is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from agent.types import Shown

WAYS = {
    "face": (Shown.FACE,),
    "face+pin": (Shown.FACE, Shown.PIN),
    "face+card": (Shown.FACE, Shown.CARD),
    "card": (Shown.CARD,),
    "pin": (Shown.PIN,),
    "card+pin": (Shown.CARD, Shown.PIN),
    "card+face": (Shown.CARD, Shown.FACE),
    "face+signature": (Shown.FACE, Shown.SIGNATURE),
    "card+signature": (Shown.CARD, Shown.SIGNATURE),
    "pin+signature": (Shown.PIN, Shown.SIGNATURE),
}
"""`face+card` finds the face among everybody and asks for the card; `card+face` compares with its holder alone."""


@dataclass(frozen=True, slots=True)
class Factors:
    """Ways to be let in, written as `face+pin` or, where either is enough, `face, card+pin`.

    The order counts where it changes what is compared: `face+card` searches everybody for the face and wants the
    card of whoever that is, whichever comes first; `card+face` compares the face with the card's holder alone, so a
    face that was seen before the card does not count there.
    """

    ways: tuple[tuple[Shown, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the ways that `text` names.

        Raises:
            ValueError: saying what there is.
        """
        names = [" ".join(name.split()).replace(" ", "") for name in text.split(",")]
        unknown = [name for name in names if name not in WAYS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no way to be let in; there are {', '.join(WAYS)}")
        return cls(tuple(dict.fromkeys(WAYS[name] for name in names)))

    def with_pin(self) -> Factors:
        """Returns the same ways, each with a PIN at its end if it had none."""
        return Factors(tuple(dict.fromkeys(way if Shown.PIN in way else (*way, Shown.PIN) for way in self.ways)))

    def without(self, what: Shown) -> Factors:
        """Returns the ways that do without something; all of them where none does."""
        ways = tuple(way for way in self.ways if what not in way)
        return Factors(ways) if ways else self

    def missing(self, shown: tuple[Shown, ...]) -> tuple[Shown, ...]:
        """Returns what is still to be shown, in order, on the way that needs least.

        Of several such ways it is the one on which most has been shown, and of these the first.

        Args:
            shown: what was shown and is right, in the order in which it came.
        """
        left = [(way, _missing(way, shown)) for way in self.ways]
        return min(left, key=lambda each: (len(each[1]), -len(each[0])))[1]

    def takes(self, what: Shown) -> bool:
        """Whether showing this to a door that waits for nobody in particular leads anywhere."""
        return any(what in way and not (what is Shown.FACE and _compares_one(way)) for way in self.ways)

    def compares_one(self, shown: tuple[Shown, ...]) -> bool:
        """Whether the face that is asked for now is compared with the card's holder alone."""
        return Shown.CARD in shown and any(
            _compares_one(way) and Shown.FACE in _missing(way, shown) for way in self.ways
        )

    def __str__(self) -> str:
        names = {way: name for name, way in WAYS.items()}
        return ", ".join(names.get(way, "+".join(way)) for way in self.ways)


def _compares_one(way: tuple[Shown, ...]) -> bool:
    return Shown.FACE in way and Shown.CARD in way[: way.index(Shown.FACE)]


def _missing(way: tuple[Shown, ...], shown: tuple[Shown, ...]) -> tuple[Shown, ...]:
    if _compares_one(way):  # only a face that came after the card was compared with its holder
        card = shown.index(Shown.CARD) if Shown.CARD in shown else len(shown)
        shown = tuple(what for place, what in enumerate(shown) if what is not Shown.FACE or place > card)
    return tuple(what for what in way if what not in shown)


FACE = Factors(((Shown.FACE,),))
