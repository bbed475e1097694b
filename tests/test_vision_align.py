import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.vision.align import SIZE, TEMPLATE, align, similarity

finite = st.floats(-1000, 1000)


@given(angle=st.floats(-math.pi, math.pi), scale=st.floats(0.05, 20), x=finite, y=finite)
def test_finds_the_similarity_that_moved_the_points(angle, scale, x, y):
    turn = scale * np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    moved = (TEMPLATE @ turn.T + (x, y)).astype(np.float32)
    matrix = similarity(moved, TEMPLATE)
    back = moved @ matrix[:, :2].T + matrix[:, 2]
    # float32 pixels of size 1e3 are good to 1e-4; a small scale magnifies that on the way back
    assert back == pytest.approx(TEMPLATE, abs=1e-2 + 1e-3 / scale)


@given(seed=st.integers(0, 2**32 - 1))
def test_is_the_least_squares_similarity_of_umeyama(seed):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(0, 50, (2, 5, 2)).astype(np.float32)
    assert similarity(source, target) == pytest.approx(umeyama_by_svd(source, target), abs=1e-2)


def umeyama_by_svd(source, target):
    """The paper's own way (Umeyama 1991, eq. 40 to 42), with the determinant's sign against reflections."""
    p, q = source - source.mean(0), target - target.mean(0)
    u, d, vt = np.linalg.svd(q.T @ p / len(p))
    sign = np.diag([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / (p**2).sum(1).mean()
    return np.column_stack([scale * rotation, target.mean(0) - scale * rotation @ source.mean(0)])


def test_a_mirrored_face_is_not_reflected():
    mirrored = TEMPLATE * np.float32((-1, 1))
    assert np.linalg.det(similarity(mirrored, TEMPLATE)[:, :2]) > 0


def test_a_face_that_lies_on_the_template_is_taken_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    assert np.array_equal(align(image, TEMPLATE), image)


def test_outside_of_the_picture_is_black():
    image = np.full((SIZE, SIZE, 3), 200, np.uint8)
    crop = align(image, TEMPLATE - np.float32((56, 0)))
    assert not crop[:, :50].any()
    assert (crop[:, 60:] == 200).all()


@pytest.mark.parametrize("scale", [0.7, 1.5, 2.0, 2.5, 4.0, 7.3], ids="a face {0} times the crop".format)
def test_every_size_lands_on_the_template(scale):
    landmarks = (TEMPLATE * scale).astype(np.float32)
    crop = align(blobs_at(landmarks, math.ceil(SIZE * scale), spread=2.5 * scale), landmarks)
    for x, y in TEMPLATE:
        assert centre(crop, x, y) == pytest.approx((x, y), abs=0.1)


def blobs_at(points, size, spread):
    """Bright Gaussian spots, their centres exact to a fraction of a pixel."""
    ys, xs = np.mgrid[:size, :size].astype(np.float32)
    light = sum(np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * spread**2)) for x, y in points)
    return np.repeat((255 * np.clip(light, 0, 1)).astype(np.uint8)[..., None], 3, axis=2)


def centre(image, x, y):
    """Mean place of the light within 8 px of a point."""
    left, top = round(float(x)) - 8, round(float(y)) - 8
    part = image[top : top + 17, left : left + 17, 0].astype(float)
    ys, xs = np.mgrid[top : top + 17, left : left + 17]
    return (part * xs).sum() / part.sum(), (part * ys).sum() / part.sum()


def test_a_large_face_is_averaged_and_not_sampled():
    # stripes one pixel wide: sampling would turn them into moire of full contrast, averaging into even grey
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = align(stripes, (TEMPLATE * 6.37 + 50).astype(np.float32))
    assert crop.mean() == pytest.approx(127.5, abs=5)
    assert crop.std() < 45
    plain = cv2.warpAffine(stripes, similarity((TEMPLATE * 6.37 + 50).astype(np.float32), TEMPLATE), (SIZE, SIZE))
    assert plain.std() > 1.5 * crop.std()


def test_landmarks_in_one_point_give_a_black_crop_rather_than_an_error():
    crop = align(np.full((50, 50, 3), 9, np.uint8), np.full((5, 2), 7, np.float32))
    assert crop.shape == (SIZE, SIZE, 3)
    assert not crop.any()
