"""The cast: seeds of identities that public encoders tell apart well. `casting` found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from training.cast.chance import random_identity
from training.cast.identity import Identity

Person: TypeAlias = tuple[str, Identity]
STAFF = {"ada": 20, "bruno": 4, "chidi": 7}
STRANGERS = {"stranger-1": 28, "stranger-2": 30}
PASSER_BY = {"passer-by": 22}


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody by role: (name, identity)."""

    staff: tuple[Person, ...]  # the last one is enrolled and never comes
    strangers: tuple[Person, ...]
    passer_by: Person


def cast() -> Cast:
    """The cast of the clip."""
    staff, strangers, others = (
        tuple((name, random_identity(np.random.default_rng(seed))) for name, seed in seeds.items())
        for seeds in (STAFF, STRANGERS, PASSER_BY)
    )
    return Cast(staff=staff, strangers=strangers, passer_by=others[0])
