"""Placing vectors: what it does to them, and what it leaves alone."""

import numpy as np
import pytest

from agent.gallery.space import AS_ENCODED, Space


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


RNG = np.random.default_rng(1)
VECTORS = unit(RNG.standard_normal((7, 5)))
MEAN = (RNG.standard_normal(5) / 4).astype(np.float32)
MATRIX = RNG.standard_normal((5, 5)).astype(np.float32)


def test_as_encoded_is_bit_for_bit():
    assert AS_ENCODED(VECTORS) is VECTORS
    assert AS_ENCODED.dimension is None


@pytest.mark.parametrize("matrix", [None, MATRIX], ids=["mean", "mean and matrix"])
def test_it_equals_naive_loops(matrix):
    placed = Space(MEAN, matrix)(VECTORS)
    for vector, got in zip(VECTORS, placed, strict=True):
        moved = [float(a) - float(b) for a, b in zip(vector, MEAN, strict=True)]
        if matrix is not None:
            moved = [sum(moved[i] * float(matrix[i, j]) for i in range(5)) for j in range(5)]
        length = sum(each * each for each in moved) ** 0.5
        assert got == pytest.approx([each / length for each in moved], abs=1e-6)


def test_one_vector_or_many_is_the_same():
    space = Space(MEAN, MATRIX)
    assert space(VECTORS)[3] == pytest.approx(space(VECTORS[3]), abs=1e-6)
    assert space(VECTORS).dtype == space(VECTORS[3]).dtype == np.float32
    assert space(VECTORS[:0]).shape == (0, 5)


def test_a_vector_on_the_mean_is_the_first_axis():
    mean = VECTORS[0]
    assert Space(mean)(VECTORS[:2])[0].tolist() == [1, 0, 0, 0, 0]
    assert np.linalg.norm(Space(mean)(VECTORS), axis=1) == pytest.approx(1)
