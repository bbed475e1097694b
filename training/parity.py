"""Whether a net says the same in every form that it takes on its way to the door.

PyTorch in float32, the float and the int8 TFLite file on ai-edge-litert, and the agent's own path (its resizing, its
table of pixels), on training samples. PyTorch's is the net as it was exported: finished, and tuned to int8 where a
preset asks for it; how far int8 is from the net before that is told as well. What it all costs `evaluate` measures, on
people whom training has not seen. tflite-runtime wants another numpy than PyTorch does; so what PyTorch said about a
few pictures goes into the card, where the agent's tests compare both runtimes with it, and every device itself
(`agent.vision.selftest`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from agent.hardware.engines.litert import LiteRtModel
from agent.signature.encode import SignatureEncoder
from agent.signature.features import features
from agent.signature.selftest import WRITERS, made_up
from agent.signature.selftest import self_test as self_test_of_signatures
from agent.signature.selftest import write_golden as write_golden_signatures
from agent.types import Floats, Image
from agent.vision.align import align
from agent.vision.detect import Detector
from agent.vision.encode import Encoder, shrink
from agent.vision.pictures import decode_picture
from agent.vision.selftest import Golden, self_test, write_golden
from training.loop.learner import to_input

STAFF = Path(__file__).parents[1] / "agent" / "demo" / "staff"
PICTURES = ("ada-1.jpg", "bruno-2.jpg", "clara-3.jpg", "ada-4.jpg")
"""Of people who do not exist; a device has them too."""

FLOAT = 1e-5  # largest 1 - cosine: another order of summing
INT8 = 0.05  # fifty rounded maps: of a hundred training faces our encoder's worst is 0.017 off (its card, parity)
MARGIN = 0.02
"""How much lower than here a cosine may be on a device: its kernels round otherwise, its decoder of JPEG too. One step
of the input is enough for another set of errors as large: two right paths are as far apart as each is from PyTorch."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest distance from PyTorch, 1 - cosine, over the samples."""

    float_file: float
    int8_file: float
    agent: float | None = None  # None where the agent has no path for such samples
    untuned: float | None = None  # of the int8 file from the net before it was tuned to int8; None where it was not

    def figures(self) -> dict[str, float]:
        """Returns what goes into a card under `parity`: what was measured."""
        return {name: off for name, off in asdict(self).items() if off is not None}

    def faults(self) -> list[str]:
        """Returns which bounds are broken, in words."""
        limits = (
            ("the float file", self.float_file, FLOAT),
            ("the int8 file", self.int8_file, INT8),
            ("the agent's path", self.agent, INT8),
        )
        return [
            f"{what} and PyTorch differ by {off:.2g}, at most {most:g} is allowed"
            for what, off, most in limits
            if off is not None and off > most
        ]


def parity(
    net: nn.Module,
    float_file: Path,
    int8_file: Path,
    samples: Sequence[NDArray[Any]],
    agent: Callable[[NDArray[Any]], Floats] | None = None,
    *,
    untuned: Path | None = None,
) -> Parity:
    """Returns how far the forms of a net are apart.

    Args:
        net: of one size, finished: as it was exported.
        float_file: from `quantise.export_float`.
        int8_file: from `quantise.quantise`.
        samples: aligned faces (112, 112, 3) uint8 RGB, or sequences (T, C) float32.
        agent: how it asks the int8 file about a sample, for a unit vector (D,).
        untuned: the float file of the net before it was tuned to int8.
    """
    exact, rounded = LiteRtModel(float_file, sha256=None), LiteRtModel(int8_file, sha256=None)
    before = None if untuned is None else LiteRtModel(untuned, sha256=None)
    pictures = samples[0].dtype == np.uint8
    alike = []
    for sample in samples:
        taken = shrink(sample, exact.inputs[0].shape[1]) if pictures else sample
        said, int8 = embed(net, taken[None])[0], ask(rounded, taken)
        row = {"float_file": said @ ask(exact, taken), "int8_file": said @ int8}
        if agent:
            row["agent"] = said @ agent(np.ascontiguousarray(sample))
        if before:
            row["untuned"] = int8 @ ask(before, taken)
        alike.append(row)
    return Parity(**{name: float(1 - min(row[name] for row in alike)) for name in alike[0]})


def golden(net: nn.Module, int8_file: Path, detector: Path, *, pictures: Sequence[str] = PICTURES) -> dict[str, Any]:
    """Returns what goes into the card of an image encoder under `golden`, for devices to compare themselves with.

    Args:
        net: of one size, finished: as it was exported.
        int8_file: made from it; says how low the cosine may be.
        detector: a .tflite file of ours; finds the landmarks, which are then written down.
        pictures: names in agent/demo/staff, with one face each.
    """
    model = LiteRtModel(int8_file, sha256=None)
    find, side = Detector(LiteRtModel(detector, sha256=None)), model.inputs[0].shape[1]
    crops = []
    for name in pictures:
        image = staff(name)
        landmarks = np.round(find(image)[0].landmarks, 1)
        crops.append(Golden(name, landmarks, embed(net, shrink(align(image, landmarks), side)[None])[0]))
    tested = self_test(Encoder(model, "tested"), tuple(crops), 0.0, staff)
    return write_golden(tuple(crops), round(tested.cosines[tested.worst] - MARGIN, 3))


def golden_signatures(net: nn.Module, int8_file: Path) -> dict[str, Any]:
    """Returns what goes into the card of an encoder of signatures under `golden`.

    Args:
        net: of one length, finished: as it was exported.
        int8_file: made from it; says how low the cosine may be.
    """
    sequences = np.stack([features(made_up(writer)) for writer in range(WRITERS)])
    vectors, encoder = embed(net, sequences), SignatureEncoder(LiteRtModel(int8_file, sha256=None), "tested")
    tested = self_test_of_signatures(encoder.vector, {"golden": write_golden_signatures(vectors, 0.0)})
    return write_golden_signatures(vectors, round(min(tested.cosines) - MARGIN, 3))


def staff(name: str) -> Image:
    """Returns a picture of somebody who does not exist, (H, W, 3) uint8 RGB."""
    return decode_picture((STAFF / name).read_bytes())


@torch.no_grad()
def embed(net: nn.Module, samples: NDArray[Any]) -> Floats:
    """Returns (N, D) unit rows in float32, never in bfloat16, of samples as `to_input` takes them."""
    vectors = net.eval()(to_input(np.ascontiguousarray(samples))).numpy()
    return _unit(vectors)


def ask(model: LiteRtModel, sample: NDArray[Any]) -> Floats:
    """Returns the unit vector (D,) that a float or int8 file makes of one sample, as `embed` takes it."""
    takes, gives = model.inputs[0], model.outputs[0]
    real = to_input(sample[None]).numpy()
    if sample.dtype == np.uint8:
        real = real.transpose(0, 2, 3, 1)
    if takes.scale:
        real = np.clip(np.rint(real / takes.scale) + takes.zero_point, -128, 127).astype(np.int8)
    said = model(np.ascontiguousarray(real))[0][0].astype(np.float32)
    return _unit((said - gives.zero_point) * gives.scale if gives.scale else said)


def _unit(vectors: NDArray[Any]) -> Floats:
    exact = vectors.astype(np.float64)
    unit: Floats = (exact / np.linalg.norm(exact, axis=-1, keepdims=True)).astype(np.float32)
    return unit
