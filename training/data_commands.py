"""The commands that make what is trained on: pictures in archives, what reference encoders say of them, blends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands import WORK, Data, Work, app


@app.command()
def prepare(data: Data, work: Work = WORK) -> None:
    """Unpack the faces and ask the reference encoders about each: 5 to 10 minutes on two cores, once."""
    from training import prepare as module

    module.prepare(data, work)


@app.command()
def blend(
    data: Data,
    count: Annotated[int, typer.Option(min=1, help="how many: 38 kB and 2 ms of two cores each")],
    target: Annotated[Path, typer.Argument(file_okay=False, help="a new folder: give it to `train` as --more")],
    work: Work = WORK,
    seed: int = 0,
) -> None:
    """Make faces of nobody from pairs of training faces, and ask the reference encoders about each."""
    from training.data.blends import make_blends
    from training.data.collection import load
    from training.data.teacher import label

    made = make_blends(load(work), count, target, lambda faces: label(faces, data / "reference"), seed=seed)
    typer.echo(f"{target}: {len(made)} blends")


@app.command()
def pack(
    pictures: Annotated[
        Path, typer.Argument(exists=True, help="a folder of folders, one a person; or a CSV: file,identity,group,split")
    ],
    target: Annotated[Path, typer.Argument(file_okay=False, help="a new folder for the archives: give it as --work")],
    detector: Annotated[Path, typer.Option(exists=True)] = Path("agent/models/detector.tflite"),
    tar: Annotated[bool, typer.Option(help="WebDataset shards rather than zip files")] = False,  # noqa: FBT002 - typer
) -> None:
    """Make archives of your own pictures: faces are found and aligned, and what is left out is listed with its reason.

    Pictures of 112x112 are taken for aligned faces.
    """
    from training.data import folder as module
    from training.data.crops import cropper
    from training.data.shards import Kind

    listed, notes = (module.list_table if pictures.is_file() else module.list_folder)(pictures)
    kind = Kind.TAR if tar else Kind.ZIP
    typer.echo(str(module.pack(listed, target, crop=cropper(detector), kind=kind, notes=notes)))
