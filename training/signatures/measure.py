"""Measures the files of a run on the writers of the test, whom neither training nor choice has seen."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from agent.hardware.engines.litert import LiteRtModel
from agent.signature.features import CHANNELS, features
from training.errors import RunError
from training.loop import origin
from training.loop.run import Run
from training.package import FLOAT, encode
from training.signatures import dtw as warping
from training.signatures.protocol import evaluate, figures
from training.signatures.source import Drawings, Trajectories, as_by_finger

KINDS = {"signature-online": Trajectories, "signature-offline": Drawings}


def measure(run: Path, data: Path, *, dtw: bool = False) -> dict[str, dict[str, float]]:
    """Returns figures by form: int8, float, and dynamic time warping if asked for.

    Args:
        run: the folder of a run, after `quantise`.
        data: what it was trained on.
        dtw: whether to compare with it; takes minutes.

    Raises:
        RunError: the run is of no signatures, was trained on others, or has no file yet.
    """
    preset = Run(run).preset()
    if preset.data.kind not in KINDS:
        raise RunError(f"{run} is a run of {preset.name}: signature-online and signature-offline are measured here")
    files = {"test writers (int8)": Run(run).model, "test writers (float)": run / FLOAT}
    if not Run(run).model.exists():
        raise RunError(f"{run}: no encoder.tflite yet: python -m training quantise --run {run}")
    source = KINDS[preset.data.kind](data, preset)
    origin.compare(Run(run), source.collection, data, joined=True)
    test = source.split.test
    takes = LiteRtModel(Run(run).model, sha256=None).inputs[0].shape  # (1, side, side, 3) or (1, T, C)
    shown = {"": test} if preset.side else {"": test, ", no pressure": as_by_finger(test)}
    found = {}
    for name, file in files.items():
        if file.exists():
            encoded = partial(encode, LiteRtModel(file, sha256=None))
            for how, signatures in shown.items():
                inputs = source.inputs(signatures, takes[1] if preset.side else None)
                found[name + how] = evaluate(encoded, inputs, test)
    if dtw:
        columns = [CHANNELS.index(name) for name in warping.CHANNELS]
        pens = np.stack([features(trajectory) for trajectory in test.trajectories])[:, :, columns]
        found["test writers (dynamic time warping)"] = figures(warping.distances(pens, pens), test)
    return {name: {key: round(float(value), 4) for key, value in one.items()} for name, one in found.items()}
