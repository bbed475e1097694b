"""What is done to a trained encoder before it is packaged. All of it is folded into its weights and costs nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from training.loop.learner import outputs, to_input
from training.measure import within
from training.nets.folding import equalise, hold_constants, project
from training.sources import Source

CENTRED = 3000
NAMED = 0.3
"""What the spread within named people counts against that of everybody: research/encoder.md, "What whitening gives"."""
SHRINKAGE = 0.5
ENOUGH = 4
"""So many samples for each dimension tell a covariance; of fewer it is shrunk the more. The better of two rules tried:
with 60 pictures our encoder's TAR at 1e-3 and 1e-4 on 200 other people is 77.1 and 60.8 %, shrunk by a half it was 73.7
and 56.3 %; with 150, 77.1 and 62.6 % instead of 75.4 and 60.3 %. With 60 mostly drawn ones int8 was off by 0.13, now
by 0.04."""


def finish(net: nn.Module, source: Source, samples: NDArray[Any], *, side: int | None, whiten: bool = True) -> None:
    """Centres and whitens an encoder, and makes its maps even for int8.

    Args:
        net: trained; of one size (`fix`).
        source: its training rows give the mean, and the covariance of those who are named.
        samples: (N, ...) training samples that say how wide each channel is.
        side: of the pictures that the net takes; None for sequences.
        whiten: or leave the embeddings where they are.
    """
    if whiten:
        collection, train = source.collection, source.collection.train
        everybody = _outputs(net, source, _some(train, CENTRED), side)
        mean = everybody.mean(0)
        named = _some(train[collection.identity[train] >= 0], 5 * CENTRED)
        people = _outputs(net, source, named, side) if len(named) else everybody[:0]
        people, everybody = F.normalize(people - mean), F.normalize(everybody - mean)
        matrix = whitening(people.numpy(), collection.identity[named], everybody.numpy())
        project(net, mean, torch.from_numpy(matrix))
    equalise(net, to_input(samples))
    hold_constants(net)


def _some(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(1).choice(rows, min(most, len(rows)), replace=False))


def _outputs(net: nn.Module, source: Source, rows: NDArray[np.int64], side: int | None) -> torch.Tensor:
    blocks = [rows[start : start + 1024] for start in range(0, len(rows), 1024)]
    return torch.cat([outputs(net, np.stack([source.plain(int(row), side) for row in block])) for block in blocks])


def whitening(
    people: NDArray[np.float32], identity: NDArray[np.int64], everybody: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Returns the (D, D) matrix after which no direction moves embeddings more than its share.

    Distillation minds each direction as much as the teacher spreads faces along it. Two kinds of them tell nobody
    apart: those along which light and pose move one and the same face (within-class covariance normalisation, Hatch et
    al. 2006), and those that all faces of one age or origin share. Named people show the first alone, and are so much
    of one origin that others are worse off for it; the covariance of everybody shows the second, and counts for more.

    Args:
        people: (N, D) unit rows of people who are named, around the mean of everybody.
        identity: (N,) who they are; if nobody has two pictures, everybody's spread is all.
        everybody: (M, D) unit rows of all kinds of faces, around their mean.
    """
    size = everybody.shape[1]
    named = NAMED if len(np.unique(identity)) < len(identity) else 0.0
    parts = [(1 - named, np.cov(everybody.T.astype(np.float64)))]
    if named:
        parts.append((named, within(people, identity)))
    spread, axes = np.linalg.eigh(sum(share * size / np.trace(part) * part for share, part in parts))
    shrinkage = max(SHRINKAGE, 1 - len(everybody) / (ENOUGH * size))
    return np.asarray(axes * ((1 - shrinkage) * spread + shrinkage) ** -0.5 @ axes.T, np.float32)
