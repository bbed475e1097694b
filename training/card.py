"""From the detector's trained weights to what the agent loads: an int8 file and its card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agent.errors import ConfigError, ModelError
from agent.vision.pixels import HALF
from training import check
from training.compose import Composer
from training.detector import STRIDES, Detector
from training.detector_preset import Export
from training.evaluation.cards import write_card
from training.loop.run import load_weights
from training.quantise import export_float, quantise
from training.scenes import Crops, load_backgrounds, load_shown
from training.writing import writing

DETECTOR_INPUT = (240, 320, 3)


def package_detector(weights: Path, scenes: Path, work: Path, target: Path, export: Export) -> dict[str, Any]:
    """Writes the detector's `target` (.tflite) and its card; returns the card.

    Args:
        weights: from `train_detector`.
        scenes: the folder of the scenes and backgrounds: composed training pictures set the scales of int8.
        work: the folder that `prepare` filled, with the faces that are pasted.
        target: where to.
        export: what the file may be, and what the card says of it.

    Raises:
        ConfigError: nobody says what it was trained on.
        ModelError: an operation of the file would leave int8, or it is too large; what is at `target` stays.
        RunError: it cannot be written; likewise.
    """
    if not export.data:
        raise ConfigError(
            "[export] of the detector's preset has no `data`: say there what it was trained on, for its card"
        )
    net = Detector()
    load_weights(net, weights)
    net.float().pair()
    shown = load_shown(scenes, work)
    composer = Composer(shown.scenes, load_backgrounds(scenes), seed=99, crops=Crops(shown.faces))
    height, width, _ = DETECTOR_INPUT
    samples = [sample(composer.draw(width, height).picture) for _ in range(export.samples)]
    card = {
        "kind": "detector",
        "input": {"width": width, "height": height, "channels": "RGB", "pixel": f"(p - {HALF}) / {HALF}"},
        "figures": {},
        **export.told(),
    }
    with TemporaryDirectory() as folder:
        file = Path(folder) / target.name
        _export(net, DETECTOR_INPUT, samples, file)
        accept(file, export)
        return put(file, target, "latchkey-detector-1", card)


def accept(model: Path, export: Export) -> None:
    """Looks whether a file stays int8 where it is to run, and is small enough.

    Raises:
        ModelError: it does not; every offending operation is named.
    """
    if findings := check.check(model, export.targets, most_bytes=export.most_bytes):
        raise ModelError(f"{model.name} is not fit to run, and is not kept:\n{check.table(findings)}")


def sample(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns a picture as a float net takes it, (1, H, W, 3)."""
    return ((picture.astype(np.float32) - HALF) / HALF)[None]


def _export(
    net: torch.nn.Module, shape: tuple[int, int, int], samples: list[NDArray[np.float32]], target: Path
) -> None:
    float_file = target.with_suffix(".float.tflite")
    export_float(net, shape, float_file, outputs=3 * len(STRIDES))
    quantise(float_file, samples, target)


def put(file: Path, target: Path, name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    """Copies a file and writes its card beside it; returns the card.

    Raises:
        RunError: they cannot be written; what was there is kept.
    """
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    told = {
        "id": f"{name}-{digest[:8]}",
        "sha256": digest,
        "bytes": len(content),
        "quantisation": "int8",
        **card,
    }
    with writing(target) as part:
        part.write_bytes(content)
        write_card(target, told)  # both are there before the file takes its place
    return told
