"""The command line of training: `python -m training --help`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path, typer.Option(exists=True, file_okay=False, help="the folder with faces/, scenes/, reference/ and lfw/")
]
Work = Annotated[Path, typer.Option(help="where unpacked faces and embeddings are kept, about 2.6 GB")]
Prepared = Annotated[Path, typer.Option(exists=True, file_okay=False, help="the folder that `prepare` filled")]
Weights = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="from training, as encoder.pt")]
Run = Annotated[Path, typer.Option(help="the folder of this run: weights, log, state to resume from")]
Processes = Annotated[int, typer.Option(min=1, max=4, help="one a core; they share each batch evenly")]
Start = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="weights to begin with, as in training/weights; else from nothing"),
]
Models = Annotated[Path, typer.Option(help="where the .tflite files and their cards go")]

ENCODER_DATA = (
    "Distilled on 58,392 aligned faces (CelebA subset, UTKFace, All-Age-Faces, masked faces, StyleGAN faces) from two "
    "public encoders (EdgeFace-XS and a MobileFaceNet), with a contrastive loss on 4,852 named people. Research data: "
    "who sells a product retrains on data of their own with the same commands."
)
DETECTOR_DATA = (
    "1,980 photographs with faces found by YuNet-n and landmarks by SCRFD-500M, and faces cut out of the encoder's "
    "58,392, pasted onto 600 photographs without. Research data: who sells a product retrains on data of their own "
    "with the same commands."
)

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def prepare(data: Data, work: Work = Path("runs/data")) -> None:
    """Unpack the faces and ask the reference encoders about each (about ten minutes on two cores)."""
    from training import prepare as module

    module.prepare(data, work)


@app.command("train-encoder")
def train_encoder(
    work: Prepared = Path("runs/data"),
    run: Run = Path("runs/encoder"),
    start: Start = None,
    first: Annotated[int, typer.Option(min=1, help="the phase to begin with")] = 1,
    processes: Processes = 2,
) -> None:
    """Train the encoder, phase after phase; started again, it goes on where it was. A process for each core."""
    from training import train_encoder as module
    from training.presets import ENCODER

    if any(phase.batch % processes or phase.people % processes for phase in ENCODER):
        raise typer.BadParameter(f"{processes} processes cannot share a batch evenly: 1, 2 or 4 can")
    if first > len(ENCODER):
        raise typer.BadParameter(f"there are {len(ENCODER)} phases, no number {first}")
    before = start
    for number, phase in list(enumerate(ENCODER, start=1))[first - 1 :]:
        folder = run / f"phase{number}"
        module.train(work, folder, phase, start_from=before, processes=processes)
        before = folder / "encoder.pt"


@app.command("train-detector")
def train_detector(
    data: Data,
    work: Prepared = Path("runs/data"),
    run: Run = Path("runs/detector"),
    start: Start = None,
    threads: int = 2,
) -> None:
    """Train the detector."""
    import torch

    from training import train_detector as module
    from training.faces import Crops, load
    from training.presets import DETECTOR

    torch.set_num_threads(threads)
    before = start
    for number, plan in enumerate(DETECTOR, start=1):
        folder = run / f"phase{number}"
        module.train(data / "scenes", Crops(load(work)), folder, plan, start_from=before)
        before = folder / "detector.pt"


@app.command("package-encoder")
def package_encoder(
    weights: Weights, work: Prepared = Path("runs/data"), models: Models = Path("agent/models")
) -> None:
    """Make encoder.tflite and its card from trained weights."""
    from training.card import package_encoder as package
    from training.faces import load
    from training.presets import ENCODER

    card = package(weights, load(work), ENCODER[-1].side, models / "encoder.tflite", data=ENCODER_DATA)
    typer.echo(json.dumps(card["figures"], indent=1))


@app.command("package-detector")
def package_detector(
    weights: Weights, data: Data, work: Prepared = Path("runs/data"), models: Models = Path("agent/models")
) -> None:
    """Make detector.tflite and its card from trained weights."""
    from training.card import package_detector as package
    from training.faces import Crops, load
    from training.scenes import Composer, load_backgrounds, load_scenes

    scenes, backgrounds = load_scenes(data / "scenes", "train"), load_backgrounds(data / "scenes")
    composer = Composer(scenes, backgrounds, seed=99, crops=Crops(load(work)))
    package(weights, composer, models / "detector.tflite", data=DETECTOR_DATA)


@app.command()
def evaluate(
    data: Data, models: Models = Path("agent/models"), *, runtime: str = "ai-edge-litert", save: bool = False
) -> None:
    """Measure both files: the detector on the validation scenes, both together on grey LFW-a."""
    from agent.hardware.engines.litert import LiteRtModel
    from agent.vision.detect import Detector
    from agent.vision.encode import Encoder
    from training import evaluate as module

    files = models / "detector.tflite", models / "encoder.tflite"
    detect, encode = (LiteRtModel(file, runtime=runtime, sha256=None) for file in files)
    detector = Detector(detect)
    scenes = module.evaluate_detector(data / "scenes", detector)
    typer.echo(json.dumps({"scenes val": scenes}, indent=1))
    lfw = "grey LFW-a, own detector and alignment"
    figures = {
        name: module.evaluate_lfw(data / "lfw", detector, Encoder(encode, "measured", flip_average=flip))
        for name, flip in ((lfw, False), (f"{lfw}, flip_average", True))
    }
    typer.echo(json.dumps(figures, indent=1))
    if save:
        module.add_figures(files[0], "scenes val", scenes)
        for name, values in figures.items():
            module.add_figures(files[1], name, values)


if __name__ == "__main__":
    app()
