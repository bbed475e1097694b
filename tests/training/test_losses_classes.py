"""Losses that hold a centre for each person, against loops."""

from math import acos, cos, exp, log, pi, sin

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the [training] extra is not installed: losses are not tested")
pytest.importorskip("pytorch_metric_learning", reason="the [training] extra is not installed: losses are not tested")

from training.losses import make  # noqa: E402

NAMES = ["arcface", "cosface", "adaface"]
MARGINS = {  # of the target's angle; quality only for AdaFace
    "arcface": lambda angle, _: cos(angle + 0.5) if angle <= pi - 0.5 else cos(angle) - 0.5 * sin(0.5),
    "cosface": lambda angle, _: cos(angle) - 0.35,
    "adaface": lambda angle, q: cos(min(max(angle - 0.4 * q, 1e-3), pi - 1e-3)) - 0.4 * (1 + q),
}


def rows(seed, count=12, dimension=6):
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, dimension)))
    return torch.nn.functional.normalize(values)


def made(name, **options):
    torch.manual_seed(0)
    return make(name, classes=4, dimension=6, scale=8.0, **options).double()


def centres(loss):
    """(classes, ...) of unit length; several a person side by side."""
    values = loss.centres if hasattr(loss, "centres") else loss.loss.W.T
    return torch.nn.functional.normalize(values.detach())


def softmax_loss(loss, x, labels, margin, quality, *, each=1):
    terms = []
    for i in range(len(x)):
        near = [max(float(x[i] @ c) for c in centres(loss)[k * each : (k + 1) * each]) for k in range(4)]
        own = labels[i]
        near[own] = margin(acos(near[own]), quality[i])
        terms.append(-log(exp(8 * near[own]) / sum(exp(8 * c) for c in near)))
    return np.mean(terms)


@pytest.mark.parametrize("name", NAMES)
def test_as_loops_have_it(name):
    loss, x, labels = made(name), rows(0), torch.arange(12) % 4
    norms = torch.linspace(1, 9, 12, dtype=torch.float64)
    quality = [min(1, max(-1, (n - 5) / (norms.std(correction=0) + 1e-3) * 0.333)) for n in norms.tolist()]
    want = softmax_loss(loss, x, labels.tolist(), MARGINS[name], quality)
    assert float(loss(x, labels, norms=norms).detach()) == pytest.approx(want, rel=1e-6)


def test_of_several_centres_the_nearest_counts():
    loss, x, labels = made("arcface", centres=3), rows(1), torch.arange(12) % 4
    assert centres(loss).shape == (12, 6)
    want = softmax_loss(loss, x, labels.tolist(), MARGINS["arcface"], np.zeros(12), each=3)
    assert float(loss(x, labels).detach()) == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize(("name", "options"), [(name, {}) for name in NAMES] + [("arcface", {"centres": 2})])
@pytest.mark.parametrize("sign", [1, -1], ids=["on its centre", "opposite to it"])
def test_an_embedding_on_a_centre_has_a_finite_slope(name, options, sign):
    """Which pytorch-metric-learning alone does not give: an angle of zero has none."""
    loss = made(name, **options).float()
    x = (sign * centres(loss)).clone().requires_grad_()
    loss(x, torch.arange(len(x)) // (len(x) // 4), norms=torch.ones(len(x))).backward()
    for value in (x, *loss.parameters()):
        assert torch.isfinite(value.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_costs_nothing_but_reaches_every_parameter(name):
    loss, x = made(name), rows(2)[:0].requires_grad_()
    value = loss(x, torch.zeros(0, dtype=torch.int64), norms=torch.zeros(0))
    value.backward()
    assert float(value.detach()) == 0
    assert all((parameter.grad == 0).all() for parameter in loss.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_order_does_not_matter(name):
    x, labels, norms = rows(3), torch.arange(12) % 4, torch.rand(12).double()
    order = torch.randperm(12)
    values = [
        made(name)(x[rows_], labels[rows_], norms=norms[rows_]) for rows_ in (torch.arange(12), order, order.flip(0))
    ]
    torch.testing.assert_close(values[0], values[1])
    torch.testing.assert_close(values[0], values[2])


class TestAdaFace:
    def test_wants_lengths(self):
        with pytest.raises(ValueError, match="norms="):
            made("adaface")(rows(0), torch.arange(12) % 4)

    def test_of_pictures_that_are_all_alike_it_is_cosface(self):
        ada, other, x, labels = made("adaface", margin=0.35), made("cosface"), rows(4), torch.arange(12) % 4
        with torch.no_grad():
            other.loss.W.copy_(ada.centres.T)
        torch.testing.assert_close(ada(x, labels, norms=torch.full((12,), 3.0)), other(x, labels))

    def test_the_running_mean_moves_on_while_training_and_stays_put_otherwise(self):
        loss = made("adaface")
        loss.quality(torch.tensor([1.0, 3.0]))
        assert (float(loss.mean), float(loss.deviation)) == (2, 1)
        loss.quality(torch.tensor([12.0, 12.0]))
        assert float(loss.mean) == pytest.approx(2.1)
        assert float(loss.deviation) == pytest.approx(0.99)
        before = loss.eval().state_dict()["mean"].clone()
        assert loss.quality(torch.tensor([100.0, 0.0])).tolist() == [1.0, pytest.approx(-2.1 / 0.991 * 0.333, rel=1e-3)]
        assert loss.mean == before

    def test_no_slope_goes_through_the_lengths(self):
        norms = torch.rand(12, requires_grad=True)
        made("adaface")(rows(5).requires_grad_(), torch.arange(12) % 4, norms=norms.double()).backward()
        assert norms.grad is None
