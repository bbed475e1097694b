"""`train --preset tiny`, as a new user would: from nothing to a checked int8 file with a card that the agent takes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agent.bundle import read_card
from agent.gallery.threshold import FmrTable, threshold_for
from agent.hardware.engines.litert import LiteRtModel
from agent.vision.encode import Encoder
from training import check
from training.loop.run import Run
from training.losses.head import Head

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    arguments = [sys.executable, "-m", "training", "train", "--preset", "tiny", "--run", str(folder)]
    options = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 400}
    done = subprocess.run(arguments, **options, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    assert done.returncode == 0, done.stderr
    return Run(folder)


@pytest.mark.timeout(420)
def test_it_learns_to_tell_strangers_apart(run):
    first, *_, last = run.lines()
    assert last["val"]["eer"] < 0.25  # pixels: 0.32
    assert last["loss"]["contrastive"] < first["loss"]["contrastive"]
    assert last["pace"]["waiting"] < 0.5


def test_the_file_is_int8_all_through(run):
    assert check.check(run.model, ("xnnpack", "edgetpu"), most_bytes=1_500_000) == []
    model = LiteRtModel(run.model, sha256=None)
    assert {spec.dtype for spec in (*model.inputs, *model.outputs)} == {np.dtype(np.int8)}


def test_the_agent_takes_file_and_card(run):
    card = read_card(run.model)
    assert card.sha256 == hashlib.sha256(run.model.read_bytes()).hexdigest()
    assert card.id.startswith("latchkey-tiny-1-")
    assert "made-up" in card.fields["data"]
    assert "Apache" in card.fields["licence"]
    assert card.fields["limits"] == list(run.preset().export.limits)
    assert set(card.fields["parity"]) == {"float_file", "int8_file", "agent"}
    samples = sum(phase.samples for phase in run.preset().phase)
    assert card.fields["trained"] == {"of": samples, "seen": run.lines()[-1]["seen"]}
    assert card.fields["validated"]["samples"] == card.fields["validated"]["of"] > 0
    table = FmrTable.from_card(card.fields)
    threshold = threshold_for(table, false_accepts_per_visit=0.1, comparisons=3, shots=1, shots_needed=1)
    assert -1 < threshold.cosine < 1
    encode = Encoder(LiteRtModel(run.model, sha256=card.sha256), card.id)
    grey = encode(np.full((112, 112, 3), 128, np.uint8)).vector
    assert grey.shape == (card.fields["dimension"],)
    assert np.linalg.norm(grey) == pytest.approx(1, abs=1e-5)


def test_the_card_says_how_likely_two_pictures_are_of_one_person(run):
    head = Head.of_card(json.loads(run.model.with_suffix(".json").read_text())["probability"])
    assert head.probability(-0.5) < 0.5 < head.probability(1.0)


@pytest.mark.timeout(420)
def test_the_last_layer_and_rounding_are_learnt_where_a_preset_asks(run, tmp_path):
    """And the file as it was trained is kept beside, to say what int8 costs."""
    from training import sources
    from training.install import place
    from training.package import Packaging
    from training.preset import Last, Tune

    tiny = run.preset()
    more = {
        "last": Last(samples=200, steps=40, batch=64, people=16, loss={"arcface": {"weight": 0.1}}),
        "tune": Tune(samples=64),
    }
    asked = tiny.model_copy(update={"export": tiny.export.model_copy(update=more)})
    folder = Run(tmp_path / "run")
    folder.open(asked)
    shutil.copy(run.weights, folder.weights)
    packaging = Packaging(folder, asked, sources.make(asked, None, tmp_path))
    packaging.quantise()
    place(folder, asked, tmp_path / "models")
    assert packaging.untuned_file.read_bytes() != packaging.float_file.read_bytes()
    card = packaging.card()
    assert card["figures"]["validation (int8)"]["eer"] < 0.25
    assert set(card["parity"]) == {"float_file", "int8_file", "agent", "untuned"}
