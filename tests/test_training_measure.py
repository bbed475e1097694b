import numpy as np
import pytest

from training.measure import all_pairs, threshold_at, verification, within


def people(rng, count=40, each=5, spread=0.4, dimension=16):
    identity = np.repeat(np.arange(count), each)
    vectors = rng.normal(size=(count, dimension))[identity] + spread * rng.normal(size=(count * each, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), identity


def test_all_pairs_are_those_of_two_loops():
    vectors, identity = people(np.random.default_rng(0), count=150)  # more than one block
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
