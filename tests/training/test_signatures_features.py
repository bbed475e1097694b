import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.signature.features import CHANNELS, LIMIT, features, slope
from tests.training.pens import signature
from training.signatures.augment import Variation, drift, imitate, vary
from training.signatures.load import checked


def channel(name, trajectory, **options):
    return features(trajectory, **options)[:, CHANNELS.index(name)]


@pytest.mark.parametrize("length", [32, 128, 200])
def test_every_signature_becomes_a_sequence_of_one_shape(length):
    out = features(signature(1), length=length)
    assert out.shape == (length, len(CHANNELS))
    assert out.dtype == np.float32
    assert np.abs(out).max() <= LIMIT


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-3, 1e3), x=st.floats(-1e4, 1e4), y=st.floats(-1e4, 1e4), seed=st.integers(0, 50))
def test_neither_place_nor_size_matters(scale, x, y, seed):
    moved = signature(seed).astype(np.float64)
    moved[:, :2] = moved[:, :2] * scale + [x, y]
    assert features(moved) == pytest.approx(features(signature(seed)), abs=2e-2)


def test_who_writes_half_as_fast_takes_longer():
    slow = signature(1) * np.float32([1, 1, 1.5, 1, 1])
    assert channel("duration", slow).mean() > channel("duration", signature(1)).mean() + 0.4
    assert channel("speed", slow).mean() < channel("speed", signature(1)).mean() - 0.2
    assert channel("cos", slow) == pytest.approx(channel("cos", signature(1)), abs=1e-3)  # the same path


def test_the_pen_is_up_between_strokes_only():
    assert channel("up", signature(1, strokes=1)).max() == 0
    up = channel("up", signature(1, strokes=3))
    assert (np.diff((up > 0).astype(int)) == 1).sum() == 2


def test_a_pen_that_rests_where_it_is_lifted_is_up_all_the_same():
    points = signature(1).copy()
    lifted = int(np.flatnonzero(points[:, 4])[0])
    points[lifted, :2] = points[lifted - 1, :2]
    assert channel("up", points).max() > 0


def test_a_circle_bends_evenly():
    turn = np.linspace(0, 4 * np.pi, 400)
    circle = np.stack([np.cos(turn), np.sin(turn), turn * 100, 0 * turn + 70, 0 * turn], axis=1)
    bend = channel("bend", checked(circle.astype(np.float32), ""))[4:-4]
    assert bend == pytest.approx(np.full(len(bend), 2 * 4 * np.pi / 127), rel=0.05)


def test_slope_is_that_of_a_line():
    assert slope(np.arange(10.0) * 3)[2:-2] == pytest.approx(3)
    assert slope(np.zeros((10, 2))).shape == (10, 2)


@pytest.mark.parametrize("change", [vary, imitate])
def test_variations_are_signatures_and_repeatable(change):
    for seed in range(20):
        out = change(signature(seed), np.random.default_rng(seed))
        checked(out, "")
        assert (out == change(signature(seed), np.random.default_rng(seed))).all()
        assert (out[:, 4] > 0).sum() == 2  # no end of a stroke is lost


def test_nothing_changes_where_nothing_varies():
    none = Variation(**dict.fromkeys(Variation.__dataclass_fields__, 0.0))
    assert vary(signature(1), np.random.default_rng(0), none) == pytest.approx(signature(1), abs=1e-2)


def test_who_imitates_is_slower_and_less_alike():
    rng = np.random.default_rng(0)
    own = signature(1)
    others = [[features(change(own, rng)) for _ in range(20)] for change in (vary, imitate)]
    far = [np.mean([np.abs(other - features(own)).mean() for other in group]) for group in others]
    long = [np.mean([other[0, -1] for other in group]) for group in others]
    assert far[1] > 1.3 * far[0]
    assert long[1] > long[0] + 0.3


def test_drift_has_variance_one_and_is_smooth():
    many = np.stack([drift(np.random.default_rng(i), 100, 1)[:, 0] for i in range(400)])
    assert (many**2).mean() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(many, axis=1)).mean() < 0.1
