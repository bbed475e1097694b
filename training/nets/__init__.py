"""The nets that can be trained: families of encoders for pictures and for sequences, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from agent.errors import ConfigError
from training.nets import images
from training.nets.sequences import Gru, Tcn

FAMILIES: Mapping[str, Callable[..., nn.Module]] = {
    "door": images.door,
    "mobilefacenet": images.mobilefacenet,
    "fast": images.fast,
    "gru": Gru,
    "tcn": Tcn,
}

MOST = 1024
"""Of an option."""


def make(family: str, *, dimension: int, **options: Any) -> nn.Module:
    """Returns a new net with random weights: (B, 3, S, S) float32 in -1..1, or (B, T, C) -> (B, dimension).

    Args:
        family: one of `FAMILIES`.
        dimension: of the embedding, which is not of unit length yet.
        options: of the family, such as `width`.

    Raises:
        ConfigError: no such family, or it has no such option, or that cannot be so.
    """
    if family not in FAMILIES:
        raise ConfigError(f"no net is called {family!r}: there are {', '.join(FAMILIES)}")
    known = dict(inspect.signature(FAMILIES[family], eval_str=True).parameters)
    del known["dimension"]
    if unknown := sorted(set(options) - set(known)):
        raise ConfigError(f"the net {family!r} has no {', '.join(unknown)}: its options are {', '.join(sorted(known))}")
    for name, value in options.items():
        whole = known[name].annotation is int
        if type(value) not in ((int,) if whole else (int, float)) or not 0 < value <= MOST:
            wanted = f"a {'whole ' if whole else ''}number above 0, {MOST} at the most"
            raise ConfigError(f"the net {family!r}: {name} = {value!r}: want {wanted}")
    return FAMILIES[family](dimension=dimension, **options)
