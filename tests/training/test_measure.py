import numpy as np
import pytest

from training.errors import RunError
from training.measure import all_pairs, curve, equal_error_rate, error_rates, threshold_at, verification, within


def people(rng, count=40, each=5, spread=0.4, dimension=16):
    identity = np.repeat(np.arange(count), each)
    vectors = rng.normal(size=(count, dimension))[identity] + spread * rng.normal(size=(count * each, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), identity


def test_all_pairs_are_those_of_two_loops():
    vectors, identity = people(np.random.default_rng(0), count=105)  # more than one block
    genuine, impostor = all_pairs(vectors, identity)
    same, other = [], []
    for i in range(len(vectors)):
        for j in range(i):
            (same if identity[i] == identity[j] else other).append(float(vectors[i] @ vectors[j]))
    np.testing.assert_allclose(genuine, sorted(same), atol=1e-6)
    np.testing.assert_allclose(impostor, sorted(other), atol=1e-6)


@pytest.mark.parametrize("fmr", [0.0, 1e-3, 0.01, 0.5])
def test_a_threshold_lets_no_more_impostors_through_than_asked(fmr):
    _, impostor = all_pairs(*people(np.random.default_rng(1)))
    threshold = threshold_at(impostor, fmr)
    assert (impostor >= threshold).mean() <= fmr
    assert (impostor >= np.nextafter(np.float32(threshold), np.float32(-1))).mean() >= fmr  # and is the lowest such


def test_people_far_apart_are_told_apart_and_noise_is_not():
    rng = np.random.default_rng(2)
    clear = verification(*people(rng, spread=0.05))
    assert clear["tar@1e-03"] == 1.0
    assert clear["eer"] == 0.0
    vectors, identity = people(rng)
    noise = verification(vectors, rng.permutation(identity))
    assert noise["tar@1e-03"] < 0.05
    assert noise["eer"] == pytest.approx(0.5, abs=0.05)


def test_rates_that_the_pairs_are_too_few_to_show_are_left_out():
    assert set(verification(*people(np.random.default_rng(7), count=10))) == {"tar@1e-03", "eer"}
    assert set(verification(*people(np.random.default_rng(7), count=6))) == {"eer"}


def test_what_is_no_number_is_said_and_is_not_perfect():
    vectors, identity = people(np.random.default_rng(8))
    vectors[[3, 5]] = np.nan
    with pytest.raises(RunError, match="no number of 2 of 200 samples"):
        verification(vectors, identity)


def test_the_covariance_within_people_against_a_naive_loop():
    rng = np.random.default_rng(3)
    identity = np.array([4, 7, 4, 9, 7, 7, 2])  # 9 and 2 are seen once
    vectors = rng.normal(size=(7, 3)).astype(np.float32)
    want, degrees = np.zeros((3, 3)), 0
    for person in (4, 7):
        mine = vectors[identity == person].astype(np.float64)
        for row in mine:
            off = row - mine.mean(0)
            want += np.outer(off, off)
        degrees += len(mine) - 1
    np.testing.assert_allclose(within(vectors, identity), want / degrees, atol=1e-6)


def scores(rng, genuine=200, impostor=900):
    return np.sort(rng.normal(0.5, 0.2, genuine)).astype(np.float32), np.sort(rng.normal(0, 0.2, impostor)).astype(
        np.float32
    )


def test_error_rates_against_two_loops():
    genuine, impostor = scores(np.random.default_rng(4))
    thresholds = [-2.0, 0.1, float(genuine[10]), float(impostor[-3]), 2.0]
    rates = error_rates(genuine, impostor, thresholds)
    for i, threshold in enumerate(thresholds):
        assert rates.fmr[i] == pytest.approx(sum(score >= threshold for score in impostor) / len(impostor))
        assert rates.fnmr[i] == sum(score < threshold for score in genuine.tolist()) / len(genuine)


def test_the_equal_error_rate_is_where_the_rates_are_nearest():
    genuine, impostor = scores(np.random.default_rng(5))
    gaps = [abs((impostor >= t).mean() - (genuine < t).mean()) for t in np.concatenate([genuine, impostor])]
    eer, threshold = equal_error_rate(genuine, impostor)
    false, missed = (impostor >= np.float32(threshold)).mean(), (genuine < np.float32(threshold)).mean()
    assert abs(false - missed) == pytest.approx(min(gaps))
    assert eer == pytest.approx((false + missed) / 2)


def test_a_curve_goes_from_one_end_to_the_other_and_is_true_on_its_way():
    genuine, impostor = scores(np.random.default_rng(6))
    rates = curve(genuine, impostor)
    assert (rates.fmr[-1], rates.fnmr[0]) == (0, 0)
    assert rates.fnmr[-1] == 1
    assert (np.diff(rates.fmr) <= 0).all()
    assert (np.diff(rates.fnmr) >= 0).all()
    again = error_rates(genuine, impostor, rates.threshold)
    np.testing.assert_array_equal(rates.fmr, again.fmr)
