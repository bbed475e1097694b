"""Losses that learn from reference encoders, and what turns those into the student's dimensions."""

from math import exp, log

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the [training] extra is not installed: losses are not tested")

from training.losses import distillation, make, relation  # noqa: E402
from training.losses.distil import against_bank  # noqa: E402
from training.losses.projection import Projection, leading, whitened  # noqa: E402


def unit(values):
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def rows(seed, count=12, dimension=6):
    return torch.from_numpy(unit(np.random.default_rng(seed).normal(size=(count, dimension))))


def teacher(seed, count=400, dimension=16):
    """(N, 16) float16: a few strong directions, and people of whom each has two pictures."""
    random = np.random.default_rng(seed)
    people = np.repeat(random.normal(size=(count // 2, dimension)), 2, axis=0) * np.geomspace(3, 0.1, dimension)
    return unit(people + random.normal(size=people.shape) * 0.2 + 0.3).astype(np.float16), np.arange(count) // 2


def test_distillation_and_relation_as_loops_have_them():
    student, other = rows(0), rows(1, dimension=9)
    assert float(distillation(student, rows(2))) == pytest.approx(
        np.mean([1 - float(s @ t) for s, t in zip(student, rows(2), strict=True)])
    )
    pairs = [(i, j) for i in range(12) for j in range(12) if i != j]
    want = np.mean([float(student[i] @ student[j] - other[i] @ other[j]) ** 2 for i, j in pairs])
    assert float(relation(student, other)) == pytest.approx(want)
    assert float(make("relation", classes=0, dimension=6)(student, torch.zeros(12), other)) == pytest.approx(want)


def test_bank_as_loops_have_it_and_look_alikes_do_not_count():
    student, target, bank = rows(3), rows(4), torch.cat([rows(5, 20), rows(4)])  # the pictures themselves are in it
    terms = []
    for s, t in zip(student, target, strict=True):
        others = [b for b in bank if float(t @ b) < 0.5]
        own = exp(float(s @ t) / 0.2)
        terms.append(-log(own / (own + sum(exp(float(s @ b) / 0.2) for b in others))))
    value = against_bank(student, target, bank, temperature=0.2, look_alike=0.5)
    assert float(value) == pytest.approx(np.mean(terms))
    alone = against_bank(student, target, target[:1], temperature=0.2, look_alike=-1)
    assert float(alone) == 0


@pytest.mark.parametrize("name", ["distillation", "relation", "bank"])
def test_slopes_are_finite_and_order_does_not_matter(name):
    known, identity = teacher(0)
    loss = make(name, classes=0, dimension=6)
    loss.prepare(known, identity)
    student = rows(6, 8).float().repeat(2, 1).requires_grad_()  # each picture twice
    target = torch.from_numpy(known[:8].astype(np.float32)).repeat(2, 1)
    labels = torch.full((16,), -1)
    value = loss(student, labels, target)
    value.backward()
    assert torch.isfinite(student.grad).all()
    order = torch.randperm(16)
    torch.testing.assert_close(loss(student[order], labels, target[order]), value)
    one = loss(student[:1], labels[:1], target[:1])
    assert torch.isfinite(one)


@pytest.mark.parametrize(
    ("name", "options"),
    [("distillation", {"target": "leading"}), ("distillation", {"target": "whitened"}), ("bank", {"rows": 50})],
)
def test_is_loaded_again_after_prepare(name, options):
    known, identity = teacher(1)
    made = [make(name, classes=0, dimension=6, **options) for _ in range(2)]
    for loss in made:
        loss.prepare(known, identity)
    made[0].prepare(known[::-1], identity)  # another epoch: the bank is another, the projection stays
    made[1].load_state_dict(made[0].state_dict())
    student, target = rows(7).float(), torch.from_numpy(known[:12].astype(np.float32))
    torch.testing.assert_close(*(loss(student, torch.zeros(12), target) for loss in made))


def test_a_bank_is_drawn_anew_each_time():
    known, identity = teacher(2)
    loss = make("bank", classes=0, dimension=6, rows=50)
    loss.prepare(known, identity)
    before, matrix = loss.bank, loss.projection.matrix
    loss.prepare(known, identity)
    assert before.shape == loss.bank.shape == (50, 6)
    assert not torch.equal(before, loss.bank)
    assert loss.projection.matrix is matrix


class TestProjection:
    def test_leading_keeps_as_much_of_the_similarities_as_can_be_kept(self):
        known, _ = teacher(3)
        x = known.astype(np.float64)
        values = np.linalg.svd(x)[1] ** 2
        kept = x @ leading(known, 6)
        lost = np.linalg.norm(x @ x.T - kept @ kept.T) ** 2
        assert lost == pytest.approx((values[6:] ** 2).sum(), rel=1e-2)

    def test_whitened_evens_directions_out(self):
        known, identity = teacher(4)
        spreads = []
        for shrinkage in (0.0, 0.5, 1.0):
            mean, matrix = whitened(known, identity, 8, shrinkage=shrinkage)
            made = unit(known.astype(np.float32) - mean) @ matrix
            values = np.linalg.eigvalsh(np.cov(made.T))
            spreads.append(values[-1] / values[0])
        assert spreads[0] < spreads[1] < spreads[2]

    def test_whitened_does_without_people_whom_nobody_knows(self):
        known, _ = teacher(5)
        for identity in (np.full(400, -1), np.arange(400)):
            _, matrix = whitened(known, identity, 8, shrinkage=0.0)
            assert np.isfinite(matrix).all()

    def test_makes_rows_of_unit_length(self):
        known, identity = teacher(6)
        for kind in ("leading", "whitened"):
            projection = Projection(kind, 6)
            projection.fit(known, identity)
            made = projection(torch.from_numpy(known.astype(np.float32)))
            torch.testing.assert_close(made.norm(dim=1), torch.ones(400))

    def test_says_what_does_not_fit(self):
        known, identity = teacher(7)
        with pytest.raises(ValueError, match="teacher has 16 dimensions; want 6: target 'leading'"):
            Projection("as-is", 6).fit(known, identity)
        with pytest.raises(ValueError, match="16 dimensions, fewer than the student's 32"):
            Projection("leading", 32).fit(known, identity)
        with pytest.raises(ValueError, match="call prepare"):
            make("distillation", classes=0, dimension=6)(rows(0), torch.zeros(12), rows(0, dimension=16))
        projection = Projection("leading", 6)
        projection.fit(known, identity)
        with pytest.raises(ValueError, match="teacher has 9 dimensions; want 16, as prepared"):
            projection(rows(0, dimension=9))
        with pytest.raises(ValueError, match="there are none"):
            make("distillation", classes=0, dimension=6)(rows(0), torch.zeros(12))


@pytest.mark.parametrize(
    ("name", "options"), [("distillation", {"target": kind}) for kind in ("leading", "whitened")] + [("bank", {})]
)
def test_a_target_is_turned_to_a_student_who_knows_it_in_other_directions(name, options):
    known, identity = teacher(8)
    loss = make(name, classes=0, dimension=6, **options)
    loss.prepare(known, identity)
    target = torch.from_numpy(known.astype(np.float32))
    wanted = loss.projection(target)
    student = wanted @ torch.linalg.qr(rows(9, 6).float()).Q  # all that is wanted, but turned
    best, before = loss(wanted, torch.zeros(400), target), loss(student, torch.zeros(400), target)
    loss.turn_to(student, target)
    torch.testing.assert_close(loss(student, torch.zeros(400), target), best, atol=1e-4, rtol=1e-3)
    assert best < before - 0.1
    torch.testing.assert_close(loss.projection(target) @ loss.projection(target).T, wanted @ wanted.T)
