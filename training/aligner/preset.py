"""How the aligner is trained: the commented `aligner.toml` beside this, checked as a whole before anything begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from training import detector_preset
from training.preset import Optimiser, Positive
from training.tables import Table, read

FILE = Path(__file__).with_name("aligner.toml")


class Misplaced(Table):
    """By how much crops are moved, standard deviations: somewhat more than detectors are off."""

    shift_px: Positive = 2.0
    zoom: Positive = Field(default=0.05, description="of the scale's logarithm")
    turn_degrees: Positive = 3.0


class Phase(Table):
    """A stretch of training with one curve of the learning rate."""

    samples: int = Field(gt=0)
    batch: int = Field(ge=2)
    peak_rate: Positive
    last_rate: Positive


class Export(detector_preset.Export):
    """What the file may be, and what its card says; it is packaged only where `data` is told."""

    most_bytes: int = Field(default=300_000, gt=0)
    samples: int = Field(default=500, ge=8, description="misplaced crops whose ranges set the scales of int8")


class AlignerPreset(Table):
    """All of it."""

    name: str
    optimiser: Optimiser = Optimiser(name="muon", turn=0.1, clip=5.0)
    misplaced: Misplaced = Misplaced()
    augment: dict[str, Any] = Field(default_factory=dict, description="as in the presets of encoders")
    phase: tuple[Phase, ...] = Field(min_length=1)
    export: Export = Export()
    look: int = Field(default=20_000, gt=0, description="crops until validation is looked at")
    seed: int = Field(default=0, ge=0, lt=2**63)


def load(path: Path) -> AlignerPreset:
    """Returns the preset of a TOML file.

    Raises:
        ConfigError: something in it is not as it should be; one line a problem.
    """
    return read(path, AlignerPreset)
