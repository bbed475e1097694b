import csv

import cv2
import numpy as np
import pytest

from training.faces import Batches, augment, load, sharpen_to


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
