"""From "at most 1 false accept in 10,000 stranger visits" to a cosine, by the false-match rates on a model's card.

Names after ISO/IEC 19795-1: FMR, the false match rate, is the share of comparisons of different people that reach the
threshold; FPIR, the false positive identification rate, is the share of searches by people who are not enrolled that
return somebody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from agent.errors import ModelError

HIGHEST_COSINE = 0.99
"""Two pictures of one face are hardly ever as similar as this: a higher threshold would only shut everybody out."""
_RULE_OF_THREE = 3.0
# With no false match in n comparisons the FMR is below 3/n with 95 % confidence (ISO/IEC 19795-1, annex B).


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a cosine starts to count as a match."""

    cosine: float
    fmr: float  # of one comparison at this cosine, by the card
    extrapolated: bool  # the card's impostor pairs were too few to have measured that


@dataclass(frozen=True, slots=True)
class FmrTable:
    """FMR by cosine, as measured: the points that the rule of three lets us believe."""

    similarity: tuple[float, ...]  # cosine, ascending
    fmr: tuple[float, ...]  # descending, each at least 3 / impostor_pairs
    impostor_pairs: int

    @classmethod
    def from_card(cls, card: Mapping[str, object]) -> Self:
        """Return the table under `card["fmr"]`, or raise ModelError."""
        table = card.get("fmr")
        if not isinstance(table, Mapping):
            raise ModelError(f"the card of {card.get('id', 'the encoder')} has no table 'fmr': it sets no threshold")
        similarity, fmr = _numbers(table, "similarity"), _numbers(table, "fmr")
        pairs = table.get("impostor_pairs")
        if not isinstance(pairs, int) or isinstance(pairs, bool) or pairs <= 0:
            raise ModelError(f"fmr.impostor_pairs on the model's card is not a positive number: {pairs!r}")
        _check(similarity, fmr)
        measured = sum(rate >= _RULE_OF_THREE / pairs for rate in fmr)  # a prefix, since the rates descend
        if measured == 0 or fmr[0] == fmr[measured - 1]:
            raise ModelError(f"fmr on the model's card has no two different rates that {pairs} impostor pairs can show")
        return cls(similarity[:measured], fmr[:measured], pairs)

    def fmr_at(self, cosine: float) -> float:
        """Return the FMR at `cosine`: log-linear between the points and beyond the last, constant before the first."""
        if cosine <= self.similarity[0]:
            return self.fmr[0]
        for i, end in enumerate(self.similarity[1:]):
            if cosine <= end:
                return self._on_line(i, i + 1, cosine)
        return self._on_line(self._decade(), -1, cosine)

    def cosine_for(self, fmr: float) -> float:
        """Return the lowest cosine at which the FMR is `fmr` or less, by the same lines."""
        if fmr >= self.fmr[0]:
            return self.similarity[0]
        for i, end in enumerate(self.fmr[1:]):
            if end <= fmr:
                return self._reaching(i, i + 1, fmr)
        return self._reaching(self._decade(), -1, fmr)

    def _decade(self) -> int:
        """Return the last point with ten times the FMR of the last, or the first: the slope beyond the end is from it.

        The scores of impostors fall off like a normal distribution's tail or faster, so that log FMR bends down and a
        straight line lies above it: the threshold errs towards shut.
        """
        return max((i for i, rate in enumerate(self.fmr) if rate >= 10 * self.fmr[-1]), default=0)

    def _line(self, a: int, b: int) -> tuple[float, float]:
        """Return the slope of log10 FMR over the cosine from point `a` to point `b`, and log10 FMR at `a`."""
        start, end = math.log10(self.fmr[a]), math.log10(self.fmr[b])
        return (end - start) / (self.similarity[b] - self.similarity[a]), start

    def _on_line(self, a: int, b: int, cosine: float) -> float:
        slope, start = self._line(a, b)
        return float(10 ** (start + slope * (cosine - self.similarity[a])))

    def _reaching(self, a: int, b: int, fmr: float) -> float:
        slope, start = self._line(a, b)
        return self.similarity[a] + (math.log10(fmr) - start) / slope


def threshold_for(
    table: FmrTable, *, false_accepts_per_visit: float, comparisons: int, shots: int, shots_needed: int
) -> Threshold:
    """Return the cosine that keeps strangers out as often as wanted.

    Args:
        table: of the encoder that made the gallery.
        false_accepts_per_visit: the share of stranger visits that may open the door, above 0 and below 1.
        comparisons: templates in the gallery; 0 counts as 1.
        shots: the most shots of one visit that are compared.
        shots_needed: how many of them must agree on one person.
    """
    if not 0 < false_accepts_per_visit < 1 or not 1 <= shots_needed <= shots or comparisons < 0:
        raise ValueError(
            f"want 0 < false_accepts_per_visit < 1, 1 <= shots_needed <= shots and comparisons >= 0, "
            f"got {false_accepts_per_visit}, {shots_needed}, {shots}, {comparisons}"
        )
    # One shot of a stranger against N templates: FPIR <= N FMR, the union bound.
    # Of n shots let X match somebody: E[X] = n FPIR. The door opens only if k agree, thus only if X >= k, and
    # P(X >= k) <= E[X] / k (Markov), however alike the shots of one visit are. So n N FMR / k <= wanted suffices:
    wanted = false_accepts_per_visit * shots_needed / (shots * max(comparisons, 1))
    cosine = max(min(table.cosine_for(wanted), HIGHEST_COSINE), table.similarity[0])
    return Threshold(cosine, table.fmr_at(cosine), extrapolated=cosine > table.similarity[-1])


def _numbers(table: Mapping[str, object], key: str) -> tuple[float, ...]:
    values = table.get(key)
    if not isinstance(values, list | tuple) or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise ModelError(f"fmr.{key} on the model's card is not a list of numbers")
    return tuple(float(v) for v in values)


def _check(similarity: tuple[float, ...], fmr: tuple[float, ...]) -> None:
    if len(similarity) != len(fmr) or not fmr:
        raise ModelError(f"fmr on the model's card has {len(similarity)} similarities and {len(fmr)} rates")
    if any(a >= b for a, b in pairwise(similarity)) or not -1 <= similarity[0] <= similarity[-1] <= 1:
        raise ModelError("fmr.similarity on the model's card does not ascend within -1 and 1")
    if any(a < b for a, b in pairwise(fmr)) or not 0 <= fmr[-1] <= fmr[0] <= 1:
        raise ModelError("fmr.fmr on the model's card does not descend within 1 and 0")
    if similarity[0] >= HIGHEST_COSINE:
        raise ModelError(f"fmr.similarity on the model's card starts at {similarity[0]}, too near to 1")
