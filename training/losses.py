"""What the encoder is trained to do. All take rows of unit length, where squared Euclidean distance = 2 - 2 cosine."""

from __future__ import annotations

import torch
from torch import Tensor


def distillation(student: Tensor, teacher: Tensor) -> Tensor:
    """Returns the mean of 1 - cosine between (B, D) student rows and the teacher's rows for the same pictures."""
    return (1 - (student * teacher).sum(1)).mean()


def relation(student: Tensor, teacher: Tensor) -> Tensor:
    """Returns the mean squared difference between the two (B, B) matrices of similarities, without the diagonal.

    What matters at a door is not where a face lies but how near others are (Park et al. 2019, relational distillation).
    The two may have different dimensions.
    """
    difference = student @ student.T - teacher @ teacher.T
    off = ~torch.eye(len(student), dtype=torch.bool)
    return difference[off].pow(2).mean()


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
    cosine = embeddings @ embeddings.T
    same = labels[:, None] == labels[None, :]
    off = ~torch.eye(len(labels), dtype=torch.bool)
    pull = (positive - cosine).clamp(min=0).pow(2)[same & off]
    push = (cosine - negative).clamp(min=0).pow(2)[~same]
    hard = push[push > 0]
    return (pull.mean() if len(pull) else cosine.new_zeros(())) + (hard.mean() if len(hard) else cosine.new_zeros(()))
