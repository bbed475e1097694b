"""Scores of pairs in spaces that neither had a part in, against naive loops."""

import math

import numpy as np
import pytest

from agent.gallery.space import AS_ENCODED, Space
from agent.gallery.spaces import as_encoded, centred
from agent.gallery.strangers import BLOCKS, GRID, cross_scores


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def crowd(people, photos, dimension=16, shared=1.0, seed=3):
    """People who share a direction, with uneven numbers of photos."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), [1 + i % photos for i in range(people)])
    faces = rng.standard_normal((people, dimension)) + shared * math.sqrt(dimension) * np.eye(1, dimension)
    return unit(faces[who] + 0.5 * rng.standard_normal((len(who), dimension))), who


def naive(vectors, people, space_without):
    """Every two people's mean elevation and mean square, and everybody's own, by loops."""
    count = people.max() + 1
    mean, square, genuine = np.zeros((count, count)), np.zeros((count, count)), []
    weights = []
    for a in range(count):
        for b in range(a + 1):
            space = space_without(a, b)
            elevations = []
            for i in np.flatnonzero(people == a):
                for j in np.flatnonzero(people == b):
                    cosine = sum(float(x) * float(y) for x, y in zip(space(vectors[i]), space(vectors[j]), strict=True))
                    if a != b:
                        elevations.append(math.asin(cosine))
                    elif i < j:
                        genuine.append((a, math.asin(cosine)))
            if a != b:
                mean[a, b] = mean[b, a] = sum(elevations) / len(elevations)
                square[a, b] = square[b, a] = sum(e * e for e in elevations) / len(elevations)
                weights += [(math.sin(e), 1 / len(elevations)) for e in elevations]
    above = [sum(w for c, w in weights if c >= point) / sum(w for _, w in weights) for point in GRID]
    return mean, square, above, genuine


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_as_encoded_equals_naive_loops(shared):
    vectors, people = crowd(7, 3, shared=shared)
    scores = cross_scores(vectors, people, as_encoded)
    mean, square, above, genuine = naive(vectors, people, lambda a, b: AS_ENCODED)
    assert scores.mean == pytest.approx(mean, abs=1e-6)
    assert scores.square == pytest.approx(square, abs=1e-6)
    assert scores.above == pytest.approx(above, abs=1e-9)
    got = sorted(zip(scores.whose.tolist(), scores.genuine.tolist(), strict=True))
    assert [who for who, _ in got] == [who for who, _ in sorted(genuine)]
    assert [e for _, e in got] == pytest.approx([e for _, e in sorted(genuine)], abs=1e-6)


def test_few_people_are_each_scored_without_the_two():
    vectors, people = crowd(6, 2)

    def without(a, b):
        rest = [vectors[people == other].mean(axis=0) for other in range(6) if other not in (a, b)]
        return Space(np.mean(rest, axis=0).astype(np.float32))

    scores = cross_scores(vectors, people, centred)
    mean, square, _, _ = naive(vectors, people, without)
    assert scores.mean == pytest.approx(mean, abs=1e-5)
    assert scores.square == pytest.approx(square, abs=1e-5)


def test_many_are_scored_in_blocks_and_nobody_in_a_space_of_their_own():
    vectors, people = crowd(31, 2)
    met = []

    def noting(rest, whose):
        met.append(set(whose.tolist()))
        return AS_ENCODED

    scores = cross_scores(vectors, people, noting)
    mean, _, above, _ = naive(vectors, people, lambda a, b: AS_ENCODED)
    assert scores.mean == pytest.approx(mean, abs=1e-6)
    assert scores.above == pytest.approx(above, abs=1e-9)
    assert len(met) < BLOCKS * (BLOCKS + 1) / 2
    assert all(20 <= len(each) < 31 for each in met)


def test_moments_without_a_person_equal_those_of_the_others_alone():
    vectors, people = crowd(8, 3)
    scores = cross_scores(vectors, people, as_encoded)
    means, spreads = scores.moments_without()
    for left in range(8):
        keep = people != left
        others = np.unique(people[keep], return_inverse=True)[1]
        mean, spread = cross_scores(vectors[keep], others, as_encoded).moments()
        assert (means[left], spreads[left]) == (pytest.approx(mean, abs=1e-6), pytest.approx(spread, abs=1e-6))


def test_around_their_own_mean_strangers_would_look_less_alike_than_they_are():
    vectors, people = crowd(6, 4, shared=0.0)
    flattered = Space(vectors.mean(axis=0))(vectors)
    strangers = (flattered @ flattered.T)[people[:, None] != people[None]]
    honest = cross_scores(vectors, people, centred).moments()[0]
    assert strangers.mean() < -0.1 < 0 < honest
