"""Losses of pytorch-metric-learning 2.9 (Musgrave et al. 2020), where it has them well: not written again here.

Why it: kept up for six years, needs nothing that the exporter does not bring but scikit-learn, and agrees with loops.
What is ours all the same, and why:

- the contrastive loss, because its own is linear in the distance and not squared as Hadsell's (`siamese.py`);
- InfoNCE, because its own takes a matrix of matching by other pairs, a gigabyte for 256 pictures (`siamese.py`);
- AdaFace, which it does not have (`adaface.py`);
- the slope of an angle at its centre: see `Bounded`.

Takes seconds to import (it brings scikit-learn), so that `table.py` does it when asked for one of these.
"""

from __future__ import annotations

import math

from pytorch_metric_learning import distances, losses, miners
from torch import Tensor, nn

from training.losses.loss import Batch, Loss, means, nothing

MARGIN = 0.2  # FaceNet's (Schroff et al. 2015), on squared distance
EDGE = 1e-6


class Mined(Loss):
    """A loss of the library on all pairs or triplets of a batch, or on those that a miner picks."""

    def __init__(self, loss: nn.Module, miner: nn.Module | None = None) -> None:
        super().__init__()
        self.loss, self.miner = loss, miner

    def of(self, batch: Batch) -> Tensor:
        if not len(batch.labels):
            return nothing(batch.embeddings)
        picked = self.miner(batch.embeddings, batch.labels) if self.miner else None
        value: Tensor = self.loss(batch.embeddings, batch.labels, picked)
        return value if value.requires_grad else value + nothing(batch.embeddings)


class Classified(Loss):
    """A loss of the library that holds a centre (or a few) for each person."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def meet(self, students: Tensor, labels: Tensor) -> None:
        """Several centres of one person begin at random: at one place they would stay one."""
        centres: Tensor = self.loss.W  # (D, classes)
        if centres.shape[1] == self.loss.num_classes:
            mean, known = means(students, labels, self.loss.num_classes)
            centres.data[:, known] = mean[known].T

    def of(self, batch: Batch) -> Tensor:
        centres: Tensor = self.loss.W
        if not len(batch.labels):
            return nothing(batch.embeddings) + nothing(centres)
        value: Tensor = self.loss(batch.embeddings, batch.labels)
        return value


class Bounded:
    """Keeps a cosine off 1 and -1, where the slope of its angle is infinite: an embedding on its centre gives NaN."""

    def get_angles(self, cosine: Tensor) -> Tensor:
        angles: Tensor = super().get_angles(cosine.clamp(EDGE - 1, 1 - EDGE))  # type: ignore[misc]
        return angles


class _ArcFace(Bounded, losses.ArcFaceLoss):
    pass


class _SubCentreArcFace(Bounded, losses.SubCenterArcFaceLoss):
    pass


def triplet(*, mining: str, distance: str, margin: float | None, soft: bool) -> Loss:
    """Returns the triplet loss, a mean over the triplets that still cost something.

    Args:
        mining: which triplets of the batch: all; `hard`, where the stranger is nearer than the person; `semi-hard`,
            where the stranger is farther, but by less than the margin (Schroff et al. 2015); `batch-hard`, one for each
            picture, of its farthest match and its nearest stranger (Hermans et al. 2017).
        distance: on rows of unit length `squared` is twice 1 - cosine, which is `cosine`.
        margin: by how much a stranger has to be farther; None: 0.2, or nothing where it is soft.
        soft: log(1 + exp(x)) instead of max(0, x), which never stops pulling (Hermans et al. 2017).
    """
    measure = _distance(distance)
    edge = MARGIN if margin is None else margin
    shift = 0.0 if soft and margin is None else edge
    kinds = {"hard": "hard", "semi-hard": "semihard"}
    miner = None
    if mining == "batch-hard":
        miner = miners.BatchHardMiner(distance=measure)
    elif mining in kinds:
        miner = miners.TripletMarginMiner(margin=edge, type_of_triplets=kinds[mining], distance=measure)
    return Mined(losses.TripletMarginLoss(margin=shift, smooth_loss=soft, distance=measure), miner)


def _distance(name: str) -> nn.Module:
    if name == "cosine":
        return distances.CosineSimilarity()
    return distances.LpDistance(power=2 if name == "squared" else 1)


def multi_similarity(*, positive_scale: float, negative_scale: float, base: float, epsilon: float) -> Loss:
    """Returns the multi-similarity loss with its own mining (Wang et al. 2019)."""
    loss = losses.MultiSimilarityLoss(alpha=positive_scale, beta=negative_scale, base=base)
    return Mined(loss, miners.MultiSimilarityMiner(epsilon=epsilon))


def supcon(*, temperature: float) -> Loss:
    """Returns the supervised contrastive loss (Khosla et al. 2020)."""
    return Mined(losses.SupConLoss(temperature=temperature))


def circle(*, relaxation: float, scale: float) -> Loss:
    """Returns the circle loss on pairs (Sun et al. 2020)."""
    return Mined(losses.CircleLoss(m=relaxation, gamma=scale))


def arcface(classes: int, dimension: int, *, margin: float, scale: float, centres: int) -> Loss:
    """Returns ArcFace (Deng et al. 2019), with several centres a person its sub-centre form (Deng et al. 2020).

    Args:
        classes: how many people.
        dimension: of the embeddings.
        margin: radians.
        scale: what cosines are multiplied by before the softmax.
        centres: for each person; more than one lets mislabelled pictures have one of their own.
    """
    options = {"num_classes": classes, "embedding_size": dimension, "margin": math.degrees(margin), "scale": scale}
    return Classified(_ArcFace(**options) if centres == 1 else _SubCentreArcFace(sub_centers=centres, **options))


def cosface(classes: int, dimension: int, *, margin: float, scale: float) -> Loss:
    """Returns CosFace (Wang et al. 2018); the margin is a cosine."""
    return Classified(losses.CosFaceLoss(num_classes=classes, embedding_size=dimension, margin=margin, scale=scale))
