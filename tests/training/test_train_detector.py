"""The detector's training for seconds, on photographs that are drawn: gone on with, killed, refused, and packaged."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.errors import ConfigError, ModelError
from tests.training.canvases import write_faces, write_scenes
from tests.training.test_loop import members
from tests.training.unfit import by_half_pixels
from training import detector_origin, detector_preset
from training.card import accept, package_detector
from training.compose import Composer
from training.data.collection import load
from training.data.errors import DataError
from training.detector import Detector
from training.errors import RunError
from training.loop.run import Run, save
from training.loop.world import World
from training.scenes import load_backgrounds, load_scenes
from training.train_detector import Trainer, opened, train

ROOT = Path(__file__).parents[2]
ALONE = World(0, 1, torch.device("cpu"))
SHORT = """
look = 8
[optimiser]
clip = 10.0
[[phase]]
from_nothing = true
samples = 16
width = 64
height = 64
batch = 4
peak_rate = 0.05
last_rate = 0.01
[[phase]]
samples = {samples}
width = 96
height = 64
batch = 2
peak_rate = 0.01
last_rate = 0.001
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_scenes(folder / "scenes", ("train", "train", "val"))
    write_faces(folder / "work")
    return folder


def preset_of(folder, *, samples=8):
    file = folder / "short.toml"
    file.write_text(SHORT.format(samples=samples))
    return detector_preset.load(file)


class Interrupted(list):
    """Scenes of which a look is cut off, as by Ctrl-C."""

    def __init__(self, scenes, look):
        super().__init__(scenes)
        self.left = look

    def __iter__(self):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return super().__iter__()


def trainer(chosen, data, folder, *, interrupted=0, start=None):
    torch.set_num_threads(1)
    scenes = data / "scenes"
    composer = Composer(load_scenes(scenes, "train"), load_backgrounds(scenes), seed=chosen.seed)
    unseen = Interrupted(load_scenes(scenes, "val"), interrupted)
    return Trainer(chosen, composer, unseen, opened(folder, chosen), ALONE, start=start)


@pytest.fixture(scope="module")
def through(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("through")
    whole = trainer(preset_of(folder), data, folder)
    whole.go()
    return whole


def same(one, other):
    state = other.state_dict()
    return all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


def test_a_run_leaves_weights_log_and_curves(through):
    lines = through.run.lines()
    assert [(line["phase"], line["seen"]) for line in lines] == [(1, 8), (1, 16), (2, 24)]
    assert set(lines[0]["loss"]) == {"score", "box", "points"}
    assert set(lines[0]["val"]) == {"recall@0.5", "false_per_picture", "landmark_error", "misplacement_px"}
    assert lines[0]["pace"]["loader"] > 0
    assert through.run.curves.stat().st_size > 10_000
    assert not list(through.run.folder.glob("*.part"))
    kept = Detector()
    kept.load_state_dict(torch.load(through.run.folder / "detector.pt", weights_only=True))
    assert same(kept, through.average.net)


@pytest.mark.parametrize("look", [2, 3])
def test_a_run_that_was_cut_off_ends_as_one_without_a_break(through, data, tmp_path, look):
    chosen = preset_of(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        trainer(chosen, data, tmp_path, interrupted=look).go()
    again = trainer(chosen, data, tmp_path)
    assert again.step == {2: 2, 3: 4}[look]
    again.go()
    assert same(again.learner.net, through.learner.net)
    assert same(again.average.net, through.average.net)
    assert [line["loss"] for line in again.run.lines()] == [line["loss"] for line in through.run.lines()]
    done = trainer(chosen, data, tmp_path)
    done.go()  # at once: nothing is added
    assert len(done.run.lines()) == 3


def test_weights_that_are_gone_on_from_leave_out_what_begins_from_nothing(through, data, tmp_path):
    chosen = preset_of(tmp_path)
    further = trainer(chosen, data, tmp_path, start=through.run.weights)
    assert same(further.learner.net, through.average.net)
    assert further.phase == 1
    further.go()
    assert [(line["phase"], line["seen"]) for line in further.run.lines()] == [(2, 24)]
    trainer(chosen, data, tmp_path, start=through.run.weights)  # is through, and stays so
    with pytest.raises(RunError, match=r"did not begin with .*encoder\.pt: leave --start out"):
        trainer(chosen, data, tmp_path, start=Path("weights/encoder.pt"))


@pytest.mark.parametrize("strange", ["garbage", "an encoder's", "a larger net's", "none at all"])
def test_weights_of_something_else_are_refused(data, tmp_path, strange):
    larger = Detector(stem=24).state_dict()
    held = {"an encoder's": torch.nn.Linear(2, 2).state_dict(), "a larger net's": larger, "none at all": {}}
    file = tmp_path / "start.pt"
    if strange in held:
        save(held[strange], file)
    else:
        file.write_bytes(b"garbage")
    with pytest.raises(RunError, match=r"start\.pt: not the weights of a detector: \w"):
        trainer(preset_of(tmp_path), data, tmp_path / "run", start=file)


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda _: b"", lambda _: b"garbage" * 99])
def test_a_damaged_state_is_said(through, data, tmp_path, damage):
    chosen = preset_of(tmp_path)
    opened(tmp_path, chosen)
    (tmp_path / "state.pt").write_bytes(damage(through.run.state.read_bytes()))
    with pytest.raises(RunError, match=r"state\.pt cannot be gone on from: .*; move it away to begin anew"):
        trainer(chosen, data, tmp_path)


def test_a_state_of_something_else_is_said(data, tmp_path):
    chosen = preset_of(tmp_path)
    opened(tmp_path, chosen)
    save({"net": torch.nn.Linear(2, 2).state_dict()}, tmp_path / "state.pt")
    with pytest.raises(RunError, match="cannot be gone on from"):
        trainer(chosen, data, tmp_path)


def test_a_folder_of_another_preset_is_not_trained_on(tmp_path):
    opened(tmp_path, preset_of(tmp_path))
    opened(tmp_path, preset_of(tmp_path, samples=12))  # nothing was trained yet
    (tmp_path / "state.pt").touch()
    with pytest.raises(RunError, match="by another preset"):
        opened(tmp_path, preset_of(tmp_path))
    words = preset_of(tmp_path, samples=12).model_copy(update={"export": detector_preset.Export(samples=8)})
    assert opened(tmp_path, words).state == tmp_path / "state.pt"
    (tmp_path / "preset.json").write_text("{}")
    with pytest.raises(RunError, match="by another preset"):
        opened(tmp_path, words)


def test_a_run_goes_on_with_the_pictures_that_it_was_trained_on_alone(data, tmp_path):
    run, faces = Run(tmp_path / "run", "detector"), load(data / "work")
    run.folder.mkdir()
    other = tmp_path / "other"
    write_scenes(other / "scenes", ("train", "val", "val"))
    detector_origin.keep(run, other, data / "work", faces)
    detector_origin.keep(run, data, data / "work", faces)  # nothing was trained yet
    run.state.touch()
    detector_origin.keep(run, data, data / "work", faces)
    with pytest.raises(RunError, match=rf"other photographs than there are now.*--data {data} --work {data / 'work'}"):
        detector_origin.keep(run, other, data / "work", faces)
    with pytest.raises(RunError, match="other faces than"):
        detector_origin.keep(run, data, data / "work", replace(faces, train=faces.train[1:]))
    for others in (
        replace(faces, samples=[255 - face for face in faces.samples]),
        replace(faces, identity=np.zeros(4, np.int64), names=("ada",)),
    ):
        with pytest.raises(RunError, match="other faces than"):
            detector_origin.keep(run, data, data / "work", others)
    (run.folder / "data.json").write_text("{}")
    with pytest.raises(RunError, match="does not say what was trained on"):
        detector_origin.keep(run, data, data / "work", faces)
    (run.folder / "data.json").unlink()  # of before that was kept
    detector_origin.keep(run, other, data / "work", faces)


def test_a_killed_run_goes_on_and_nobody_draws_on(data, tmp_path):
    preset_of(tmp_path, samples=1_000_000)
    run = tmp_path / "run"
    where = ["--data", str(data), "--work", str(data / "work"), "--run", str(run), "--device", "cpu"]
    command = [sys.executable, "-m", "training", "train-detector", "--preset", str(tmp_path / "short.toml"), *where]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True)
    deadline = time.monotonic() + 100
    while not (run / "state.pt").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert (run / "state.pt").exists()
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert members(process.pid) == []
    again = trainer(detector_preset.load(tmp_path / "short.toml"), data, run)
    assert again.step >= 2
    assert json.loads((run / "preset.json").read_text())["phase"][1]["samples"] == 1_000_000


def test_data_that_are_missing_or_damaged_are_said(data, tmp_path):
    chosen = preset_of(tmp_path)
    with pytest.raises(DataError, match=r"scenes/faces\.csv: cannot be read"):
        train(chosen, tmp_path, data / "work", tmp_path / "run", device="cpu")
    with pytest.raises(DataError, match="prepare"):
        train(chosen, data, tmp_path / "nothing", tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    scenes = write_scenes(tmp_path / "scenes")
    with pytest.raises(DataError, match="no row whose column `split` says val"):
        load_scenes(scenes, "val")
    (scenes / "backgrounds.zip").write_bytes(b"garbage")
    with pytest.raises(DataError, match=r"backgrounds\.zip: cannot be read as a zip file"):
        load_backgrounds(scenes)
    table = (scenes / "faces.csv").read_text()
    for wrong, said in {
        table.replace("1.webp", "2.webp"): "2.webp is not in it",
        table.replace("nose_x", "beak_x"): "no column 'nose_x'",
        table.replace(",45,", ",far,"): "could not convert string to float: 'far'",
    }.items():
        (scenes / "faces.csv").write_text(wrong)
        with pytest.raises(DataError, match=said):
            load_scenes(scenes, "train")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(("batch = 2", "bach = 2"), "phase.2.bach: no such key", id="a key that does not exist"),
        pytest.param(("width = 96", "width = 100"), "phase.2.width: .*multiple of 16", id="an odd size"),
        pytest.param(("from_nothing = true", ""), "", id="none from nothing, which is allowed"),
        pytest.param(
            ("samples = 8", "samples = 8\nfrom_nothing = true"), "at least one without", id="nothing to go on"
        ),
    ],
)
def test_a_mistake_in_a_preset_is_said_before_anything_begins(tmp_path, change, said):
    file = tmp_path / "wrong.toml"
    file.write_text(SHORT.format(samples=8).replace(*change))
    if not said:
        assert detector_preset.load(file).begun == 0
        return
    with pytest.raises(ConfigError, match=said):
        detector_preset.load(file)


def test_our_own_preset_begins_from_nothing_and_ends_on_larger_canvases():
    ours = detector_preset.load(detector_preset.FILE)
    assert ours.begun == 1
    assert np.argmax([phase.width * phase.height for phase in ours.phase]) == len(ours.phase) - 1


def test_a_file_that_leaves_int8_is_refused_and_the_operation_named(tmp_path):
    model = ROOT / "agent" / "models" / "detector.tflite"
    accept(model, detector_preset.Export())
    everywhere = detector_preset.Export(targets=("xnnpack", "edgetpu"))
    accept(model, everywhere)
    with pytest.raises(ModelError, match=r"not fit to run, and is not kept:\n.*RESIZE_BILINEAR"):
        accept(by_half_pixels(tmp_path / "other.tflite"), everywhere)
    with pytest.raises(ModelError, match="bytes, 1,000 are allowed"):
        accept(model, detector_preset.Export(most_bytes=1000))


def test_the_card_of_a_detector_says_what_its_preset_does_and_none_is_made_without(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(SHORT.format(samples=8) + '[export]\ndata = "Photographs of our own hall."\n')
    assert detector_preset.load(mine).export.told() == {"data": "Photographs of our own hall."}
    assert set(detector_preset.load(detector_preset.FILE).export.told()) == {"data", "licence", "limits"}
    weights, target = tmp_path / "detector.pt", tmp_path / "detector.tflite"
    save(Detector().state_dict(), weights)
    with pytest.raises(ConfigError, match="no `data`"):
        package_detector(weights, tmp_path, tmp_path, target, detector_preset.Export())
    assert not target.exists()
