import dataclasses

import cv2
import numpy as np
import pytest

from agent.types import Box, Face, Quality
from agent.vision.align import TEMPLATE
from agent.vision.quality import QualityLimits, judge, measure, score, yaw

LIMITS = QualityLimits()
GOOD = Quality(face_px=180, sharpness=200, yaw=0.02, exposure=120, contrast=40)


def face(landmarks=TEMPLATE, width=100.0, height=130.0):
    return Face(Box(0, 0, width, height), np.asarray(landmarks, np.float32), 0.9)


def textured(seed=0):
    noise = np.random.default_rng(seed).normal(128, 60, (112, 112)).astype(np.float32)
    grey = np.clip(cv2.GaussianBlur(noise, (0, 0), 1) * 1.0, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def test_measures_the_shorter_side_and_the_grey_of_the_face():
    quality = measure(face(width=90, height=70), np.full((112, 112, 3), 77, np.uint8))
    assert quality == Quality(
        face_px=70, sharpness=0.0, yaw=pytest.approx(0.003, abs=0.01), exposure=77.0, contrast=0.0
    )


def test_what_lies_beside_the_face_does_not_count():
    crop = np.full((112, 112, 3), 90, np.uint8)
    crop[:, :20] = 0  # beyond the frame's edge
    crop[::2, 95:] = 255
    assert measure(face(), crop) == measure(face(), np.full((112, 112, 3), 90, np.uint8))


def test_sharpness_is_the_variance_of_the_laplacian_by_the_book():
    crop = textured()
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(int)
    laplacian = [
        grey[y - 1, x] + grey[y + 1, x] + grey[y, x - 1] + grey[y, x + 1] - 4 * grey[y, x]
        for y in range(32, 104)
        for x in range(24, 88)
    ]
    assert measure(face(), crop).sharpness == pytest.approx(np.var(laplacian), rel=1e-6)


def test_blur_lowers_sharpness_step_by_step():
    crops = [textured(), *(cv2.GaussianBlur(textured(), (0, 0), sigma) for sigma in (1, 2, 4))]
    sharpness = [measure(face(), crop).sharpness for crop in crops]
    assert sharpness == sorted(sharpness, reverse=True)


@pytest.mark.parametrize("degrees", [0, 30, 90, -120])
def test_yaw_does_not_depend_on_roll_or_size(degrees):
    landmarks = np.array([(0, 0), (40, 0), (30, 25), (5, 50), (35, 50)], np.float32)
    turn = cv2.getRotationMatrix2D((3, 4), degrees, 1.7)
    assert yaw((landmarks @ turn[:, :2].T + turn[:, 2]).astype(np.float32)) == pytest.approx(0.25, abs=1e-4)


def test_yaw_is_negative_to_the_left_and_infinite_without_eyes():
    assert yaw(TEMPLATE - np.float32([(0, 0), (0, 0), (10, 0), (0, 0), (0, 0)])) < 0
    assert yaw(np.zeros((5, 2), np.float32)) == float("inf")


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"face_px": 42}, "too_small", "too small: 42 px, need 64"),
        ({"sharpness": 3.14}, "too_blurred", "too blurred: 3.1, need 8.0"),
        ({"yaw": -0.55}, "turned_away", "turned away: yaw 0.55, at most 0.40"),
        ({"yaw": float("inf")}, "turned_away", "turned away: yaw inf, at most 0.40"),
        ({"exposure": 9}, "too_dark", "too dark: 9 of 255, need 20"),
        ({"exposure": 250}, "too_bright", "too bright: 250 of 255, at most 225"),
        ({"contrast": 2}, "low_contrast", "too little contrast: 2.0, need 6.0"),
    ],
    ids=lambda value: value if isinstance(value, str) and "_" in value else "",
)
def test_says_what_is_wrong(change, code, text):
    bad = dataclasses.replace(GOOD, **change)
    rejection = judge(bad, LIMITS)
    assert rejection is not None
    assert (rejection.code, rejection.text) == (code, text)
    assert score(bad, LIMITS) == 0


def test_a_good_face_passes_and_so_does_one_at_every_limit():
    assert judge(GOOD, LIMITS) is None
    assert judge(Quality(64, 8, -0.4, 20, 6), LIMITS) is None
    assert judge(Quality(64, 8, 0.4, 225, 6), LIMITS) is None


def test_the_darkest_frames_we_know_of_pass():
    assert judge(Quality(121, 27, 0.19, 43, 10.6), LIMITS) is None


@pytest.mark.parametrize("change", [{"face_px": 70}, {"sharpness": 10}, {"yaw": 0.3}, {"yaw": -0.3}], ids=str)
def test_a_better_shot_has_a_higher_score(change):
    assert 0 < score(dataclasses.replace(GOOD, **change), LIMITS) < score(GOOD, LIMITS) <= 1


def test_limits_of_nothing_let_everything_through():
    none = QualityLimits(min_face_px=0, min_sharpness=0, max_yaw=9, min_exposure=0, max_exposure=255, min_contrast=0)
    assert score(Quality(0, 0, 0, 0, 0), none) == 1.0
