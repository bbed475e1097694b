"""Rounding in the way of a net: the same numbers as in the file, and less lost than by rounding afterwards."""

import copy

import pytest

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.errors import ConfigError, ModelError  # noqa: E402
from agent.hardware.engines.litert import LiteRtModel  # noqa: E402
from training import nets  # noqa: E402
from training.loop.learner import to_input  # noqa: E402
from training.parity import ask  # noqa: E402
from training.qat import finish_qat, observe, prepare_qat, tensor_ranges  # noqa: E402
from training.quantise import quantise  # noqa: E402
from training.rounding import Rounding, round_weights  # noqa: E402

pytestmark = pytest.mark.timeout(400)  # the first conversion of a session loads a compiler


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = nets.make("door", dimension=16, width=0.25)
    with torch.no_grad():
        net.train()(torch.randn(16, 3, 32, 32).clamp(-1, 1))
    net.eval().fix(32)
    return net


@pytest.fixture
def samples():
    return torch.randn(24, 3, 32, 32, generator=torch.Generator().manual_seed(1)).clamp(-1, 1)


def apart(net, other, samples):
    with torch.no_grad():
        return float((1 - torch.nn.functional.cosine_similarity(net(samples), other(samples))).mean())


class TestRounding:
    def test_to_one_of_256_values_with_zero_among_them(self):
        layer, x = Rounding(-1.0, 3.0), torch.linspace(-2, 4, 5000)
        y = layer(x).detach()
        assert len(y.unique()) == 256
        assert 0 in y
        inside = (x > -1) & (x < 3)
        assert (y - x)[inside].abs().max() <= 4 / 255 / 2 + 1e-6

    def test_a_range_without_zero_is_widened_to_it(self):
        assert Rounding(1.0, 3.0).ends() == (0.0, 3.0)

    def test_gradients_pass_inside_and_move_the_ends_outside(self):
        layer, x = Rounding(-1.0, 1.0), torch.tensor([-2.0, -0.3, 0.4, 5.0], requires_grad=True)
        layer(x).sum().backward()
        assert x.grad.tolist() == [0, 1, 1, 0]
        assert (layer.low.grad.item(), layer.high.grad.item()) == (1, 1)

    def test_weights_in_each_channel_by_its_widest(self):
        weight = torch.randn(3, 8) * torch.tensor([[1.0], [100.0], [0.0]])
        rounded = round_weights(weight)
        steps = rounded / (weight.abs().amax(1, keepdim=True) / 127).clamp(min=1e-9)
        torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)
        assert ((rounded - weight).abs() <= weight.abs().amax(1, keepdim=True) / 254 + 1e-6).all()


class TestTuned:
    def test_every_map_that_a_file_rounds_has_a_range(self, net, samples):
        ranges = observe(net, samples)
        convolutions = [n for n, m in net.named_modules() if isinstance(m, torch.nn.Conv2d)]
        assert set(convolutions) <= set(ranges)
        residuals = sum(getattr(m, "residual", False) for m in net.modules())
        assert len(ranges) == 1 + len(convolutions) + 1 + residuals  # the picture; the global depthwise layer
        assert ranges["input"] == (samples.min(), samples.max())
        assert all(low <= 0 <= high for low, high in ranges.values())

    def test_it_says_nearly_what_the_net_says_and_shares_its_weights(self, net, samples):
        tuned = prepare_qat(net, observe(net, samples))
        assert 1e-6 < apart(net, tuned, samples) < 0.05
        ours = {id(p) for p in net.parameters()}
        assert ours <= {id(p) for p in tuned.parameters()}
        assert len(tuned.state_dict()) == len({id(v) for v in tuned.state_dict().values()})

    def test_bfloat16_is_off(self, net, samples):
        tuned = prepare_qat(net, observe(net, samples))
        with torch.no_grad():
            plain = tuned(samples)
            with torch.autocast("cpu", torch.bfloat16):
                assert torch.equal(tuned(samples), plain)

    def test_a_copy_is_a_net_of_its_own(self, net, samples):
        tuned = prepare_qat(net, observe(net, samples))
        other = copy.deepcopy(tuned)
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.zero_()
        assert not any(p.any() for p in other.net.parameters())
        assert apart(net, tuned, samples) < 0.05

    def test_a_sequence_net_of_convolutions(self):
        torch.manual_seed(0)
        net, x = nets.make("tcn", dimension=8, channels=5, width=16).eval(), torch.randn(16, 32, 5)
        assert apart(net, prepare_qat(net, observe(net, x)), x) < 0.05

    def test_a_recurrent_net_is_refused(self):
        net = nets.make("gru", dimension=8, channels=5, width=16)
        with pytest.raises(ConfigError, match="use the family `tcn`"):
            observe(net, torch.randn(4, 32, 5))

    def test_ranges_of_another_net_are_refused(self, net):
        with pytest.raises(ConfigError, match="of another net: they lack input"):
            prepare_qat(net, {})


def test_tuning_wins_back_what_awkward_ranges_cost(net, samples):
    """One channel of the last map is 60 times as wide as the others, which are left four of 255 steps."""
    last = net.layers[-4]
    with torch.no_grad():
        head = net.layers[-5][1]
        head.weight *= 0.02
        head.bias *= 0.02
        last.weight *= 50
        head.weight[0], head.bias[0], last.weight[0] = 0.0, 5.5, 0.01
        teacher = net(samples)
    before = copy.deepcopy(net)
    ranges = observe(net, samples)
    afterwards = apart(before, prepare_qat(copy.deepcopy(net), ranges), samples)
    tuned = prepare_qat(net, ranges)
    optimiser = torch.optim.Adam(tuned.parameters(), lr=1e-3)
    tuned.train()
    for _ in range(16):
        optimiser.zero_grad()
        (1 - torch.nn.functional.cosine_similarity(tuned(samples), teacher)).mean().backward()
        optimiser.step()
    now = apart(before, tuned.eval(), samples)
    assert afterwards > 0.01
    assert now < 0.3 * afterwards
    finished, learnt = finish_qat(tuned)
    assert finished is net
    assert learnt != ranges


class TestFile:
    def test_the_file_rounds_as_the_net_did(self, net, samples, exported, tmp_path):
        files = exported("door")
        ranges = {name: (low * 0.7, high * 0.7) for name, (low, high) in observe(files.net, files.samples).items()}
        tuned = prepare_qat(copy.deepcopy(files.net), ranges)
        names = tensor_ranges(files.net, ranges, files.float_file, files.samples[:1])
        nhwc = [sample[None].permute(0, 2, 3, 1).contiguous().numpy() for sample in files.samples]
        quantise(files.float_file, nhwc, tmp_path / "net.tflite", ranges=names)
        model = LiteRtModel(tmp_path / "net.tflite", sha256=None)
        pixels = ((files.samples[:8] * 127.5 + 127.5).round().to(torch.uint8)).permute(0, 2, 3, 1).contiguous().numpy()
        with torch.no_grad():
            simulated = torch.nn.functional.normalize(tuned.eval()(to_input(pixels)))
            plain = torch.nn.functional.normalize(files.net(to_input(pixels)))
        said = torch.stack([torch.from_numpy(ask(model, sample)) for sample in pixels])
        far, near = (1 - (said * plain).sum(1)).mean(), (1 - (said * simulated).sum(1)).mean()
        assert near < 0.1 * far  # cut off at 0.7 of its range, the file is far from the net, and near the tuned one

    def test_a_file_of_another_net(self, net, samples, exported):
        files = exported("door")
        with torch.no_grad():
            net.layers[0][0].weight *= 1.5
        with pytest.raises(ModelError, match=r"no tensor holds what the net says at layers.0.0"):
            tensor_ranges(net, observe(net, samples), files.float_file, samples[:1])
