"""What the detector is worth on photographs with annotated faces: found, false, and how well landmarks lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np

from agent.types import Box, Face, Floats, Image
from agent.vision.align import TEMPLATE, similarity
from agent.vision.track import iou
from training.evaluation.bounds import Share, wilson
from training.scenes import Scene

Align = Callable[[Image, Face], Face]
"""What moves a face's landmarks to where its crop should be, as `agent.vision.aligner.Aligner`."""
OVERLAP = 0.5  # intersection over union from which a face counts as found (PASCAL VOC's)
NEAR = 60.0  # pixels
SIZES = (0.0, 20.0, 40.0, 60.0, 80.0, 120.0, float("inf"))
"""Edges of the widths that recall is given for, pixels."""


@dataclass(frozen=True, slots=True)
class Detection:
    """The figures of a detector."""

    faces: int
    pictures: int
    recall: Share
    false_per_picture: float
    landmark_error: float  # median over found faces of the mean distance, in eye distances
    misplacement_px: float  # median over found faces at least NEAR wide, pixels of the 112x112 crop
    by_size: tuple[tuple[float, float, Share, int], ...]  # from and to a width, recall, faces
    aligned_px: float = math.nan  # `misplacement_px` once the aligner has looked; not a number without one

    def figures(self) -> dict[str, float]:
        """Returns what goes into a card."""
        return {
            "recall@0.5": round(self.recall.value, 4),
            "false_per_picture": round(self.false_per_picture, 4),
            "landmark_error": round(self.landmark_error, 4),
            "misplacement_px": round(self.misplacement_px, 2),
        }


@dataclass(slots=True)
class _Seen:
    """What is gathered face after face."""

    widths: list[float] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    misplaced: list[float] = field(default_factory=list)
    aligned: list[float] = field(default_factory=list)
    false: int = 0


def measure_detector(
    scenes: Sequence[Scene],
    detector: Callable[[Image], list[Face]],
    aligner: Align | None = None,
) -> Detection:
    """Returns the figures of a detector on annotated photographs, and of an aligner after it.

    Misplacement is what an encoder has to bear: how far the five template points lie from where the true landmarks
    would have put them.
    """
    seen = _Seen()
    for scene in scenes:
        _look(scene, detector(scene.picture), seen, aligner)
    widths, hits = np.array(seen.widths), np.array(seen.hits)
    groups = []
    for low, high in pairwise(SIZES):
        inside = (widths >= low) & (widths < high)
        if inside.any():
            groups.append((low, high, wilson(int(hits[inside].sum()), int(inside.sum())), int(inside.sum())))
    return Detection(
        faces=len(hits),
        pictures=len(scenes),
        recall=wilson(int(hits.sum()), len(hits)),
        false_per_picture=seen.false / len(scenes),
        landmark_error=_median(seen.errors),
        misplacement_px=_median(seen.misplaced),
        aligned_px=_median(seen.aligned),
        by_size=tuple(groups),
    )


def _look(scene: Scene, found: list[Face], seen: _Seen, aligner: Align | None) -> None:
    """Gives each annotated face the best overlapping one that is not taken yet."""
    taken: set[int] = set()
    for box, points in zip(scene.boxes, scene.points, strict=True):
        truth = Box(float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1]))
        scores = [iou(truth, face.box) if i not in taken else 0.0 for i, face in enumerate(found)]
        best = int(np.argmax(scores)) if scores else -1
        hit = best >= 0 and scores[best] >= OVERLAP
        seen.widths.append(truth.width)
        seen.hits.append(hit)
        if hit:
            taken.add(best)
            eyes = float(np.linalg.norm(points[0] - points[1]))
            seen.errors.append(float(np.linalg.norm(found[best].landmarks - points, axis=1).mean()) / max(eyes, 1.0))
            if truth.width >= NEAR:
                seen.misplaced.append(misplacement(found[best].landmarks, points))
                if aligner is not None:
                    seen.aligned.append(misplacement(aligner(scene.picture, found[best]).landmarks, points))
    seen.false += len(found) - len(taken)


def misplacement(found: Floats, true: Floats) -> float:
    """Returns how far the crop that `found` makes is from the one that `true` makes, pixels of the crop.

    Args:
        found: (5, 2) landmarks.
        true: (5, 2) the same in truth.
    """
    back, into = cv2.invertAffineTransform(similarity(found, TEMPLATE)), similarity(true, TEMPLATE)
    there = (TEMPLATE @ back[:, :2].T + back[:, 2]) @ into[:, :2].T + into[:, 2]
    return float(np.linalg.norm(there - TEMPLATE, axis=1).mean())


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else float("nan")
