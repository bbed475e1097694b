"""Measures the finished files through the agent's own eyes: LFW's protocol, all pairs, and the detector on scenes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.types import Box, Face, Floats, Image
from agent.vision.align import TEMPLATE, align, similarity
from agent.vision.detect import Detector
from agent.vision.encode import Encoder
from agent.vision.track import iou
from training.measure import all_pairs, threshold_at
from training.scenes import load_scenes

FOLDS = 10
NEAR = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """A benchmark's pictures, encoded. Where no face was found the vector is zero: alike to nobody."""

    names: list[str]
    vectors: NDArray[np.float32]  # (N, D)
    found: NDArray[np.bool_]  # (N,)


def read_pictures(archive: Path) -> Iterator[tuple[str, Image]]:
    """Yields the name and the RGB pixels of every picture in a zip file."""
    with zipfile.ZipFile(archive) as pictures:
        for name in sorted(pictures.namelist()):
            if not name.endswith("/"):
                data = np.frombuffer(pictures.read(name), np.uint8)
                yield name, cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def central(faces: list[Face], image: Image) -> Face | None:
    """Returns the largest face near the middle, the one a benchmark's picture is about."""
    middle = np.array(image.shape[1::-1]) / 2

    def weight(face: Face) -> float:
        centre = np.array([face.box.x + face.box.width / 2, face.box.y + face.box.height / 2])
        return face.box.width * face.box.height / (1 + float(np.linalg.norm((centre - middle) / middle)) * 4) ** 2

    return max(faces, key=weight, default=None)


def embed_pictures(pictures: Iterable[tuple[str, Image]], detector: Detector, encoder: Encoder) -> Embedded:
    """Returns every picture's central face, detected, aligned and encoded as the agent does it."""
    names, vectors, found = [], [], []
    for name, image in pictures:
        face = central(detector(image), image)
        names.append(name)
        found.append(face is not None)
        vector = encoder(align(image, face.landmarks)).vector if face else np.zeros(encoder.dimension, np.float32)
        vectors.append(vector)
    return Embedded(names, np.stack(vectors), np.array(found))


def lfw_pairs(path: Path) -> list[tuple[str, str, bool]]:
    """Returns the 6,000 pairs of pairs.txt in order: two pictures, and whether they show the same person."""
    pairs = []
    for line in path.read_text().splitlines()[1:]:
        parts = line.split()
        if len(parts) == 3:
            pairs.append((_lfw(parts[0], parts[1]), _lfw(parts[0], parts[2]), True))
        elif len(parts) == 4:
            pairs.append((_lfw(parts[0], parts[1]), _lfw(parts[2], parts[3]), False))
    return pairs


def _lfw(person: str, number: str) -> str:
    return f"{person}/{person}_{int(number):04d}.webp"


def ten_fold(similarity: NDArray[np.float32], same: NDArray[np.bool_]) -> tuple[float, float]:
    """Returns the mean accuracy and its standard error over ten folds (Huang et al. 2007).

    The threshold of each fold is the one that is best on the nine others.
    """
    folds = np.arange(len(same)) // (len(same) // FOLDS)
    scores = []
    for fold in range(FOLDS):
        test = folds == fold
        threshold = _best_threshold(similarity[~test], same[~test])
        scores.append(float(((similarity[test] >= threshold) == same[test]).mean()))
    return float(np.mean(scores)), float(np.std(scores, ddof=1) / np.sqrt(FOLDS))


def _best_threshold(similarity: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    order = np.argsort(similarity)
    right = np.concatenate([[same.sum()], same.sum() + np.cumsum(np.where(same[order], -1, 1))])
    best = int(np.argmax(right))  # the first `best` of the order lie below the threshold
    return float(similarity[order[min(best, len(order) - 1)]])


def evaluate_lfw(folder: Path, detector: Detector, encoder: Encoder) -> dict[str, float]:
    """Returns the figures of grey LFW-a, through the given detector and encoder."""
    embedded = embed_pictures(read_pictures(folder / "lfw.zip"), detector, encoder)
    row = {name: i for i, name in enumerate(embedded.names)}
    pairs = lfw_pairs(folder / "pairs.txt")
    first = embedded.vectors[[row[one] for one, _, _ in pairs]]
    second = embedded.vectors[[row[other] for _, other, _ in pairs]]
    accuracy, error = ten_fold((first * second).sum(1), np.array([pair[2] for pair in pairs]))
    people: dict[str, int] = {}
    identity = np.array([people.setdefault(name.split("/")[0], len(people)) for name in embedded.names])
    genuine, impostor = all_pairs(embedded.vectors, identity)
    figures = {"accuracy": round(accuracy, 4), "standard_error": round(error, 4)}
    figures["found"] = round(float(embedded.found.mean()), 4)
    for fmr in (1e-3, 1e-4, 1e-5, 1e-6):
        figures[f"tar@{fmr:.0e}"] = round(float((genuine >= threshold_at(impostor, fmr)).mean()), 4)
    return figures


def evaluate_detector(folder: Path, detector: Detector) -> dict[str, float]:
    """Returns what the detector is worth on the `val` scenes.

    Recall at IoU 0.5; false faces a picture; the median landmark error over the distance of the eyes; and the median
    misplacement of faces at least `NEAR` pixels wide: how far the five template points lie from where the true
    landmarks would have put them, pixels of the 112x112 crop. The last is what an encoder has to bear.
    """
    hits, faces, false, errors, misplaced = 0, 0, 0, [], []
    scenes = load_scenes(folder, "val")
    for scene in scenes:
        found = detector(scene.picture)
        taken: set[int] = set()
        for box, points in zip(scene.boxes, scene.points, strict=True):
            truth = Box(float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1]))
            scores = [iou(truth, face.box) if i not in taken else 0.0 for i, face in enumerate(found)]
            best = int(np.argmax(scores)) if scores else -1
            faces += 1
            if best >= 0 and scores[best] >= 0.5:
                hits += 1
                taken.add(best)
                eyes = float(np.linalg.norm(points[0] - points[1]))
                errors.append(float(np.linalg.norm(found[best].landmarks - points, axis=1).mean()) / max(eyes, 1.0))
                if truth.width >= NEAR:
                    misplaced.append(misplacement(found[best].landmarks, points))
        false += len(found) - len(taken)
    return {
        "recall@0.5": round(hits / faces, 4),
        "false_per_picture": round(false / len(scenes), 4),
        "landmark_error": round(float(np.median(errors)), 4) if errors else float("nan"),
        "misplacement_px": round(float(np.median(misplaced)), 2) if misplaced else float("nan"),
    }


def misplacement(found: Floats, true: Floats) -> float:
    """Returns how far the crop that `found` makes is from the one that `true` makes, pixels of the crop.

    Args:
        found: (5, 2) landmarks.
        true: (5, 2) the same in truth.
    """
    back, into = cv2.invertAffineTransform(similarity(found, TEMPLATE)), similarity(true, TEMPLATE)
    there = (TEMPLATE @ back[:, :2].T + back[:, 2]) @ into[:, :2].T + into[:, 2]
    return float(np.linalg.norm(there - TEMPLATE, axis=1).mean())


def add_figures(target: Path, name: str, figures: Mapping[str, float]) -> None:
    """Adds measured figures to a card."""
    path = target.with_suffix(".json")
    card = json.loads(path.read_text())
    card["figures"][name] = dict(figures)
    path.write_text(json.dumps(card, indent=1) + "\n")
