import zipfile

import cv2
import numpy as np
import pytest

from agent.types import Box, Face
from agent.vision.align import TEMPLATE
from training.evaluate import central, lfw_pairs, misplacement, read_pictures, ten_fold


def test_ten_folds_of_a_perfect_and_of_a_useless_score():
    rng = np.random.default_rng(0)
    same = np.tile(np.repeat([True, False], 30), 10)
    assert ten_fold(np.where(same, 0.8, 0.1).astype(np.float32), same) == (1.0, 0.0)
    accuracy, error = ten_fold(rng.normal(size=600).astype(np.float32), same)
    assert accuracy == pytest.approx(0.5, abs=0.08)
    assert 0 < error < 0.05


def test_a_fold_is_judged_by_the_threshold_of_the_others():
    same = np.tile([True, False], 50)
    similarity = np.where(same, 0.9, 0.5).astype(np.float32)
    similarity[:10] -= (
        0.5  # in the first fold everybody is less alike: its matching pairs fall below the others' threshold
    )
    assert ten_fold(similarity, same)[0] == pytest.approx(0.95)


def test_pairs_of_lfw_name_two_pictures(tmp_path):
    file = tmp_path / "pairs.txt"
    file.write_text("1\t1\nAda_L\t1\t12\nAda_L\t2\tBo\t3\n")
    assert lfw_pairs(file) == [
        ("Ada_L/Ada_L_0001.webp", "Ada_L/Ada_L_0012.webp", True),
        ("Ada_L/Ada_L_0002.webp", "Bo/Bo_0003.webp", False),
    ]


def test_the_central_face_is_large_and_near_the_middle():
    def face(x, size):
        return Face(Box(x, 80.0, size, size), np.zeros((5, 2), np.float32), 0.9)

    image = np.zeros((200, 200, 3), np.uint8)
    middle, edge, small = face(70.0, 60.0), face(0.0, 70.0), face(95.0, 10.0)
    assert central([edge, small, middle], image) is middle
    assert central([], image) is None


def test_pictures_come_in_order_of_their_names_as_rgb(tmp_path):
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 2] = 255  # OpenCV's BGR
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("b/2.png", "a/1.png"):
            archive.writestr(name, cv2.imencode(".png", red)[1].tobytes())
    names, pictures = zip(*read_pictures(tmp_path / "a.zip"), strict=True)
    assert names == ("a/1.png", "b/2.png")
    assert pictures[0][0, 0].tolist() == [255, 0, 0]


def test_misplacement_is_in_pixels_of_the_crop():
    true = TEMPLATE * 2 + 30  # a face twice the size of the crop, somewhere
    assert misplacement(true, true) == pytest.approx(0, abs=1e-3)
    assert misplacement(true + np.array([6, 8]), true) == pytest.approx(5, abs=1e-3)  # 10 pixels of the picture
    one_point = true.copy()
    one_point[2] += (0, 10)
    assert 0 < misplacement(one_point, true) < 3
