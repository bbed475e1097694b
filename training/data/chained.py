"""Samples of several places as one sequence, each read only when asked for."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol, overload, runtime_checkable

from numpy.typing import NDArray


@runtime_checkable
class Placed(Protocol):
    """Samples that know where they come from."""

    def where(self, index: int) -> str:
        """Returns how a message calls the place of a sample."""
        ...


class Chained(Sequence[NDArray[Any]]):
    """Several sequences as one, each still read only when asked for."""

    def __init__(self, parts: Sequence[Sequence[NDArray[Any]]]) -> None:
        self._parts = tuple(parts)
        self._ends = list(accumulate(len(part) for part in parts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[Any]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[Any] | list[NDArray[Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        part, row = self._place(index)
        return part[row]

    def where(self, index: int) -> str:
        """Returns where a sample lies, "" where its part does not tell."""
        part, row = self._place(index)
        return part.where(row) if isinstance(part, Placed) else ""

    def _place(self, index: int) -> tuple[Sequence[NDArray[Any]], int]:
        row = range(len(self))[index]  # negative ones, and IndexError
        part = bisect.bisect_right(self._ends, row)
        return self._parts[part], row - (self._ends[part - 1] if part else 0)
