"""From the aligner's trained weights to what the agent loads: an int8 file and its card."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError
from agent.hardware.engines.litert import LiteRtModel
from agent.vision.model import Model
from agent.vision.pixels import HALF, PixelTable, real
from training.aligner.net import SIDE, Aligner
from training.aligner.preset import AlignerPreset
from training.aligner.train import Validation, aligned_faces, misplacer_of
from training.card import accept, put, sample
from training.loop import origin
from training.loop.run import Run, load_weights
from training.quantise import export_float, quantise


def package(weights: Path, work: Path, target: Path, preset: AlignerPreset) -> dict[str, Any]:
    """Writes the aligner's `target` (.tflite) and its card; returns the card.

    Args:
        weights: from `train`.
        work: what it was trained on: misplaced training crops set the scales of int8, those of validation the figures.
        target: where to.
        preset: how crops are misplaced, what the file may be, and what the card says of it.

    Raises:
        ConfigError: nobody says what it was trained on.
        DataError: pictures are missing, or are no aligned faces.
        ModelError: an operation of the file would leave int8, or it is too large; what is at `target` stays.
        RunError: it cannot be written, likewise; or the weights lie in the folder of a run on other faces.
    """
    if not preset.export.data:
        raise ConfigError(
            "[export] of the aligner's preset has no `data`: say there what it was trained on, for its card"
        )
    net = Aligner()
    load_weights(net, weights)
    faces = aligned_faces(work)
    origin.compare(Run(weights.parent, "aligner"), faces, work, joined=True)
    misplacer, random = misplacer_of(preset, faces.samples), np.random.default_rng(99)
    rows = random.choice(faces.train, preset.export.samples)
    shown = [sample(misplacer.draw(int(row), random)[0]) for row in rows]
    with TemporaryDirectory() as folder:
        float_file, file = Path(folder) / "aligner.float.tflite", Path(folder) / target.name
        export_float(net, (SIDE, SIDE, 3), float_file)
        quantise(float_file, shown, file)
        accept(file, preset.export)
        looked_at, model = Validation(preset, faces), LiteRtModel(file, sha256=None)
        card = {
            "kind": "aligner",
            "input": {"width": SIDE, "height": SIDE, "channels": "RGB", "pixel": f"(p - {HALF}) / {HALF}"},
            "misplaced": preset.misplaced.model_dump(),
            "figures": {"validation (int8)": looked_at.figures(partial(said_by_file, model))},
            **preset.export.told(),
        }
        return put(file, target, "latchkey-aligner-1", card)


def said_by_file(model: Model, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns what a file says of (N, S, S, 3) pictures, (N, 4), asked as the agent does."""
    table = PixelTable(model.inputs[0])
    return np.stack([real(model(table(picture))[0], model.outputs[0])[0] for picture in pictures])
