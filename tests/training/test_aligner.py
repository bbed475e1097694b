"""What the aligner learns from and loses, checked against the slow way; trained for seconds, and packaged."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.errors import ConfigError, ModelError  # noqa: E402
from agent.hardware.engines.litert import LiteRtModel  # noqa: E402
from agent.vision.align import SIZE, TEMPLATE  # noqa: E402
from agent.vision.aligner import MIDDLE, UNITS, Aligner, apart, placed, whole, window  # noqa: E402
from tests.training.canvases import write_faces  # noqa: E402
from training.aligner import net as nets  # noqa: E402
from training.aligner import preset as presets  # noqa: E402
from training.aligner.misplaced import Misplacer, left, spread  # noqa: E402
from training.aligner.net import SIDE, distance  # noqa: E402
from training.aligner.package import package, said_by_file  # noqa: E402
from training.aligner.train import (  # noqa: E402
    FIGURES,
    Learner,
    Validation,
    aligned_faces,
    drawn,
    misplacer_of,
    said_by,
    train,
    trainer,
)
from training.aligner_commands import app  # noqa: E402
from training.data.augment import NOTHING  # noqa: E402
from training.data.errors import DataError  # noqa: E402
from training.data.made_up import made_up  # noqa: E402
from training.errors import RunError  # noqa: E402
from training.loop.alone import opened, refuse_several  # noqa: E402
from training.loop.run import Run, save  # noqa: E402
from training.loop.world import World  # noqa: E402

ROOT = Path(__file__).parents[2]
ALONE = World(0, 1, torch.device("cpu"))
SHORT = """
look = 32
[optimiser]
name = "muon"
turn = 0.1
clip = 5.0
[augment]
infrared = 0.2
[[phase]]
samples = {samples}
batch = 16
peak_rate = 0.05
last_rate = 0.01
[export]
targets = ["xnnpack", "edgetpu"]
samples = 8
data = "Drawn faces."
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder as `prepare` fills it: drawn faces of twelve people, three of them for validation."""
    folder = tmp_path_factory.mktemp("work")
    people = made_up(12, 4, seed=3)
    np.save(folder / "faces.npy", np.stack([np.asarray(one) for one in people.samples]))
    split = np.isin(np.arange(len(people)), people.val)
    rows = [
        f"{n}.png,{people.names[i]},drawn,{'val' if split[n] else 'train'},0" for n, i in enumerate(people.identity)
    ]
    (folder / "index.csv").write_text("\n".join(["file,identity,source,split,bench_overlap", *rows]) + "\n")
    return folder


def preset_of(folder, *, samples=64, change=("", "")):
    file, text = folder / "short.toml", SHORT.format(samples=samples)
    assert change[0] in text
    file.write_text(text.replace(*change))
    return presets.load(file)


@pytest.fixture(scope="module")
def run(work, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(preset_of(folder), work, folder / "run", device="cpu")
    return Run(folder / "run", "aligner")


@pytest.fixture(scope="module")
def made(work, tmp_path_factory):
    """A file of weights that were hardly trained, as the command makes it."""
    folder = tmp_path_factory.mktemp("made")
    preset_of(folder)
    torch.manual_seed(1)
    save(nets.Aligner().state_dict(), folder / "aligner.pt")
    arguments = ["package-aligner", folder / "aligner.pt", "--work", work, "--models", folder / "models"]
    said = CliRunner().invoke(app, [*map(str, arguments), "--preset", str(folder / "short.toml")])
    assert said.exit_code == 0, said.exception
    return folder


class TestMisplacing:
    def test_a_picture_is_the_crop_seen_from_a_little_beside(self):
        """Pixel by pixel: where one of the picture lies in the misplaced crop, and where that lies in the true one."""
        smooth = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (112, 112, 3)).astype(np.uint8), (0, 0), 2)
        maker = Misplacer([smooth], SIDE, spread(2.0, 0.05, 3.0), NOTHING)
        for seed in range(5):
            picture, numbers = maker.draw(0, np.random.default_rng(seed))
            assert (picture.shape, picture.dtype, numbers.dtype) == ((SIDE, SIDE, 3), np.uint8, np.float32)
            columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
            seen = np.stack([columns, rows, np.ones_like(rows)], -1) @ np.linalg.inv(window(SIDE)).T
            right, down, zoom, angle = numbers * UNITS
            turned = (seen[..., :2] - MIDDLE) @ (1, 1j) * np.exp(zoom + 1j * angle)
            x, y = MIDDLE[0] + right + turned.real, MIDDLE[1] + down + turned.imag
            slowly = cv2.remap(smooth, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
            np.testing.assert_allclose(picture.astype(int), slowly.astype(int), atol=3)

    def test_what_is_seen_lies_within_the_crop_however_far_it_is_moved(self):
        white, half = np.full((SIZE, SIZE, 3), 255, np.uint8), replace(NOTHING, mirror=0.5)
        maker, random = Misplacer([white], SIDE, spread(20.0, 0.5, 40.0), half), np.random.default_rng(0)
        shown = [maker.draw(0, random) for _ in range(200)]
        assert min(picture.min() for picture, _ in shown) >= 254
        assert np.std([numbers for _, numbers in shown], axis=0).min() > 0.3

    def test_a_mirrored_face_lies_on_the_template_too(self):
        dots = np.zeros((SIZE, SIZE, 3), np.uint8)
        for x, y in TEMPLATE:
            cv2.circle(dots, (round(x * 16), round(y * 16)), 40, (255, 255, 255), -1, cv2.LINE_AA, 4)
        cv2.circle(dots, (30, 80), 3, (0, 0, 255), -1)  # by which the two are told apart
        still = np.full(4, 1e-9)
        plain, mirrored = (
            Misplacer([dots], 112, still, replace(NOTHING, mirror=mirror)).draw(0, np.random.default_rng(0))[0]
            for mirror in (0.0, 1.0)
        )
        spots = [np.argwhere((one[..., 2] > 100) & (one[..., 0] < 50))[:, 1].mean() for one in (plain, mirrored)]
        assert spots[0] < 40
        assert spots[1] > 72
        middles = [middles_of(one) for one in (plain, mirrored)]
        assert len(middles[0]) == len(middles[1]) == 5
        np.testing.assert_allclose(middles[0].mean(0), middles[1].mean(0), atol=0.1)
        np.testing.assert_allclose(middles[0], middles[1], atol=1.2)

    def test_most_are_moved_a_little_and_few_by_much(self):
        maker = Misplacer([np.zeros((SIZE, SIZE, 3), np.uint8)], SIDE, spread(2.0, 0.05, 3.0), NOTHING)
        random = np.random.default_rng(0)
        off = [apart(whole(placed(maker.draw(0, random)[1])), np.eye(3)) for _ in range(400)]
        assert 1.0 < np.median(off) < 2.5
        assert np.percentile(off, 95) > 4

    @pytest.mark.parametrize("shape", [(64, 64, 3), (112, 112)])
    def test_another_shape_is_no_aligned_face(self, shape):
        maker = Misplacer([np.zeros(shape, np.uint8)], SIDE, spread(2.0, 0.05, 3.0), NOTHING)
        with pytest.raises(DataError, match=r"a crop is of shape .*: want aligned faces of \(112, 112, 3\)"):
            maker.draw(0, np.random.default_rng(0))


def middles_of(picture):
    """Where the dots in a window of the crop are, in order, pixels of the picture."""
    count, _, stats, middles = cv2.connectedComponentsWithStats((picture[..., 0] > 100).astype(np.uint8))
    kept = [middles[i] for i in range(1, count) if 20 < stats[i, cv2.CC_STAT_AREA] < 200]
    return np.array(sorted(kept, key=lambda middle: (round(middle[1] / 20), middle[0])))


class TestLoss:
    def test_it_is_how_far_the_points_lie_from_where_they_should(self):
        random = np.random.default_rng(2)
        true, said = (random.normal(0, 0.1, (20, 4)).astype(np.float32) for _ in range(2))
        lost = distance(torch.from_numpy(said), torch.from_numpy(true)).numpy()
        slowly = [apart(left(one, other), np.eye(3)) for one, other in zip(said, true, strict=True)]
        np.testing.assert_allclose(lost, slowly, rtol=0.1, atol=0.1)

    def test_what_is_said_right_costs_next_to_nothing(self):
        true = torch.from_numpy(np.random.default_rng(0).normal(0, 0.5, (3, 4)).astype(np.float32)).requires_grad_()
        lost = distance(true, true.detach())
        lost.sum().backward()
        np.testing.assert_allclose(lost.detach(), np.sqrt(nets.SOFTENED), rtol=1e-5)
        assert torch.equal(true.grad, torch.zeros(3, 4))

    def test_what_is_left_of_what_was_said_right_is_nothing(self):
        numbers = np.array([0.4, -1.0, 0.8, -0.6], np.float32)
        np.testing.assert_allclose(left(numbers, numbers), np.eye(3), atol=1e-9)
        assert apart(left(np.zeros(4, np.float32), np.array([0.5, 0, 0, 0], np.float32)), np.eye(3)) == pytest.approx(2)


class TestTraining:
    def test_a_run_leaves_weights_log_and_curves_and_is_through(self, run, work):
        assert [line["seen"] for line in run.lines()] == [32, 64]
        assert set(run.lines()[0]["val"]) == set(FIGURES)
        assert run.curves.stat().st_size > 10_000
        before = run.weights.read_bytes()
        train(preset_of(run.folder.parent), work, run.folder, device="cpu")
        assert (run.weights.read_bytes(), len(run.lines())) == (before, 2)

    def test_a_run_that_was_cut_off_ends_as_one_without_a_break(self, run, work, tmp_path, monkeypatch):
        chosen = preset_of(tmp_path)
        seen = Validation.figures

        def interrupted(self, says):
            if (tmp_path / "run" / "state.pt").exists():
                raise KeyboardInterrupt
            return seen(self, says)

        monkeypatch.setattr(Validation, "figures", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(chosen, work, tmp_path / "run", device="cpu")
        monkeypatch.undo()
        train(chosen, work, tmp_path / "run", device="cpu")
        one, other = (torch.load(folder / "aligner.pt") for folder in (run.folder, tmp_path / "run"))
        assert all(torch.equal(value, other[name]) for name, value in one.items())

    def test_it_learns_a_batch_by_heart(self, work):
        torch.manual_seed(0)
        torch.set_num_threads(1)
        chosen, faces = presets.load(presets.FILE), aligned_faces(work)
        batch = drawn(misplacer_of(chosen, faces.samples), faces.train, 16, 0, 0)
        learner = Learner(nets.Aligner(), chosen.optimiser, ALONE)
        lost = [float(learner.learn(batch, 0.02)["distance"]) for _ in range(30)]
        assert np.mean(lost[-5:]) < np.mean(lost[:5]) / 2

    def test_batches_depend_on_seed_and_step_alone(self, work):
        faces = aligned_faces(work)
        maker = Misplacer(faces.samples, SIDE, spread(2.0, 0.05, 3.0), NOTHING)
        again = [drawn(maker, faces.train, 4, seed, step) for seed, step in ((7, 3), (7, 4), (8, 3), (7, 3))]
        np.testing.assert_array_equal(again[0][0], again[3][0])
        assert all((again[0][0] != other[0]).any() for other in again[1:3])

    def test_weights_are_gone_on_from_and_others_refused(self, run, work, tmp_path):
        chosen, faces = preset_of(tmp_path), aligned_faces(work)
        further = trainer(chosen, faces, opened(Run(tmp_path / "on", "aligner"), chosen), ALONE, start=run.weights)
        kept = torch.load(run.weights)
        assert all(torch.equal(value, kept[name]) for name, value in further.learner.net.state_dict().items())
        other = tmp_path / "other.pt"
        save(torch.nn.Linear(2, 2).state_dict(), other)
        with pytest.raises(RunError, match=r"other\.pt: not the weights of this net"):
            train(chosen, work, tmp_path / "run", start=other, device="cpu")

    def test_a_run_goes_on_with_its_own_preset_and_faces_alone(self, run, work, tmp_path):
        with pytest.raises(RunError, match="by another preset"):
            train(preset_of(tmp_path, samples=96), work, run.folder, device="cpu")
        index = (work / "index.csv").read_text().splitlines()
        fewer = tmp_path / "fewer"
        fewer.mkdir()
        np.save(fewer / "faces.npy", np.load(work / "faces.npy")[:-1])
        (fewer / "index.csv").write_text("\n".join(index[:-1]) + "\n")
        with pytest.raises(RunError, match=f"other data than {fewer} holds now"):
            train(preset_of(tmp_path), fewer, run.folder, device="cpu")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param(("samples = 64", "samples = 0"), "phase.1.samples", id="nothing to see"),
            pytest.param(("[augment]", "[misplaced]\nshift_px = -1.0\n[augment]"), "misplaced.shift_px", id="no shift"),
            pytest.param(("look = 32", "looks = 32"), "looks: no such key", id="a key that does not exist"),
        ],
    )
    def test_a_mistake_in_a_preset_is_said_before_anything_begins(self, tmp_path, change, said):
        with pytest.raises(ConfigError, match=said):
            preset_of(tmp_path, change=change)

    def test_an_augmentation_that_does_not_exist_is_said(self, work, tmp_path):
        chosen = preset_of(tmp_path, change=("infrared", "infra_red"))
        with pytest.raises(ConfigError, match=r"\[augment\] has no infra_red"):
            train(chosen, work, tmp_path / "run", device="cpu")

    @pytest.mark.parametrize("key", ["shift_px", "zoom", "turn_degrees"])
    def test_an_augmentation_that_moves_crops_is_refused(self, work, tmp_path, key):
        chosen = preset_of(tmp_path, change=("[augment]", f"[augment]\n{key} = 1.0"))
        with pytest.raises(ConfigError, match=rf"\[augment\] {key}: how far crops are moved, \[misplaced\] says"):
            train(chosen, work, tmp_path / "run", device="cpu")

    def test_faces_of_nobody_are_none_to_validate_on(self, tmp_path):
        write_faces(tmp_path / "work")
        with pytest.raises(DataError, match="nobody can be held out"):
            train(preset_of(tmp_path), tmp_path / "work", tmp_path / "run", device="cpu")
        assert not (tmp_path / "run").exists()

    def test_no_faces_and_several_processes_are_said(self, tmp_path):
        with pytest.raises(DataError):
            train(preset_of(tmp_path), tmp_path / "nothing", tmp_path / "run", device="cpu")
        with pytest.raises(RunError, match="the aligner is trained by one process, not 2"):
            refuse_several(World(0, 2, torch.device("cpu")), "the aligner")


class TestPackaging:
    def test_the_file_says_what_the_net_does_and_the_agent_takes_it(self, made, work):
        model = LiteRtModel(made / "models" / "aligner.tflite", sha256=None)
        Aligner(model)
        faces = aligned_faces(work)
        pictures, _ = drawn(Misplacer(faces.samples, SIDE, spread(2.0, 0.05, 3.0), NOTHING), faces.train, 16, 0, 0)
        net = nets.Aligner()
        net.load_state_dict(torch.load(made / "aligner.pt"))
        exact, rounded = said_by(net.eval(), pictures), said_by_file(model, pictures)
        assert np.abs(exact - rounded).max() < 0.1 * np.abs(exact).max()

    def test_its_card_says_what_it_is(self, made):
        card = json.loads((made / "models" / "aligner.json").read_text())
        assert (card["kind"], card["quantisation"], card["data"]) == ("aligner", "int8", "Drawn faces.")
        assert card["id"] == f"latchkey-aligner-1-{card['sha256'][:8]}"
        assert card["bytes"] == (made / "models" / "aligner.tflite").stat().st_size
        assert set(card["figures"]["validation (int8)"]) == set(FIGURES)
        assert card["misplaced"] == {"shift_px": 2.0, "zoom": 0.05, "turn_degrees": 3.0}

    def test_figures_are_of_faces_that_the_run_was_not_trained_on(self, run, work, tmp_path):
        names = (work / "index.csv").read_text()
        other = tmp_path / "other"
        other.mkdir()
        np.save(other / "faces.npy", np.load(work / "faces.npy"))
        swapped = names.replace(",val,", ",VAL,").replace(",train,", ",val,").replace(",VAL,", ",train,")
        (other / "index.csv").write_text(swapped)
        with pytest.raises(RunError, match="was trained on other data than"):
            package(run.weights, other, tmp_path / "aligner.tflite", preset_of(tmp_path))

    def test_what_it_may_not_be_is_refused_and_the_one_before_stays(self, made, work, tmp_path):
        target = tmp_path / "aligner.tflite"
        target.write_bytes(b"before")
        small = preset_of(tmp_path, change=("samples = 8\n", "samples = 8\nmost_bytes = 1000\n"))
        with pytest.raises(ModelError, match="bytes, 1,000 are allowed"):
            package(made / "aligner.pt", work, target, small)
        silent = preset_of(tmp_path, change=('data = "Drawn faces."', ""))
        with pytest.raises(ConfigError, match="no `data`"):
            package(made / "aligner.pt", work, target, silent)
        save({}, tmp_path / "none.pt")
        with pytest.raises(RunError, match="not the weights of this net"):
            package(tmp_path / "none.pt", work, target, small)
        assert target.read_bytes() == b"before"

    def test_a_file_where_the_models_should_be_is_said_first(self, made, tmp_path):
        (tmp_path / "models").touch()
        arguments = ["package-aligner", str(made / "aligner.pt"), "--models", str(tmp_path / "models")]
        said = CliRunner().invoke(app, arguments)
        assert "no folder can be made for it" in str(said.exception)


def test_our_own_preset_is_that_of_the_file_that_is_bundled():
    ours = presets.load(presets.FILE)
    card = json.loads((ROOT / "agent" / "models" / "aligner.json").read_text())
    assert {key: card[key] for key in ("data", "licence", "limits")} == {
        key: list(value) if isinstance(value, tuple) else value for key, value in ours.export.told().items()
    }
