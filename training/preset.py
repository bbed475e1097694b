"""What to train and how: a commented TOML file of `training/presets/`, checked as a whole before anything begins."""

from __future__ import annotations

import math
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from agent.errors import ConfigError
from training.tables import Table, read

FOLDER = Path(__file__).parent / "presets"
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
SEQUENCES = ("gru", "tcn")
"""The families of `training.nets` that take pen trajectories; all others take pictures."""


class Data(Table):
    """Where samples come from."""

    kind: Literal["prepared", "made-up", "signature-online", "signature-offline"]
    leaks: Literal["refuse", "leave-out"] = Field(
        default="refuse", description="prepared: what becomes of pictures that are in training and in validation"
    )
    people: int = Field(default=40, ge=4, description="made-up: how many identities are drawn")
    pictures: int = Field(default=8, ge=2, description="made-up: how many pictures of each")


class Net(Table):
    """The encoder: a family of `training.nets` and what it is made with."""

    family: str
    dimension: int = Field(default=256, ge=8, le=1024, description="numbers in an embedding")
    options: dict[str, Any] = Field(default_factory=dict)


class Batch(Table):
    """What is learnt from at once, over all processes."""

    size: int = Field(default=64, ge=2)
    people: int = Field(default=12, ge=0, description="named people in it, `each` pictures of each")
    each: int = Field(default=2, ge=2)
    balance: Share = Field(default=0.0, description="how often a person: 0 all alike, 1 by number of pictures")
    hard: Share = Field(default=0.0, description="share of the people who are drawn because they look alike")


class Optimiser(Table):
    """How gradients become steps."""

    name: Literal["sgd", "adamw", "muon"] = "sgd"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: Annotated[float, Field(ge=0)] = 2e-4
    turn: Positive = Field(default=0.05, description="muon: a matrix's step at a rate of 1, as a share of its length")
    clip: Annotated[float, Field(ge=0)] = 0.0
    average: Share = Field(default=0.998, description="decay of the averaged weights, which are the ones kept")


class Hint(Table):
    """What a reference encoder's last map says, as a further thing to learn; see `training.hints`."""

    weight: Annotated[float, Field(ge=0)] = 0.0


class Live(Table):
    """The reference encoders are asked about each picture when it is shown, so that blends are made then, and once.

    For a GPU, which asks them in passing; they have to be named with `--reference`.
    """

    blends: Share = Field(default=0.0, description="how often a picture of everybody's is one with another blended in")
    named: Share = Field(default=0.0, description="how often both of a blend are named people's")


class Phase(Table):
    """A stretch of training at one picture size and with one curve of the learning rate."""

    samples: int = Field(gt=0, description="seen in it, all processes together")
    peak_rate: Positive
    last_rate: Positive
    side: int | None = Field(default=None, ge=32, le=112, multiple_of=16, description="of pictures; none for sequences")


class Last(Table):
    """The last layer alone, once everything is trained; see `training.last`."""

    samples: int = Field(default=25_000, gt=0, description="training samples; those of named people first")
    steps: int = Field(default=1_500, gt=0)
    rate: Positive = 3e-4
    batch: int = Field(default=512, ge=2)
    people: int = Field(default=96, ge=0, description="named people in a batch at the most, two pictures of each")
    loss: dict[str, dict[str, Any]] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if 2 * self.people > self.batch:
            raise ValueError(f"{self.people} people with two pictures are more than batch = {self.batch}")
        return self


class Tune(Table):
    """Quantisation-aware fine-tuning, before the file is made; see `training.tuning`."""

    samples: int = Field(gt=0)
    rate: Positive = 1e-4
    batch: int = Field(default=32, ge=1)


class Words(Table):
    """What the card says of a file in words."""

    data: str = Field(default="", description="what it was trained on")
    licence: str = Field(default="", description="who may use the file")
    limits: tuple[str, ...] = Field(default=(), description="what it is not for, and for whom worse")

    def told(self) -> dict[str, Any]:
        """Returns what goes into the card; what the preset does not tell is left out."""
        words = {"data": self.data, "licence": self.licence, "limits": list(self.limits)}
        return {name: said for name, said in words.items() if said}


class Export(Words):
    """What the file may be."""

    targets: tuple[Literal["xnnpack", "edgetpu"], ...] = ("xnnpack", "edgetpu")
    most_bytes: int = Field(default=1_500_000, gt=0)
    samples: int = Field(default=300, ge=8, description="training samples whose ranges set the scales of int8")
    whiten: bool = Field(default=True, description="centre and whiten the embeddings in the last layer")
    last: Last | None = Field(default=None, description="learn the last layer once more, alone")
    tune: Tune | None = Field(default=None, description="only where rounding afterwards loses too much")
    data: str = Field(min_length=10, description="what it was trained on")


class Preset(Table):
    """All of it."""

    name: str
    about: str
    data: Data
    net: Net
    loss: dict[str, dict[str, Any]] = Field(min_length=1)
    hint: Hint = Hint()
    live: Live | None = None
    augment: dict[str, Any] = Field(default_factory=dict)
    batch: Batch = Batch()
    optimiser: Optimiser = Optimiser()
    phase: tuple[Phase, ...]
    export: Export
    look: int = Field(default=50_000, gt=0, description="samples until validation is looked at")
    seed: int = Field(default=0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.phase:
            raise ValueError("no [[phase]]: nothing would be trained")
        if self.batch.people * self.batch.each > self.batch.size:
            raise ValueError(
                f"batch: {self.batch.people} people with {self.batch.each} pictures are more than size = "
                f"{self.batch.size}"
            )
        if not all(math.isfinite(value) for value in self.augment.values() if isinstance(value, float)):
            raise ValueError("augment: want finite numbers, and neither inf nor nan")
        if self.hint.weight and self.data.kind != "prepared":
            raise ValueError(f"hint: its maps are of prepared faces, and data are {self.data.kind}: leave [hint] out")
        if self.live and self.data.kind != "prepared":
            raise ValueError(
                f"live: reference encoders know aligned faces, and data are {self.data.kind}: leave it out"
            )
        self._fits_net()
        return self

    def _fits_net(self) -> None:
        sequences = self.data.kind == "signature-online"
        if self.net.family == "gru" and self.optimiser.name == "muon":
            raise ValueError("optimiser: muon keeps the length of weights, which gru without norms cannot bear")
        if self.net.family == "gru" and self.export.tune:
            raise ValueError("export.tune: a recurrent net cannot be tuned to int8: leave it out, or take tcn")
        for number, phase in enumerate(self.phase, start=1):
            if sequences == (phase.side is not None):
                raise ValueError(
                    f"phase {number}: {'pen trajectories have no side' if sequences else 'side is missing'}"
                )
        if sequences != (self.net.family in SEQUENCES):
            wanted = f"for sequences ({', '.join(SEQUENCES)})" if sequences else "for pictures"
            raise ValueError(f"net: data of the kind {self.data.kind} want a family {wanted}, not {self.net.family}")

    def alone(self, phase: int) -> Self:
        """Returns it with one of its phases, counted from 1, as to go on from weights that have been through all.

        Raises:
            ConfigError: it has fewer.
        """
        if phase > len(self.phase):
            raise ConfigError(f"{self.name} has {len(self.phase)} phases, and no phase {phase}")
        return self.model_copy(update={"phase": (self.phase[phase - 1],)})

    @property
    def side(self) -> int | None:
        """Of the pictures that the finished encoder takes."""
        return self.phase[-1].side


def names() -> list[str]:
    """Returns the presets that come with Latchkey."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def load(preset: str) -> Preset:
    """Returns a preset by name, or from a file.

    Args:
        preset: a name out of `names()`, or the path of a TOML file.

    Raises:
        ConfigError: there is none, or something in it is not as it should be; one line a problem.
    """
    path = Path(preset) if preset.endswith(".toml") else FOLDER / f"{preset}.toml"
    if not path.exists():
        raise ConfigError(_no_such(preset))
    return read(path, Preset)


def _no_such(preset: str) -> str:
    near = get_close_matches(preset, names(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names())}, or give the path of a .toml file"
    return f"no preset {preset}: {hint}"
