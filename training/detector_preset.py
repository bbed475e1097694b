"""How the detector is trained: the commented `training/detector.toml`, checked as a whole before anything begins."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from training.preset import Optimiser, Positive, Words
from training.tables import Table, read

FILE = Path(__file__).with_name("detector.toml")


class Phase(Table):
    """A stretch of training on canvases of one size and with one curve of the learning rate."""

    samples: int = Field(gt=0, description="pictures composed and seen in it")
    width: int = Field(ge=64, le=640, multiple_of=16)
    height: int = Field(ge=64, le=640, multiple_of=16)
    batch: int = Field(ge=2)
    peak_rate: Positive
    last_rate: Positive
    from_nothing: bool = Field(default=False, description="left out where there are weights to begin with")


class Export(Words):
    """What the file may be, and what its card says; it is packaged only where `data` is told."""

    targets: tuple[Literal["xnnpack", "edgetpu"], ...] = ("xnnpack",)
    most_bytes: int = Field(default=400_000, gt=0)
    samples: int = Field(default=300, ge=8, description="composed pictures whose ranges set the scales of int8")


class DetectorPreset(Table):
    """All of it."""

    name: str
    optimiser: Optimiser = Optimiser(clip=10.0)
    phase: tuple[Phase, ...]
    export: Export = Export()
    look: int = Field(default=20_000, gt=0, description="pictures until validation is looked at")
    seed: int = Field(default=0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        alone = [phase.from_nothing for phase in self.phase]
        if all(alone) or alone != sorted(alone, reverse=True):
            raise ValueError("phase: those with from_nothing come first, and at least one without comes after them")
        return self

    @property
    def begun(self) -> int:
        """The index of the first phase for weights that were trained before."""
        return next(index for index, phase in enumerate(self.phase) if not phase.from_nothing)


def load(path: Path) -> DetectorPreset:
    """Returns the preset of a TOML file.

    Raises:
        ConfigError: something in it is not as it should be; one line a problem.
    """
    return read(path, DetectorPreset)
