"""The command that measures: our own files on benchmarks, or those of a run on its validation split."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from training.commands import WORK, MaybeData, MaybeWork, Models, app, packaging_of, room_for
from training.writing import write_whole

OURS = {"models": "--models", "floats": "--float", "cache": "--cache"}
"""What goes with our own files alone."""


@app.command()
def evaluate(
    context: typer.Context,
    data: MaybeData = None,
    models: Models = Path("agent/models"),
    work: MaybeWork = None,
    *,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", "-r", file_okay=False, help="a run's folder: its files on its validation split, no benchmark"
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(dir_okay=False, help="an HTML file for all plots")] = None,
    floats: Annotated[
        Path | None, typer.Option("--float", exists=True, help="the float .tflite file, for what int8 costs")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="keep embeddings of LFW here")] = None,
    runtime: str = "ai-edge-litert",
    save: Annotated[bool, typer.Option(help="write what was measured into the cards")] = False,
) -> None:
    """Measure our files: scenes, grey LFW-a, open set, cohorts, speed; as figures, and as a report.

    With --run: the files of a run, of your own people or of signatures, on its validation split.
    """
    if report:
        room_for(report)
    command = "python -m training " + " ".join(sys.argv[1:])
    if run is not None:
        if given := [flag for name, flag in OURS.items() if _given(context, name)]:
            raise typer.BadParameter(f"--run measures the files of the run: leave out {', '.join(given)}")
        _evaluate_run(run, data, work, report=report, runtime=runtime, save=save, command=command)
    elif data is None:
        raise typer.BadParameter("name --data, with scenes/ and lfw/ for our own files; or --run, for those of a run")
    else:
        from training.evaluation.evaluate import Task

        task = Task(data, models, work or WORK, float_encoder=floats, cache=cache, runtime=runtime)
        _evaluate_ours(task, report=report, save=save, command=command)


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _tell(figures: Mapping[str, object], left_out: Sequence[str]) -> None:
    typer.echo(json.dumps(figures, indent=1))
    for reason in left_out:
        _say(f"left out. {reason}")


def _evaluate_ours(task, *, report: Path | None, save: bool, command: str) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - loads torch
    from training.evaluation import evaluate as module
    from training.evaluation.report import build_report

    if save:
        _look_for_cards(task.encoder, task.detector, task.aligner)
    results = module.evaluate(task, _say)
    _tell(results.figures(), results.left_out)
    if report:
        page = build_report(task, results, command=command, now=datetime.now(UTC))
        write_whole(report, page)
    if save:
        module.save(task, results)


def _look_for_cards(*files: Path) -> None:
    """Says which card is missing that minutes of measuring are to end in; that a file is, is said by what measures."""
    from training.evaluation.cards import wanted_card

    for file in files:
        if file.exists():
            wanted_card(file)


def _evaluate_run(
    run: Path, data: Path | None, work: Path | None, *, report: Path | None, runtime: str, save: bool, command: str
) -> None:
    from training.evaluation import own as module
    from training.evaluation.cards import read_card
    from training.evaluation.own_report import build_own_report

    packaging = packaging_of(run, data, work)
    if save:
        _look_for_cards(packaging.run.model)
    own = module.measure_run(packaging, data, _say, runtime=runtime)
    _tell(own.figures(), own.left_out)
    if report:
        card, now = read_card(packaging.run.model), datetime.now(UTC)
        page = build_own_report(packaging, own, card, command=command, now=now, runtime=runtime)
        write_whole(report, page)
    if save:
        module.save(packaging, own)
