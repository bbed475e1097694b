"""A closer look: what a detector finds in the view comes back in pixels of the picture, whatever the face's size."""

import math

import cv2
import numpy as np
import pytest

from agent.types import Box, Face
from agent.vision.align import SIZE, TEMPLATE
from agent.vision.closer import FACE, VIEW, closer

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]


def painted(size, angle, middle, shape=(480, 640)):
    """A picture with a dot of its own colour where each landmark of a face is, and where they are."""
    cos, sin = math.cos(angle) * size / SIZE, math.sin(angle) * size / SIZE
    points = (TEMPLATE - SIZE / 2) @ np.array([[cos, sin], [-sin, cos]]) + middle
    image = np.zeros((*shape, 3), np.uint8)
    for point, colour in zip(points, COLOURS, strict=True):
        at = np.rint(point * 256).astype(int).tolist()
        cv2.circle(image, at, round(size / 25 * 256), colour, -1, cv2.LINE_AA, 8)
    return image, points.astype(np.float32)


def dots(image):
    """Finds the one face of a painted picture by the middles of its dots."""
    points = []
    for colour in COLOURS:
        alike = np.abs(image.astype(int) - colour).max(2) < 128
        ys, xs = np.nonzero(alike)
        if not len(xs):
            return []
        points.append((xs.mean(), ys.mean()))
    return [face_at(np.array(points, np.float32))]


def face_at(points, score=0.9):
    middle, reach = points.mean(0), np.ptp(points, 0).max()
    x, y = (middle - reach).tolist()
    return Face(Box(x, y, float(2 * reach), float(2 * reach)), points, score)


@pytest.mark.parametrize("size", [40, 120, 300], ids=["far", "near", "so near that it is shrunk"])
@pytest.mark.parametrize("angle", [0.0, 0.6, -1.2], ids=["upright", "leaning", "almost lying"])
def test_landmarks_come_back_in_pixels_of_the_picture(size, angle):
    image, points = painted(size, angle, (330, 250))
    rough = face_at(points + np.random.default_rng(0).normal(0, size * 0.03, (5, 2)).astype(np.float32), score=0.7)
    seen = closer(image, rough, dots)
    np.testing.assert_allclose(seen.landmarks, points, atol=0.012 * size)
    assert (seen.box, seen.score) == (rough.box, 0.7)
    assert (seen.landmarks.dtype, seen.landmarks.shape) == (np.float32, (5, 2))


def test_the_view_shows_the_face_upright_in_the_middle_at_its_size():
    image, points = painted(90, 0.5, (200, 260))
    views = []

    def look(view):
        views.append(view)
        return dots(view)

    rough = face_at(points)
    closer(image, rough, look)
    (view,) = views
    assert (view.shape, view.dtype) == ((VIEW[1], VIEW[0], 3), np.uint8)
    [face] = dots(view)
    left, right = face.landmarks[:2]
    assert left[1] == pytest.approx(right[1], abs=1.0)
    zoom = np.linalg.norm(right - left) / np.linalg.norm(points[1] - points[0])
    assert rough.box.width * zoom == pytest.approx(FACE, rel=0.02)
    np.testing.assert_allclose(face.landmarks.mean(0), ((VIEW[0] - 1) / 2, (VIEW[1] - 1) / 2), atol=1.0)


def test_a_face_that_is_not_found_again_stays_as_it_was():
    image, points = painted(90, 0.0, (200, 260))
    face = face_at(points)
    assert closer(image, face, lambda _: []) is face
    elsewhere = face_at(points + 1000)
    assert closer(image, face, lambda _: [elsewhere]) is face


def test_a_neighbour_in_the_view_is_not_taken_for_the_face():
    image, points = painted(90, 0.0, (200, 260))

    def two(view):
        [face] = dots(view)
        return [face_at(face.landmarks + np.float32(25), score=0.99), face]

    np.testing.assert_allclose(closer(image, face_at(points), two).landmarks, points, atol=1.0)


def test_a_face_without_an_area_or_outside_of_the_picture_is_no_trouble():
    image, points = painted(90, 0.0, (200, 260))
    flat = Face(Box(10.0, 10.0, 0.0, 0.0), np.zeros((5, 2), np.float32), 0.5)
    assert closer(image, flat, dots) is flat
    away = face_at(points - 5000)
    assert closer(image, away, dots) is away
