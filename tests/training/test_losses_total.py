import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the [training] extra is not installed: losses are not tested")
pytest.importorskip("pytorch_metric_learning", reason="the [training] extra is not installed: losses are not tested")

from agent.errors import ConfigError  # noqa: E402
from training.losses import Total, contrastive, distillation  # noqa: E402
from training.losses import names as all_names  # noqa: E402

unit_rows = torch.nn.functional.normalize

PRESET = {"distillation": {"weight": 2.0, "target": "as-is"}, "contrastive": {"weight": 0.2, "positive": 0.6}}


def rows(seed, count=12, dimension=6):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32))


def test_parts_are_weighted_and_rows_of_nobody_only_distilled():
    outputs, teacher = rows(0), unit_rows(rows(1))
    labels = torch.tensor([0, -1, 0, 1, -1, 1, 2, -1, -1, 2, 0, 1])
    parts = Total(PRESET, classes=3, dimension=6)(outputs, labels, teacher)
    unit, named = unit_rows(outputs), labels >= 0
    assert list(parts) == ["distillation", "contrastive"]
    torch.testing.assert_close(parts["distillation"], 2 * distillation(unit, teacher))
    torch.testing.assert_close(parts["contrastive"], 0.2 * contrastive(unit[named], labels[named], positive=0.6))


def test_the_length_of_the_outputs_only_matters_to_who_asks_for_it():
    labels, teacher = torch.arange(12) // 3, unit_rows(rows(1))
    total = Total({**PRESET, "adaface": {}}, classes=4, dimension=6)
    stretch = torch.linspace(1, 20, 12)[:, None]
    near, far = (total(outputs, labels, teacher) for outputs in (rows(0), rows(0) * stretch))
    torch.testing.assert_close(near["distillation"], far["distillation"])
    torch.testing.assert_close(near["contrastive"], far["contrastive"])
    assert near["adaface"] != far["adaface"]


@pytest.mark.parametrize(
    ("what", "labels"),
    [
        ("nobody is named", [-1] * 8),
        ("one picture is", [-1] * 7 + [3]),
        ("strangers only", list(range(8))),
        ("one person only", [0] * 8),
        ("nothing at all", []),
    ],
)
def test_every_batch_can_be_learnt_from(what, labels):
    """All losses together, and every parameter gets a gradient, which DistributedDataParallel wants."""
    torch.manual_seed(0)
    total = Total({name: {} for name in all_names()}, classes=8, dimension=6)
    known = unit_rows(rows(2, 60, 9)).numpy()
    total.prepare(known, np.arange(60) // 2)
    outputs = rows(3, len(labels)).requires_grad_()
    parts = total(outputs, torch.tensor(labels, dtype=torch.int64), torch.from_numpy(known[: len(labels)]))
    assert set(parts) == set(all_names())
    sum(parts.values()).backward()
    assert all(torch.isfinite(part) for part in parts.values()), what
    assert torch.isfinite(outputs.grad).all()
    assert all(parameter.grad is not None for parameter in total.parameters())


def test_cosines_are_taken_in_float32_whatever_the_net_runs_in():
    total, labels = Total(PRESET, classes=4, dimension=6), torch.arange(12) // 3
    outputs, teacher = rows(4), unit_rows(rows(5))
    want = total(outputs, labels, teacher)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(total(outputs, labels, teacher), want, rtol=0, atol=0)
    assert total(outputs.bfloat16(), labels, teacher)["contrastive"].dtype == torch.float32


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ({}, "nothing to train for"),
        ({"distilation": {}}, "did you mean 'distillation'"),
        ({"contrastive": {"weight": 0}}, r"\[loss.contrastive\] weight = 0: want a number above 0"),
        ({"contrastive": {"weight": "1"}}, "weight = '1'"),
        ({"contrastive": {"wait": 1}}, "'contrastive' has no option 'wait'"),
        ({"contrastive": 0.2}, r"\[loss.contrastive\] is a table"),
    ],
)
def test_a_preset_that_cannot_be_is_refused(preset, said):
    with pytest.raises(ConfigError, match=said):
        Total(preset, classes=4, dimension=6)


def test_a_label_beyond_the_people_is_refused():
    with pytest.raises(ValueError, match="a label is 4, but 4 people are named"):
        Total({"arcface": {}}, classes=4, dimension=6)(rows(0), torch.full((12,), 4))


def test_state_is_carried_over():
    torch.manual_seed(0)
    preset = {"adaface": {}, "arcface": {}, "bank": {}}
    first, second = (Total(preset, classes=4, dimension=6) for _ in range(2))
    known = unit_rows(rows(2, 60, 9)).numpy()
    for total in (first, second):
        total.prepare(known, np.full(60, -1))
    outputs, labels, teacher = rows(6), torch.arange(12) // 3, torch.from_numpy(known[:12])
    first(outputs, labels, teacher)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(first(outputs, labels, teacher), second(outputs, labels, teacher))
