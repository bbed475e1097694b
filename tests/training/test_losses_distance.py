import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the [training] extra is not installed: losses are not tested")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from training.losses.distance import cosines, distances, pairs  # noqa: E402


def rows(seed, count=12, dimension=6, kind=torch.float64):
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, dimension)))
    return torch.nn.functional.normalize(values).to(kind)


def test_as_loops_have_them():
    a, b = rows(0), rows(1, 7)
    want = [[sum((x - y) ** 2 for x, y in zip(i.tolist(), j.tolist(), strict=True)) ** 0.5 for j in b] for i in a]
    np.testing.assert_allclose(distances(a, b), want)
    np.testing.assert_allclose(cosines(a, b), [[float(i @ j) for j in b] for i in a])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), dimension=st.integers(2, 64))
def test_on_unit_rows_squared_distance_is_two_less_two_cosines(seed, dimension):
    """So both put all pairs in the same order."""
    x = rows(seed, dimension=dimension)
    torch.testing.assert_close(distances(x, x) ** 2, 2 - 2 * cosines(x, x))
    first, second = torch.triu_indices(12, 12, 1)
    near, far = cosines(x, x)[first, second], distances(x, x)[first, second]
    assert torch.equal(near.argsort(descending=True), far.argsort())


def test_the_same_picture_twice_is_at_zero_and_has_no_slope():
    x = rows(2, 40, kind=torch.float32).repeat(2, 1).requires_grad_()  # 80 rows: torch would multiply matrices
    distance = distances(x, x)
    assert (distance[torch.arange(40), torch.arange(40) + 40] == 0).all()
    distance.sum().backward()
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().max() < 2 * 80  # each distance has slope 1 at the most


def test_pairs_are_matching_or_other_or_a_picture_and_itself():
    labels = torch.tensor([3, 3, 5, 3, 8])
    same, other = pairs(labels)
    for i in range(5):
        for j in range(5):
            assert same[i, j] == (i != j and labels[i] == labels[j])
            assert other[i, j] == (labels[i] != labels[j])
