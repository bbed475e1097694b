"""The detector around its network: nine maps in, faces in pixels of the picture out, against naive loops."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.errors import ModelError
from agent.types import Box, Face
from agent.vision.detect import MOST_CANDIDATES, SAME_FACE_IOU, Detector, letterbox, merge
from agent.vision.eyes import Eyes
from agent.vision.quality import measure
from agent.vision.track import Tracker, iou
from tests.fakes import models
from tests.fakes.models import STEPS, empty_maps, plant

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SAME_SIZE = np.zeros((240, 320, 3), np.uint8)
BOX = (100.0, 60.0, 148.0, 124.0)  # x0 y0 x1 y1, pixels of the model
POINTS = np.array([(112, 84), (136, 84), (124, 98), (115, 110), (133, 110)], np.float32)
CELL = {8: (11, 15), 16: (5, 7), 32: (2, 3)}  # row and column of the box's middle


def found(maps, image=SAME_SIZE, **options):
    threshold = options.pop("score_threshold", 0.5)
    return Detector(models.detector(lambda: maps, **options), score_threshold=threshold)(image)


def corners(face):
    box = face.box
    return np.array((box.x, box.y, box.x + box.width, box.y + box.height))


# Decoding


@pytest.mark.parametrize("stride", [8, 16, 32])
@pytest.mark.parametrize("quantised", [False, True], ids=["float", "int8"])
def test_a_face_in_one_cell_of_each_grid(stride, quantised):
    maps = empty_maps()
    plant(maps, stride, *CELL[stride], box=BOX, points=POINTS)
    (face,) = found(maps, quantised=quantised)
    within = stride * max(STEPS["box"][0], STEPS["points"][0]) / 2 + 1e-4 if quantised else 1e-4
    np.testing.assert_allclose(corners(face), BOX, atol=within)
    np.testing.assert_allclose(face.landmarks, POINTS, atol=within)
    assert (face.landmarks.shape, face.landmarks.dtype) == ((5, 2), np.float32)
    assert face.score == pytest.approx(1 / (1 + math.exp(-4)), abs=2e-3)


def test_the_nine_outputs_may_come_in_any_order():
    maps = empty_maps()
    plant(maps, 16, *CELL[16], box=BOX, points=POINTS)
    want = found(maps)
    got = found(maps, order=[8, 1, 3, 0, 7, 5, 2, 6, 4])
    assert [(f.box, f.score) for f in got] == [(f.box, f.score) for f in want]


def test_a_picture_without_faces():
    assert found(empty_maps()) == []


@pytest.mark.parametrize(("threshold", "faces"), [(0.5, 1), (0.9, 0), (1.0, 0), (0.0, 1)])
def test_the_threshold_is_a_probability(threshold, faces):
    maps = empty_maps()
    plant(maps, 16, *CELL[16], box=BOX, points=POINTS, logit=1.0)  # 0.73
    assert len(found(maps, score_threshold=threshold)) == faces


def random_maps(rng, faces):
    """Faces seen by several cells of several grids, not quite alike."""
    maps = empty_maps()
    for _ in range(faces):
        x, y, size = rng.uniform(30, 290), rng.uniform(30, 210), rng.uniform(20, 80)
        box = np.array((x - size / 2, y - size / 2, x + size / 2, y + size / 2))
        for stride in (8, 16, 32):
            for _ in range(rng.integers(0, 5)):
                row = int(np.clip(y / stride + rng.integers(-1, 2), 0, 240 // stride - 1))
                column = int(np.clip(x / stride + rng.integers(-1, 2), 0, 320 // stride - 1))
                points = rng.uniform(-0.5, 0.5, (5, 2)) * size + (x, y)
                plant(maps, stride, row, column, box=box + rng.normal(0, 3, 4), points=points, logit=rng.normal(0.5, 1))
    return maps


def naive(maps, threshold, scale, *, quantised):
    """All of decoding, one number at a time: (score, box, points) of each face."""
    if quantised:
        maps = [stored(value, what) for value, what in zip(maps, ("score", "box", "points") * 3, strict=True)]
    candidates = []
    for level, stride in enumerate((8, 16, 32)):
        score, box, points = maps[3 * level : 3 * level + 3]
        for row in range(score.shape[1]):
            for column in range(score.shape[2]):
                x, y = (column + 0.5) * stride, (row + 0.5) * stride
                p = 1 / (1 + math.exp(-score[0, row, column, 0]))
                if p < threshold:
                    continue
                left, top, right, bottom = (max(0.0, v) * stride for v in box[0, row, column])
                marks = [(x + dx * stride, y + dy * stride) for dx, dy in points[0, row, column].reshape(5, 2)]
                candidates.append((p, (x - left, y - top, x + right, y + bottom), marks))
    candidates.sort(key=lambda candidate: -candidate[0])
    faces = naive_merge(candidates)
    return [(p, (np.array(box) + 0.5) / scale - 0.5, (np.array(marks) + 0.5) / scale - 0.5) for p, box, marks in faces]


def stored(value, what):
    scale, zero = STEPS[what]
    return (np.clip(np.rint(value / scale) + zero, -128, 127) - zero) * scale


def naive_merge(candidates):
    left, faces = list(candidates), []
    while left:
        best = left[0]
        same = [c for c in left if c is best or iou(as_box(best[1]), as_box(c[1])) > SAME_FACE_IOU]
        left = [c for c in left if not any(c is s for s in same)]
        total = sum(p * p for p, _, _ in same)
        box = [sum(p * p * b[i] for p, b, _ in same) / total for i in range(4)]
        marks = [[sum(p * p * m[k][i] for p, _, m in same) / total for i in range(2)] for k in range(5)]
        faces.append((best[0], box, marks))
    return faces


def as_box(corner):
    return Box(corner[0], corner[1], corner[2] - corner[0], corner[3] - corner[1])


@pytest.mark.parametrize("quantised", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("seed", range(12))
def test_decoding_against_naive_loops(seed, quantised):
    rng = np.random.default_rng(seed)
    maps = random_maps(rng, faces=int(rng.integers(1, 6)))
    want = naive(maps, 0.5, 0.5, quantised=quantised)
    got = found(maps, image=np.zeros((480, 640, 3), np.uint8), quantised=quantised)
    assert len(got) == len(want)
    for face, (score, box, points) in zip(got, want, strict=True):
        assert face.score == pytest.approx(score, abs=1e-5)
        np.testing.assert_allclose(corners(face), box, atol=1e-2)
        np.testing.assert_allclose(face.landmarks, points, atol=1e-2)


def test_the_same_picture_gives_the_same_faces():
    maps = random_maps(np.random.default_rng(3), faces=4)
    first, second = ([(f.box, f.score, f.landmarks.tobytes()) for f in found(maps, quantised=True)] for _ in range(2))
    assert first == second


# Merging


def test_merging_nothing():
    assert merge(np.zeros(0, np.float32), np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32)) == []


@pytest.mark.parametrize("seed", range(6))
def test_merging_against_a_naive_loop(seed):
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.uniform(0.5, 1, 60))[::-1].astype(np.float32)
    corner = rng.uniform(0, 200, (60, 2))
    boxes = np.hstack([corner, corner + rng.uniform(0, 80, (60, 2))]).astype(np.float32)
    points = rng.uniform(0, 200, (60, 5, 2)).astype(np.float32)
    want = naive_merge([(float(s), b.tolist(), p.tolist()) for s, b, p in zip(scores, boxes, points, strict=True)])
    got = merge(scores, boxes, points)
    assert len(got) == len(want)
    for face, (score, box, marks) in zip(got, want, strict=True):
        assert face.score == pytest.approx(score)
        np.testing.assert_allclose(corners(face), box, atol=1e-3)
        np.testing.assert_allclose(face.landmarks, marks, atol=1e-3)


def test_two_faces_side_by_side_stay_two():
    boxes = np.array([(0, 0, 50, 50), (30, 0, 80, 50)], np.float32)  # a quarter in common
    points = np.zeros((2, 5, 2), np.float32)
    assert len(merge(np.array([0.9, 0.8], np.float32), boxes, points)) == 2


# What no good model answers


def test_a_face_in_every_cell_is_bounded():
    maps = empty_maps(logit=3.0)
    maps[1::3] = [sides + 0.45 for sides in maps[1::3]]  # none overlaps its neighbours
    plant(maps, 32, 2, 3, box=BOX, points=POINTS, logit=9.0)
    detector = Detector(models.detector(lambda: maps))
    faces = detector(SAME_SIZE)
    assert len(faces) == MOST_CANDIDATES
    np.testing.assert_allclose(corners(faces[0]), BOX, atol=1e-3)  # the best one is not among those cut off


def test_a_box_turned_inside_out_is_empty_and_stops_nobody():
    maps = empty_maps()
    plant(maps, 16, 5, 7, box=(130, 60, 110, 124), points=POINTS)
    plant(maps, 16, 5, 12, box=(205, 95, 190, 80), points=np.full((5, 2), 200.0))
    faces = found(maps)
    assert [(face.box.width, face.box.height) for face in faces] == [(0, 64), (0, 0)]
    assert [measure(face, np.zeros((112, 112, 3), np.uint8)).face_px for face in faces] == [0, 0]
    tracker = Tracker()
    assert [[track.id for track in tracker.update(faces, NOW)] for _ in range(2)] == [[1, 2], [1, 2]]


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_a_score_that_is_no_number_is_no_face(bad):
    maps = empty_maps()
    plant(maps, 16, *CELL[16], box=BOX, points=POINTS, logit=bad)
    assert found(maps) == []


# Letterboxing


SHAPES = [
    pytest.param(480, 640, id="the usual one"),
    pytest.param(240, 320, id="the model's own"),
    pytest.param(720, 1280, id="wide"),
    pytest.param(640, 480, id="portrait"),
    pytest.param(667, 1000, id="not an even fraction"),
    pytest.param(60, 80, id="small"),
    pytest.param(10, 7, id="tiny"),
    pytest.param(1, 1, id="one pixel"),
    pytest.param(3, 2000, id="a line"),
    pytest.param(2000, 3, id="a line downwards"),
]


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_faces_are_in_pixels_of_the_picture(height, width):
    maps = empty_maps()
    plant(maps, 16, *CELL[16], box=BOX, points=POINTS)
    image = np.zeros((height, width, 3), np.uint8)
    (face,) = found(maps, image=image)
    _, scale = letterbox(image, 320, 240)
    np.testing.assert_allclose(corners(face), (np.array(BOX) + 0.5) / np.tile(scale, 2) - 0.5, rtol=1e-4)
    np.testing.assert_allclose(face.landmarks, (POINTS + 0.5) / scale - 0.5, rtol=1e-4)


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_the_letterbox_holds_the_whole_picture_and_black(height, width):
    small, scale = letterbox(np.full((height, width, 3), 200, np.uint8), 320, 240)
    assert (small.shape, small.dtype, scale.shape) == ((240, 320, 3), np.uint8, (2,))
    columns, rows = np.rint(scale * (width, height)).astype(int)
    assert (small[:rows, :columns] == 200).all()
    assert not small[rows:].any()
    assert not small[:, columns:].any()
    assert columns == 320 or rows == 240
    if min(height, width) * min(scale) >= 10:  # its shape is kept but for half a pixel
        assert scale[0] == pytest.approx(scale[1], rel=0.05)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (720, 1280), (640, 480), (667, 1000), (60, 80)])
def test_a_spot_is_where_the_scale_says(height, width):
    """And thus a face found in the small picture is where it is in the large one."""
    image = np.zeros((height, width, 3), np.uint8)
    y, x, side = round(0.6 * height), round(0.7 * width), max(4, height // 20)
    image[y : y + side, x : x + side] = 255
    small, scale = letterbox(image, 320, 240)
    rows, columns = np.nonzero(small[..., 0] > 0)
    weight = small[rows, columns, 0].astype(float)
    middle = np.array([weight @ (columns + 0.5), weight @ (rows + 0.5)]) / weight.sum()
    np.testing.assert_allclose(middle / scale, (x + side / 2, y + side / 2), atol=0.6 / min(scale))


def test_the_picture_is_left_as_it_was():
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    before = image.copy()
    small, _ = letterbox(image, 320, 240)
    np.testing.assert_array_equal(small, before)
    small[:] = 0
    np.testing.assert_array_equal(image, before)


# Other models


def reshaped(inputs, outputs):
    return models.FakeModel(
        [models.tensor(shape, "pixels", quantised=False) for shape in inputs],
        [models.tensor(shape, "box", quantised=False) for shape in outputs],
        None,
    )


GOOD = [spec.shape for spec in models.detector(empty_maps).outputs]


@pytest.mark.parametrize(
    ("inputs", "outputs", "says"),
    [
        pytest.param([(1, 240, 320, 3)], GOOD[:8], "9 outputs; got 1, 8", id="an output less"),
        pytest.param([(1, 240, 320, 3)] * 2, GOOD, "got 2, 9", id="two inputs"),
        pytest.param([(1, 112, 112, 3)], [(1, 256)], "got 1, 1", id="an encoder"),
        pytest.param([(1, 480, 640, 3)], GOOD, r"want outputs of \[\(1, 60, 80", id="maps for another size"),
        pytest.param([(1, 240, 320, 3)], [*GOOD[:8], (1, 8, 10, 9)], r"want .*8, 10, 10\)\], got", id="four landmarks"),
        pytest.param([(1, 3, 240, 320)], GOOD, "not one RGB picture", id="channels first"),
    ],
)
def test_what_is_no_detector_is_refused(inputs, outputs, says):
    with pytest.raises(ModelError, match=says):
        Detector(reshaped(inputs, outputs))


def test_a_size_that_is_no_multiple_of_the_cells():
    maps = empty_maps((100, 150))
    plant(maps, 32, 3, 4, box=(120, 70, 160, 130), points=POINTS)
    (face,) = found(maps, size=(100, 150), image=np.zeros((100, 150, 3), np.uint8))
    np.testing.assert_allclose(corners(face), (120, 70, 160, 130), atol=1e-3)  # beyond the edges


def test_faces_found_in_the_small_picture_lie_in_the_large_one():
    def detect(image):
        assert image.shape == (240, 320, 3)
        return [Face(Box(10, 20, 30, 40), np.full((5, 2), 25, np.float32), 0.9)]

    eyes = Eyes(detect, None, None)
    [face] = eyes.faces(np.zeros((960, 640, 3), np.uint8), np.zeros((240, 320, 3), np.uint8))
    assert face.box == Box(20.5, 81.5, 60, 160)
    assert face.landmarks.tolist() == [[50.5, 101.5]] * 5
    assert face.score == 0.9
