import csv
import zipfile

import cv2
import numpy as np
import pytest

from agent.vision.align import TEMPLATE
from training.faces import Batches, augment, load, sharpen_to
from training.scenes import SWAP, Composer, load_scenes


@pytest.fixture
def prepared(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        (f"person{i // 3}" if i < 60 else "", "train" if i < 80 else "val", int(i in (3, 4, 5))) for i in range(100)
    ]
    rows[90] = ("someone", "val", 0)
    np.save(tmp_path / "faces.npy", rng.integers(0, 256, (100, 112, 112, 3), np.uint8))
    teacher = rng.normal(size=(100, 32))
    np.save(tmp_path / "teacher.npy", (teacher / np.linalg.norm(teacher, axis=1, keepdims=True)).astype(np.float16))
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "identity", "split", "bench_overlap"])
        writer.writerows([f"{i}.webp", *row] for i, row in enumerate(rows))
    return tmp_path


def test_people_of_the_benchmarks_are_left_out(prepared):
    faces = load(prepared)
    assert not set(faces.train.tolist()) & {3, 4, 5}
    assert faces.val.tolist() == [90]  # of the validation rows, those that are named
    assert len(faces.train) == 77


def test_a_batch_has_pairs_of_the_same_person_first(prepared):
    faces = load(prepared)
    rows, pictures = Batches(faces, size=20, people=6, side=48, seed=1).draw()
    named = faces.identity[rows[:12]].reshape(6, 2)
    assert (named[:, 0] == named[:, 1]).all()
    assert len(set(named[:, 0].tolist())) == 6
    assert (named >= 0).all()
    assert (rows[0:12:2] != rows[1:12:2]).all()  # two different pictures
    assert pictures.shape == (20, 48, 48, 3)


@pytest.mark.parametrize("side", [48, 80, 112])
def test_augmented_faces_stay_where_they_are(side):
    picture = np.zeros((112, 112, 3), np.uint8)
    cv2.circle(picture, (56, 56), 20, (255, 255, 255), -1)
    rng = np.random.default_rng(3)
    middles = []
    for _ in range(60):
        out = augment(picture, side, rng)
        assert out.shape == (side, side, 3)
        assert out.dtype == np.uint8
        middles.append(cv2.moments(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY))["m10"] / max(1, int(out[..., 1].sum())))
    assert np.median(middles) == pytest.approx(side / 2, abs=side * 0.05)


def test_a_projection_keeps_the_similarities_that_few_dimensions_hold():
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(500, 8)) @ rng.normal(size=(8, 64))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    kept = rows @ sharpen_to(8, rows)
    np.testing.assert_allclose(kept @ kept.T, rows @ rows.T, atol=1e-4)


@pytest.fixture
def scenes(tmp_path):
    rng = np.random.default_rng(5)
    parts = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
    header = ["file", "split", "width", "height", "score", "x", "y", "w", "h"]
    header += [f"{part}_{axis}" for part in parts for axis in "xy"]
    points = [(70, 60), (90, 60), (80, 72), (72, 84), (88, 84)]
    with zipfile.ZipFile(tmp_path / "scenes.zip", "w") as archive, (tmp_path / "faces.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for name in ("a.webp", "b.webp"):
            picture = rng.integers(0, 100, (160, 200, 3), np.uint8)
            for x, y in points:
                cv2.circle(picture, (x, y), 3, (0, 0, 255), -1)  # red in RGB
            archive.writestr(name, cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 100])[1].tobytes())
            writer.writerow([name, "train", 200, 160, 0.9, 60, 45, 40, 50, *(v for point in points for v in point)])
    return load_scenes(tmp_path, "train")


def red(picture, marks):
    """Whether the picture is red at each of the landmarks that lie in it."""
    inside = [(int(x), int(y)) for x, y in marks if 1 <= x < 158 and 1 <= y < 118]
    return [int(picture[y, x, 0]) > int(picture[y, x, 1]) + 40 for x, y in inside]


def test_pasted_faces_keep_their_landmarks(scenes):
    composer = Composer(scenes, [np.zeros((60, 80, 3), np.uint8)], seed=6)
    composer._weather = lambda picture: picture
    spots = []
    for _ in range(40):
        picture, boxes, points, exact = composer.draw(160, 120)
        assert exact.all()
        assert picture.shape == (120, 160, 3)
        for (x0, y0, x1, y1), marks in zip(boxes, points, strict=True):
            assert x0 < x1
            assert y0 < y1
            if x1 - x0 < 25:
                continue
            assert marks[0, 0] < marks[1, 0]  # left and right as in the picture, mirrored or not
            spots += red(picture, marks)
    assert len(spots) > 50
    assert np.mean(spots) > 0.9


def test_cut_out_faces_lie_on_their_landmarks(scenes):
    crop = np.full((112, 112, 3), 90, np.uint8)
    for x, y in TEMPLATE:
        cv2.circle(crop, (round(x), round(y)), 4, (255, 0, 0), -1)
    crop[:, 104:] = 0  # outside of the photograph
    composer = Composer(scenes, [np.full((60, 80, 3), 200, np.uint8)], seed=7, crops=[crop])
    composer._weather = lambda picture: picture
    spots = []
    for _ in range(60):
        drawn = composer.draw(160, 120)
        for box, marks in zip(drawn.boxes[~drawn.exact], drawn.points[~drawn.exact], strict=True):
            assert ((marks > box[:2]) & (marks < box[2:])).all()
            if box[2] - box[0] < 25:
                continue
            spots += red(drawn.picture, marks)
    assert len(spots) > 50
    assert np.mean(spots) > 0.9


def test_a_cut_out_leaves_out_what_was_never_photographed(scenes):
    crop = np.full((112, 112, 3), 90, np.uint8)
    crop[:, :20] = 0
    crop[50:60, 60:70] = 3  # a pupil, a nostril: black, but inside
    composer = Composer(scenes, [], seed=8, crops=[crop])
    masks = [composer._cut_out(crop) for _ in range(20)]
    assert all((mask[:, :20] == 0).all() for mask in masks)
    assert all((mask[50:60, 60:70] == 255).all() for mask in masks)
    assert len({mask.tobytes() for mask in masks}) > 15


def test_a_mirror_swaps_left_and_right_once():
    assert [SWAP[i] for i in SWAP] == [0, 1, 2, 3, 4]
