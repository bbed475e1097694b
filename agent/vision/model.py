"""What the vision code asks of an inference engine; the engines themselves are in `agent/hardware/engines`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a model: real value = scale * (stored value - zero_point)."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float  # 0.0 where the tensor is not quantised
    zero_point: int


class Model(Protocol):
    """A loaded network. Calls from several threads take turns."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What it takes, in the order of the arguments."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it returns, in this order."""
        ...

    def __call__(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the raw (still quantised) output tensors as arrays of their own.

        Raises:
            ValueError: if an array does not have the shape and dtype of its input.
        """
        ...
