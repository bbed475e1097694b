"""What each of the processes does that train a preset together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from training import sources
from training.data.archive import INDEX
from training.data.collection import Collection, load_pictures
from training.data.teacher import Reference, there
from training.errors import RunError
from training.loop import origin
from training.loop.run import Run
from training.loop.train import Trainer, refuse_uneven
from training.loop.world import World, joined
from training.preset import Preset
from training.signatures.source import Trajectories, unseen
from training.signatures.thresholds import refuse_few
from training.tasks import Task


def learn(
    preset: Preset,
    folder: Path,
    *,
    data: Path | None,
    work: Path,
    more: Sequence[Path] = (),
    start: Path | None = None,
    device: str = "auto",
    workers: int = 1,
    reference: Reference | None = None,
) -> None:
    """Trains until every phase of the preset is through; goes on where the folder's state says.

    Args:
        preset: what is trained.
        folder: of the run; what is in it and `start` are read and written where rank 0 is, and nowhere else.
        data: raw data, for presets that read them.
        work: what `prepare` or `pack` filled.
        more: prepared folders or archives that are trained on as well.
        start: weights to begin with.
        device: auto, cpu or cuda.
        workers: processes that make batches, for each process that learns.
        reference: the reference encoders, for a preset that asks them while it learns.

    Raises:
        DataError: the data are not there, or not as they should be, or too few to measure by.
        RunError: the folder is one of pictures, or holds a run of another preset or on other data; or reference
            encoders are named and not asked, or not named and to be asked.
    """
    if folder.resolve() == work.resolve() or (folder / INDEX).exists():
        raise RunError(f"{folder} holds pictures, and a run wants a folder of its own: name another with --run")
    _refuse_reference(preset, reference)
    with joined(device) as world:
        refuse_uneven(preset, world)
        logging.basicConfig(level=logging.WARNING if world.leads else logging.ERROR, format="%(message)s")
        run = Run(folder)
        world.from_leader(lambda: _open(run, preset, start))
        source = world.everywhere(lambda: sources.make(preset, data, work, more))
        if isinstance(source, Trajectories):
            refuse_few(unseen(source.split))
        taught = sources.taught(preset, source.collection)
        _same(preset, source.collection, taught, world)
        flag, where = sources.place(preset, data, work)
        world.from_leader(lambda: _keep(run, source.collection, where, more, taught=taught, flag=flag))
        task = world.everywhere(lambda: Task(preset, source, work, world, workers=workers, reference=reference))
        try:
            Trainer(preset, task, run, world, start=start).go()
        finally:
            task.close()


def _refuse_reference(preset: Preset, reference: Reference | None) -> None:
    """Refuses reference encoders that are to be asked and not there, or there and not asked."""
    if preset.live is None:
        if reference is not None:
            said = f"the preset {preset.name} has no [live], and asks nobody while it learns: leave it out"
            raise RunError(f"--reference: {said}")
        return
    if reference is None:
        said = (
            "name them with --reference DIR (for a run that is through, `quantise`, `check` and `card` make the file)"
        )
        raise RunError(f"the preset {preset.name} asks the reference encoders while it learns: {said}")
    there(reference.folder, reference.names)
    if not preset.hint.weight and not sources.taught_by(preset):
        raise RunError(f"the preset {preset.name} has [live], and learns nothing from reference encoders: leave it out")


def _open(run: Run, preset: Preset, start: Path | None) -> None:
    if start is not None and not start.is_file():
        raise RunError(f"--start: there are no weights {start}")
    run.open(preset)


def _keep(run: Run, collection: Collection, where: Path, more: Sequence[Path], *, taught: str, flag: str) -> None:
    rows = len(load_pictures(where)) if more else len(collection)
    origin.keep(run, collection, where, more, rows=rows, taught=taught, flag=flag)


def _same(preset: Preset, data: Collection, taught: str, world: World) -> None:
    """Refuses to train something else than the leader: a label would be one person here and another there, unseen."""
    mine = preset, data.names, data.identity.tobytes(), data.train.tobytes(), taught
    leaders = world.from_leader(lambda: mine)

    def compare() -> None:
        if mine != leaders:
            raise RunError(
                "the preset or the data are not those of the first process: have the same files on every machine"
            )

    world.everywhere(compare)
