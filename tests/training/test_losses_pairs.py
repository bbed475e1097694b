"""Losses on the pairs and triplets of a batch, against loops."""

from math import exp, log, log1p, sqrt

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the [training] extra is not installed: losses are not tested")
pytest.importorskip("pytorch_metric_learning", reason="the [training] extra is not installed: losses are not tested")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from training.losses import make  # noqa: E402

PAIRS = {
    "contrastive": {},
    "contrastive-euclidean": {},
    "infonce": {"temperature": 0.2},
    "supcon": {"temperature": 0.2},
    "circle": {"scale": 16.0},
    "multi-similarity": {"negative_scale": 10.0},
}
TRIPLETS = [
    {"mining": mining, "distance": distance, "soft": soft, **margin}
    for mining in ("all", "hard", "semi-hard", "batch-hard")
    for distance in ("cosine", "euclidean", "squared")
    for soft in (False, True)
    for margin in ({}, {"margin": 0.3})
]
CASES = list(PAIRS.items()) + [("triplet", options) for options in TRIPLETS]
IDS = [" ".join([name, *map(str, options.values())]) for name, options in CASES]


def rows(seed, count=14, dimension=5):
    values = np.random.default_rng(seed).normal(size=(count, dimension)) + 0.5
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def loss(name, options, embeddings, labels):
    made = make(name, classes=9, dimension=embeddings.shape[1], **options)
    return made(torch.from_numpy(np.asarray(embeddings)), torch.from_numpy(np.asarray(labels)))


def mean(values):
    return sum(values) / len(values) if values else 0.0


class Loops:
    """The same losses, one pair at a time."""

    def __init__(self, x, labels):
        self.x, self.labels, self.all = x, labels, range(len(x))

    def cosine(self, i, j):
        return float(self.x[i] @ self.x[j])

    def matches(self, i):
        return [j for j in self.all if j != i and self.labels[j] == self.labels[i]]

    def others(self, i):
        return [j for j in self.all if self.labels[j] != self.labels[i]]

    def contrastive(self):
        pull = [max(0, 0.5 - self.cosine(i, j)) ** 2 for i in self.all for j in self.matches(i)]
        push = [max(0, self.cosine(i, j) - 0.2) ** 2 for i in self.all for j in self.others(i)]
        return mean(pull) + mean([p for p in push if p > 0])

    def contrastive_euclidean(self):
        def far(i, j):
            return sqrt(sum((a - b) ** 2 for a, b in zip(self.x[i], self.x[j], strict=True)))

        pull = [far(i, j) ** 2 for i in self.all for j in self.matches(i)]
        push = [max(0, 1.25 - far(i, j)) ** 2 for i in self.all for j in self.others(i)]
        return mean(pull) + mean([p for p in push if p > 0])

    def infonce(self, temperature):
        def share(i, j):
            own = exp(self.cosine(i, j) / temperature)
            return own / (own + sum(exp(self.cosine(i, k) / temperature) for k in self.others(i)))

        return mean([-log(share(i, j)) for i in self.all for j in self.matches(i)])

    def supcon(self, temperature):
        terms = []
        for i in self.all:
            everybody = sum(exp(self.cosine(i, k) / temperature) for k in self.all if k != i)
            shares = [-log(exp(self.cosine(i, j) / temperature) / everybody) for j in self.matches(i)]
            terms += [mean(shares)] if shares else []
        return mean(terms)

    def circle(self, scale):
        m, terms = 0.25, []
        for i in self.all:
            near = sum(
                exp(-scale * max(0, 1 + m - s) * (s - 1 + m)) for s in (self.cosine(i, j) for j in self.matches(i))
            )
            far = sum(exp(scale * max(0, s + m) * (s - m)) for s in (self.cosine(i, j) for j in self.others(i)))
            terms += [log1p(near * far)] if near and far else []
        return mean([t for t in terms if t > 0])

    def multi_similarity(self, negative_scale):
        terms = []
        for i in self.all:
            near, far = [self.cosine(i, j) for j in self.matches(i)], [self.cosine(i, j) for j in self.others(i)]
            hard_near = [s for s in near if far and s - 0.1 < max(far)]
            hard_far = [s for s in far if near and s + 0.1 > min(near)]
            pull = log1p(sum(exp(-2 * (s - 0.5)) for s in hard_near)) / 2
            push = log1p(sum(exp(negative_scale * (s - 0.5)) for s in hard_far)) / negative_scale
            terms.append(pull + push)
        return mean(terms)

    def triplet(self, *, mining, distance, soft, margin=None):
        edge = 0.2 if margin is None else margin
        shift = 0 if soft and margin is None else edge
        costs = []
        for i in self.all:
            near = [self.distance(distance, i, j) for j in self.matches(i)]
            far = [self.distance(distance, i, j) for j in self.others(i)]
            if mining == "batch-hard":
                gaps = [max(near) - min(far)] if near and far else []
            else:
                gaps = [a - b for a in near for b in far]
            wanted = {"hard": lambda g: g >= 0, "semi-hard": lambda g: -edge <= g < 0}.get(mining, lambda _: True)
            costs += [log1p(exp(g + shift)) if soft else max(0, g + shift) for g in gaps if wanted(g)]
        return mean([c for c in costs if c > 0])

    def distance(self, kind, i, j):
        squared = sum((a - b) ** 2 for a, b in zip(self.x[i], self.x[j], strict=True))
        return {"cosine": 1 - self.cosine(i, j), "squared": squared, "euclidean": sqrt(squared)}[kind]


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
@pytest.mark.parametrize("labels", [np.arange(14) // 3, np.array([0, 0, 0, 0, 1, 2, 3, 1, 5, 6, 7, 7, 8, 2])])
def test_as_loops_have_it(name, options, labels):
    x = rows(0)
    want = getattr(Loops(x, labels), name.replace("-", "_"))(**options)
    assert want > 0
    assert float(loss(name, options, x, labels)) == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_has_a_finite_slope_whatever_the_batch(name, options):
    copies = np.repeat(rows(1, 4), 4, axis=0)
    batches = {
        "one picture many times, as the same person": (copies, np.arange(16) // 4),
        "one picture many times, as different people": (copies, np.arange(16) % 9),
        "all pictures the same": (np.repeat(rows(1, 1), 8, axis=0), np.arange(8) // 2),
        "strangers only": (rows(2, 9), np.arange(9)),
        "one person only": (rows(3, 6), np.zeros(6, np.int64)),
        "one picture": (rows(4, 1), np.zeros(1, np.int64)),
        "none": (rows(5, 4)[:0], np.zeros(0, np.int64)),
    }
    for what, (x, labels) in batches.items():
        embeddings = torch.tensor(x, dtype=torch.float32, requires_grad=True)
        value = make(name, classes=9, dimension=5, **options)(embeddings, torch.from_numpy(labels))
        value.backward()
        assert torch.isfinite(value), what
        assert value >= 0, what
        assert torch.isfinite(embeddings.grad).all(), what
        assert embeddings.grad.abs().max() < 100 if len(x) else True, what


@pytest.mark.parametrize("name", ["infonce", "supcon", "triplet", "circle", "multi-similarity"])
def test_costs_nothing_without_a_match_or_without_a_stranger(name):
    assert float(loss(name, {}, rows(2, 9), np.arange(9))) == 0
    assert float(loss(name, {}, rows(2, 9), np.zeros(9, np.int64))) == 0


@pytest.mark.parametrize(("name", "options"), CASES[: len(PAIRS) + 1], ids=IDS[: len(PAIRS) + 1])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_order_and_direction_do_not_matter(name, options, seed):
    """Neither the order of the rows, nor a turn of all of them together, nor which number a person has."""
    random = np.random.default_rng(seed)
    x, labels = rows(seed, 10), random.integers(0, 4, 10)
    turn, order = np.linalg.qr(random.normal(size=(5, 5)))[0], random.permutation(10)
    want = float(loss(name, options, x, labels))
    assert float(loss(name, options, x[order] @ turn, 8 - labels[order])) == pytest.approx(want, rel=1e-6, abs=1e-9)


def test_infonce_is_the_librarys_nt_xent():
    from pytorch_metric_learning.losses import NTXentLoss

    x, labels = torch.from_numpy(rows(3)), torch.arange(14) // 3
    torch.testing.assert_close(loss("infonce", {}, x, labels), NTXentLoss(temperature=0.07)(x, labels))


def test_squared_triplets_cost_twice_what_cosine_ones_do():
    x, labels = rows(4), np.arange(14) // 3
    cosine, squared = (
        loss("triplet", {"distance": distance, "margin": margin, "mining": "all"}, x, labels)
        for distance, margin in (("cosine", 0.1), ("squared", 0.2))
    )
    torch.testing.assert_close(squared, 2 * cosine)
