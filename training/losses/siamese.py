"""Losses on the pairs of a batch, written for the two branches of a siamese net (shared weights: one batch)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from training.losses.distance import cosines, distances, pairs
from training.losses.loss import Batch, Loss, nothing


def contrastive(embeddings: Tensor, labels: Tensor, *, positive: float = 0.5, negative: float = 0.2) -> Tensor:
    """Returns the siamese contrastive loss (Hadsell et al. 2006) on cosine, matching and other pairs balanced.

    Matching pairs are pulled above `positive`, others pushed below `negative`; only pairs on the wrong side count,
    which makes the hard ones the only ones.

    Args:
        embeddings: (B, D) float32, unit length.
        labels: (B,) int64, the person of each row.
        positive: cosine that is enough for the same person; the reference encoders rarely say more.
        negative: cosine that is little enough for others.
    """
    cosine = cosines(embeddings, embeddings)
    same, other = pairs(labels)
    return _balanced((positive - cosine).clamp(min=0)[same], (cosine - negative).clamp(min=0)[other], embeddings)


def contrastive_euclidean(embeddings: Tensor, labels: Tensor, *, margin: float = 1.25) -> Tensor:
    """Returns the same on Euclidean distance: matching pairs pulled to zero, others pushed beyond `margin`.

    Args:
        embeddings: (B, D) float32, unit length.
        labels: (B,) int64, the person of each row.
        margin: distance that is enough for others; sqrt(2 - 2 cosine), so that 1.25 is a cosine of 0.22.
    """
    distance = distances(embeddings, embeddings)
    same, other = pairs(labels)
    return _balanced(distance[same], (margin - distance).clamp(min=0)[other], embeddings)


def _balanced(pull: Tensor, push: Tensor, embeddings: Tensor) -> Tensor:
    """Mean square of all matching pairs plus that of the other pairs which are too near.

    There are hundreds of others to a matching pair, nearly all of them far apart: a mean over all pairs would only
    ever see those.
    """
    hard = push[push > 0]
    sides = [side.pow(2).mean() for side in (pull, hard) if len(side)]
    return torch.stack(sides).sum() if sides else nothing(embeddings)


def infonce(embeddings: Tensor, labels: Tensor, *, temperature: float = 0.07) -> Tensor:
    """Returns the mean over matching pairs (i, j) of -log of j's share of exp(cosine / temperature) among strangers.

    InfoNCE (van den Oord et al. 2018), with labels known as NT-Xent. The sum over strangers is taken once a row, so
    that it takes (B, B) memory; pytorch-metric-learning's takes a matrix of matching by other pairs.
    """
    logits = cosines(embeddings, embeddings) / temperature
    same, other = pairs(labels)
    if not (same.any() and other.any()):
        return nothing(embeddings)
    strangers = logits.masked_fill(~other, -torch.inf).logsumexp(1, keepdim=True)  # (B, 1)
    return F.softplus(strangers - logits)[same].mean()  # -log(e^l / (e^l + e^s)) = log(1 + e^(s - l))


class Pairs(Loss):
    """One of the functions above with its options."""

    def __init__(self, function: Callable[..., Tensor], **options: float) -> None:
        super().__init__()
        self.function, self.options = function, options

    def of(self, batch: Batch) -> Tensor:
        return self.function(batch.embeddings, batch.labels, **self.options)
