"""The aligner: what its numbers do to landmarks, what it is shown, and that ours puts faces in their places."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from agent.bundle import STAFF, open_bundle
from agent.config import Config
from agent.errors import ModelError
from agent.hardware.engines.litert import RUNTIMES, LiteRtModel
from agent.types import Box, Face
from agent.vision.align import TEMPLATE, align, similarity, warped
from agent.vision.aligner import LOOKS, MIDDLE, UNITS, WINDOW, Aligner, placed, whole, window
from agent.vision.detect import Detector
from agent.vision.pictures import decode_picture
from tests.fakes.models import FakeModel, tensor

NOISE = np.random.default_rng(5).integers(0, 256, (300, 400, 3)).astype(np.uint8)


def says(*answers, side=64, quantised=False):
    """An aligner's model that gives one answer after the other, and then nought."""
    left = [*answers]
    return FakeModel(
        [tensor((1, side, side, 3), "pixels", quantised=quantised)],
        [tensor((1, 4), "vector", quantised=quantised)],
        lambda _: [np.array(left.pop(0) if left else (0, 0, 0, 0), np.float32)],
    )


def face_at(points):
    return Face(Box(0.0, 0.0, 50.0, 60.0), np.asarray(points, np.float32), 0.9)


def somewhere(scale=1.7, angle=0.3, shift=(90, 60)):
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return (TEMPLATE @ np.array([[cos, sin], [-sin, cos]]) + shift).astype(np.float32)


def crop_of(face):
    return whole(similarity(face.landmarks, TEMPLATE))


@pytest.mark.parametrize("quantised", [False, True])
def test_the_crop_moves_by_what_the_model_says(quantised):
    numbers = np.array([0.5, -0.24, 0.3, -0.4])
    face = face_at(somewhere())
    moved = Aligner(says(numbers, quantised=quantised))(NOISE, face)
    np.testing.assert_allclose(crop_of(moved), whole(placed(numbers)) @ crop_of(face), atol=2e-2)
    assert (moved.box, moved.score) == (face.box, face.score)


def test_landmarks_keep_their_places_to_each_other():
    turned = somewhere() + np.float32([[0, 0], [3, 1], [9, -4], [0, 0], [2, 2]])  # looking to a side
    moved = Aligner(says((0.5, 1, 0.7, -0.5)))(NOISE, face_at(turned)).landmarks

    def shape(points):
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        return apart / apart[0, 1]

    np.testing.assert_allclose(shape(moved), shape(turned), atol=1e-4)


def test_numbers_are_shifts_scale_and_angle():
    right, down = placed((1, 0, 0, 0)) @ (*MIDDLE, 1), placed((0, 1, 0, 0)) @ (*MIDDLE, 1)
    np.testing.assert_allclose((right - MIDDLE, down - MIDDLE), [(UNITS[0], 0), (0, UNITS[1])], atol=1e-5)
    larger, turned = placed((0, 0, 1, 0)), placed((0, 0, 0, 1))
    np.testing.assert_allclose(larger @ (*MIDDLE, 1), MIDDLE, atol=1e-5)
    assert np.hypot(*larger[:, 0]) == pytest.approx(np.exp(UNITS[2]))
    assert np.arctan2(turned[1, 0], turned[0, 0]) == pytest.approx(UNITS[3])
    assert np.hypot(*turned[:, 0]) == pytest.approx(1)


@pytest.mark.parametrize("side", [64, 80])
def test_the_model_sees_the_window_of_the_crop(side):
    left, top, width = WINDOW
    corners = np.array([(left - 0.5, top - 0.5, 1), (left + width - 0.5, top + width - 0.5, 1)])
    np.testing.assert_allclose(corners @ window(side)[:2].T, [(-0.5, -0.5), (side - 0.5, side - 0.5)], atol=1e-9)
    smooth = np.asarray(cv2.GaussianBlur(NOISE, (0, 0), 6))
    face, model = face_at(somewhere()), says(side=side)
    Aligner(model)(smooth, face)
    shown = np.rint(model.given[0][0][0] * 127.5 + 127.5)
    cut = align(smooth, face.landmarks)[top : top + width, left : left + width]
    if side == width:
        np.testing.assert_allclose(shown, cut, atol=3)
    else:
        assert abs(shown.mean() - cut.mean()) < 3


def test_the_second_look_is_at_where_the_first_one_put_the_face():
    numbers = (0.5, 1, -0.7, 0.5)
    face, model = face_at(somewhere()), says(numbers)
    moved = Aligner(model)(NOISE, face)
    assert len(model.given) == LOOKS == 2
    there = (window(64) @ crop_of(moved))[:2].astype(np.float32)
    expected = warped(NOISE, there, (64, 64))
    np.testing.assert_allclose(model.given[1][0][0] * 127.5 + 127.5, expected, atol=3)
    assert np.abs(model.given[0][0] - model.given[1][0]).max() > 0.5


def test_a_face_without_an_area_is_not_looked_at():
    flat, model = face_at(np.full((5, 2), 25)), says()
    assert Aligner(model)(NOISE, flat) is flat
    assert model.given == []


def test_a_face_outside_of_the_picture_is_no_trouble():
    away = face_at(somewhere(shift=(-5000, 9000)))
    np.testing.assert_allclose(Aligner(says())(NOISE, away).landmarks, away.landmarks, atol=0.01)


@pytest.mark.parametrize("answer", [np.nan, np.inf, -1e30, 300.0])
@pytest.mark.parametrize("number", range(4))
def test_what_no_aligner_says_is_refused(answer, number):
    with pytest.raises(ModelError, match="the aligner answers with numbers beyond 10, or none"):
        Aligner(says(np.where(np.arange(4) == number, answer, 0)))(NOISE, face_at(somewhere()))


@pytest.mark.parametrize(("moves", "taken"), [((2.0, 0.0), True), ((2.0, 2.1), False), ((-2.5, -2.5), False)])
def test_a_face_that_is_to_be_moved_far_stays_where_it_was_found(moves, taken):
    """8 pixels of the crop are taken, 16.4 and 20 in two looks are not."""
    face = face_at(somewhere())
    moved = Aligner(says(*((right, 0, 0, 0) for right in moves)))(NOISE, face)
    assert (moved is not face) == taken


@pytest.mark.parametrize(
    ("takes", "gives", "said"),
    [
        pytest.param([(1, 64, 64, 3)], [(1, 5)], r"want 1 input and one \(1, 4\) output", id="five numbers"),
        pytest.param([(1, 64, 64, 3)] * 2, [(1, 4)], "got 2", id="two inputs"),
        pytest.param([(1, 64, 64, 3)], [(1, 4)] * 2, "not an aligner", id="two outputs"),
        pytest.param([(1, 64, 80, 3)], [(1, 4)], "80x64, not a square", id="no square"),
        pytest.param([(1, 64, 64, 1)], [(1, 4)], "not one RGB picture", id="grey"),
    ],
)
def test_another_model_is_refused(takes, gives, said):
    tensors = [[tensor(shape, "vector", quantised=False) for shape in shapes] for shapes in (takes, gives)]
    with pytest.raises(ModelError, match=said):
        Aligner(FakeModel(*tensors, lambda _: None))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_ours_puts_a_face_that_was_misplaced_where_it_puts_it_otherwise(runtime):
    """A face moved by 2 to 6 pixels of the crop in eight ways: less than half as far apart once aligned."""
    pytest.importorskip(RUNTIMES[runtime], reason=f"{runtime} is not installed")
    bundle = open_bundle(Config())
    models = bundle.config.models
    find = Detector(LiteRtModel(models.detector, runtime=runtime, sha256=bundle.detector.sha256))
    aligns = Aligner(LiteRtModel(models.aligner, runtime=runtime, sha256=bundle.aligner.sha256))
    random, before, after = np.random.default_rng(0), [], []
    for name in ("ada-1.jpg", "bruno-2.jpg", "clara-3.jpg", "ada-4.jpg"):
        image = decode_picture((STAFF / name).read_bytes())
        face = find(image)[0]
        aligned, base = [], crop_of(face)
        for _ in range(8):
            numbers = random.normal(0, (0.5, 0.5, 0.5, 0.5))
            moved = np.linalg.inv(whole(placed(numbers)) @ base) @ base
            there = replace(face, landmarks=(face.landmarks @ moved[:2, :2].T + moved[:2, 2]).astype(np.float32))
            before.append(off(crop_of(there), base))
            aligned.append(crop_of(aligns(image, there)))
        mean = np.mean(aligned, axis=0)
        after += [off(each, mean) for each in aligned]
    assert np.median(after) < np.median(before) / 2


def off(one, other):
    """How far two crops of a picture are apart, pixels of the crop."""
    between = one @ np.linalg.inv(other)
    points = TEMPLATE @ between[:2, :2].T + between[:2, 2]
    return np.linalg.norm(points - TEMPLATE, axis=1).mean()
