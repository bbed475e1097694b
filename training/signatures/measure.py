"""A model file measured on the signatures of the test writers, beside dynamic time warping, which needs no training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.hardware.engines.litert import LiteRtModel
from agent.vision.pixels import HALF
from training.signatures import dtw
from training.signatures.features import CHANNELS
from training.signatures.load import Signatures
from training.signatures.protocol import REFERENCES, evaluate, figures
from training.signatures.source import Trajectories, Written

WARPING = "time warping"


def measure(source: Written, files: Mapping[str, Path]) -> dict[str, dict[str, float]]:
    """Returns the figures of each file by name, and of time warping where the pen's trajectory is known.

    Args:
        source: `Trajectories` or `Drawings`; its test writers are compared.
        files: float or int8 `.tflite` encoders of such samples, of any size.

    Raises:
        ModelError: a file does not take such samples.
    """
    test = source.split.test
    found = {}
    for name, file in files.items():
        model = LiteRtModel(file, sha256=None)
        wanted = model.inputs[0].shape[1:]
        inputs = source.inputs(test, wanted[0] if len(wanted) == 3 else None)
        if inputs.shape[1:] != wanted:
            raise ModelError(f"{file}: takes {wanted}, and these signatures are {inputs.shape[1:]}: of another preset?")
        found[name] = evaluate(encoder(model), inputs, test)
    if isinstance(source, Trajectories):
        found[WARPING] = figures(warping(source.inputs(test), test), test)
    return found


def encoder(model: LiteRtModel) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Returns what turns (N, ...) samples into (N, D) embeddings by a model, float or int8."""
    takes, gives = model.inputs[0], model.outputs[0]

    def encode(samples: NDArray[Any]) -> NDArray[np.float32]:
        real = samples.astype(np.float32)
        if samples.dtype == np.uint8:
            real = (real - HALF) / HALF
        if takes.dtype == np.int8:
            real = np.clip(np.rint(real / takes.scale) + takes.zero_point, -128, 127).astype(np.int8)
        said = np.concatenate([model(sample[None])[0] for sample in real]).astype(np.float32)
        return np.asarray((said - gives.zero_point) * gives.scale if gives.dtype == np.int8 else said, np.float32)

    return encode


def warping(sequences: NDArray[np.float32], signatures: Signatures) -> NDArray[np.float64]:
    """Returns (N, N) distances by time warping; only the rows that may be references are computed, the rest are NaN."""
    chosen = sequences[:, :, [CHANNELS.index(name) for name in dtw.CHANNELS]]
    distances = np.full((len(signatures), len(signatures)), np.nan)
    distances[signatures.genuine] = dtw.distances(chosen[signatures.genuine], chosen)
    return distances


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Returns a Markdown table: a line for each method, equal error rates in percent with their 95 % intervals."""
    columns = [(kind, count) for kind in ("random", "skilled") for count in REFERENCES]
    lines = [
        "| EER, % | " + " | ".join(f"{kind}, {count} ref." for kind, count in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name, rates in found.items():
        cells = [_cell(rates, f"eer_{kind}_{count}") for kind, count in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(rates: Mapping[str, float], name: str) -> str:
    if name not in rates:
        return "-"
    return f"{100 * rates[name]:.1f} ({100 * rates[f'{name}_low']:.1f} to {100 * rates[f'{name}_high']:.1f})"
