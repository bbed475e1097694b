"""The commands that make the aligner."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.aligner import preset as aligner_preset
from training.commands import WORK, Models, Start, Work, app, room_for

Preset = Annotated[Path, typer.Option("--preset", exists=True, dir_okay=False, help="how; copy ours for your own")]
Folder = Annotated[Path, typer.Option("--run", "-r", file_okay=False, help="the run's folder")]


@app.command("train-aligner")
def train_aligner(
    work: Work = WORK,
    run: Folder = Path("runs/aligner"),
    *,
    start: Start = None,
    preset: Preset = aligner_preset.FILE,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    workers: Annotated[int, typer.Option(min=1, max=64, help="that make batches")] = 1,
) -> None:
    """Train the aligner, from nothing or with --start from weights; started again, it goes on where it was."""
    from training.aligner.train import train

    chosen = aligner_preset.load(preset)
    train(chosen, work, run, start=start, device=device, workers=workers)


@app.command("package-aligner")
def package_aligner(
    weights: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="from training, as aligner.pt")],
    work: Work = WORK,
    models: Models = Path("agent/models"),
    preset: Preset = aligner_preset.FILE,
) -> None:
    """Make aligner.tflite and its card from trained weights, if every operation stays int8 where it is to run."""
    from training.aligner.package import package

    room_for(models / "aligner.tflite")
    package(weights, work, models / "aligner.tflite", aligner_preset.load(preset))
