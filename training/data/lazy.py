"""Samples that are read only when asked for, where they are from, and those of several places as one sequence."""

from __future__ import annotations

import bisect
from abc import abstractmethod
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


class Lazy(Sequence[NDArray[Any]]):
    """A sequence of samples that gives them one by one, by `at`; a slice is a list of them."""

    @abstractmethod
    def at(self, index: int) -> NDArray[Any]:
        """Returns one sample."""

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[Any]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[Any] | list[NDArray[Any]]:
        if isinstance(index, slice):
            return [self.at(i) for i in range(*index.indices(len(self)))]
        return self.at(index)


class Chained(Lazy):
    """Several sequences as one, each still read only when asked for."""

    def __init__(self, parts: Sequence[Sequence[NDArray[Any]]]) -> None:
        self._parts = tuple(parts)
        self._ends = list(accumulate(len(part) for part in parts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def at(self, index: int) -> NDArray[Any]:
        """Returns one sample."""
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
