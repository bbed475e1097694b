"""Measures the files of one run on its validation split: people of one's own, or signatures; no benchmark is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.gallery.space import AS_ENCODED
from agent.hardware.engines.litert import LiteRtModel
from training.data.errors import DataError
from training.door import door_detector
from training.errors import RunError
from training.evaluation.calibration import fmr_card
from training.evaluation.cards import add, anchors_of
from training.evaluation.cohorts import labelled
from training.evaluation.openset import OpenSet, open_set
from training.evaluation.prepared import EVERYBODY, compared, unnamed, validated
from training.evaluation.speed import Speed, measure_speed, spent
from training.evaluation.verify import Verification, verify
from training.loop.run import Run
from training.package import Packaging, encode
from training.signatures.measure import KINDS, measure

FMRS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
SIZES = (5, 10, 50, 100, 500, 1000)
ENROLLED = (3, 1)
"""Pictures enrolled of each person: as many as at least `SIZES[0]` people have, and one more to search with."""
INT8, FLOAT = "int8 file", "float file"


@dataclass(slots=True)
class Own:
    """What a run's files are worth; what could not be measured is None or empty, and why is in `left_out`."""

    verification: Verification
    people: int
    samples: int  # forgeries among them
    fmr: dict[str, Any]  # as on the card
    forged: int = 0  # of the samples
    floats: Verification | None = None
    open_set: list[OpenSet] = field(default_factory=list)
    enrolled: int = ENROLLED[0]
    forgeries: dict[str, dict[str, float]] = field(default_factory=dict)  # of signatures, by file: see `measure`
    speed: list[Speed] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, dict[str, float]]:
        """Returns what goes into the card."""
        found = {"validation (int8)": self.verification.figures()}
        if self.floats is not None:
            before, after = self.floats.figures(), found["validation (int8)"]
            lost = {key: round((after[key] - before[key]) * (1 if key == "eer" else -1), 4) for key in before}
            found |= {"validation (float)": before, "validation, lost from float to int8": lost}
        return found | self.forgeries


def measure_run(
    packaging: Packaging,
    data: Path | None,
    say: Callable[[str], None] = lambda _: None,
    *,
    runtime: str = "ai-edge-litert",
    rounds: int = 200,
) -> Own:
    """Returns all figures of a run's files; `say` is told what is being done.

    Args:
        packaging: the run, with what it was trained on.
        data: the folder that was read from, where the preset reads one.
        say: takes a line.
        runtime: of the agent's.
        rounds: of bootstraps and of timing.

    Raises:
        RunError: there is no file yet, or the validation split has no pairs to compare.
    """
    run, collection = packaging.run, packaging.source.collection
    if not run.model.exists():
        raise RunError(f"{run.folder}: no encoder.tflite yet: python -m training quantise --run {run.folder}")
    rows = compared(collection)
    identity = collection.identity[rows]
    _, count = np.unique(identity, return_counts=True)
    _refuse_few(run, count)
    space = AS_ENCODED.normalised(anchors_of(run.model))

    def embed(file: Path, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return space(encode(LiteRtModel(file, runtime=runtime, sha256=None), map(packaging.as_compared, rows.tolist())))

    say(f"{len(rows):,} of the {len(collection.val):,} samples of the validation split")
    vectors = embed(run.model, rows)
    others = unnamed(collection, lambda some: embed(run.model, some), door_detector())
    fmr = fmr_card(labelled(EVERYBODY, vectors, identity), others, rounds=rounds)
    told = validated(collection, rows)
    shown = verify(vectors, identity, fmrs=FMRS, rounds=rounds)
    own = Own(shown, told["people"], told["samples"], fmr, told.get("forgeries", 0))
    files = {INT8: run.model}
    before = packaging.untuned_file if packaging.preset.export.tune else packaging.float_file
    if before.exists():
        files[FLOAT] = before
        own.floats = verify(embed(before, rows), identity, fmrs=FMRS, rounds=rounds)
    else:
        own.left_out.append(f"What int8 costs: {before} is not there; `quantise` makes it.")
    _search(own, vectors, identity, count)
    if packaging.preset.data.kind in KINDS and data is not None:
        say("forgeries, on the writers of the test")
        try:
            own.forgeries = measure(run.folder, data)
        except DataError as error:
            own.left_out.append(f"Forgeries: of the writers of the test {error}.")
    say("speed")
    own.speed = measure_speed(files, peer=INT8, rounds=rounds, runtime=runtime)
    return own


def _refuse_few(run: Run, count: NDArray[np.int64]) -> None:
    if len(count) < 2 or count.max() < 2:
        raise RunError(
            f"the validation split of {run.folder} has {len(count)} people, {int((count > 1).sum())} of them with two "
            "pictures: want two people at least, and two pictures of one"
        )


def _search(own: Own, vectors: NDArray[np.float32], identity: NDArray[np.int64], count: NDArray[np.int64]) -> None:
    """Measures galleries of as many people as there are with a picture left to search with."""
    for enrolled in ENROLLED:
        many = int((count > enrolled).sum())
        if sizes := [size for size in SIZES if size <= many and size < len(count)]:
            own.enrolled, own.open_set = enrolled, open_set(vectors, identity, sizes=sizes, enrol=enrolled)
            return
    own.left_out.append(f"Open-set identification: it wants {SIZES[0]} people with two samples each, and others.")


def save(packaging: Packaging, own: Own) -> None:
    """Writes what was measured into the run's card.

    Raises:
        ConfigError: there is none yet.
    """
    add(packaging.run.model, own.figures(), speed=spent(own.speed, INT8))
