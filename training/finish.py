"""What is done to a trained encoder before it is packaged. All of it is folded into its weights and costs nothing."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from training.encoder import Encoder
from training.faces import PIXELS, Faces
from training.measure import within
from training.train_encoder import outputs, to_input

CENTRED = 3000
SHRINKAGE = 0.5


def finish(net: Encoder, faces: Faces, samples: list[PIXELS]) -> None:
    """Centres and whitens an encoder, and makes its last map even for int8.

    Args:
        net: trained; of one size (`Encoder.fix`).
        faces: its training rows give the mean, and the covariance of those who are named.
        samples: (S, S, 3) training faces, of the size that the net takes.
    """
    side = samples[0].shape[0]
    rows = np.random.default_rng(1).choice(faces.train, CENTRED, replace=False)
    mean = outputs(net, faces.pictures[rows], side).mean(0)
    named = faces.train[faces.identity[faces.train] >= 0]
    vectors = F.normalize(outputs(net, faces.pictures[named], side) - mean)
    net.project(mean, torch.from_numpy(whitening(vectors.numpy(), faces.identity[named])))
    net.equalise(to_input(np.stack(samples)))


def whitening(vectors: NDArray[np.float32], identity: NDArray[np.int64]) -> NDArray[np.float32]:
    """Returns the (D, D) matrix after which pictures of one person differ in all directions alike.

    Distillation minds each direction as much as the teacher spreads faces along it, also where light and pose move one
    and the same face. This is within-class covariance normalisation (Hatch et al. 2006), the covariance shrunk half way
    to the identity. The mean, which is what all faces have in common and tells nobody apart, is to be off before.
    """
    covariance = within(vectors, identity)
    spread, axes = np.linalg.eigh(covariance * len(covariance) / np.trace(covariance))
    scales = ((1 - SHRINKAGE) * spread + SHRINKAGE) ** -0.5
    return np.asarray(axes * scales @ axes.T, np.float32)
