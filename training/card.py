"""From trained weights to what the agent loads: an int8 file and its card, with the table that sets thresholds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agent.hardware.engines.litert import LiteRtModel
from agent.vision.encode import Encoder as Encode
from agent.vision.encode import shrink
from agent.vision.pixels import HALF
from training.detector import Detector
from training.faces import Faces
from training.finish import finish
from training.measure import all_pairs, verification
from training.nets.images import door
from training.quantise import export_float, quantise
from training.scenes import Composer

SAMPLES = 300
DETECTOR_INPUT = (240, 320, 3)


def package_encoder(weights: Path, faces: Faces, side: int, target: Path, *, data: str) -> dict[str, Any]:
    """Writes `target` (.tflite) and its card; returns the card.

    Args:
        weights: from `train_encoder`.
        faces: training rows calibrate the int8 scales; validation rows make the table of false match rates.
        side: of the pictures the file takes.
        target: where to.
        data: a sentence about what it was trained on, for the card.
    """
    net = door(dimension=256)
    net.load_state_dict(torch.load(weights, weights_only=True))
    net.fix(side)
    rows = np.random.default_rng(0).choice(faces.train, SAMPLES, replace=False)
    pictures = [shrink(faces.pictures[row], side) for row in rows]
    finish(net, faces, pictures)
    samples = [_sample(picture) for picture in pictures]
    _export(net, (side, side, 3), samples, target, outputs=0)
    encode = Encode(LiteRtModel(target, sha256=None), "unnamed")
    vectors = np.stack([encode(np.ascontiguousarray(faces.pictures[row])).vector for row in faces.val])
    card: dict[str, Any] = {
        "kind": "encoder",
        "input": {"width": side, "height": side, "channels": "RGB", "pixel": f"(p - {HALF}) / {HALF}", "aligned": True},
        "dimension": encode.dimension,
        "fmr": fmr_table(vectors, faces.identity[faces.val]),
        "figures": {"validation (int8, aligned crops)": verification(vectors, faces.identity[faces.val])},
        "data": data,
    }
    return _write(target, "latchkey-encoder-1", card)


def package_detector(weights: Path, composer: Composer, target: Path, *, data: str) -> dict[str, Any]:
    """Writes the detector's `target` (.tflite) and its card; returns the card."""
    net = Detector()
    net.load_state_dict(torch.load(weights, weights_only=True))
    net.pair()
    height, width, _ = DETECTOR_INPUT
    samples = [_sample(composer.draw(width, height)[0]) for _ in range(SAMPLES)]
    _export(net, DETECTOR_INPUT, samples, target, outputs=9)
    card = {
        "kind": "detector",
        "input": {"width": width, "height": height, "channels": "RGB", "pixel": f"(p - {HALF}) / {HALF}"},
        "figures": {},
        "data": data,
    }
    return _write(target, "latchkey-detector-1", card)


def fmr_table(vectors: NDArray[np.float32], identity: NDArray[np.int64]) -> dict[str, Any]:
    """Returns the false match rate by similarity over all impostor pairs, in steps of a hundredth from 10 % on.

    The last point is the last that the rule of three lets one believe: three in so many pairs.
    """
    _, impostor = all_pairs(vectors, identity)
    points: list[tuple[float, float]] = []
    for hundredth in range(-100, 100):
        similarity = hundredth / 100
        rate = float(len(impostor) - np.searchsorted(impostor, similarity)) / len(impostor)
        if 3 / len(impostor) <= rate <= 0.1 and (not points or rate < points[-1][1]):
            points.append((similarity, rate))
    return {
        "similarity": [point[0] for point in points],
        "fmr": [float(f"{point[1]:.4g}") for point in points],
        "impostor_pairs": len(impostor),
        "measured_down_to": 3 / len(impostor),
    }


def _sample(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return ((picture.astype(np.float32) - HALF) / HALF)[None]


def _export(
    net: torch.nn.Module, shape: tuple[int, int, int], samples: list[NDArray[np.float32]], target: Path, *, outputs: int
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    float_file = target.with_suffix(".float.tflite")
    export_float(net, shape, float_file, outputs=outputs)
    quantise(float_file, samples, target)
    float_file.unlink()


def _write(target: Path, name: str, card: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    card = {
        "id": f"{name}-{digest[:8]}",
        "sha256": digest,
        "bytes": target.stat().st_size,
        "quantisation": "int8",
        **card,
    }
    target.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")
    return card
