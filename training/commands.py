"""Make the encoder, detector and aligner of Latchkey, or your own, and see how good they are: training/README.md."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import ConfigError
from training import preset as presets

Data = Annotated[
    Path, typer.Option(file_okay=False, help="the folder with faces/, scenes/, reference/, lfw/, signatures/")
]
MaybeData = Annotated[Path | None, typer.Option(file_okay=False, help="raw data, for presets that read them")]
Work = Annotated[Path, typer.Option(help="what `prepare` fills, about 3 GB; or archives of `pack`")]
MaybeWork = Annotated[
    Path | None,
    typer.Option(help="as `prepare` or `pack` filled it; runs/data, or what the run was trained on"),
]
Name = Annotated[str, typer.Option("--preset", help="a name out of `presets`, or a .toml file of your own")]
Folder = Annotated[
    Path | None, typer.Option("--run", "-r", file_okay=False, help="the run's folder; runs/PRESET if nothing is said")
]
Models = Annotated[Path, typer.Option(help="where the .tflite files and their cards are")]
More = Annotated[list[Path] | None, typer.Option(exists=True, help="learn from these as well, as blends")]
Encoder = Annotated[list[str] | None, typer.Option(help="a file there, once for each; ours if nothing is said")]
Start = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="weights to begin with, as in training/weights")
]

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
WORK = Path("runs/data")


def room_for(file: Path) -> None:
    """Makes the folder of a file that minutes of measuring are to end in.

    Raises:
        ConfigError: nothing can be written there.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{file}: no folder can be made for it: {error.strerror}; name another place") from error
    if not os.access(file.parent, os.W_OK):
        raise ConfigError(f"{file}: nothing may be written in this folder; name another place")


@app.command("presets")
def list_presets() -> None:
    """List the presets, and what each is for."""
    for name in presets.names():
        typer.echo(f"{name:20} {presets.load(name).about}")


@app.command("losses")
def list_losses() -> None:
    """List the losses that a preset's [loss.NAME] may name, with their options."""
    from training.losses.table import table

    typer.echo(table())


@app.command()
def train(
    name: Name = "door",
    data: MaybeData = None,
    work: MaybeWork = None,
    run: Folder = None,
    *,
    start: Annotated[Path | None, typer.Option(help="weights to begin with, where rank 0 is")] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="on this machine; one a core or GPU")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    workers: Annotated[int, typer.Option(min=1, max=64, help="that make batches, for each process")] = 1,
    more: More = None,
    reference: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="reference encoders, for a preset with [live]")
    ] = None,
    encoder: Encoder = None,
    phase: Annotated[int | None, typer.Option(min=1, help="this phase of the preset alone, as to go on")] = None,
    only: Annotated[bool, typer.Option("--only-train", help="leave out quantise, check and card")] = False,
) -> None:
    """Train a preset, and make the int8 file and its card; started again, it goes on where it was.

    On several machines: torchrun, as training/README.md says; then quantise, check, card.
    """
    from training.data.teacher import TEACHERS, Reference
    from training.learn import learn
    from training.loop import world
    from training.loop.run import Run

    if encoder and reference is None:
        raise ConfigError("--encoder names files of the reference encoders' folder: say which, --reference DIR")
    chosen = presets.load(name)
    chosen = chosen.alone(phase) if phase else chosen
    folder = run or Path("runs") / chosen.name
    if world.started():
        work, more = _places(Run(folder), work, more)
        learn(
            chosen,
            folder,
            data=data,
            work=work,
            more=more,
            start=start,
            device=device,
            workers=workers,
            reference=Reference(reference, encoder or TEACHERS) if reference else None,
        )
        return
    if status := world.start(sys.argv[1:], processes, jemalloc=reference is None):
        raise typer.Exit(status)
    if not only:
        quantise(folder, data, work, more)
        check(folder / "encoder.tflite", None, folder)
        card(folder, data, work)


@app.command()
def quantise(
    run: Annotated[Path, typer.Option(file_okay=False, help="a folder that `train` filled")],
    data: MaybeData = None,
    work: MaybeWork = None,
    more: More = None,
) -> None:
    """Make the int8 file of a run's weights."""
    packaging = packaging_of(run, data, work, more, joined=True)
    packaging.quantise()
    typer.echo(f"{packaging.run.model}: {packaging.run.model.stat().st_size:,} bytes")


@app.command()
def check(
    model: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a .tflite file")],
    target: Annotated[list[str] | None, typer.Option(help="xnnpack, edgetpu; both if nothing is said")] = None,
    run: Annotated[
        Path | None, typer.Option(file_okay=False, help="the run it is of, whose preset says what is wanted")
    ] = None,
) -> None:
    """Look whether every operation of a file stays int8 on its target, without running it."""
    from training import check as module
    from training.loop.run import Run

    export = Run(run).preset().export if run else None
    targets = tuple(target or (export.targets if export else ("xnnpack", "edgetpu")))
    if unknown := sorted(set(targets) - set(module.TARGETS)):
        raise typer.BadParameter(f"no target {', '.join(unknown)}: there are {', '.join(module.TARGETS)}")
    findings = module.check(model, targets, most_bytes=export.most_bytes if export else None)
    typer.echo(module.table(findings) if findings else f"{model}: every operation is int8 on {' and '.join(targets)}")
    if findings:
        raise typer.Exit(1)


@app.command()
def card(
    run: Annotated[Path, typer.Option(file_okay=False, help="a folder that `train` filled, after `quantise`")],
    data: MaybeData = None,
    work: MaybeWork = None,
    install: Annotated[
        Path | None, typer.Option(file_okay=False, help="copy the file and its card there, as agent/models")
    ] = None,
) -> None:
    """Measure a run's int8 file on its validation split and write its card."""
    from training import install as module

    packaging = packaging_of(run, data, work)
    if install:
        module.place(packaging.run, packaging.preset, install)  # what cannot be is said before minutes of measuring
    written = packaging.card()
    typer.echo(json.dumps(written["figures"], indent=1))
    if install:
        module.install(packaging.run, packaging.preset, install)
        typer.echo(f"{install}: {written['id']}")


def packaging_of(  # type: ignore[no-untyped-def] # noqa: ANN201 - loads torch
    run: Path, data: Path | None, work: Path | None = None, more: list[Path] | None = None, *, joined: bool = False
):
    """Returns a run with what it was trained on; what `more` named is joined to learn from it, not to measure."""
    from training import sources
    from training.loop import origin
    from training.loop.run import Run
    from training.package import Packaging

    folder = Run(run)
    preset = folder.preset()
    work, more = _places(folder, work, more)
    source = sources.make(preset, data, work, more if joined else ())
    _, where = sources.place(preset, data, work)
    taught = sources.taught(preset, source.collection) if joined else ""
    origin.compare(folder, source.collection, where, joined=joined, taught=taught)
    return Packaging(folder, preset, source)


def _places(run, work: Path | None, more: list[Path] | None) -> tuple[Path, list[Path]]:  # type: ignore[no-untyped-def] # noqa: ANN001 - loads torch
    """Returns where the data lie: as said, or as when the run was trained."""
    from training.loop import origin

    kept = origin.read(run)
    where = kept.work if kept and kept.flag == "--work" else WORK
    return work or where, more or (list(kept.more) if kept else [])


@app.command()
def calibrate(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="a site's people: PERSON/photo.jpg")],
    models: Models = Path("agent/models"),
    out: Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="the site file: [models] site")] = Path(
        "site.json"
    ),
) -> None:
    """Fit threshold and score normalisation to a site's few photos of its own people, without retraining."""
    from training import calibrate as module

    room_for(out)
    said, troubles = module.calibrate_site(folder, models, out)
    for trouble in troubles:
        typer.echo(trouble, err=True)
    typer.echo(json.dumps(said, indent=1))
