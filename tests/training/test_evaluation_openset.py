import numpy as np
import pytest

from training.evaluation.openset import FPIRS, GRID, _search, open_set


def people(rng, counts, spread, dimension=16):
    identity = np.repeat(np.arange(len(counts)), counts)
    vectors = rng.normal(size=(len(counts), dimension))[identity] + spread * rng.normal(size=(len(identity), dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), identity


def naive(vectors, identity, size, enrol, seed):
    """One gallery by loops, drawn as the function draws it."""
    random = np.random.default_rng(seed)
    rows = [np.flatnonzero(identity == person) for person in range(identity.max() + 1)]
    order = random.permutation(len(rows))
    many, few = [p for p in order if len(rows[p]) > enrol], [p for p in order if len(rows[p]) <= enrol]
    enrolled = [*many, *few][:size]
    shuffled = {person: random.permutation(rows[person]) for person in enrolled}
    gallery = [(person, row) for person in enrolled for row in shuffled[person][:enrol]]

    def search(row):
        return max((float(vectors[row] @ vectors[other]), -i, person) for i, (person, other) in enumerate(gallery))

    mated = [(search(row), person) for person in enrolled for row in shuffled[person][enrol:]]
    strangers = [search(row)[0] for person in order if person not in enrolled for row in rows[person]]
    return mated, strangers


@pytest.mark.parametrize("size", [8, 14])
def test_searches_are_those_of_loops(size):
    vectors, identity = people(np.random.default_rng(0), [5] * 10 + [2] * 8, 0.8)
    rows = [np.flatnonzero(identity == person) for person in range(18)]
    searches = _search(vectors, rows, size, 3, np.random.default_rng(5))
    mated, strangers = naive(vectors, identity, size, 3, 5)
    assert searches.right.tolist() == [best[2] == person for best, person in mated]
    np.testing.assert_allclose(searches.mated, [best[0] for best, _ in mated], atol=1e-6)
    np.testing.assert_allclose(searches.strangers, sorted(strangers), atol=1e-6)
    for fpir in (0.2, 0.5, 1.0):
        threshold = sorted(strangers)[::-1][int(fpir * len(strangers))] if fpir < 1 else -2
        missed = sum(not (best[2] == person and best[0] > threshold) for best, person in mated)
        assert searches.fnir(fpir) == pytest.approx(missed / len(mated))


def test_people_far_apart_are_always_found_and_noise_never():
    rng = np.random.default_rng(1)
    clear = open_set(*people(rng, [5] * 60, 0.02), sizes=(10,), galleries=4)[0]
    assert (clear.rank1, clear.people, clear.templates) == (1.0, 10, 30)
    assert clear.fnir[0.1] == (0.0, 0.0)
    assert (clear.mated, clear.strangers) == (20, 250)
    noise = open_set(rng.permutation(people(rng, [5] * 60, 0.02)[0]), np.repeat(np.arange(60), 5), sizes=(10,))[0]
    assert noise.rank1 < 0.35
    assert noise.fnir[0.01][0] > 0.6


def test_what_strangers_are_too_few_to_show_is_not_a_number():
    one = open_set(*people(np.random.default_rng(2), [5] * 40, 0.5), sizes=(10, 40, 1000), galleries=3)
    assert [run.people for run in one] == [10]  # in a gallery of all there is no stranger left
    assert np.isnan(one[0].fnir[1e-3][0])
    assert list(one[0].fnir) == list(FPIRS)
    shown = one[0].curve[~np.isnan(one[0].curve)]
    assert len(one[0].curve) == len(GRID)
    assert (np.diff(shown) <= 1e-12).all()


def test_large_galleries_miss_more():
    rng = np.random.default_rng(3)
    small, large = open_set(*people(rng, [5] * 150, 0.8), sizes=(10, 100), galleries=5)
    assert small.rank1 > large.rank1
    assert small.fnir[0.1][0] < large.fnir[0.1][0]
