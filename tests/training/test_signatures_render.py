import numpy as np
import pytest

from tests.training.pens import signature
from training.signatures.render import render, scan


def pen(*rows):
    return np.array(rows, np.float32)


def dark(picture):
    return np.argwhere(picture[:, :, 0] < 128)


@pytest.mark.parametrize("side", [48, 112])
def test_a_signature_fills_its_picture(side):
    picture = render(signature(1), side=side)
    assert picture.shape == (side, side, 3)
    assert picture.dtype == np.uint8
    span = np.ptp(np.argwhere(picture[:, :, 0] < 200), axis=0).max()
    assert 0.85 * side < span < side
    assert (picture == 255).mean() > 0.5  # most is paper


def test_downwards_is_downwards_and_wide_stays_wide():
    rows = dark(render(pen([0, 0, 0, 70, 0], [100, 0, 10, 70, 0], [100, 20, 20, 70, 1])))
    assert np.ptp(rows[:, 1]) > 4 * np.ptp(rows[:, 0])
    assert rows[rows[:, 1] > 100, 0].max() > rows[rows[:, 1] < 50, 0].max() + 10


def test_a_lifted_pen_leaves_no_ink():
    line = pen([0, 0, 0, 70, 0], [10, 0, 10, 70, 1], [90, 0, 20, 70, 0], [100, 0, 30, 70, 1])
    columns = set(dark(render(line))[:, 1].tolist())
    assert 56 not in columns
    assert {8, 104} <= columns


def test_pressure_makes_lines_broader():
    areas = [
        len(dark(render(pen([0, 0, 0, press, 0], [100, 100, 10, press, 1]), pen=broad)))
        for press, broad in ((20, 1), (200, 1), (200, 2))
    ]
    assert areas[0] < areas[1] < areas[2]


def test_a_scan_is_the_same_signature():
    picture = render(signature(1))
    for seed in range(10):
        seen = scan(picture, np.random.default_rng(seed))
        assert seen.shape == picture.shape
        assert seen.dtype == np.uint8
        ink = picture[:, :, 0] < 100
        assert seen[ink].mean() + 60 < seen[picture[:, :, 0] > 250].mean()
