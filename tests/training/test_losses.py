import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the [training] extra is not installed: losses and nets are not tested")

from training.losses import contrastive, distillation, relation  # noqa: E402


def rows(seed, count=12, dimension=6):
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32))
    return torch.nn.functional.normalize(values)


def test_distillation_and_relation_as_two_loops_have_them():
    student, teacher = rows(0), rows(1)
    direct = np.mean([1 - float(s @ t) for s, t in zip(student, teacher, strict=True)])
    assert float(distillation(student, teacher)) == pytest.approx(direct, abs=1e-6)
    pairs = [
        float(student[i] @ student[j] - teacher[i] @ teacher[j]) ** 2 for i in range(12) for j in range(12) if i != j
    ]
    assert float(relation(student, teacher)) == pytest.approx(np.mean(pairs), abs=1e-6)
    assert float(relation(student, student @ torch.linalg.qr(torch.randn(6, 6)).Q)) == pytest.approx(0, abs=1e-6)


def test_contrastive_as_two_loops_have_it():
    embeddings, labels = rows(2), torch.arange(12) // 3
    pull, push = [], []
    for i in range(12):
        for j in range(12):
            cosine = float(embeddings[i] @ embeddings[j])
            if i != j and labels[i] == labels[j]:
                pull.append(max(0.0, 0.5 - cosine) ** 2)
            elif labels[i] != labels[j] and cosine > 0.2:
                push.append((cosine - 0.2) ** 2)
    assert float(contrastive(embeddings, labels)) == pytest.approx(np.mean(pull) + np.mean(push), abs=1e-6)


def test_contrastive_of_strangers_only_and_of_one_person_only():
    far = torch.eye(6)
    assert float(contrastive(far, torch.arange(6))) == 0.0
    assert float(contrastive(torch.ones(4, 3) / 3**0.5, torch.zeros(4, dtype=torch.int64))) == 0.0


def test_whitening_evens_out_what_differs_within_people_and_between_kinds_of_them():
    from training.finish import whitening

    rng = np.random.default_rng(1)
    identity = np.repeat(np.arange(200), 3)
    light, kinds = np.array([3, 0.3, 0.3, 0.3]), np.array([0.3, 3, 0.3, 0.3])  # how much of it in each direction
    people = (rng.normal(size=(200, 4))[identity] * 0.3 + rng.normal(size=(600, 4)) * light).astype(np.float32)
    everybody = (rng.normal(size=(900, 4)) * kinds).astype(np.float32)
    matrix = whitening(people, identity, everybody)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-5)
    kept = np.diag(matrix)
    assert max(kept[:2]) < 0.7 * min(kept[2:])
    assert kept[1] < kept[0]  # what tells kinds of people apart counts for more


def test_of_few_pictures_little_is_whitened():
    from training.finish import whitening

    def gains(count):
        rows = np.random.default_rng(2).normal(size=(count, 32)).astype(np.float32) * np.linspace(0.2, 2, 32)
        spread = np.linalg.eigvalsh(whitening(rows, np.arange(count) // 2, rows))
        return spread[-1] / spread[0]

    assert gains(12) < 1.4
    assert gains(600) > 1.8
