import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agent.vision.motion import MotionGate, MotionSettings

START = datetime(2026, 11, 22, 6, tzinfo=UTC)
QUIET = MotionSettings(look_anyway_seconds=1e9)


def at(seconds):
    return START + timedelta(seconds=seconds)


def hall(light=100, size=(240, 320), noise=0.0, seed=0):
    image = np.full((*size, 3), light, np.float32)
    image[: size[0] // 3] += 40
    image += np.random.default_rng(seed).normal(0, noise, (*size, 1)) if noise else 0
    return np.clip(image, 0, 255).astype(np.uint8)


def with_face(image, x=150, y=100, side=32):
    image = image.copy()
    image[y : y + side, x : x + side] = 190
    return image


def settled(gate, until=10):
    """Feeds an empty hall until motion no longer holds."""
    for step in range(until * 10 + 1):
        moved = gate.moved(hall(), at(step / 10))
    assert not moved
    return gate


def test_the_first_picture_is_searched():
    assert MotionGate().moved(hall(), START)


def test_an_empty_hall_comes_to_rest_after_the_hold():
    gate = MotionGate(QUIET)
    answers = [gate.moved(hall(noise=6, seed=step), at(step / 10)) for step in range(100)]
    assert all(answers[:20])
    assert not any(answers[22:])


@pytest.mark.parametrize("size", [(480, 640), (720, 1280), (240, 320), (60, 80), (33, 17)], ids=str)
def test_somebody_who_comes_in_is_noticed(size):
    gate, empty = MotionGate(QUIET), hall(size=size)
    for step in range(50):
        gate.moved(empty, at(step / 10))
    side = max(4, size[0] // 6)
    assert gate.moved(with_face(empty, x=size[1] // 4, y=size[0] // 4, side=side), at(5))


def test_motion_holds():
    gate = settled(MotionGate(QUIET))
    assert gate.moved(with_face(hall()), at(10.1))
    assert gate.moved(hall(), at(12.0))
    assert not gate.moved(hall(), at(12.2))


def test_a_face_that_stands_still_is_kept():
    gate = settled(MotionGate(QUIET))
    for step in range(300):
        now = at(10.1 + step / 10)
        assert gate.moved(with_face(hall()), now)
        gate.keep(now)


def test_what_stays_becomes_background():
    gate = settled(MotionGate(QUIET))
    answers = [gate.moved(with_face(hall()), at(10.1 + step / 10)) for step in range(300)]
    assert answers[0]
    assert not answers[-1]


def test_a_lamp_and_a_slow_dawn_are_no_motion():
    gate = settled(MotionGate(QUIET))
    assert not gate.moved(hall(light=140), at(10.1))
    answers = [gate.moved(hall(light=100 + step / 10), at(10.2 + step / 10)) for step in range(300)]
    assert not any(answers)


def test_a_still_picture_is_looked_at_now_and_then():
    gate = MotionGate(MotionSettings(look_anyway_seconds=1.0))
    answers = [gate.moved(hall(), at(step / 10)) for step in range(200)]
    assert 15 <= sum(answers[30:]) <= 18


def test_a_clock_set_back_does_not_blind_it():
    gate = settled(MotionGate(QUIET))
    assert gate.moved(with_face(hall()), at(-3600))
    assert gate.moved(hall(), at(-3599))
    assert not gate.moved(hall(), at(-3590))


def test_costs_next_to_nothing():
    gate, image, spent = MotionGate(), hall(size=(480, 640), noise=5), []
    for step in range(50):
        begin = time.perf_counter()
        gate.moved(image, at(step))
        spent.append(time.perf_counter() - begin)
    assert min(spent) < 0.3e-3
