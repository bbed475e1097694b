"""The model of the tail: quantiles, errors, and that its bounds hold."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from agent.gallery.tail import (
    RATIO,
    Spread,
    deviations_for,
    jackknife_error,
    no_lower,
    spread_of,
    student_t95,
    upper_tail,
)
from agent.gallery.threshold import FmrTable

CARD = FmrTable.from_card(
    {"fmr": {"similarity": [0.1, 0.2, 0.3, 0.4, 0.5], "fmr": [1e-1, 1e-2, 1e-3, 1e-4, 1e-5], "impostor_pairs": 10**6}}
)


@pytest.mark.parametrize(("freedom", "quantile"), [(4, 2.132), (5, 2.015), (11, 1.796), (29, 1.699), (10**6, 1.645)])
def test_students_quantile_is_that_of_the_tables(freedom, quantile):
    assert float(student_t95(np.array(float(freedom)))) == pytest.approx(quantile, abs=3e-3)


def test_the_upper_tail_is_exact_far_out():
    assert upper_tail(np.array([0.0, 1.6448536, 4.753424])) == pytest.approx([0.5, 0.05, 1e-6], rel=1e-5)
    assert upper_tail(np.array([[10.0]])) == pytest.approx(7.62e-24, rel=1e-3)


def test_deviations_and_rates_agree():
    for rate in (0.1, 1e-3, 1e-6):
        assert upper_tail(np.array([RATIO * deviations_for(rate)])) == pytest.approx(rate)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(2).standard_normal(30)
    without = np.array([np.delete(values, i).mean() for i in range(30)])
    assert jackknife_error(without) == pytest.approx(values.std(ddof=1) / math.sqrt(30))


def test_few_people_lean_on_the_card_and_many_do_not():
    prior = math.asin(0.3) / deviations_for(1e-3)
    few, many = (Spread(0.0, 0.01, 0.2, freedom, 10).with_prior(CARD).spread for freedom in (1e-6, 1e6))
    assert few == pytest.approx(prior, rel=1e-3)
    assert many == pytest.approx(0.2, rel=1e-3)


def test_without_knowing_anything_of_the_site_the_model_agrees_with_the_card():
    scores, _ = Spread(0.0, 0.0, 0.5, 1e-9, 10).with_prior(CARD).scores(np.array([0.3]))
    assert upper_tail(scores) == pytest.approx([1e-3])


def test_bounds_hold_where_the_model_does():
    """Pairs of people have normal elevations: the bound at each cosine is above the truth in 95 of 100 sites."""
    rng = np.random.default_rng(4)
    people, held, far = 12, 0, np.array([0.5])
    truth = NormalDist().inv_cdf(1 - 1e-5)
    for _ in range(200):
        pairs = np.triu(rng.normal(0.1, 0.12, (people, people)), 1)
        pairs += pairs.T
        totals, squares = pairs.sum(), (pairs**2).sum()

        def moments(total, square, count):
            return total / count, np.sqrt(square / count - (total / count) ** 2)

        mean, spread = moments(totals, squares, people * (people - 1))
        without = moments(totals - 2 * pairs.sum(1), squares - 2 * (pairs**2).sum(1), (people - 1) * (people - 2))
        _, least = spread_of(mean, spread, *without).scores(far)
        held += least[0] <= RATIO * (math.asin(0.5) - 0.1) / 0.12
    assert truth > 4
    assert held >= 185


@pytest.mark.parametrize("rate", [0.1, 0.123456, 3.14159e-9, 0.99999, 1.0, 2.5e-29])
def test_a_rate_in_a_file_is_no_lower(rate):
    assert rate <= no_lower(rate) <= min(1.0, rate * 1.0011)


def test_nothing_is_hardly_anything():
    assert no_lower(0.0) == no_lower(5e-324) == 1e-30


def test_a_card_that_ends_beyond_a_cosine_of_one_is_no_crash():
    flat = FmrTable.from_card({"fmr": {"similarity": [0.5, 0.98], "fmr": [0.1, 0.05], "impostor_pairs": 10**6}})
    assert flat.cosine_for(1e-3) > 1
    assert Spread(0.0, 0.01, 0.2, 5.0, 10).with_prior(flat).spread > 0.2
