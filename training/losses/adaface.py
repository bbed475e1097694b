"""AdaFace (Kim et al. 2022): the margin of a picture depends on how good it is, and the length of its row says that."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.losses.loss import Batch, Loss, means, nothing

EDGE = 1e-3  # radians and cosine: angles stay that far from 0 and pi
KEPT = 0.99  # of the running mean and deviation of the lengths, as in the paper


class AdaFace(Loss):
    """Softmax over people with a margin that is an angle for poor pictures and a cosine for good ones.

    A net learns to give a blurred face a short row. With q in -1..1 for the length of a row, against the running mean
    and deviation of all, the target's logit is cos(angle - margin q) - margin (1 + q): ArcFace at q = -1, CosFace at 0,
    and at 1 an angular margin the other way round. So the weight lies on easy pictures where they are poor, and on hard
    ones where they are good. It has to be told the lengths before the rows were made one (`norms`).
    """

    mean: Tensor  # () of the lengths so far
    deviation: Tensor  # ()
    batches: Tensor  # () int64, how many were seen

    def __init__(self, classes: int, dimension: int, *, margin: float, scale: float, concentration: float) -> None:
        super().__init__()
        self.margin, self.scale, self.concentration = margin, scale, concentration
        self.centres = nn.Parameter(F.normalize(torch.randn(classes, dimension)))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.zeros(()))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def meet(self, students: Tensor, labels: Tensor) -> None:
        mean, known = means(students, labels, len(self.centres))
        self.centres.data[known] = mean[known]

    def of(self, batch: Batch) -> Tensor:
        if batch.norms is None:
            raise ValueError("adaface wants to know the lengths of the rows before they were made one: give norms=")
        if not len(batch.labels):
            return nothing(batch.embeddings) + nothing(self.centres)
        quality = self.quality(batch.norms)  # (B,)
        cosine = (batch.embeddings @ F.normalize(self.centres).T).clamp(EDGE - 1, 1 - EDGE)  # (B, classes)
        target = cosine.gather(1, batch.labels[:, None]).squeeze(1)
        angle = (target.acos() - self.margin * quality).clamp(EDGE, math.pi - EDGE)
        moved = angle.cos() - self.margin * (1 + quality)
        return F.cross_entropy(self.scale * cosine.scatter(1, batch.labels[:, None], moved[:, None]), batch.labels)

    @torch.no_grad()
    def quality(self, norms: Tensor) -> Tensor:
        """Returns (B,) in -1..1 of (B,) lengths; while training, the running mean and deviation move on.

        The first batch sets them (the paper's 20 and 100 are those of its own net).
        """
        norms = norms.to(self.mean).clamp(1e-3, 100)
        if self.training:
            kept = KEPT if self.batches else 0.0
            self.mean.lerp_(norms.mean(), 1 - kept)
            self.deviation.lerp_(norms.std(correction=0), 1 - kept)
            self.batches += 1
        return ((norms - self.mean) / (self.deviation + EDGE) * self.concentration).clamp(-1, 1)
