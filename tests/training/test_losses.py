from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the [training] extra is not installed: losses and nets are not tested")

from training.losses import contrastive, distillation, relation  # noqa: E402
from training.nets.folding import equalise, project  # noqa: E402
from training.nets.images import door  # noqa: E402

WEIGHTS = Path(__file__).parents[1] / "training" / "weights" / "encoder.pt"


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


@pytest.mark.parametrize("side", [48, 64, 80, 112])
def test_one_encoder_takes_several_sizes(side):
    net = door(dimension=256).eval()
    x = torch.randn(2, 3, side, side)
    with torch.no_grad():
        before = net(x)
        net.fix(side)
        torch.testing.assert_close(net(x), before)
    assert before.shape == (2, 256)


def test_a_map_made_even_says_the_same():
    net = door(dimension=256).eval()
    net.load_state_dict(
        torch.load(Path(__file__).parents[1] / "training" / "weights" / "encoder.pt", weights_only=True)
    )
    x = torch.randn(8, 3, 64, 64).clamp(-1, 1)
    with torch.no_grad():
        said, widest = net(x), net.layers[:-4](x).amax((0, 2, 3))
        equalise(net, x)
        torch.testing.assert_close(net(x), said, rtol=1e-3, atol=1e-4)
        now = net.layers[:-4](x).amax((0, 2, 3))
    alive = widest > 1e-3
    assert alive.sum() > 50
    torch.testing.assert_close(now[alive], torch.ones(int(alive.sum())))
    assert (now[~alive] <= 1).all()


def test_an_encoder_projected_says_its_outputs_projected():
    net, generator = door(dimension=256).eval(), torch.Generator().manual_seed(0)
    net.load_state_dict(torch.load(WEIGHTS, weights_only=True))
    x = torch.rand(4, 3, 64, 64, generator=generator) * 2 - 1
    mean, matrix = torch.randn(256, generator=generator), torch.randn(256, 256, generator=generator)
    with torch.no_grad():
        want = (net(x) - mean) @ matrix
        project(net, mean, matrix)
        torch.testing.assert_close(net(x), want, rtol=1e-3, atol=1e-2)


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
    assert kept[0] == pytest.approx(kept[1], rel=0.1)
