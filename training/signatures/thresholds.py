"""Where the door draws the line: a threshold for each number of references, with what it lets through, for the card.

The writers are those that nothing was trained on, of validation and of the test together, for there are few of them. A
threshold is where as many genuine signatures are refused as skilled forgeries are taken. What it does is measured on
one writer at a time, by the threshold of all others, so that no rate is of those whom the threshold was chosen by; the
bounds are those of a bootstrap over the writers (97.5 %).

Where fewer than two of the writers were imitated, a threshold is where as many genuine signatures are refused as other
people's own are taken, and nothing is said of skilled forgeries. More of these pass: with five references 14.8 % of
SUSIG's in place of 8.0 %. Made-up imitations would not do in their place: training has seen as good ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.signature.judge import REFERENCES
from training.data.errors import DataError
from training.signatures.load import Signatures
from training.signatures.protocol import BOOTSTRAPS, DRAWS, Rule, Trial, compare, enrolments, equal_error

Against: TypeAlias = Literal["random", "skilled"]
"""Which forgeries a threshold is drawn by."""
LEAST_WRITERS = 2  # each is judged by the threshold of the others
USUAL = 0.975
"""References further apart are not believed to be one hand's: whoever enrolled such would be given too much room."""


def thresholds(distances: Sequence[NDArray[np.float64]], signatures: Signatures) -> dict[str, dict[str, Any]]:
    """Returns by number of references the threshold, and the rates with their upper bounds.

    Args:
        distances: (N, N) between all signatures, for each way in which they may come: with pressure and without.
        signatures: the same N.

    Raises:
        DataError: too few writers have enough genuine signatures.
    """
    refuse_few(signatures)
    return {str(count): _at(distances, signatures, count) for count in range(1, REFERENCES + 1)}


def refuse_few(signatures: Signatures) -> None:
    """Looks whether thresholds could be drawn by these writers, before hours of training are spent.

    Raises:
        DataError: too few of them have enough genuine signatures.
    """
    enough = sum(1 for _ in enrolments(signatures, REFERENCES))
    if enough < LEAST_WRITERS:
        raise DataError(
            f"{enough} of the {len(np.unique(signatures.writer))} writers who are kept for thresholds have signed often"
            f" enough: want {LEAST_WRITERS} or more, each with more than {REFERENCES} genuine signatures in the first "
            "session; have more people sign more often"
        )


def _at(distances: Sequence[NDArray[np.float64]], signatures: Signatures, count: int) -> dict[str, Any]:
    by_writer = list(zip(*(list(compare(each, signatures, count, Rule())) for each in distances), strict=True))
    forged = [ways for ways in by_writer if all(len(trial.skilled) for trial in ways)]
    against: Against = "skilled" if len(forged) >= LEAST_WRITERS else "random"
    judged = forged if against == "skilled" else by_writer
    rates = np.array(
        [_rates(own, _threshold(judged[:at] + judged[at + 1 :], against), against) for at, own in enumerate(judged)]
    )
    drawn = np.random.default_rng(0).integers(0, len(rates), (BOOTSTRAPS, len(rates)))
    bounds = np.quantile(rates[drawn].mean(axis=1), 0.975, axis=0)
    names = ("genuine_refused", "random_taken", "skilled_taken")[: rates.shape[1]]
    return {
        "threshold": round(_threshold(judged, against), 4),
        **({"spread": round(_usual_spread(distances, signatures, count), 4)} if count > 1 else {}),
        **{name: round(float(rate), 4) for name, rate in zip(names, rates.mean(axis=0), strict=True)},
        **{f"{name}_bound": round(float(bound), 4) for name, bound in zip(names, bounds, strict=True)},
        "writers": len(rates),
    }


def _usual_spread(distances: Sequence[NDArray[np.float64]], signatures: Signatures, count: int) -> float:
    """Returns the mean distance among so many genuine references that 39 of 40 draws of them stay below."""
    rng = np.random.default_rng(count)
    found = []
    for each in distances:
        for writer in np.unique(signatures.writer):
            own = np.flatnonzero(signatures.genuine & (signatures.writer == writer))
            for _ in range(DRAWS if len(own) >= count else 0):
                drawn = rng.choice(own, count, replace=False)
                found.append(each[np.ix_(drawn, drawn)].sum() / (count * (count - 1)))
    return float(np.quantile(found, USUAL))


def _threshold(by_writer: Sequence[Sequence[Trial]], against: Against) -> float:
    trials = [*chain.from_iterable(by_writer)]
    return equal_error([trial.genuine for trial in trials], [getattr(trial, against) for trial in trials]).threshold


def _rates(own: Sequence[Trial], threshold: float, against: Against) -> tuple[float, ...]:
    """How many of a writer's own are refused, and of others' and, if there are any, of skilled forgeries are taken."""
    genuine, random, skilled = (
        np.concatenate([getattr(trial, kind) for trial in own]) for kind in ("genuine", "random", "skilled")
    )
    taken = (random, skilled) if against == "skilled" else (random,)
    return float((genuine > threshold).mean()), *(float((scores <= threshold).mean()) for scores in taken)
