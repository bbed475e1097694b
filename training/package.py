"""From a run to what the agent loads: the finished int8 file, checked, and its card.

weights ──► finished (last layer, centred, whitened, even) ──► float .tflite ──► int8 .tflite ──► checked ──► card
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from agent.errors import ModelError
from agent.gallery.anchors import KEY
from agent.gallery.space import AS_ENCODED
from agent.hardware.engines.litert import LiteRtModel
from agent.signature.encode import SignatureEncoder
from agent.signature.features import VERSION as FEATURES_VERSION
from agent.types import Floats
from agent.vision.encode import Encoder, shrink
from agent.vision.pixels import HALF
from training.anchors import make_anchors
from training.door import DETECTOR, door_aligner, door_detector
from training.evaluation.calibration import fmr_card
from training.evaluation.cards import write_card
from training.evaluation.cohorts import labelled
from training.evaluation.prepared import EVERYBODY, as_at_a_door, compared, unnamed, validated
from training.finish import finish
from training.install import PLACES, judged_by
from training.last import learn_last
from training.loop.learner import to_input
from training.loop.origin import people
from training.loop.run import Run, load_weights
from training.losses import head
from training.measure import all_pairs, verification
from training.noted import note, noted, place, weights_of
from training.parity import golden, golden_signatures, parity
from training.preset import Preset
from training.qat import tensor_ranges
from training.quantise import export_float, quantise
from training.signatures.protocol import apart
from training.signatures.source import Trajectories, as_by_finger, unseen
from training.signatures.thresholds import thresholds
from training.sources import Source
from training.tasks import build
from training.tuning import tune

log = logging.getLogger(__name__)

FLOAT = "encoder.float.tflite"
UNTUNED = "encoder.untuned.tflite"
FACES = ("prepared", "made-up")
SIGNATURES = "signature-online"
UNPRACTISED = """Too few forgeries were at hand: `thresholds` are drawn by other people's own signatures, and how many \
practised forgeries pass was not measured. Expect twice as many as where thresholds are drawn by such."""


@dataclass(frozen=True, slots=True)
class Packaging:
    """A run, what it was trained on, and where its files lie."""

    run: Run
    preset: Preset
    source: Source

    @property
    def float_file(self) -> Path:
        """The file before it was quantised."""
        return self.run.folder / FLOAT

    @property
    def untuned_file(self) -> Path:
        """The float file of a net before it was tuned to int8: what int8 costs is measured against it."""
        return self.run.folder / UNTUNED

    def quantise(self) -> None:
        """Writes the float and the int8 file of the averaged weights; where they are tuned, the float one before too.

        Raises:
            RunError: nothing was trained yet.
        """
        place(self.run).unlink(missing_ok=True)  # it is about the file before
        made_of = weights_of(self.run)
        net = self.finished()
        samples, side = self._samples(), self.preset.side
        ranges = None
        if self.preset.export.tune:
            taken = to_input(samples)
            export_float(net, samples.shape[1:], self.untuned_file)
            net, maps = tune(net, self.source, taken, self.preset.export.tune, side=side, seed=self.preset.seed)
        export_float(net, samples.shape[1:], self.float_file)
        if self.preset.export.tune:
            ranges = tensor_ranges(net, maps, self.float_file, taken[:1])
        quantise(self.float_file, [_real(sample) for sample in samples], self.run.model, ranges=ranges)
        note(self.run, self._compared(net) | made_of)

    def _compared(self, net: nn.Module) -> dict[str, Any]:
        """Returns how far the files are from the net, and what the net says of what every device has."""
        train, kind = self.source.collection.train, self.preset.data.kind
        shown = [self.source.plain(int(row), None) for row in train[:: max(1, len(train) // 100)]]
        untuned = self.untuned_file if self.preset.export.tune else None
        apart = parity(net, self.float_file, self.run.model, shown, self._agent(), untuned=untuned)
        for fault in apart.faults():
            log.warning("%s: %s", self.run.model, fault)
        told: dict[str, Any] = {"parity": apart.figures()}
        if kind in FACES:
            return told | {"golden": golden(net, self.run.model, DETECTOR)}
        return told | {"golden": golden_signatures(net, self.run.model)} if kind == SIGNATURES else told

    def _agent(self) -> Callable[[NDArray[Any]], Floats] | None:
        """Returns how the agent asks the file about a sample; None where it has no way to."""
        model, kind = LiteRtModel(self.run.model, sha256=None), self.preset.data.kind
        if kind in FACES:
            return Encoder(model, "compared").vector
        return SignatureEncoder(model, "compared").vector if kind == SIGNATURES else None

    def finished(self) -> nn.Module:
        """Returns the averaged net of one size, its last layer learnt once more, whitened, its maps even."""
        net = build(self.preset, self.source)
        load_weights(net, self.run.weights)
        samples = self._samples()
        net.fix(samples.shape[1])  # pictures of one side, sequences of one length
        export, side = self.preset.export, self.preset.side
        if export.last:
            learn_last(net.eval(), self.source, export.last, side=side, seed=self.preset.seed)
        finish(net.eval(), self.source, samples, side=side, whiten=export.whiten)
        return net

    def _samples(self) -> NDArray[Any]:
        """Returns (N, ...) training samples as they are, which set the scales of int8."""
        train = self.source.collection.train
        rows = np.random.default_rng(0).choice(train, min(self.preset.export.samples, len(train)), replace=False)
        return np.stack([self.source.plain(int(row), self.preset.side) for row in rows])

    def card(self) -> dict[str, Any]:
        """Writes the card beside the file, with what the validation split says; returns it.

        Raises:
            RunError: the file is of weights of before, or cannot be written beside.
        """
        made = noted(self.run)
        model = LiteRtModel(self.run.model, sha256=None)
        collection = self.source.collection

        def encoded(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            return encode(model, map(self.as_compared, rows.tolist()))

        anchors = make_anchors(collection, encoded) if self.preset.data.kind in FACES else None
        space = AS_ENCODED.normalised(anchors)
        rows = compared(collection)
        vectors, identity = space(encoded(rows)), collection.identity[rows]
        others = unnamed(collection, lambda rows: space(encoded(rows)), door_detector())
        card: dict[str, Any] = {
            **self._file(),
            "quantisation": "int8",
            "kind": "encoder",
            "input": self._input(),
            "dimension": model.outputs[0].shape[1],
            "fmr": fmr_card(labelled(EVERYBODY, vectors, identity), others),
            "probability": json.loads(head.fit(*all_pairs(vectors, identity)).to_json()),
            "validated": validated(collection, rows),
            "figures": {"validation (int8)": verification(vectors, identity)},
            **({KEY: anchors.as_card()} if anchors else {}),
            **self.preset.export.told(),
            "preset": self.preset.model_dump(mode="json"),
            "trained": self._trained(made.get("seen")),
        }
        if isinstance(self.source, Trajectories):
            drawn = _thresholds(self.source, model)
            card |= {"kind": "signature", "features": FEATURES_VERSION, "thresholds": drawn}
            del card["fmr"], card["probability"]  # whose signature it is nobody asks: only whether it is this person's
            if any("skilled_taken" not in row for row in drawn.values()):
                log.warning("%s: %s", self.run.model, UNPRACTISED)
                card["limits"] = [*card.get("limits", ()), UNPRACTISED]
        card |= {key: made[key] for key in ("parity", "golden") if key in made}
        write_card(self.run.model, card)
        self._warn(card)
        return card

    def as_compared(self, row: int) -> NDArray[Any]:
        """Returns a sample as the encoder gets it where it is compared: photographs of faces aligned by our aligner."""
        if self.preset.data.kind != "prepared":
            return self.source.plain(row, self.preset.side)
        crop = as_at_a_door(np.asarray(self.source.collection.samples[row]), door_aligner())
        return shrink(crop, self.preset.side or crop.shape[0])

    def _file(self) -> dict[str, Any]:
        content = self.run.model.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return {"id": f"latchkey-{self.preset.name}-1-{digest[:8]}", "sha256": digest, "bytes": len(content)}

    def _warn(self, card: Mapping[str, Any]) -> None:
        """Says what `--install` will refuse."""
        if self.preset.data.kind in PLACES:
            try:
                judged_by(card)
            except ModelError as error:
                log.warning("%s", error)

    def _trained(self, seen: int | None = None) -> dict[str, Any]:
        """Returns samples seen in this run, of how many, the weights it began with, and a digest of its people."""
        found: dict[str, Any] = {"of": sum(phase.samples for phase in self.preset.phase)}
        if seen is not None:
            found["seen"] = seen
        if self.run.start.exists():
            found["start_sha256"] = self.run.start.read_text().strip()
        if self.preset.data.kind == "prepared":
            found["people"] = people(self.source.collection)
        return found

    def _input(self) -> Mapping[str, Any]:
        side = self.preset.side
        if side is None:
            steps, channels = self.source.plain(int(self.source.collection.train[0]), None).shape
            return {"steps": steps, "channels": channels}
        return {"width": side, "height": side, "channels": "RGB", "pixel": f"(p - {HALF}) / {HALF}", "aligned": True}


def _thresholds(source: Trajectories, model: LiteRtModel) -> dict[str, Any]:
    """Returns where the door draws the line, by writers whom training has not seen, with pressure and without."""
    writers = unseen(source.split)
    shown = (writers, as_by_finger(writers))
    return thresholds([apart(encode(model, source.inputs(each))) for each in shown], writers)


def _real(sample: NDArray[Any]) -> NDArray[np.float32]:
    """Returns a sample as the float net takes it, (1, ...)."""
    values = np.asarray(sample, np.float32)[None]
    return np.asarray((values - HALF) / HALF if sample.dtype == np.uint8 else values, np.float32)


def encode(model: LiteRtModel, samples: Iterable[NDArray[Any]]) -> NDArray[np.float32]:
    """Returns (N, D) unit rows of samples as they are, through a float or an int8 file."""
    takes, gives = model.inputs[0], model.outputs[0]
    vectors = []
    for sample in samples:
        real = _real(sample)
        if takes.scale:
            real = np.clip(np.rint(real / takes.scale) + takes.zero_point, -128, 127).astype(takes.dtype)
        said = model(real)[0][0].astype(np.float32)
        vectors.append((said - gives.zero_point) * gives.scale if gives.scale else said)
    stacked = np.stack(vectors)
    return np.asarray(stacked / np.linalg.norm(stacked, axis=1, keepdims=True).clip(1e-9), np.float32)
