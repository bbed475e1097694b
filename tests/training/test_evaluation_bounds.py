import numpy as np
import pytest

from training.evaluation.bounds import (
    Impostors,
    clopper_pearson,
    interval,
    resampled_fmr,
    resampled_tar,
    upper_bound,
    wilson,
)
from training.evaluation.pairs import genuine_pairs, impostor_pairs
from training.evaluation.verify import verify, verify_scores
from training.measure import all_pairs, threshold_at


def people(rng, count=30, each=4, spread=0.5, dimension=12):
    identity = np.repeat(np.arange(count), each) * 3 + 7  # numbers need not be dense
    vectors = rng.normal(size=(count, dimension))[np.repeat(np.arange(count), each)]
    vectors = vectors + spread * rng.normal(size=vectors.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), identity


@pytest.mark.parametrize(
    ("hits", "trials", "lower", "upper"),
    [  # Newcombe 1998, table I
        pytest.param(81, 263, 0.2553, 0.3662, id="81 of 263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15 of 148"),
        pytest.param(0, 20, 0.0, 0.1611, id="none of 20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="1 of 29"),
    ],
)
def test_wilsons_interval_is_the_published_one(hits, trials, lower, upper):
    share = wilson(hits, trials)
    assert (share.value, share.lower, share.upper) == pytest.approx((hits / trials, lower, upper), abs=1e-4)


@pytest.mark.parametrize(
    ("hits", "trials", "lower", "upper"),
    [
        pytest.param(81, 263, 0.2527, 0.3676, id="81 of 263"),
        pytest.param(15, 148, 0.0578, 0.1617, id="15 of 148"),
        pytest.param(0, 20, 0.0, 0.1684, id="none of 20"),
        pytest.param(29, 29, 0.8806, 1.0, id="all of 29"),
    ],
)
def test_the_exact_interval_is_the_published_one(hits, trials, lower, upper):
    share = clopper_pearson(hits, trials)
    assert (share.lower, share.upper) == pytest.approx((lower, upper), abs=1e-4)


def test_the_upper_bound_is_the_rate_at_which_so_few_hits_come_once_in_twenty():
    def at_most(hits, trials, rate):
        total, term = 0.0, (1 - rate) ** trials
        for k in range(hits + 1):
            total += term
            term *= (trials - k) / (k + 1) * rate / (1 - rate)
        return total

    bounds = upper_bound([0, 1, 5], 500)
    for hits, bound in zip((0, 1, 5), bounds, strict=True):
        assert at_most(hits, 500, bound) == pytest.approx(0.05, abs=1e-6)
    assert bounds[0] == pytest.approx(3 / 500, rel=0.01)  # the rule of three
    assert upper_bound([7], 7).tolist() == [1.0]


def test_pairs_are_those_of_two_loops_most_similar_first():
    vectors, identity = people(np.random.default_rng(0))
    teacher = np.random.default_rng(1).normal(size=(len(vectors), 3))
    teacher = (teacher / np.linalg.norm(teacher, axis=1, keepdims=True)).astype(np.float16)
    impostors = impostor_pairs(vectors, identity, floor=0.2, teacher=teacher, same_person=0.9)
    want, compared = [], 0
    for i in range(len(vectors)):
        for j in range(i):
            if identity[i] == identity[j] or teacher[i].astype(np.float32) @ teacher[j].astype(np.float32) >= 0.9:
                continue
            compared += 1
            if vectors[i] @ vectors[j] >= 0.2:
                want.append((float(vectors[i] @ vectors[j]), {(identity[i] - 7) // 3, (identity[j] - 7) // 3}))
    want.sort(key=lambda pair: -pair[0])
    assert impostors.pairs == compared
    np.testing.assert_allclose(impostors.similarity, [pair[0] for pair in want], atol=1e-6)
    assert [{a, b} for a, b in zip(impostors.first, impostors.second, strict=True)] == [pair[1] for pair in want]
    assert impostors.pictures.tolist() == [4] * 30


def test_genuine_pairs_carry_their_person():
    vectors, identity = people(np.random.default_rng(2), count=5, each=3)
    genuine = genuine_pairs(vectors, identity)
    assert genuine.person.tolist() == np.repeat(np.arange(5), 3).tolist()
    np.testing.assert_allclose(np.sort(genuine.similarity), all_pairs(vectors, identity)[0], atol=1e-6)


def test_drawing_everybody_once_gives_what_was_measured():
    vectors, identity = people(np.random.default_rng(3))
    impostors = impostor_pairs(vectors, identity, floor=-1)
    running, pairs = impostors.weighed(np.ones(30, np.int64))
    assert pairs == impostors.pairs
    assert running[-1] == impostors.pairs
    assert impostors.reaching([2.0, -2.0]).tolist() == [0, impostors.pairs]
    at = float(impostors.similarity[9])
    assert impostors.reaching([at]).tolist() == [10]


def test_a_round_of_the_bootstrap_is_a_set_with_people_in_it_twice():
    """The oracle writes the drawn people out, copies as people of their own, and counts with loops."""
    vectors, identity = people(np.random.default_rng(4), count=8, each=3)
    person = (identity - 7) // 3
    drawn = np.random.default_rng(9).multinomial(8, np.full(8, 1 / 8), 3)
    impostors, genuine = impostor_pairs(vectors, identity, floor=-1), genuine_pairs(vectors, identity)
    fmrs = resampled_fmr(impostors, [0.1, 0.4], rounds=3, seed=9)
    tars = resampled_tar(genuine, impostors, [0.2, 0.05], rounds=3, seed=9)
    for row, weights in enumerate(drawn):
        different, same = [], []
        for i in range(len(vectors)):
            for j in range(i):
                score = float(vectors[i] @ vectors[j])
                if person[i] == person[j]:
                    same += [score] * weights[person[i]]
                else:
                    different += [score] * (weights[person[i]] * weights[person[j]])
        for column, threshold in enumerate((0.1, 0.4)):
            assert fmrs[row, column] == pytest.approx(np.mean(np.array(different) >= threshold))
        for column, fmr in enumerate((0.2, 0.05)):
            threshold = threshold_at(np.sort(np.array(different, np.float32)), fmr)
            assert tars[row, column] == pytest.approx(np.mean(np.array(same) >= threshold))


def test_people_who_look_like_many_widen_the_interval():
    """With one person behind all false matches, pairs are far from independent."""
    n = 60
    first = np.zeros(n - 1, np.int64)
    impostors = Impostors(
        np.full(n - 1, 0.9, np.float32), first, np.arange(1, n), np.ones(n, np.int64), n * (n - 1) // 2
    )
    lower, upper = interval(resampled_fmr(impostors, [0.5])[:, 0])
    exact = clopper_pearson(n - 1, impostors.pairs)
    assert lower == 0  # who is not drawn matches nobody
    assert upper - lower > 3 * (exact.upper - exact.lower)


def test_true_accepts_are_shares_of_genuine_pairs_above_the_threshold():
    vectors, identity = people(np.random.default_rng(5), count=40)
    result = verify(vectors, identity, fmrs=(0.1, 0.01, 1e-9), rounds=40)
    genuine, impostor = all_pairs(vectors, identity)
    assert [accepts.fmr for accepts in result.true_accepts] == [0.1, 0.01]  # fewer than one pair says nothing
    for accepts in result.true_accepts:
        assert (impostor >= accepts.similarity).mean() <= accepts.fmr
        assert accepts.share.value == (genuine >= accepts.similarity).mean()
        assert accepts.people[0] <= accepts.share.value <= accepts.people[1]
    assert result.histogram.genuine @ np.diff(result.histogram.edges) == pytest.approx(1)


def test_scores_of_anything_will_do():
    rng = np.random.default_rng(6)
    genuine, impostor = (np.sort(rng.normal(m, 1, 500)).astype(np.float32) for m in (2, 0))
    result = verify_scores(genuine, impostor, fmrs=(0.1,))
    assert result.eer == pytest.approx(0.159, abs=0.03)  # the normal distribution below -1
    accepts = result.true_accepts[0]
    assert accepts.people == (accepts.share.lower, accepts.share.upper)


def test_draws_of_one_person_alone_are_left_out_and_make_no_nan():
    vectors, identity = people(np.random.default_rng(3), count=2)
    drawn = resampled_fmr(impostor_pairs(vectors, identity, floor=-1.0), [-1.0, 0.4], rounds=40)
    assert 0 < len(drawn) < 40  # half the draws are of one of the two
    assert (drawn[:, 0] == 1).all()
    assert np.isfinite(drawn).all()
