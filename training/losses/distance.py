"""How far apart embeddings are."""

from __future__ import annotations

import torch
from torch import Tensor


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Returns the (N, M) cosines between (N, D) and (M, D) rows of unit length."""
    return a @ b.T


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Returns the (N, M) Euclidean distances between (N, D) and (M, D) rows of any length.

    Between rows of unit length it is sqrt(2 - 2 cosine): |a - b|^2 = |a|^2 + |b|^2 - 2 a.b. It is not computed like
    that, because the rounding of 2 - 2 cosine is all that is left of it for near rows. At distance zero, where the
    root has no slope, torch says that it is 0.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns two (B, B) bool masks of (B,) labels: two pictures of one person (not one twice), of two persons."""
    same = labels[:, None] == labels[None, :]
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same
