"""Measures finished files from start to end: one call gives every figure, and the report if wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError
from agent.gallery.space import AS_ENCODED, Space
from agent.hardware.engines.litert import LiteRtModel
from agent.vision.aligner import Aligner
from agent.vision.detect import Detector
from agent.vision.encode import Encoder
from training.data.collection import load
from training.data.leaks import refuse_trained_on
from training.data.splits import ensure_split
from training.evaluation.calibration import fmr_card
from training.evaluation.cards import add, anchors_of, read_card
from training.evaluation.cohorts import CohortRate, rates, similarity_at
from training.evaluation.detection import Detection, measure_detector
from training.evaluation.lfw import Lfw, lfw_pairs, measure_lfw
from training.evaluation.openset import OpenSet, open_set
from training.evaluation.pictures import Benchmark, Faces, remembered
from training.evaluation.prepared import Remembered, attributes, named_people, unnamed
from training.evaluation.reliability import Reliability, reliability
from training.evaluation.speed import Speed, measure_speed, spent
from training.scenes import load_scenes

LEVELS = (1e-3, 1e-4, 1e-5)
PEER = "peer_mobilefacenet_int8.tflite"
LFW = "grey LFW-a, own detector and alignment"


@dataclass(frozen=True, slots=True)
class Task:
    """What is measured, and with what."""

    data: Path  # with lfw/, scenes/ and reference/
    models: Path  # with encoder.tflite, detector.tflite, aligner.tflite and their cards
    work: Path  # what the encoder was trained on; where nothing is there, leaks and cohorts are left out
    float_encoder: Path | None = None  # the .tflite file before it was quantised
    cache: Path | None = None  # embeddings are kept here, by the checksums of the files
    runtime: str = "ai-edge-litert"
    rounds: int = 200  # of bootstraps and of timing

    @property
    def encoder(self) -> Path:
        """The encoder's file."""
        return self.models / "encoder.tflite"

    @property
    def detector(self) -> Path:
        """The detector's file."""
        return self.models / "detector.tflite"

    @property
    def aligner(self) -> Path:
        """The aligner's file."""
        return self.models / "aligner.tflite"

    def space(self) -> Space:
        """Returns where the agent compares what the encoder says."""
        return AS_ENCODED.normalised(anchors_of(self.encoder))


@dataclass(slots=True)
class Results:
    """Everything that was measured; what could not be is None, and why is in `left_out`."""

    lfw: Lfw | None = None  # by cosines alone, as figures of encoders are told
    compared: Lfw | None = None  # as the agent compares, where the card has anchors to normalise cosines by
    mirrored: Lfw | None = None  # the mean with the mirrored face, as with `gate.flip_average`
    floats: Lfw | None = None
    open_set: list[OpenSet] = field(default_factory=list)
    cohorts: dict[float, list[CohortRate]] = field(default_factory=dict)
    fmr: dict[str, Any] | None = None  # for the card
    detection: Detection | None = None
    speed: list[Speed] = field(default_factory=list)
    reliability: Reliability | None = None
    left_out: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, dict[str, float]]:
        """Returns the figures by section, as goals name them."""
        sections: dict[str, dict[str, float]] = {}
        if self.lfw:
            sections["lfw"] = self.lfw.figures()
        if self.compared:
            sections["lfw_compared"] = self.compared.figures()
        if self.mirrored:
            sections["lfw_mirrored"] = self.mirrored.figures()
        if self.lfw and self.floats:
            sections["loss"] = _loss(self.floats.figures(), self.lfw.figures())
        if self.detection:
            sections["detector"] = self.detection.figures()
        for one in self.speed:
            if one.threads == 1:
                mine = {"ms": round(one.median_ms, 3), "ratio": round(one.ratio, 3), "bytes": float(one.size)}
                sections[one.name] = sections.get(one.name, {}) | mine
        return sections


def _loss(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Returns by how much figures fell; below 0 they rose."""
    return {key: round(before[key] - after[key], 4) for key in before if key == "accuracy" or key.startswith("tar@")}


def evaluate(task: Task, say: Callable[[str], None] = lambda _: None) -> Results:
    """Returns all figures of the files of `task`; `say` is told what is being done.

    Raises:
        LatchkeyError: a file or a picture is missing or not what it should be; its message says which.
    """
    for file in (task.encoder, task.detector, task.aligner):
        if not file.exists():
            names = "encoder.tflite, detector.tflite and aligner.tflite"
            raise ConfigError(f"{file} is missing: --models wants a folder with {names}")
    wanted = [task.data / "scenes" / "faces.csv", task.data / "lfw" / "lfw.zip", task.data / "lfw" / "pairs.txt"]
    if missing := [str(file) for file in wanted if not file.exists()]:
        raise ConfigError(f"not there: {', '.join(missing)}; name the folder with scenes/ and lfw/ by --data")
    results = Results()
    say("the detector on the validation scenes")
    detector = Detector(LiteRtModel(task.detector, runtime=task.runtime, sha256=None))
    aligner = Aligner(LiteRtModel(task.aligner, runtime=task.runtime, sha256=None))
    results.detection = measure_detector(load_scenes(task.data / "scenes", "val"), detector, aligner)
    faces = Faces(Benchmark(task.data / "lfw" / "lfw.zip"), detector, aligner)
    if task.work.exists():
        say("whether pictures of LFW are among those of training: a minute")
        refuse_leaks(task, faces)
    else:
        results.left_out.append(f"Whether it was trained on pictures of LFW: {task.work} is not there.")
    say("both on LFW: 7,701 pictures, a few minutes")
    _measure_lfw(task, faces, results)
    if (task.work / "faces.npy").exists():
        say("cohorts and calibration")
        _measure_cohorts(task, detector, results)
    else:
        results.left_out.append(f"Cohorts and calibration: {task.work} was not filled by `python -m training prepare`.")
    say("speed")
    _measure_speed(task, results)
    return results


def refuse_leaks(task: Task, faces: Faces) -> None:
    """Does nothing if the encoder was trained on what is in `task.work`, and no face of a benchmark is in there.

    Cards of before this was told say nothing of what they were trained on, and are taken at the caller's word.

    Raises:
        ConfigError: it was trained on other people.
        LeakError: some are; names them.
        DataError: what is there cannot be read.
    """
    from training.loop.origin import people  # beside the runs, which load torch

    collection, told = load(task.work), read_card(task.encoder).get("trained", {}).get("people")
    if told not in (None, people(collection)):
        raise ConfigError(
            f"{task.encoder} was not trained on what {task.work} holds, says its card by who is on which picture: name "
            "what it was trained on with --work, or a place where nothing is, to leave leaks and cohorts out"
        )
    refuse_trained_on(collection, faces, faces.names)


def _measure_lfw(task: Task, faces: Faces, results: Results) -> None:
    pairs = lfw_pairs(task.data / "lfw" / "pairs.txt")
    encode = LiteRtModel(task.encoder, runtime=task.runtime, sha256=None)
    finders = (task.detector, task.aligner)
    both = [(task.encoder, Encoder(encode, "measured", flip_average=flip)) for flip in (False, True)]
    kept = remembered(task.cache, faces, finders, both, label=f"plain, mirrored, {task.runtime}")
    space = task.space()
    placed = kept[0].placed(space)
    results.lfw, results.mirrored = (measure_lfw(one, pairs, rounds=task.rounds) for one in kept)
    if space.anchors is not None:
        results.compared = measure_lfw(placed, pairs, rounds=task.rounds)
    if task.float_encoder is None:
        results.left_out.append(
            "What int8 costs (LFW accuracy, true accept rates, speed of the float file): --float was not given. That "
            "file is in the run's folder: encoder.untuned.tflite, or encoder.float.tflite where nothing was tuned."
        )
    else:
        exact = Encoder(LiteRtModel(task.float_encoder, runtime=task.runtime, sha256=None), "float")
        alone = [(task.float_encoder, exact)]
        (before,) = remembered(task.cache, faces, finders, alone, label=f"float, {task.runtime}")
        results.floats = measure_lfw(before, pairs, rounds=task.rounds)
    results.open_set = open_set(placed.vectors, results.lfw.identity)
    if "probability" in (card := read_card(task.encoder)):
        from training.losses.head import Head  # beside the losses, which load torch

        given = Head.of_card(card["probability"]).probability((results.compared or results.lfw).similarity)
        results.reliability = reliability(given, results.lfw.same)


def _measure_cohorts(task: Task, detector: Detector, results: Results) -> None:
    collection = ensure_split(load(task.work))
    encoder, aligner = (LiteRtModel(file, runtime=task.runtime, sha256=None) for file in (task.encoder, task.aligner))
    encoded = Remembered(collection, Aligner(aligner), Encoder(encoder, "measured"))
    space = task.space()

    def embed(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return space(encoded(rows))

    everybody, others = named_people(collection, embed), unnamed(collection, embed, detector)
    parts = attributes(collection, embed, task.work / "index.csv")
    for level in LEVELS:
        if level * everybody.impostors.pairs >= 1:  # where pairs are too few for a rate, it says nothing
            at = similarity_at(everybody, level)
            results.cohorts[level] = rates([everybody, *others, *parts], at, rounds=task.rounds)
    results.fmr = fmr_card(everybody, others, rounds=task.rounds)


def _measure_speed(task: Task, results: Results) -> None:
    files = {"encoder": task.encoder, "detector": task.detector, "aligner": task.aligner}
    peer = task.data / "reference" / PEER
    if peer.exists():
        files["peer"] = peer
    else:
        results.left_out.append(f"Speed over the public encoder's: {peer} is missing; the encoder is its own measure.")
    if task.float_encoder is not None:
        files["encoder, float"] = task.float_encoder
    name = "peer" if peer.exists() else "encoder"
    results.speed = measure_speed(files, peer=name, rounds=task.rounds, runtime=task.runtime)


def save(task: Task, results: Results) -> None:
    """Writes what was measured into the cards beside the files: figures, false match rates, cohorts, speed."""
    if results.detection:
        add(task.detector, {"scenes val": results.detection.figures()}, speed=spent(results.speed, "detector"))
        found = read_card(task.detector).get("id", task.detector.name)
        off = {"misplacement_px": results.detection.misplacement_px, "aligned_px": results.detection.aligned_px}
        told = {name: round(value, 2) for name, value in off.items()}
        add(task.aligner, {f"scenes val, found by {found}": told}, speed=spent(results.speed, "aligner"))
    figures = results.figures()
    named = {
        "lfw": LFW,
        "lfw_compared": f"{LFW}, normalised",
        "lfw_mirrored": f"{LFW}, flip_average",
        "loss": f"{LFW}, lost from float to int8",
    }
    measured = {name: figures[section] for section, name in named.items() if section in figures}
    cohorts = {f"{level:.0e}": {one.cohort: one.told() for one in rates_} for level, rates_ in results.cohorts.items()}
    add(task.encoder, measured, fmr=results.fmr, cohorts=cohorts or None, speed=spent(results.speed, "encoder"))
