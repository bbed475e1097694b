"""The commands that make the detector."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands import WORK, Data, Models, Start, Work, app


@app.command("train-detector")
def train_detector(
    data: Data, work: Work = WORK, run: Path = Path("runs/detector"), start: Start = None, threads: int = 2
) -> None:
    """Train the detector."""
    import torch

    from training import train_detector as module
    from training.data.collection import load
    from training.detector_plans import PLANS
    from training.scenes import Crops

    torch.set_num_threads(threads)
    before = start
    for number, plan in enumerate(PLANS, start=1):
        folder = run / f"phase{number}"
        module.train(data / "scenes", Crops(load(work)), folder, plan, start_from=before)
        before = folder / "detector.pt"


@app.command("package-detector")
def package_detector(
    weights: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="from training, as detector.pt")],
    data: Data,
    work: Work = WORK,
    models: Models = Path("agent/models"),
) -> None:
    """Make detector.tflite and its card from trained weights."""
    from training.card import package_detector as package

    package(weights, data / "scenes", work, models / "detector.tflite")
