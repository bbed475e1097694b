"""The verification head. Without torch: what it does with scores is plain numpy, but the package it lies in has it."""

import json
from math import exp, log, log2

import numpy as np
import pytest

pytest.importorskip("torch", reason="the [training] extra is not installed: losses are not tested")

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ModelError
from training.losses import head as heads
from training.losses.head import Head, fit
from training.losses.reliability import calibration_error, cllr, figures, isotonic


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
    genuine, impostor = scores(20_000, 20_000, seed=9)
    for prior in (0.01, 0.5, 0.9):
        said = head.probability(genuine, prior), head.probability(impostor, prior)
        assert calibration_error(*said, prior=prior) < 0.01
        assert calibration_error(said[0] ** 3, said[1] ** 3, prior=prior) > calibration_error(*said, prior=prior)


def test_a_threshold_is_where_the_probability_is_reached():
    head = Head(slope=20, offset=-6, prior=0.2)
    for prior in (None, 0.01, 0.7):
        assert head.probability(head.threshold(0.9, prior), prior) == pytest.approx(0.9)
    assert head.probability_at(np.sqrt(2 - 2 * 0.4)) == pytest.approx(head.probability(0.4))
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


def test_cllr_as_loops_have_it():
    genuine, impostor = np.array([2.0, -0.5, 3.0]), np.array([-4.0, 0.5])
    want = np.mean([log2(1 + exp(-x)) for x in genuine]) / 2 + np.mean([log2(1 + exp(x)) for x in impostor]) / 2
    assert cllr(genuine, impostor) == pytest.approx(want)
    assert cllr(np.zeros(3), np.zeros(5)) == pytest.approx(1)


def test_calibration_error_as_loops_have_it():
    random = np.random.default_rng(3)
    genuine, impostor, prior = random.random(50), np.append(random.random(80), 1.0), 0.2
    pairs = [(p, 1, prior / 50) for p in genuine] + [(p, 0, (1 - prior) / 81) for p in impostor]
    want = 0.0
    for low in range(5):
        inside = [x for x in pairs if low / 5 <= x[0] < (low + 1) / 5 or (low == 4 and x[0] == 1)]
        weight = sum(w for *_, w in inside)
        want += abs(sum(w * p for p, _, w in inside) / weight - sum(w * s for _, s, w in inside) / weight) * weight
    assert calibration_error(genuine, impostor, prior=prior, bins=5) == pytest.approx(want)


def test_isotonic_rises_and_no_head_beats_it():
    pytest.importorskip("scipy")
    genuine, impostor = scores(300, 900, seed=4)
    said = np.concatenate(isotonic(genuine, impostor))
    order = np.argsort(np.concatenate([genuine, impostor]), kind="stable")
    assert (np.diff(said[order][np.isfinite(said[order])]) >= -1e-9).all()
    head = fit(genuine, impostor)
    assert cllr(*isotonic(genuine, impostor)) < cllr(head.evidence(genuine), head.evidence(impostor))
    apart = isotonic(np.array([0.5, 0.6]), np.array([0.1]))
    assert cllr(*apart) == 0


def test_figures_of_a_head():
    pytest.importorskip("scipy")
    found = figures(fit(*scores(3000, 9000)), *scores(3000, 9000, seed=5))
    assert 0 < found["cllr_min"] < found["cllr"] < found["cllr_min"] + 0.02
    assert found["ece"] < 0.02
