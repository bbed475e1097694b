"""Puts a face upright and to size: five landmarks onto the template that encoders are trained on."""

from __future__ import annotations

import math

import cv2
import numpy as np

from agent.types import Floats, Image

SIZE = 112
"""Side of an aligned crop, pixels."""

# Left eye, right eye, nose, left and right mouth corner in the crop (left and right as in the image), pixels:
# the five points of ArcFace (Deng et al. 2019), which MobileFaceNet and its successors share.
TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    dtype=np.float32,
)
TEMPLATE.flags.writeable = False

_MOST_OVERSAMPLING = 8  # bounds the cost: 896x896, enough for faces 1,300 pixels wide


def similarity(source: Floats, target: Floats) -> Floats:
    """The (2, 3) float32 matrix of the rotation, scale and shift that bring `source` nearest to `target`.

    Least squares over all similarities without reflection (Umeyama 1991). In the plane it needs no decomposition:
    with points as complex numbers p, q around their means, minimising sum |a p - q|^2 gives
    a = sum(conj(p) q) / sum |p|^2, and a is the scale and the rotation in one number.

    Args:
        source: (N, 2) points in pixels. Where they all coincide, the matrix maps everything to the target's mean.
        target: (N, 2) points in pixels.
    """
    p = source.astype(np.float64) @ (1, 1j)
    q = target.astype(np.float64) @ (1, 1j)
    p_mean, q_mean = p.mean(), q.mean()
    p, q = p - p_mean, q - q_mean
    spread = float(np.vdot(p, p).real)
    a = np.vdot(p, q) / spread if spread > 0 else 0j
    shift = q_mean - a * p_mean
    return np.array([(a.real, -a.imag, shift.real), (a.imag, a.real, shift.imag)], dtype=np.float32)


def align(image: Image, landmarks: Floats) -> Image:
    """The face as a (112, 112, 3) uint8 crop on the template; black where it lies outside of `image`.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks: (5, 2) pixels of `image`, in the order of `Face.landmarks`.
    """
    matrix = similarity(landmarks, TEMPLATE)
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    if scale <= 0:
        return np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    return warped(image, matrix, (SIZE, SIZE))


def warped(image: Image, matrix: Floats, size: tuple[int, int]) -> Image:
    """`image` under the (2, 3) similarity `matrix`, as (height, width, 3) of size (width, height); black outside."""
    # Linear sampling looks at 2x2 pixels: below half size it skips some and aliases. So a large face is warped onto
    # a canvas n times the size, at half scale or more, and n x n of its pixels are averaged into one.
    n = min(_MOST_OVERSAMPLING, math.ceil(0.5 / math.hypot(matrix[0, 0], matrix[1, 0])))
    if n == 1:
        return _warp(image, matrix, size)
    matrix = matrix * n
    matrix[:, 2] += (n - 1) / 2  # a pixel's centre is the centre of the n x n it is made of
    large = _warp(image, matrix, (n * size[0], n * size[1]))
    return np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), np.uint8)


def _warp(image: Image, matrix: Floats, size: tuple[int, int]) -> Image:
    out = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(out, np.uint8)
