"""The cast: seeds of identities that public encoders tell apart well. `casting` found them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from training.cast.chance import random_identity
from training.cast.identity import Colour, Identity

Person: TypeAlias = tuple[str, Identity]
STAFF = {"ada": 277, "bruno": 242, "carl": 258}
STRANGERS = {"stranger-1": 257, "stranger-2": 233}
PASSER_BY = {"passer-by": 160}
# chance dressed several of them alike
CLOTHES: dict[str, Colour] = {
    "ada": (0.20, 0.33, 0.42),
    "stranger-1": (0.62, 0.52, 0.30),
    "stranger-2": (0.66, 0.66, 0.64),
}


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody by role: (name, identity)."""

    staff: tuple[Person, ...]  # the last one is enrolled and never comes
    strangers: tuple[Person, ...]
    passer_by: Person


def cast() -> Cast:
    """The cast of the clip."""
    staff, strangers, others = (
        tuple((name, _dressed(name, seed)) for name, seed in seeds.items()) for seeds in (STAFF, STRANGERS, PASSER_BY)
    )
    return Cast(staff=staff, strangers=strangers, passer_by=others[0])


def _dressed(name: str, seed: int) -> Identity:
    who = random_identity(np.random.default_rng(seed))
    return replace(who, clothes=CLOTHES.get(name, who.clothes))
