"""The last layer learnt alone, for a second, on people who are drawn; and where centres of people begin."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make training")
pytest.importorskip("pytorch_metric_learning", reason="the [training] extra is not installed")

from torch import nn  # noqa: E402

from agent.errors import ConfigError  # noqa: E402
from training import nets, preset  # noqa: E402
from training.data.augment import NOTHING, Augmentation  # noqa: E402
from training.data.made_up import made_up  # noqa: E402
from training.last import _rows, learn_last  # noqa: E402
from training.loop.learner import embed, to_input  # noqa: E402
from training.loop.world import World  # noqa: E402
from training.losses.loss import means  # noqa: E402
from training.losses.total import Total  # noqa: E402
from training.nets.folding import last_layer, set_last_layer  # noqa: E402
from training.preset import Last  # noqa: E402
from training.sources import Pictures  # noqa: E402
from training.tasks import Task  # noqa: E402

ALONE = World(0, 1, torch.device("cpu"))
DRAWN = Last(samples=60, steps=60, rate=1e-2, batch=24, people=6, loss={"arcface": {"weight": 0.1}})
TAUGHT = DRAWN.model_copy(update={"rate": 1e-3, "loss": {"distillation": {"weight": 1.0, "target": "as-is"}}})


@pytest.fixture(scope="module")
def source():
    drawn = made_up(12, 6, seed=1)
    rows = np.random.default_rng(0).normal(size=(len(drawn), 16)).astype(np.float32)
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    return Pictures(replace(drawn, teacher=unit), Augmentation())


@pytest.fixture
def net(source):
    torch.manual_seed(0)
    net = nets.make("door", dimension=16, width=0.25)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # one look is enough to know what comes
    with torch.no_grad():
        net.train()(pictures(source))
    net.eval().fix(32)
    return net


def pictures(source):
    return to_input(np.stack([source.plain(int(row), 32) for row in source.collection.train]))


def test_only_the_last_layer_changes_and_the_same_seed_gives_the_same(net, source):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    learn_last(net, source, DRAWN, side=32, seed=3)
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    last, norm = (next(n for n, m in net.named_modules() if m is part) for part in net.embedding)
    assert changed
    assert {name.rpartition(".")[0] for name in changed} <= {last, norm}
    said = embed(net, np.stack([source.plain(0, 32)]))
    net.load_state_dict(before)
    learn_last(net, source, DRAWN, side=32, seed=3)
    np.testing.assert_allclose(embed(net, np.stack([source.plain(0, 32)])), said, rtol=1e-5, atol=1e-6)


def test_it_learns_what_it_is_asked_for(net, source):
    train = source.collection.train
    labels = torch.from_numpy(source.collection.identity[train])

    def apart():
        with torch.no_grad():
            unit = torch.nn.functional.normalize(net(pictures(source)))
        same = labels[:, None] == labels[None, :]
        alike = unit @ unit.T
        return float(alike[same].mean() - alike[~same].mean())

    before = apart()
    learn_last(net, source, DRAWN, side=32, seed=0)
    assert apart() > before + 0.02


def test_what_the_reference_encoders_say_is_turned_to_where_the_net_already_is(net, source):
    samples = np.stack([source.plain(row, 32) for row in range(len(source.collection))])
    before = embed(net, samples)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))
    taught = Pictures(replace(source.collection, teacher=(before @ turn).astype(np.float16)), NOTHING)
    learn_last(net, taught, TAUGHT, side=32, seed=0)  # nothing to learn
    assert (embed(net, samples) * before).sum(1).mean() > 0.98


def test_nets_of_sequences_have_a_last_layer_too():
    torch.manual_seed(0)
    net = nets.make("tcn", dimension=8, channels=3)
    with torch.no_grad():
        net.train()(torch.randn(20, 32, 3))
        net.eval()
        x = torch.randn(4, 32, 3)
        said = net(x)
        weight, bias = last_layer(net)
        set_last_layer(net, 2 * weight, 2 * bias + 1)
        torch.testing.assert_close(net(x), 2 * said + 1, rtol=1e-3, atol=1e-4)


def test_sequences_and_samples_without_reference_encoders_are_learnt_from(net):
    drawn = made_up(8, 3, seed=2)
    waves = np.random.default_rng(0).normal(size=(len(drawn), 32, 3)).astype(np.float32)
    source = Waves(replace(drawn, samples=waves, teacher=None))
    tcn = nets.make("tcn", dimension=8, channels=3)
    with torch.no_grad():
        tcn.train()(torch.from_numpy(waves))
    before = tcn.eval()(torch.from_numpy(waves[:2])).detach()
    learn_last(tcn, source, DRAWN.model_copy(update={"people": 96, "batch": 192}), side=None, seed=0)
    assert not torch.allclose(tcn(torch.from_numpy(waves[:2])), before)


class Waves:
    """Sequences as a source."""

    def __init__(self, collection):
        self.collection = collection

    def plain(self, row, side):
        return self.collection.samples[row]

    def varied(self, row, side, random):
        return self.collection.samples[row], True


def test_people_come_whole_and_others_have_room():
    drawn = made_up(12, 6, seed=1)
    identity = drawn.identity.copy()
    identity[drawn.train[::2]] = -1
    known = replace(drawn, identity=identity)
    rows = _rows(known, 16, np.random.default_rng(0))
    assert (np.diff(rows) > 0).all()
    assert len(rows) == 16
    taken = identity[rows]
    for person in set(taken[taken >= 0].tolist()):
        assert (taken == person).sum() == (identity[known.train] == person).sum()
    assert 4 <= (taken < 0).sum() < 16
    everybody = _rows(drawn, 10_000, np.random.default_rng(0))
    np.testing.assert_array_equal(everybody, np.sort(drawn.train))


def test_what_cannot_be_is_said_before_anything_is_trained(source, tmp_path):
    tiny = preset.load("tiny")

    def losses(last, source=source):
        export = tiny.export.model_copy(update={"last": last})
        return Task(tiny.model_copy(update={"export": export}), source, tmp_path, ALONE).losses()

    assert losses(DRAWN.model_copy(update={"people": 96, "batch": 512}))
    with pytest.raises(ConfigError, match=r"\[export.last\]: unknown loss 'arcfce'; did you mean 'arcface'"):
        losses(DRAWN.model_copy(update={"loss": {"arcfce": {}}}))
    with pytest.raises(ConfigError, match=r"\[export.last\]: the teacher has 16 dimensions"):
        losses(TAUGHT)
    alone = Pictures(replace(source.collection, teacher=None), Augmentation())
    with pytest.raises(ConfigError, match=r"\[export.last\]: this loss learns from reference embeddings"):
        losses(DRAWN.model_copy(update={"loss": {"distillation": {}}}), alone)
    with pytest.raises(ValueError, match="96 people with two pictures are more than batch = 100"):
        Last(batch=100, loss={"arcface": {}})


def test_centres_begin_at_the_mean_of_a_person_and_those_of_strangers_stay():
    rows = torch.nn.functional.normalize(torch.randn(7, 5, generator=torch.Generator().manual_seed(1)))
    labels = torch.tensor([0, 0, 2, -1, 2, 2, -1])
    mean, known = means(rows, labels, 4)
    assert known.tolist() == [True, False, True, False]
    for person in (0, 2):
        direct = sum(row for row, label in zip(rows, labels, strict=True) if label == person)
        torch.testing.assert_close(mean[person], direct / direct.norm())
    total = Total({"arcface": {}, "cosface": {}, "adaface": {}}, classes=4, dimension=5)
    kept = {name: p.detach().clone() for name, p in total.named_parameters()}
    total.meet(3 * rows, labels)
    for name, centres in total.named_parameters():
        now, was = (p if name.endswith("centres") else p.T for p in (centres.detach(), kept[name]))
        torch.testing.assert_close(now[[0, 2]], mean[[0, 2]])
        torch.testing.assert_close(now[[1, 3]], was[[1, 3]])


def test_several_centres_of_a_person_stay_apart():
    total = Total({"arcface": {"centres": 3}}, classes=4, dimension=5)
    (centres,) = total.parameters()
    before = centres.detach().clone()
    total.meet(torch.randn(6, 5), torch.tensor([0, 0, 1, 1, 2, 2]))
    torch.testing.assert_close(centres.detach(), before)
