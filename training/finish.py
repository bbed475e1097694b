"""What is done to a trained encoder before it is packaged. All of it is folded into its weights and costs nothing."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from training.faces import PIXELS, Faces
from training.measure import within
from training.nets.encoder import Encoder
from training.nets.folding import equalise, project
from training.train_encoder import outputs, to_input

CENTRED = 3000
SHRINKAGE = 0.25


def finish(net: Encoder, faces: Faces, samples: list[PIXELS]) -> None:
    """Centres and whitens an encoder, and makes its last map even for int8.

    Args:
        net: trained; of one size (`Encoder.fix`).
        faces: its training rows give the mean, and the covariance of those who are named.
        samples: (S, S, 3) training faces, of the size that the net takes.
    """
    side = samples[0].shape[0]
    rows = np.random.default_rng(1).choice(faces.train, CENTRED, replace=False)
    everybody = outputs(net, faces.pictures[rows], side)
    mean = everybody.mean(0)
    named = faces.train[faces.identity[faces.train] >= 0]
    people = F.normalize(outputs(net, faces.pictures[named], side) - mean).numpy()
    matrix = whitening(people, faces.identity[named], F.normalize(everybody - mean).numpy())
    project(net, mean, torch.from_numpy(matrix))
    equalise(net, to_input(np.stack(samples)))


def whitening(
    people: NDArray[np.float32], identity: NDArray[np.int64], everybody: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Returns the (D, D) matrix after which no direction moves embeddings more than its share.

    Distillation minds each direction as much as the teacher spreads faces along it. Two kinds of them tell nobody
    apart: those along which light and pose move one and the same face (within-class covariance normalisation, Hatch et
    al. 2006), and those that all faces of one age or origin share. Named people show the first alone, and are so much
    of one origin that others are worse off for it; the covariance of everybody shows the second. Both count alike.

    Args:
        people: (N, D) unit rows of people who are named, around the mean of everybody.
        identity: (N,) who they are.
        everybody: (M, D) unit rows of all kinds of faces, around their mean.
    """
    size = people.shape[1]
    parts = within(people, identity), np.cov(everybody.T.astype(np.float64))
    spread, axes = np.linalg.eigh(sum(part * size / np.trace(part) for part in parts) / len(parts))
    return np.asarray(axes * ((1 - SHRINKAGE) * spread + SHRINKAGE) ** -0.5 @ axes.T, np.float32)
