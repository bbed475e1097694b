"""The commands that make the detector."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training import detector_preset
from training.commands import WORK, Data, Models, Start, Work, app, room_for

Preset = Annotated[Path, typer.Option("--preset", exists=True, dir_okay=False, help="how; copy ours for your own")]
Folder = Annotated[Path, typer.Option("--run", "-r", file_okay=False, help="the run's folder")]


@app.command("train-detector")
def train_detector(
    data: Data,
    work: Work = WORK,
    run: Folder = Path("runs/detector"),
    *,
    start: Start = None,
    preset: Preset = detector_preset.FILE,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    workers: Annotated[int, typer.Option(min=1, max=64, help="that compose pictures")] = 1,
) -> None:
    """Train the detector, from nothing or with --start from weights; started again, it goes on where it was."""
    from training.train_detector import train

    chosen = detector_preset.load(preset)
    train(chosen, data, work, run, start=start, device=device, workers=workers)


@app.command("package-detector")
def package_detector(
    weights: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="from training, as detector.pt")],
    data: Data,
    work: Work = WORK,
    models: Models = Path("agent/models"),
    preset: Preset = detector_preset.FILE,
) -> None:
    """Make detector.tflite and its card from trained weights, if every operation stays int8 where it is to run."""
    from training.card import package_detector as package

    room_for(models / "detector.tflite")
    package(weights, data / "scenes", work, models / "detector.tflite", detector_preset.load(preset).export)
