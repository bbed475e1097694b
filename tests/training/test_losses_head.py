"""The verification head. Without torch: what it does with scores is plain numpy, but the package it lies in has it."""

import json
from math import exp, log

import numpy as np
import pytest

pytest.importorskip("torch", reason="the [training] extra is not installed: losses are not tested")

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ModelError
from training.evaluation.reliability import reliability
from training.losses import head as heads
from training.losses.head import Head, fit


def scores(n, m, seed=0, spread=0.15):
    """Two normal curves of one width: log-likelihood ratio (s - 0.3) * 0.4 / spread^2, a line indeed."""
    random = np.random.default_rng(seed)
    return random.normal(0.5, spread, n).astype(np.float32), random.normal(0.1, spread, m).astype(np.float32)


def test_finds_the_line_that_made_the_pairs():
    head = fit(*scores(20_000, 80_000))
    assert head.slope == pytest.approx(0.4 / 0.15**2, rel=0.03)
    assert -head.offset / head.slope == pytest.approx(0.3, abs=0.003)


def test_is_the_lowest_point_of_its_cost():
    genuine, impostor = scores(60, 300, seed=1)
    head = fit(genuine, impostor)

    def cost(slope, offset):
        def side(values, target):
            total = 0.0
            for s in values.tolist():
                p = 1 / (1 + exp(-slope * s - offset))
                total -= target * log(p) + (1 - target) * log(1 - p)
            return total / len(values)

        return side(genuine, 61 / 62) + side(impostor, 1 / 302)

    best = cost(head.slope, head.offset)
    for slope, offset in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert cost(head.slope + slope, head.offset + offset) > best


@settings(max_examples=20, deadline=None)
@given(times=st.integers(2, 30), prior=st.floats(0.001, 0.999))
def test_how_many_impostors_there_are_changes_nothing_but_the_prior_does(times, prior):
    genuine, impostor = scores(2000, 2000, seed=2)
    head, more = fit(genuine, impostor), fit(genuine, np.repeat(impostor, times))
    assert more.slope == pytest.approx(head.slope, rel=0.01)
    odds = head.probability(0.3, prior) / (1 - head.probability(0.3, prior))
    even = head.probability(0.3, 0.5) / (1 - head.probability(0.3, 0.5))
    assert odds / even == pytest.approx(prior / (1 - prior))  # Bayes


def test_what_it_says_comes_true_at_any_prior():
    head = fit(*scores(20_000, 20_000))
    for prior in (0.01, 0.5, 0.9):
        same = np.arange(40_000) < 40_000 * prior
        said = head.probability(np.concatenate(scores(same.sum(), (~same).sum(), seed=9)), prior)
        assert reliability(said, same).calibration_error < 0.01
        assert reliability(said**3, same).calibration_error > reliability(said, same).calibration_error


def test_a_threshold_is_where_the_probability_is_reached():
    head = Head(slope=20, offset=-6, prior=0.2)
    for prior in (None, 0.01, 0.7):
        assert head.probability(head.threshold(0.9, prior), prior) == pytest.approx(0.9)
    assert head.probability([0.1, 0.9]).shape == (2,)


def test_pairs_that_lie_wholly_apart_still_give_a_finite_line():
    head = fit(np.array([0.8, 0.9]), np.array([-0.1, 0.0, 0.1]))
    assert 0.1 < head.threshold(0.5) < 0.8
    assert np.isfinite(head.slope)
    assert fit(np.array([0.8]), np.array([0.1])).threshold(0.5) == pytest.approx(0.45)
    assert np.isfinite(heads.sigmoid(np.array([-1e4, 1e4]))).all()


def test_goes_into_a_card_and_comes_out_of_it():
    head = fit(*scores(100, 100), prior=0.01)
    assert Head.of_card(json.loads(head.to_json())) == head


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: fit(np.zeros(0), np.ones(3)), "0 pairs of one person"),
        (
            lambda: fit(np.ones(3), np.array([0, np.nan])),
            "2 pairs of two persons: want one or more, all of them numbers",
        ),
        (lambda: fit(np.zeros(3), np.ones(3)), "no more similar"),
        (lambda: fit(np.ones(3), np.ones(3)), "no more similar"),
        (lambda: fit(*scores(9, 9), prior=0), "a probability of 0"),
        (lambda: Head(1, 0).probability(0.5, 1.0), "a probability of 1.0"),
        (lambda: Head(-1, 0), "slope -1"),
        (lambda: Head.of_card({"slope": 1, "offset": 0}), "want a number each for slope, offset, prior"),
        (lambda: Head.of_card({"slope": "1", "offset": 0, "prior": 0.5}), "want a number each"),
    ],
)
def test_what_cannot_be_fitted_or_read_is_said(act, said):
    with pytest.raises(ModelError, match=said):
        act()
