"""The threshold follows from the wanted rate, the gallery's size and the card's table."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ModelError
from agent.gallery.threshold import FmrTable, threshold_for

# log10 FMR falls by one per 0.1 of cosine
STRAIGHT = {"similarity": [0.1, 0.2, 0.3, 0.4, 0.5], "fmr": [1e-1, 1e-2, 1e-3, 1e-4, 1e-5], "impostor_pairs": 10**6}


def table(**changes):
    return FmrTable.from_card({"id": "m", "fmr": STRAIGHT | changes})


def cosine(fpir=1e-4, comparisons=1, shots=1, shots_needed=1, of=None):
    return threshold_for(
        of or table(), false_accepts_per_visit=fpir, comparisons=comparisons, shots=shots, shots_needed=shots_needed
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"fpir": 1e-3}, 0.3, id="on a point of the table"),
        pytest.param({"fpir": 10**-3.5}, 0.35, id="between two points, linear in the logarithm"),
        pytest.param({"fpir": 1e-2, "comparisons": 100}, 0.4, id="100 templates need a hundredth of the rate"),
        pytest.param({"fpir": 1e-3, "comparisons": 0}, 0.3, id="an empty gallery counts as one template"),
        pytest.param({"fpir": 1e-3, "shots": 10}, 0.4, id="any 1 of 10 shots needs a tenth"),
        pytest.param({"fpir": 1e-3, "shots": 20, "shots_needed": 2}, 0.4, id="2 of 20 too, by Markov"),
        pytest.param({"fpir": 0.5}, 0.1, id="never below the table"),
    ],
)
def test_threshold(arguments, expected):
    threshold = cosine(**arguments)
    assert threshold.cosine == pytest.approx(expected)
    assert not threshold.extrapolated


def test_beyond_the_last_point_the_last_decade_goes_on_and_says_so():
    threshold = cosine(1e-4, comparisons=1000)
    assert threshold.cosine == pytest.approx(0.7)
    assert threshold.fmr == pytest.approx(1e-7)
    assert threshold.extrapolated


def test_points_that_rest_on_fewer_than_three_pairs_are_not_measured():
    few = table(impostor_pairs=20_000)  # 3 / 20,000 = 1.5e-4: 1e-4 rests on two pairs
    assert few.similarity[-1] == 0.3
    assert not cosine(1e-3, of=few).extrapolated
    assert cosine(1e-4, of=few).extrapolated


def test_zeros_at_the_end_of_the_table_are_not_measured_either():
    assert table(fmr=[1e-1, 1e-2, 1e-3, 0.0, 0.0]).fmr == (1e-1, 1e-2, 1e-3)


def test_the_slope_beyond_is_that_of_the_last_decade_not_of_the_whole_table():
    bent = table(fmr=[1e-1, 0.9e-1, 0.8e-1, 1e-3, 1e-4])  # the last decade: 0.4 to 0.5
    assert cosine(1e-5, of=bent).cosine == pytest.approx(0.6)


def test_a_table_of_less_than_a_decade_goes_on_from_all_of_it():
    short = table(similarity=[0.1, 0.2], fmr=[0.04, 0.02])
    assert cosine(0.01, of=short).cosine == pytest.approx(0.3)


def test_the_highest_threshold_is_a_cosine_of_099_and_its_rate_is_told():
    threshold = cosine(1e-9, comparisons=10**6)
    assert threshold.cosine == 0.99
    assert threshold.fmr == pytest.approx(10**-9.9)
    assert threshold.extrapolated


def test_a_plateau_gives_its_lower_end():
    assert cosine(1e-3, of=table(fmr=[1e-1, 1e-3, 1e-3, 1e-3, 1e-5])).cosine == pytest.approx(0.2)


@given(st.floats(1e-9, 0.5), st.integers(0, 10**6), st.integers(1, 20), st.data())
def test_asking_for_more_never_lowers_the_threshold(fpir, comparisons, shots, data):
    needed = data.draw(st.integers(1, shots))
    base = cosine(fpir, comparisons, shots, needed)
    assert 0.1 <= base.cosine <= 0.99
    assert cosine(fpir / 2, comparisons, shots, needed).cosine >= base.cosine
    assert cosine(fpir, comparisons + 10, shots, needed).cosine >= base.cosine
    assert cosine(fpir, comparisons, shots + 1, needed).cosine >= base.cosine
    assert (
        cosine(fpir, comparisons, shots + 1, needed + 1).cosine <= cosine(fpir, comparisons, shots + 1, needed).cosine
    )


@given(st.floats(-1, 1))
def test_the_two_directions_agree(fmr_exponent):
    fmr = 10 ** (3 * fmr_exponent - 4)
    assert table().fmr_at(table().cosine_for(fmr)) == pytest.approx(fmr)


def test_the_rate_never_rises_with_the_cosine():
    rates = [table().fmr_at(x) for x in np.linspace(-1, 1, 201)]
    assert all(a >= b for a, b in pairwise(rates))
    assert rates[0] == 0.1


def test_strangers_in_a_simulation_get_in_no_more_often_than_wanted():
    """Impostor scores are normal here, and the shots of a visit correlate: the bound holds, whatever they do."""
    rng = np.random.default_rng(5)
    sigma, people, shots, needed, visits = 0.12, 40, 5, 2, 20_000
    grid = np.linspace(0.0, 0.6, 61)
    tail = [0.5 * math.erfc(x / sigma / math.sqrt(2)) for x in grid]
    card = {"fmr": {"similarity": grid.tolist(), "fmr": tail, "impostor_pairs": 10**7}}
    threshold = cosine(0.01, people, shots, needed, of=FmrTable.from_card(card)).cosine
    face = rng.standard_normal((visits, 1, people))
    scores = sigma * (np.sqrt(0.8) * face + np.sqrt(0.2) * rng.standard_normal((visits, shots, people)))
    agreeing = (scores > threshold).sum(axis=1).max(axis=1)  # shots that agree on one person
    assert 0 < np.mean(agreeing >= needed) <= 0.01


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"similarity": None}, "not a list of numbers", id="no similarities"),
        pytest.param({"mean": 0.1}, "no cosine below those of the table", id="a mean in the tail"),
        pytest.param({"mean": "low"}, "no cosine", id="a mean in words"),
        pytest.param({"mean": math.nan}, "no cosine", id="no mean"),
        pytest.param({"mean": True}, "no cosine", id="a mean that is true"),
        pytest.param({"fmr": ["a"] * 5}, "not a list of numbers", id="words"),
        pytest.param({"fmr": [1e-1, math.nan, 1e-3, 1e-4, 1e-5]}, "not a list of numbers", id="NaN"),
        pytest.param({"fmr": [1e-1, 1e-2]}, "5 similarities and 2 rates", id="lengths differ"),
        pytest.param({"similarity": [], "fmr": []}, "0 similarities", id="an empty table"),
        pytest.param({"similarity": [0.1, 0.3, 0.2, 0.4, 0.5]}, "does not ascend", id="similarities out of order"),
        pytest.param({"similarity": [0.1, 0.2, 0.3, 0.4, 1.5]}, "does not ascend within", id="a cosine above 1"),
        pytest.param({"fmr": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]}, "does not descend", id="rates that rise"),
        pytest.param({"fmr": [2, 1, 1e-3, 1e-4, 1e-5]}, "does not descend within", id="a rate above 1"),
        pytest.param({"similarity": [0.99, 0.992, 0.994, 0.996, 0.998]}, "too near to 1", id="starts at 0.99"),
        pytest.param({"impostor_pairs": 0}, "not a positive number", id="no pairs"),
        pytest.param({"impostor_pairs": True}, "not a positive number", id="pairs that are no number"),
        pytest.param({"impostor_pairs": 20}, "no two different rates", id="too few pairs for any rate"),
        pytest.param({"fmr": [0.1] * 5}, "no two different rates", id="all rates the same"),
    ],
)
def test_a_bad_table_is_a_model_error(changes, words):
    with pytest.raises(ModelError, match=words):
        table(**changes)


UPPER = {"upper": [2e-1, 2e-2, 2e-3, 2e-4, 2e-5]}
WORST = {"worst": STRAIGHT | UPPER | {"cohort": "twins", "similarity": [0.2, 0.3, 0.4, 0.5, 0.6]}}


def test_bounds_count_where_the_card_has_them():
    assert table(**UPPER).cosine_for(2e-3) == pytest.approx(0.3)
    likely = FmrTable.from_card({"fmr": STRAIGHT | UPPER}, bound=False)
    assert likely.cosine_for(1e-3) == pytest.approx(0.3)
    assert table(**UPPER, impostor_pairs=20_000).measured_to == 0.3  # by the rates, not by the bounds


def test_the_worst_cohort_counts_where_it_is_asked_for_and_there():
    card = {"fmr": STRAIGHT | WORST | {"cohort": "everybody"}}
    worst, own = (FmrTable.from_card(card, cohort) for cohort in ("worst", "card"))
    assert (worst.cohort, worst.cosine_for(2e-3)) == ("twins", pytest.approx(0.4))
    assert (own.cohort, own.cosine_for(1e-3)) == ("everybody", pytest.approx(0.3))
    assert FmrTable.from_card({"fmr": STRAIGHT}, "worst") == table()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"upper": [1e-1] * 3}, "not an upper bound for each of the 5", id="lengths differ"),
        pytest.param({"upper": [1e-1, 1e-2, 1e-3, 1e-4, 1e-6]}, "not an upper bound", id="a bound below the rate"),
        pytest.param({"upper": [1e-1, 1e-1, 2e-1, 1e-1, 1e-1]}, "fmr.upper on .* does not descend", id="that rise"),
        pytest.param({"upper": [1] * 5}, "no two different rates", id="that are all the same"),
        pytest.param({"upper": "x"}, "fmr.upper on .* not a list", id="words"),
        pytest.param({"worst": 7}, "fmr.worst on the model's card is not a table", id="no table"),
        pytest.param({"worst": {}}, "worst cohort is not a list of numbers", id="an empty table"),
    ],
)
def test_bad_bounds_and_cohorts_are_a_model_error(changes, words):
    with pytest.raises(ModelError, match=words):
        FmrTable.from_card({"fmr": STRAIGHT | changes}, "worst")


def test_the_rates_of_a_site_go_on_where_nothing_was_measured():
    few = FmrTable.from_site(STRAIGHT | UPPER | {"impostor_pairs": 66})
    assert few.cosine_for(2e-5) == pytest.approx(0.5)
    assert few.measured_to == 0.1
    assert cosine(2e-5, of=few).extrapolated


@pytest.mark.parametrize("card", [{}, {"fmr": None}, {"fmr": [1, 2]}])
def test_a_card_without_a_table_is_a_model_error(card):
    with pytest.raises(ModelError, match="no table 'fmr'"):
        FmrTable.from_card(card)


@pytest.mark.parametrize(
    "arguments",
    [{"fpir": 0.0}, {"fpir": 1.0}, {"shots_needed": 2}, {"shots_needed": 0}, {"comparisons": -1}],
)
def test_a_wish_that_makes_no_sense_is_refused(arguments):
    with pytest.raises(ValueError, match="want 0 <"):
        cosine(**arguments)
