from dataclasses import replace

import numpy as np
import pytest

from agent.hardware.engines.litert import LiteRtModel
from agent.types import Box, Face
from agent.vision.align import TEMPLATE
from training.evaluation.detection import measure_detector, misplacement
from training.evaluation.reliability import reliability
from training.evaluation.speed import interleaved
from training.scenes import Scene

MARKS = np.array([[20, 25], [40, 25], [30, 40], [22, 50], [38, 50]], np.float32)  # eyes 20 pixels apart


def face(x, y, size, shift=0.0):
    return Face(Box(x, y, size, size), MARKS + np.float32([x + shift, y]), 0.9)


def scene(*corners, size=60.0):
    boxes = np.array([[x, y, x + size, y + size] for x, y in corners], np.float32)
    return Scene(
        "a", np.zeros((200, 200, 3), np.uint8), boxes, np.stack([MARKS + np.float32([x, y]) for x, y in corners])
    )


def test_figures_of_a_detector_that_finds_some():
    answers = iter([[face(0, 0, 60, shift=2.0), face(100, 100, 60)], [face(0, 0, 60), face(2, 2, 60)]])
    scenes = [
        scene((0, 0), (130, 0)),
        scene((0, 0)),
    ]
    one = measure_detector(scenes, lambda _: next(answers))
    assert (one.faces, one.pictures, one.recall.value) == (3, 2, pytest.approx(2 / 3))
    assert one.false_per_picture == 1.0  # one beside, and one that finds the same face again
    assert one.landmark_error == pytest.approx(np.median([2 / 20, 0]))
    assert one.misplacement_px > 0
    assert set(one.figures()) == {"recall@0.5", "false_per_picture", "landmark_error", "misplacement_px"}


def test_an_aligner_is_measured_after_the_detector():
    def aligner(image, face):
        return replace(face, landmarks=face.landmarks - np.float32([1.0, 0.0]))

    scenes = [scene((0, 0), size=60.0), scene((0, 0), size=30.0)]
    answers = iter([[face(0, 0, 60, shift=2.0)], [face(0, 0, 30, shift=2.0)]])
    one = measure_detector(scenes, lambda _: next(answers), aligner)
    assert 0 < one.aligned_px < one.misplacement_px  # of the near one


def test_recall_is_given_by_size():
    scenes = [scene((0, 0), size=15.0), scene((0, 0), size=30.0), scene((0, 0), size=150.0)]
    answers = iter([[], [face(0, 0, 30)], [face(0, 0, 150)]])
    one = measure_detector(scenes, lambda _: next(answers))
    assert [(low, high, share.value, n) for low, high, share, n in one.by_size] == [
        (0, 20, 0, 1),
        (20, 40, 1, 1),
        (120, float("inf"), 1, 1),
    ]


def test_nothing_found_is_no_number():
    one = measure_detector([scene((0, 0))], lambda _: [])
    assert one.recall.value == 0
    assert np.isnan(one.landmark_error)


def test_misplacement_is_in_pixels_of_the_crop():
    true = TEMPLATE * 2 + 30  # a face twice the size of the crop, somewhere
    assert misplacement(true, true) == pytest.approx(0, abs=1e-3)
    assert misplacement(true + np.array([6, 8]), true) == pytest.approx(5, abs=1e-3)  # 10 pixels of the picture
    one_point = true.copy()
    one_point[2] += (0, 10)
    assert 0 < misplacement(one_point, true) < 3


def test_probabilities_that_are_true_and_such_that_are_not():
    rng = np.random.default_rng(0)
    given = rng.uniform(0, 1, 20000)
    true = reliability(given, rng.uniform(0, 1, 20000) < given)
    assert true.calibration_error < 0.02
    assert true.brier == pytest.approx(1 / 6, abs=0.01)  # the mean of p (1 - p)
    assert sum(true.pairs) == 20000
    boast = reliability(np.full(100, 1.0), np.arange(100) < 50)
    assert (boast.pairs, boast.shares[0].value, boast.calibration_error) == ((100,), 0.5, 0.5)


def test_calls_take_turns():
    order = []
    times = interleaved({name: (lambda _, n=name: order.append(n), np.zeros(1)) for name in ("a", "b")}, 3)
    assert order == ["a", "b"] * 6  # three to warm up
    assert all(len(times[name]) == 3 and (times[name] >= 0).all() for name in "ab")


def test_files_are_timed_at_both_numbers_of_threads():
    from pathlib import Path

    from training.evaluation.speed import measure_speed

    files = {name: Path("agent/models") / f"{name}.tflite" for name in ("encoder", "detector", "aligner")}
    runs = measure_speed(files, peer="encoder", rounds=3)
    assert [(run.name, run.threads) for run in runs] == [(n, t) for t in (1, 2) for n in files]
    assert [run.ratio for run in runs if run.name == "encoder"] == [1.0, 1.0]
    assert runs[0].size == files["encoder"].stat().st_size
    assert LiteRtModel(files["encoder"], sha256=None).inputs
