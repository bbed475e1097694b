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
from typing import Literal, Self, TypeAlias

from agent.errors import ModelError

Cohort: TypeAlias = Literal["worst", "card"]
"""Whose rates a card is asked for: of the people who fare worst, or of those it was mainly measured on."""
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
    """FMR by cosine, at the points that can be believed."""

    similarity: tuple[float, ...]  # cosine, ascending
    fmr: tuple[float, ...]  # descending; 95 % upper bounds where they are known and asked for
    impostor_pairs: int
    measured_to: float  # cosine; beyond it a model or a straight line speaks
    cohort: str = ""  # whose rates they are, where that is told
    mean: float = 0.0  # cosine of strangers, where that is told: with anchors they have something in common

    @classmethod
    def from_card(cls, card: Mapping[str, object], cohort: Cohort = "card", *, bound: bool = True) -> Self:
        """Return the table under `card["fmr"]`.

        Args:
            card: of the encoder.
            cohort: "worst" takes the table of the people who fare worst, `fmr.worst`, where the card has one.
            bound: take the 95 % upper bounds of the rates, `upper`, where the card has them.

        Raises:
            ModelError: there is none, or it is not a table.
        """
        table = card.get("fmr")
        if not isinstance(table, Mapping):
            raise ModelError(f"the card of {card.get('id', 'the encoder')} has no table 'fmr': it sets no threshold")
        where = "the model's card"
        worst = table.get("worst")
        if cohort == "worst" and worst is not None:
            if not isinstance(worst, Mapping):
                raise ModelError("fmr.worst on the model's card is not a table")
            table, where = worst, "the model's card, worst cohort"
        similarity, rates, pairs = _points(table, where)
        # A prefix, since the rates descend: the points that rest on three pairs and more
        measured = sum(rate >= _RULE_OF_THREE / pairs for rate in rates)
        if bound:
            rates = _bounds(table, rates, where)
        if measured == 0 or rates[0] == rates[measured - 1]:
            raise ModelError(f"fmr on {where} has no two different rates that {pairs} impostor pairs can show")
        name = table.get("cohort")
        shown = similarity[:measured], rates[:measured], pairs, similarity[measured - 1]
        return cls(*shown, str(name or ""), _mean(table, similarity[0], where))

    @classmethod
    def from_site(cls, table: Mapping[str, object], *, bound: bool = True) -> Self:
        """Return the table of a site file, which a model has carried beyond what was measured, or raise ModelError."""
        where = "the site file"
        similarity, rates, pairs = _points(table, where)
        measured = max(sum(rate >= _RULE_OF_THREE / pairs for rate in rates), 1)
        if bound:
            rates = _bounds(table, rates, where)
        kept = sum(rate > 0 for rate in rates)
        if kept == 0 or rates[0] == rates[kept - 1]:
            raise ModelError(f"fmr on {where} has no two different rates")
        return cls(similarity[:kept], rates[:kept], pairs, similarity[min(measured, kept) - 1])

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
    return Threshold(cosine, table.fmr_at(cosine), extrapolated=cosine > table.measured_to)


def _points(table: Mapping[str, object], where: str) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """The similarities, their rates, and the number of pairs; or a ModelError that says what is wrong with them."""
    similarity, fmr = _numbers(table, "similarity", where), _numbers(table, "fmr", where)
    pairs = table.get("impostor_pairs")
    if not isinstance(pairs, int) or isinstance(pairs, bool) or pairs <= 0:
        raise ModelError(f"fmr.impostor_pairs on {where} is not a positive number: {pairs!r}")
    if len(similarity) != len(fmr) or not fmr:
        raise ModelError(f"fmr on {where} has {len(similarity)} similarities and {len(fmr)} rates")
    if any(a >= b for a, b in pairwise(similarity)) or not -1 <= similarity[0] <= similarity[-1] <= 1:
        raise ModelError(f"fmr.similarity on {where} does not ascend within -1 and 1")
    _check_rates("fmr", fmr, where)
    if similarity[0] >= HIGHEST_COSINE:
        raise ModelError(f"fmr.similarity on {where} starts at {similarity[0]}, too near to 1")
    return similarity, fmr, pairs


def _mean(table: Mapping[str, object], first: float, where: str) -> float:
    mean = table.get("mean", 0.0)
    if isinstance(mean, bool) or not isinstance(mean, int | float) or not -1 < mean < max(first, 1e-9):
        raise ModelError(f"fmr.mean on {where} is no cosine below those of the table: {mean!r}")
    return float(mean)


def _bounds(table: Mapping[str, object], fmr: tuple[float, ...], where: str) -> tuple[float, ...]:
    """The upper bounds of the rates; the rates themselves where there are none."""
    if table.get("upper") is None:
        return fmr
    upper = _numbers(table, "upper", where)
    _check_rates("upper", upper, where)
    if len(upper) != len(fmr) or any(bound < rate for bound, rate in zip(upper, fmr, strict=True)):
        raise ModelError(f"fmr.upper on {where} is not an upper bound for each of the {len(fmr)} rates")
    return upper


def _numbers(table: Mapping[str, object], key: str, where: str) -> tuple[float, ...]:
    values = table.get(key)
    if not isinstance(values, list | tuple) or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise ModelError(f"fmr.{key} on {where} is not a list of numbers")
    return tuple(float(v) for v in values)


def _check_rates(key: str, rates: tuple[float, ...], where: str) -> None:
    if not rates or any(a < b for a, b in pairwise(rates)) or not 0 <= rates[-1] <= rates[0] <= 1:
        raise ModelError(f"fmr.{key} on {where} does not descend within 1 and 0")
