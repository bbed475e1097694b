"""A run's folder: the preset it follows, its log, its curves, the state to go on from, and what came of it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import nn

from training.errors import RunError
from training.preset import Preset
from training.writing import briefly, unwritten, write_whole, writing

PRESET = "preset.json"
AFTERWARDS = {"about", "export"}
OTHERWISE = (RuntimeError, ValueError, KeyError, TypeError, AttributeError)
"""What is raised where a file holds something else than is looked for."""


@dataclass(frozen=True, slots=True)
class Run:
    """The folder and the names of what is in it."""

    folder: Path
    name: str = "encoder"

    @property
    def weights(self) -> Path:
        """The averaged weights, as soon as there are any."""
        return self.folder / f"{self.name}.pt"

    @property
    def state(self) -> Path:
        """Everything that is needed to go on."""
        return self.folder / "state.pt"

    @property
    def log(self) -> Path:
        """A line of JSON for every look at the validation split."""
        return self.folder / "log.jsonl"

    @property
    def curves(self) -> Path:
        """The log as a picture."""
        return self.folder / "curves.png"

    @property
    def start(self) -> Path:
        """The SHA-256 of the weights that it began with; no such file where it began with none."""
        return self.folder / "start.sha256"

    @property
    def model(self) -> Path:
        """The finished int8 file; its card lies beside it."""
        return self.folder / f"{self.name}.tflite"

    def open(self, preset: Preset) -> None:
        """Makes the folder for a preset, or finds it made for the same; what becomes of the weights may differ.

        Raises:
            RunError: it was made for another preset, or cannot be written.
        """
        if self.state.exists() and (self.folder / PRESET).exists() and not _alike(self.preset(), preset):
            raise RunError(
                f"{self.folder} holds a training by another preset, or by one that was changed since (see {PRESET} "
                "there): name another folder with --run, or move this one away"
            )
        write_whole(self.folder / PRESET, preset.model_dump_json(indent=1))

    def begin(self, start: Path | None) -> None:
        """Notes the weights that a training begins with; the log of one whose state is gone goes.

        Raises:
            RunError: it cannot be written; or one that began with weights has not come to its first look, and none are
                named now.
        """
        if start is None and self.start.exists() and not self.log.exists():
            raise RunError(
                f"{self.folder} holds a training that began with weights (SHA-256 {self.start.read_text()[:9]}...), "
                "and no state of it: name them once more with --start, or remove this folder to begin from nothing"
            )
        self.log.unlink(missing_ok=True)
        self.start.unlink(missing_ok=True)
        if start is not None:
            write_whole(self.start, f"{digest(start)}\n")

    def go_on(self, start: Path | None) -> None:
        """Looks whether a training that is gone on with began with these weights; None goes on with any.

        Raises:
            RunError: it began with others, or nobody knows.
        """
        began = self.start.read_text().strip() if self.start.exists() else ""
        if start is None or (start.is_file() and began == digest(start)):
            return
        raise RunError(
            f"--start: {self.folder} holds a training that did not begin with {start}: leave --start out to go on with "
            "it, or name another folder with --run to begin with these weights"
        )

    def preset(self) -> Preset:
        """Returns the preset that it was made for.

        Raises:
            RunError: nothing was trained here.
        """
        try:
            return Preset.model_validate_json((self.folder / PRESET).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.folder}: nothing was trained here (no {PRESET}); name the run with --run") from None
        except OSError as error:
            raise RunError(
                f"{self.folder / PRESET} cannot be read: {error.strerror}; name a run's folder with --run"
            ) from error
        except ValueError as error:
            raise RunError(f"{self.folder / PRESET} is of another version: {error}") from None

    def write(self, line: Mapping[str, Any]) -> None:
        """Adds a line to the log; one that a kill has cut off ends there.

        Raises:
            RunError: there is no room for it.
        """
        try:
            with self.log.open("a+b") as log:
                log.seek(max(log.seek(0, os.SEEK_END) - 1, 0))
                cut = log.read() not in (b"", b"\n")
                log.write(b"\n" * cut + json.dumps(dict(line)).encode() + b"\n")
        except OSError as error:
            raise unwritten(self.log, error) from error

    def lines(self) -> list[dict[str, Any]]:
        """Returns the log; a line that a kill has cut off is left out."""
        if not self.log.exists():
            return []
        found = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found


def _alike(one: Preset, other: Preset) -> bool:
    """Whether two presets train the same: all but the words and what is made of the weights."""
    return one.model_dump(exclude=AFTERWARDS) == other.model_dump(exclude=AFTERWARDS)


def refuse_diverged(run: Run, losses: Mapping[str, float], *modules: nn.Module) -> None:
    """Looks at what is about to be saved, before it takes the place of the last that was good.

    Args:
        run: whose files are kept.
        losses: the means since the last look.
        modules: whose weights are to be saved.

    Raises:
        RunError: a loss or a weight is no number.
    """
    lost = [f"the loss {name}" for name, value in losses.items() if not math.isfinite(value)]
    if not all(bool(each.isfinite().all()) for module in modules for each in module.state_dict().values()):
        lost.append("the net")
    if lost:
        raise RunError(
            f"the training diverged: {' and '.join(lost)} came to what is no number. Nothing was saved: what is in "
            f"{run.folder} is of the look before. Lower peak_rate in a copy of the preset and train that in another "
            f"folder with --run, from nothing or with --start {run.weights}, if that is there"
        )


def digest(file: Path) -> str:
    """Returns the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def save(weights: Mapping[str, object], path: Path) -> None:
    """Writes a file of weights, see `writing`."""
    with writing(path) as part:
        torch.save(weights, part)


def load_weights(net: nn.Module, path: Path) -> None:
    """Loads what `save` wrote into a net.

    Raises:
        RunError: the file is no weights, or those of another net.
    """
    try:
        net.load_state_dict(read(path))
    except OTHERWISE as error:
        raise RunError(f"{path}: not the weights of this net: {briefly(error)}") from error


def read(path: Path | BinaryIO) -> dict[str, Any]:
    """Returns what a file of weights or of a state holds.

    Raises:
        ValueError: it is damaged, or no such file.
        TypeError: it holds something else.
    """
    try:
        held = torch.load(path, weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, OSError, LookupError, pickle.UnpicklingError) as error:
        raise ValueError("it is damaged, or no file of PyTorch's") from error
    if not isinstance(held, dict):
        raise TypeError(f"it holds a {type(held).__name__}")
    return held
