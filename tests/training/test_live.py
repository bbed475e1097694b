"""Pictures that are made while a net learns, and reference encoders that are asked about them then."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.errors import ConfigError
from tests.training.test_data_teacher import squares
from training import nets
from training import preset as presets
from training.data.batches import Plan, Sampler
from training.data.collection import load
from training.data.errors import DataError
from training.data.made_up import made_up
from training.data.teacher import TEACHERS, Reference, label
from training.errors import RunError
from training.learn import learn
from training.live import encoders
from training.live.batches import Maker, encoders_of
from training.live.encoders import Encoders
from training.loop.learner import capture, precision
from training.loop.run import Run, read
from training.loop.world import World
from training.preset import Live
from training.sources import Pictures, augmentation
from training.tasks import Task

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "reference"
CPU = torch.device("cpu")
NAMES = ("squares_8.xml", "squares_4.xml")  # 192 numbers and 48, the second with a map of 3 x 4 x 4
PRESET = """
about = "steps with encoders beside"
look = 16
[data]
kind = "prepared"
[net]
family = "door"
dimension = 16
options = { width = 0.125 }
[loss.distillation]
weight = 1.0
[loss.contrastive]
weight = 0.1
[hint]
weight = 0.5
[live]
blends = 0.5
named = 0.5
[batch]
size = 8
people = 2
[[phase]]
side = 32
samples = 32
peak_rate = 0.01
last_rate = 0.001
[export]
data = "people who are drawn"
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    for side in (4, 8):
        squares(folder / f"squares_{side}.xml", side)
    return Reference(folder, NAMES)


@pytest.fixture(autouse=True)
def _mapped(monkeypatch):
    monkeypatch.setattr(encoders, "MAPPED", (NAMES[1], "inside"))


@pytest.fixture(scope="module")
def work(tmp_path_factory, reference):
    """A prepared folder of 24 people with 4 pictures each, and what the encoders said of them."""
    folder, drawn = tmp_path_factory.mktemp("work"), made_up(24, 4)
    np.save(folder / "faces.npy", np.stack(drawn.samples))
    rows = [f"{i},{drawn.names[who]},{'val' if i in drawn.val else 'train'}" for i, who in enumerate(drawn.identity)]
    (folder / "index.csv").write_text("\n".join(["file,identity,split", *rows]))
    np.save(folder / "teacher.npy", label(drawn.samples, reference.folder, teachers=NAMES))
    return folder


def chosen(folder, text=PRESET):
    file = folder / "live.toml"
    file.write_text(text)
    return presets.load(str(file))


def test_encoders_say_what_they_said_before_and_maps_are_even(work, reference):
    collection = load(work)
    pictures, said = np.stack(collection.samples), collection.teacher
    asked = Encoders(reference, 24, CPU, maps=True)  # 24: no multiple of the runner's batch
    assert asked.know(pictures, said) == (4, 4, 3)
    rows, maps = asked(torch.from_numpy(pictures))
    np.testing.assert_allclose(rows.numpy(), said.astype(np.float32), atol=2e-3)
    np.testing.assert_allclose(maps.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(maps.std((0, 1, 2)), 1, atol=0.01)
    squared = pictures[5].reshape(4, 28, 4, 28, 3).mean((1, 3))
    assert np.corrcoef(maps[5, ..., 0].numpy().ravel(), squared[..., 0].ravel())[0, 1] > 0.9999


def test_without_a_hint_nobody_is_asked_for_maps(work, reference):
    collection = load(work)
    asked = Encoders(reference, 8, CPU, maps=False)
    assert asked.know(np.stack(collection.samples[:9]), collection.teacher[:9]) == ()
    assert asked(torch.zeros(8, 112, 112, 3, dtype=torch.uint8))[1] is None


def test_other_encoders_than_before_are_refused(work, reference):
    collection = load(work)
    turned = Encoders(replace(reference, names=NAMES[::-1]), 8, CPU, maps=False)
    one = Encoders(replace(reference, names=NAMES[:1]), 8, CPU, maps=False)
    nothing = Encoders(reference, 8, CPU, maps=False)
    nothing._encoders[0] = lambda x: (torch.full((len(x), 192), torch.nan),)
    for others in (turned, one, nothing):
        with pytest.raises(DataError, match=r"say something else of the pictures.*same order"):
            others.know(np.stack(collection.samples[:9]), collection.teacher[:9])
    with pytest.raises(DataError, match=r"no reference encoder absent\.onnx"):
        Encoders(replace(reference, names=("absent.onnx",)), 8, CPU, maps=False)
    with pytest.raises(DataError, match=r"wants the maps of squares_4\.xml, and it is not asked"):
        Encoders(replace(reference, names=NAMES[:1]), 8, CPU, maps=True)


class Seen(Pictures):
    """Notes what was made of what."""

    def __init__(self, collection, how):
        super().__init__(collection, how)
        self.rows = []

    def made(self, row, other, side, random):
        self.rows.append((row, other))
        return super().made(row, other, side, random)


def maker(work, live, *, mirror=0.5):
    collection = load(work)
    unknown = collection.identity.copy()
    unknown[collection.train[1::2]] = -1
    collection = replace(collection, identity=unknown)
    how = replace(augmentation(presets.load("door")), mirror=mirror)
    source = Seen(collection, how)
    sampler = Sampler(collection, Plan(40, 4, 2), seed=3)
    return Maker(live, source, unknown, pairs=8), source, sampler


def test_a_batch_depends_on_the_step_alone(work):
    one, _, sampler = maker(work, Live(blends=0.7, named=0.5))
    for _ in range(2):
        first, again, other = (one.batch(sampler, 48, step) for step in (2, 2, 3))
        assert [part.shape for part in first] == [(40, 48, 48, 3), (40,), (40, 112, 112, 3)]
        for a, b, c in zip(first, again, other, strict=True):
            np.testing.assert_array_equal(a, b)
            assert (a != c).any()


def test_pairs_stay_and_the_rest_is_blended_as_often_as_is_said(work):
    one, source, sampler = maker(work, Live(blends=0.7, named=0.8))
    labels = np.concatenate([one.batch(sampler, 48, step)[1] for step in range(30)]).reshape(30, 40)
    rows = np.array([(row, -1 if other is None else other) for row, other in source.rows]).reshape(30, 40, 2)
    assert (rows[:, :8, 1] == -1).all()
    pairs = labels[:, :8].reshape(30, 4, 2)
    assert (pairs[..., 0] == pairs[..., 1]).all()
    assert (pairs >= 0).all()
    blended = rows[:, 8:][rows[:, 8:, 1] >= 0]
    assert len(blended) / (30 * 32) == pytest.approx(0.7, abs=0.05)
    identity = source.collection.identity
    both = (identity[blended] >= 0).all(1)
    assert both.mean() == pytest.approx(0.8 + 0.2 / 4, abs=0.05)  # a quarter of all pairs are of named people, too
    assert np.isin(blended, source.collection.train).all()
    np.testing.assert_array_equal(labels, np.where(rows[..., 1] < 0, identity[rows[..., 0]], -1))


def test_without_blends_encoders_are_asked_about_the_pictures_as_they_are(work):
    one, source, sampler = maker(work, Live(), mirror=0.0)
    _, labels, asked = one.batch(sampler, None, 0)
    rows = sampler.rows(0, sampler.random(0))
    np.testing.assert_array_equal(asked, np.stack([source.collection.samples[row] for row in rows]))
    np.testing.assert_array_equal(labels, source.collection.identity[rows])


def test_they_are_asked_about_the_picture_that_is_shown(work):
    one, _, sampler = maker(work, Live(blends=1.0), mirror=0.5)
    shown, _, asked = one.batch(sampler, 112, 0)
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(shown, asked, strict=True)]
    turned = [np.corrcoef(a[:, ::-1].ravel(), b.ravel())[0, 1] for a, b in zip(shown, asked, strict=True)]
    assert np.mean(np.greater(alike, turned)) > 0.9  # mirrored both, or neither


def test_a_net_learns_from_what_they_say(work, reference, tmp_path):
    learn(chosen(tmp_path), tmp_path / "run", data=None, work=work, reference=reference, device="cpu")
    lines = Run(tmp_path / "run").lines()
    assert [line["seen"] for line in lines] == [16, 32]
    for line in lines:
        assert set(line["loss"]) == {"distillation", "contrastive", "hint"}
        assert line["loss"]["hint"] > 0


def test_a_run_that_was_stopped_ends_as_it_would_have(work, reference, tmp_path, monkeypatch):
    learn(chosen(tmp_path), tmp_path / "whole", data=None, work=work, reference=reference, device="cpu")
    drawn = Task.draw

    def twice(self, phase, step):
        draw, left = drawn(self, phase, step), iter(range(3))

        def one():
            if next(left, None) is None:
                raise KeyboardInterrupt
            return draw()

        return one

    monkeypatch.setattr(Task, "draw", twice)
    with pytest.raises(KeyboardInterrupt):
        learn(chosen(tmp_path), tmp_path / "run", data=None, work=work, reference=reference, device="cpu")
    monkeypatch.setattr(Task, "draw", drawn)
    assert Run(tmp_path / "run").lines()[-1]["seen"] == 16
    learn(chosen(tmp_path), tmp_path / "run", data=None, work=work, reference=reference, device="cpu")
    one, other = read(tmp_path / "whole" / "encoder.pt"), read(tmp_path / "run" / "encoder.pt")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_whom_to_ask_has_to_be_said_where_somebody_is_asked(work, reference, tmp_path):
    with pytest.raises(RunError, match="asks the reference encoders while it learns: name them with --reference DIR"):
        learn(chosen(tmp_path), tmp_path / "run", data=None, work=work, device="cpu")
    without = PRESET.replace("[live]\nblends = 0.5\nnamed = 0.5\n", "").replace("[hint]\nweight = 0.5\n", "")
    with pytest.raises(RunError, match=r"--reference: the preset live has no \[live\].*leave it out"):
        learn(chosen(tmp_path, without), tmp_path / "run", data=None, work=work, reference=reference, device="cpu")
    assert not (tmp_path / "run" / "log.jsonl").exists()


def test_a_preset_that_asks_for_nothing_is_said(work, reference, tmp_path):
    idle = PRESET.replace("[loss.distillation]\nweight = 1.0\n", "").replace("[hint]\nweight = 0.5\n", "")
    with pytest.raises(RunError, match=r"has \[live\], and learns nothing from reference encoders: leave it out"):
        learn(chosen(tmp_path, idle), tmp_path / "run", data=None, work=work, reference=reference, device="cpu")
    absent = replace(reference, names=("absent.onnx",))
    with pytest.raises(DataError, match=r"no reference encoder absent\.onnx"):
        learn(chosen(tmp_path), tmp_path / "run", data=None, work=work, reference=absent, device="cpu")
    assert not (tmp_path / "run").exists()


def test_pictures_of_which_nobody_was_asked_are_said(work, reference, tmp_path):
    source = Pictures(replace(load(work), teacher=None), augmentation(presets.load("door")))
    with pytest.raises(RunError, match="nobody asked the reference encoders of these pictures"):
        encoders_of(chosen(tmp_path), source, reference, World(0, 1, CPU))


def command(*arguments):
    """`python -m training train` in a process of its own."""
    given = [sys.executable, "-m", "training", "train", *map(str, arguments), "--device", "cpu", "--only-train"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(given, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False)


def test_two_processes_ask_about_their_own_halves(work, reference, tmp_path):
    chosen(tmp_path, PRESET.replace("[hint]\nweight = 0.5\n", ""))
    asked = ("--reference", reference.folder, *(part for name in NAMES for part in ("--encoder", name)))
    ended = command(
        "--preset", tmp_path / "live.toml", "--work", work, "--run", tmp_path / "run", "--processes", 2, *asked
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [line["seen"] for line in Run(tmp_path / "run").lines()] == [16, 32]


def test_encoders_of_no_folder_are_said(tmp_path):
    chosen(tmp_path)
    ended = command("--preset", tmp_path / "live.toml", "--run", tmp_path / "run", "--encoder", NAMES[0])
    assert ended.returncode != 0
    assert "--encoder names files of the reference encoders' folder: say which, --reference DIR" in ended.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that PyTorch can use")
def test_what_a_gpu_says_is_what_the_files_say(tmp_path):
    if not all((SHARED / name).exists() for name in TEACHERS):
        pytest.skip(f"{SHARED} is not here: other people's encoders")
    pictures = np.stack(made_up(8, 5).samples)
    said = label(pictures, SHARED)
    asked = Encoders(Reference(SHARED), 32, torch.device("cuda"), maps=True)
    assert asked.know(pictures, said) == (7, 7, 64)  # 40 pictures: a block and a part of one
    first, maps = asked(torch.from_numpy(pictures[:32]))
    kept = first.clone(), maps.clone()
    asked(torch.from_numpy(pictures[8:]))
    torch.testing.assert_close(first, kept[0], rtol=0, atol=0)
    torch.testing.assert_close(maps, kept[1], rtol=0, atol=0)
    assert float((first.cpu() * torch.from_numpy(said[:32]).float()).sum(1).min()) > 0.999


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that PyTorch can use")
def test_a_captured_net_learns_as_it_does_otherwise():
    torch.manual_seed(0)
    net = nets.make("door", dimension=16, width=0.25).cuda().train()
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    for side in (32, 48):
        x = torch.rand(8, 3, side, side, device="cuda") * 2 - 1
        captured = capture(net, x)
        assert all(torch.equal(value, kept[name]) for name, value in net.state_dict().items())
        for _ in range(2):
            net.zero_grad(set_to_none=True)
            captured(x).pow(2).mean().backward()
            found = [p.grad.clone() for p in net.parameters()]
            net.load_state_dict(kept)
            net.zero_grad(set_to_none=True)
            with precision(x.device):
                out = net(x)
            out.pow(2).mean().backward()
            net.load_state_dict(kept)
            for p, mine in zip(net.parameters(), found, strict=True):
                torch.testing.assert_close(mine, p.grad, rtol=0.05, atol=0.01 * float(p.grad.abs().max()) + 1e-6)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "prepared"', 'kind = "made-up"', "live: reference encoders know aligned faces, and data are made-up"),
        ("blends = 0.5", "blends = 1.5", "live.blends: Input should be less than or equal to 1"),
        ("blends = 0.5", "blend = 0.5", "live.blend: no such key"),
    ],
)
def test_a_preset_that_cannot_be_is_said(tmp_path, old, new, words):
    with pytest.raises(ConfigError, match=words):
        chosen(tmp_path, PRESET.replace(old, new).replace("[hint]\nweight = 0.5\n", ""))
