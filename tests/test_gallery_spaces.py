"""Ways to make a space."""

import numpy as np
import pytest

from agent.gallery.spaces import METHODS, as_encoded, centred, half_centred, means, whitened


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def crowd(people, shared, photos=3, dimension=64, seed=5):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), photos)
    faces = rng.standard_normal((people, dimension)) + shared * np.sqrt(dimension) * np.eye(1, dimension)
    return unit(faces[who] + 0.3 * rng.standard_normal((len(who), dimension))), who


def test_everybody_counts_once():
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    people = np.array([0, 0, 0, 4])
    assert means(vectors, people).tolist() == [[1, 0], [0, 1]]
    assert centred(vectors, people).mean.tolist() == [0.5, 0.5]


def test_as_encoded_changes_nothing():
    assert as_encoded(*crowd(3, 1.0)).mean is None


def test_half_centring_takes_all_of_what_many_share_and_nothing_of_what_few_do_by_chance():
    whole, half = (np.linalg.norm(fit(*crowd(200, 1.0)).mean) for fit in (centred, half_centred))
    assert half / whole > 0.98
    shrunk = [
        np.linalg.norm(half_centred(*crowd(5, 0.0, seed=seed)).mean)
        / np.linalg.norm(centred(*crowd(5, 0.0, seed=seed)).mean)
        for seed in range(20)
    ]
    assert np.mean(shrunk) < 0.2


def test_half_centring_people_whose_mean_is_nothing():
    vectors = np.array([[1, 0], [-1, 0]], np.float32)
    assert half_centred(vectors, np.array([0, 1])).mean.tolist() == [0, 0]


def test_whitening_shortens_what_one_persons_photos_differ_in():
    rng = np.random.default_rng(6)
    who = np.repeat(np.arange(60), 4)
    faces = rng.standard_normal((60, 16))
    light = 4 * rng.standard_normal((240, 1)) * np.eye(1, 16, 3)
    vectors = unit(faces[who] + light + 0.1 * rng.standard_normal((240, 16)))
    matrix = whitened(vectors, who).matrix
    assert matrix == pytest.approx(matrix.T, abs=1e-5)
    assert matrix[3, 3] < 0.8 * np.delete(np.diag(matrix), 3).min()


@pytest.mark.parametrize("photos", [1, 3], ids=["one photo each", "the same photo three times"])
def test_whitening_where_nothing_differs_is_centring(photos):
    vectors, _ = crowd(5, 1.0, photos=1)
    who = np.repeat(np.arange(5), photos)
    assert whitened(vectors[who], who).matrix is None


def test_the_plainest_comes_first():
    assert list(METHODS) == ["as encoded", "half centred", "centred", "whitened"]
