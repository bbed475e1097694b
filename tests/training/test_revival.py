"""Channels that died: found, begun anew without changing what the net says, and held where they are a constant."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make training")

from torch import nn  # noqa: E402

from training import nets  # noqa: E402
from training.loop import optimisers  # noqa: E402
from training.loop.world import World  # noqa: E402
from training.nets.folding import LEAST_WEIGHT, hold_constants  # noqa: E402
from training.nets.revival import dead, revive  # noqa: E402
from training.preset import Optimiser  # noqa: E402

SAME = {"rtol": 1e-4, "atol": 1e-4}


def alive(family, pictures):
    """A net whose norms know what comes."""
    net = nets.make(family, dimension=24)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None
    net.train()(pictures)
    return net.eval()


@pytest.fixture
def pictures():
    torch.manual_seed(3)
    return torch.randn(8, 3, 48, 48).clamp(-1, 1)


@pytest.fixture(params=["door", "mobilefacenet"])
def net(request, pictures):
    """Of which half of each hidden map has died, at a constant."""
    torch.manual_seed(4)
    made = alive(request.param, pictures)
    for norm in hidden(made):
        with torch.no_grad():
            half = len(norm.weight) // 2
            norm.weight[:half] = 1e-9
            norm.bias[:half] = torch.linspace(-1, 8, half)  # cut off below, above, or neither
    return made.eval()


def hidden(net):
    for layer in net.layers:
        if hasattr(layer, "body"):
            yield from (part[1] for part in layer.body)
    yield net.layers[-5][1]


class TestRevival:
    def test_the_dead_are_counted(self, net, pictures):
        assert 0.3 < dead(net, pictures) < 0.6
        assert dead(alive("door", pictures), pictures) == 0

    def test_what_begins_anew_changes_nothing_that_is_said(self, net, pictures):
        with torch.no_grad():
            said = net(pictures)
        assert revive(net, pictures) > 500
        with torch.no_grad():
            torch.testing.assert_close(net(pictures), said, **SAME)

    def test_then_it_can_learn(self, net, pictures):
        """The hidden channels live at once; residual branches that begin at nought get a gradient."""
        before = dead(net, pictures)
        revive(net, pictures)
        assert dead(net, pictures) < before / 2
        net.train()(pictures).square().mean().backward()
        block = next(layer for layer in net.layers if getattr(layer, "residual", False))
        assert block.body[-1][1].weight.grad.abs().min() > 0
        assert block.body[-1][0].weight.grad.abs().amax((0, 2, 3)).min() > 0

    def test_a_net_that_lives_stays_as_it_is(self, pictures):
        net = alive("door", pictures)
        before = {name: value.clone() for name, value in net.state_dict().items()}
        assert revive(net, pictures) == 0
        assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())

    def test_nets_of_sequences_are_left_alone(self):
        net = nets.make("tcn", dimension=24, channels=5)
        assert revive(net, torch.randn(4, 32, 5)) == 0


class TestConstants:
    def test_they_stay_and_have_a_weight(self, net, pictures):
        with torch.no_grad():
            said = net(pictures)
            hold_constants(net)
            torch.testing.assert_close(net(pictures), said, rtol=1e-2, atol=2e-2)
        for run in net.modules():
            if isinstance(run, nn.Sequential) and len(run) > 1 and isinstance(run[1], nn.BatchNorm2d):
                scale = run[1].weight / (run[1].running_var + run[1].eps).sqrt()
                assert (run[0].weight * scale[:, None, None, None]).abs().amax((1, 2, 3)).min() > 0.9 * LEAST_WEIGHT


ALONE = World(0, 1, torch.device("cpu"))


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_scales_biases_and_depthwise_kernels_do_not_decay(name):
    net = nets.make("door", dimension=24)
    decaying, still = optimisers.make(net, nn.Identity(), Optimiser(name=name), ALONE).param_groups
    assert still["weight_decay"] == 0
    assert len(decaying["params"]) + len(still["params"]) == len(list(net.parameters()))
    assert all(p.ndim == 4 and p.shape[1] > 1 for p in decaying["params"])
