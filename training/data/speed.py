"""How fast data come: `python -m training.data.speed --help`.

Compare figures of one run only: other work on the machine counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from training.data.augment import NOTHING, Augmentation, augment
from training.data.batches import Plan, Sampler, drawn
from training.data.collection import Collection, load
from training.data.loader import Loader
from training.data.made_up import made_up
from training.sources import Pictures


def milliseconds(work: Callable[[int], object], count: int) -> tuple[float, float]:
    """Returns wall and processor time of one call, mean over `count`."""
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        work(number)
    return (time.perf_counter() - wall) / count * 1e3, (time.process_time() - cpu) / count * 1e3


def measure(collection: Collection, *, side: int, batch: int, workers: int, steps: int) -> dict[str, float]:
    """Returns milliseconds of processor time a picture, and pictures a second of a loader."""
    random = np.random.default_rng(0)
    rows = random.choice(collection.train, 400)
    pictures = [np.asarray(collection.samples[int(row)]) for row in rows]
    figures = {}
    tasks: dict[str, Callable[[int], object]] = {
        "reading, ms": lambda i: np.array(collection.samples[int(rows[i % 400])]),
        "resizing only, ms": lambda i: augment(pictures[i % 400], side, random, NOTHING),
        "augmenting, ms": lambda i: augment(pictures[i % 400], side, random, Augmentation()),
    }
    for name, task in tasks.items():
        figures[name] = milliseconds(task, 1200)[1]
    people = min(12, batch // 4)
    sampler = Sampler(collection, Plan(size=batch, people=people))
    varied = Pictures(collection, Augmentation()).varied
    figures["batch of rows, ms"] = milliseconds(lambda i: sampler.rows(i, sampler.random(i)), 50)[1]
    with Loader(partial(drawn, sampler, varied, side), workers=workers) as loader:
        for _ in range(2 * max(workers, 1)):
            next(loader)
        loader.speed()
        for _ in range(steps):
            next(loader)
        speed = loader.speed()
    figures |= {"loader, pictures/s": speed.step, "of busy workers, pictures/s": speed.loader}
    return figures


def main(
    data: Annotated[Path | None, typer.Argument(help="a prepared folder or archives; else made-up faces")] = None,
    side: Annotated[int, typer.Option(help="pixels of the pictures that come out")] = 64,
    batch: Annotated[int, typer.Option(min=4, help="pictures")] = 64,
    workers: Annotated[int, typer.Option(min=0, help="processes")] = 1,
    steps: Annotated[int, typer.Option(min=1, help="batches to take")] = 40,
) -> None:
    """Print what reading, augmenting and loading cost here."""
    collection = load(data) if data else made_up()
    for name, value in measure(collection, side=side, batch=batch, workers=workers, steps=steps).items():
        typer.echo(f"{name:32} {value:10.3f}" if "ms" in name else f"{name:32} {value:10.0f}")


if __name__ == "__main__":
    typer.run(main)
