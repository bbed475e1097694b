"""Composed training pictures: what is pasted lies where its labels say."""

import cv2
import numpy as np
import pytest

from agent.vision.align import TEMPLATE
from tests.training.canvases import write_scenes
from training.compose import SWAP, Composer, _move, _paste, _under
from training.scenes import Drawn, load_scenes


@pytest.fixture
def scenes(tmp_path):
    return load_scenes(write_scenes(tmp_path), "train")


def red(picture, marks):
    """Whether the picture is red at each of the landmarks that lie in it."""
    inside = [(int(x), int(y)) for x, y in marks if 1 <= x < 158 and 1 <= y < 118]
    return [int(picture[y, x, 0]) > int(picture[y, x, 1]) + 40 for x, y in inside]


def upright(marks):
    """Whether the left eye is on the left of a head that leans: the nose is below the eyes, seen along their line."""
    eyes, nose = marks[1] - marks[0], marks[2] - marks[0]
    return eyes[0] * nose[1] - eyes[1] * nose[0] > 0


def test_pasted_faces_keep_their_landmarks(scenes):
    composer = Composer(scenes, [np.zeros((60, 80, 3), np.uint8)], seed=6)
    composer._weather = lambda picture: picture
    composer._hide = lambda drawn: None
    spots = []
    for _ in range(40):
        picture, boxes, points, exact, whole = composer.draw(160, 120)
        assert exact.all()
        assert picture.shape == (120, 160, 3)
        for (x0, y0, x1, y1), marks in zip(boxes[whole], points[whole], strict=True):
            assert x0 < x1
            assert y0 < y1
            if x1 - x0 < 25:
                continue
            assert upright(marks)  # left and right as in the picture, mirrored or not
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
    composer._hide = lambda drawn: None
    spots = []
    for _ in range(60):
        drawn = composer.draw(160, 120)
        cut_out = drawn.whole & ~drawn.exact
        for box, marks in zip(drawn.boxes[cut_out], drawn.points[cut_out], strict=True):
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


def test_numbers_of_the_annotation_stay_half_a_pixel_off_in_a_mirror(scenes):
    """The corner of the first pixel is (0, 0) there: a mirror brings x to width - x, not to width - 1 - x."""
    boxes, points = _move(scenes[0], np.array([[-1.0, 0, 199], [0, 1, 0]]), mirrored=True)
    np.testing.assert_allclose(points[0], [(110, 60), (130, 60), (120, 72), (112, 84), (128, 84)])
    np.testing.assert_allclose(boxes[0], [100, 45, 140, 95])


def test_a_turned_face_has_the_box_of_the_ellipse_it_fills(scenes):
    boxes, _ = _move(scenes[0], np.array([[0.0, -2, 0], [2, 0, 0]]), mirrored=False)  # a quarter turn, twice the size
    np.testing.assert_allclose(boxes[0, 2:] - boxes[0, :2], [100, 80])


def test_what_is_hardly_to_be_seen_is_not_asked_about():
    pasted = np.zeros((100, 100), bool)
    pasted[:, 50:] = True
    boxes = np.array([[0, 0, 40, 40], [20, 20, 60, 60], [30, 40, 70, 80], [55, 5, 95, 45]], np.float32)
    drawn = Drawn(
        np.zeros((100, 100, 3), np.uint8), boxes, np.zeros((4, 5, 2), np.float32), np.ones(4, bool), np.ones(4, bool)
    )
    left = _under(drawn, pasted)
    np.testing.assert_array_equal(left.boxes, boxes[:3])  # the last is gone
    assert left.whole.tolist() == [True, False, False]  # a quarter and a half of the others is covered


def test_only_the_mask_of_a_picture_is_pasted():
    canvas, picture = np.zeros((60, 80, 3), np.uint8), np.full((20, 30, 3), 200, np.uint8)
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 5:25] = 255
    lies = _paste(canvas, picture, mask, np.array([[1.0, 0, 70], [0, 1, 50]]))  # most of it beyond the edge
    assert lies.sum() == 5 * 5
    np.testing.assert_array_equal(canvas[..., 0] == 200, lies)
    whole = _paste(canvas, picture, None, np.array([[1.0, 0, 10], [0, 1, 10]]))
    np.testing.assert_array_equal(np.argwhere(whole)[[0, -1]], [(10, 10), (29, 39)])
    assert not _paste(canvas, picture, None, np.array([[1.0, 0, 200], [0, 1, 10]])).any()


def test_all_weather_keeps_the_shape_and_the_labels(scenes):
    composer = Composer(scenes, [np.zeros((60, 80, 3), np.uint8)], seed=9)
    for _ in range(40):
        drawn = composer.draw(160, 128)
        assert (drawn.picture.shape, drawn.picture.dtype) == ((128, 160, 3), np.uint8)
        assert len(drawn.boxes) == len(drawn.points) == len(drawn.exact) == len(drawn.whole)


def test_what_is_drawn_for_a_step_does_not_depend_on_what_was_drawn_before(scenes):
    fresh, used = (Composer(scenes, [np.zeros((60, 80, 3), np.uint8)], seed=3) for _ in range(2))
    for step in range(12):
        used.begin(step)
        used.draw(96, 96)
    for step in (7, 3, 40):
        drawn = []
        for composer in (fresh, used):
            composer.begin(step)
            drawn.append([composer.draw(96, 96) for _ in range(4)])
        for one, other in zip(*drawn, strict=True):
            for mine, theirs in zip(one, other, strict=True):
                np.testing.assert_array_equal(mine, theirs)
