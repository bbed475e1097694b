"""The commands that make what is trained on: pictures in archives, what reference encoders say of them, blends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training import preset as presets
from training.commands import WORK, Data, Encoder, Name, Work, app

Reference = Annotated[
    Path,
    typer.Option(
        exists=True, file_okay=False, help="the folder of the reference encoders, as ../shared/data/reference"
    ),
]


@app.command()
def prepare(data: Data, work: Work = WORK) -> None:
    """Unpack the faces and ask the reference encoders about each: 5 to 10 minutes on two cores, once."""
    from training import prepare as module

    module.prepare(data, work)


@app.command()
def label(
    work: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="what `pack` filled")],
    reference: Reference,
    encoder: Encoder = None,
) -> None:
    """Ask reference encoders about packed pictures, so that a preset like `door` can learn from them.

    They are other people's nets: ONNX files that take aligned faces, (N, 3, 112, 112) RGB as (p - 127.5) / 127.5, and
    give (N, D). Ours are encoder_edgeface_xs.onnx and encoder_mbf.onnx; of the second a map inside is kept as well, for
    presets with a [hint]. Writes teacher.npy (and maps.npy) beside the archives; ask again after packing again.
    """
    from training.data import reference as module
    from training.data.collection import load_pictures
    from training.data.teacher import ask

    said = module.write(load_pictures(work).samples, work, ask(reference, encoder))
    typer.echo(f"{work}: {len(said)} pictures, {said.shape[1]} numbers of each")


@app.command()
def blend(
    reference: Reference,
    count: Annotated[int, typer.Option(min=1, help="how many: 38 kB and 2 ms of two cores each")],
    target: Annotated[Path, typer.Argument(file_okay=False, help="a new folder: give it to `train` as --more")],
    *,
    encoder: Encoder = None,
    name: Name = "door",
    work: Work = WORK,
    seed: int = 0,
    named: Annotated[bool, typer.Option("--named", help="of pictures of known people alone")] = False,
) -> None:
    """Make faces of nobody from pairs of a preset's training faces, and ask the reference encoders about each."""
    from training import sources
    from training.data.blends import make_blends
    from training.data.teacher import ask, digests

    faces = sources.make(presets.load(name), None, work).collection
    asked, asking = digests(reference, encoder), ask(reference, encoder, maps=False)
    made = make_blends(faces, count, target, asking, seed=seed, named=named, asked=asked)
    typer.echo(f"{target}: {len(made)} blends")


@app.command()
def pack(
    pictures: Annotated[
        Path, typer.Argument(exists=True, help="a folder of folders, one a person; or a CSV: file,identity,group,split")
    ],
    target: Annotated[Path, typer.Argument(file_okay=False, help="a new folder for the archives: give it as --work")],
    detector: Annotated[Path, typer.Option(exists=True)] = Path("agent/models/detector.tflite"),
    aligner: Annotated[Path, typer.Option(exists=True)] = Path("agent/models/aligner.tflite"),
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
    typer.echo(str(module.pack(listed, target, crop=cropper(detector, aligner), kind=kind, notes=notes)))
