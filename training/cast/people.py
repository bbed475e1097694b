"""The cast: seeds of identities that public encoders tell apart well. `casting` found them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from training.cast.chance import random_identity
from training.cast.identity import Colour, Identity

Person: TypeAlias = tuple[str, Identity]
STAFF = {"ada": 5, "bruno": 68, "clara": 183}
STRANGERS = {"stranger-1": 240, "stranger-2": 113}
PASSER_BY = {"passer-by": 132}
CLOTHES: dict[str, Colour] = {"clara": (0.36, 0.24, 0.42), "stranger-2": (0.30, 0.42, 0.36)}  # else two wear the same


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
