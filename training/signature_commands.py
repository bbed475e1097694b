"""The command that measures an encoder of signatures: their protocol is another than that of faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from training.commands import Data, app


@app.command("evaluate-signatures")
def evaluate_signatures(
    run: Annotated[
        Path, typer.Option("--run", "-r", file_okay=False, help="a finished run of signature-online or -offline")
    ],
    data: Data,
    *,
    dtw: Annotated[bool, typer.Option(help="dynamic time warping as well, to compare with: minutes")] = False,
    save: Annotated[bool, typer.Option(help="write the figures into the card")] = False,
    install: Annotated[
        Path | None, typer.Option(file_okay=False, help="then copy the file and its card there, as agent/models")
    ] = None,
) -> None:
    """Measure equal error rates of random and skilled forgeries, with 1 and 5 references, on writers never seen."""
    from training.evaluation.cards import add, wanted_card
    from training.install import install as install_
    from training.install import place
    from training.loop.run import Run
    from training.signatures.measure import measure

    preset = Run(run).preset()
    if save or install:
        wanted_card(Run(run).model)  # what cannot be is said before minutes of measuring
    if install:
        place(Run(run), preset, install)
    figures = measure(run, data, dtw=dtw)
    typer.echo(json.dumps(figures, indent=1))
    if save:
        add(Run(run).model, figures)
    if install:
        install_(Run(run), preset, install)
