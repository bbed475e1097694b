"""The families: what they take and say, that fixing a size and unrolling change nothing, and what is folded."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.errors import ConfigError  # noqa: E402
from training import nets  # noqa: E402
from training.aligner.net import Aligner  # noqa: E402
from training.detector import Detector  # noqa: E402
from training.nets.folding import equalise, project  # noqa: E402
from training.nets.layers import ConvDepthwise, GlobalDepthwise, multiple  # noqa: E402

WEIGHTS = Path(__file__).parents[2] / "training" / "weights"
IMAGES = ["door", "mobilefacenet", "fast"]
SEQUENCES = ["gru", "tcn"]
SAME = {"rtol": 1e-3, "atol": 1e-4}


@pytest.fixture(autouse=True)
def _same_chance():
    torch.manual_seed(0)


def picture_net(family, width=0.25, dimension=24):
    """Small, with batch norms that have seen something."""
    net = nets.make(family, dimension=dimension, width=width)
    with torch.no_grad():
        net.train()(torch.randn(8, 3, 64, 64).clamp(-1, 1))
    return net.eval()


def sequence_net(family, dimension=24):
    net = nets.make(family, dimension=dimension, channels=5, width=16)
    with torch.no_grad():
        net.train()(torch.randn(8, 32, 5))
    return net.eval()


class TestFamilies:
    @pytest.mark.parametrize("family", IMAGES)
    @pytest.mark.parametrize("side", [48, 112])
    def test_pictures_of_any_size_become_vectors(self, family, side):
        net = picture_net(family)
        with torch.no_grad():
            assert net(torch.randn(2, 3, side, side)).shape == (2, net.dimension) == (2, 24)

    @pytest.mark.parametrize("family", SEQUENCES)
    def test_sequences_become_vectors(self, family):
        net = sequence_net(family)
        with torch.no_grad():
            assert net(torch.randn(3, 32, 5)).shape == (3, net.dimension) == (3, 24)

    @pytest.mark.parametrize("family", IMAGES)
    def test_narrow_nets_fill_the_vectors_of_int8_kernels(self, family):
        net = nets.make(family, dimension=64, width=0.75)
        convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
        assert [m.out_channels for m in convolutions if m.out_channels % 4] == []
        full = sum(p.numel() for p in nets.make(family, dimension=64).parameters())
        assert 0.4 < sum(p.numel() for p in net.parameters()) / full < 0.75

    def test_channels_are_rounded_to_eights(self):
        assert [multiple(n) for n in (1, 11, 12, 36, 84)] == [8, 8, 16, 40, 88]

    def test_a_net_that_does_not_exist(self):
        with pytest.raises(
            ConfigError, match="no net is called 'resnet': there are door, mobilefacenet, fast, gru, tcn"
        ):
            nets.make("resnet", dimension=64)

    def test_an_option_that_does_not_exist(self):
        with pytest.raises(ConfigError, match="the net 'door' has no depth: its options are width"):
            nets.make("door", dimension=64, depth=3)

    @pytest.mark.parametrize(
        ("family", "options", "wanted"),
        [
            ("door", {"width": "0.5"}, "width = '0.5': want a number above 0, 1024 at the most"),
            ("door", {"width": True}, "width = True: want a number"),
            ("fast", {"width": float("nan")}, "width = nan: want a number"),
            ("mobilefacenet", {"width": 0}, "width = 0: want a number above 0"),
            ("tcn", {"channels": 5, "width": 16.5}, "width = 16.5: want a whole number above 0"),
            ("tcn", {"channels": 5, "blocks": -1}, "blocks = -1: want a whole number above 0"),
            ("gru", {"channels": 5, "width": [16]}, r"width = \[16\]: want a whole number above 0"),
        ],
    )
    def test_an_option_that_cannot_be(self, family, options, wanted):
        with pytest.raises(ConfigError, match=f"the net '{family}': {wanted}"):
            nets.make(family, dimension=64, **options)

    @pytest.mark.parametrize(("family", "length"), [("door", 50), ("gru", 33)])
    def test_a_size_that_does_not_divide(self, family, length):
        options = {} if family == "door" else {"channels": 5}
        with pytest.raises(ConfigError, match=f"{length} .*want.* a multiple of"):
            nets.make(family, dimension=8, **options).fix(length)

    @pytest.mark.parametrize(
        ("name", "made"),
        [("encoder", lambda: nets.make("door", dimension=256)), ("detector", Detector), ("aligner", Aligner)],
    )
    def test_the_weights_that_are_kept_fit(self, name, made):
        net = made()
        net.load_state_dict(torch.load(WEIGHTS / f"{name}.pt", weights_only=True))


class TestTraining:
    def test_the_global_depthwise_layer_says_the_same_while_training(self):
        layer, x = GlobalDepthwise(8), torch.randn(2, 8, 4, 4)
        torch.nn.init.normal_(layer.weight)
        torch.testing.assert_close(layer.train()(x), layer.eval()(x))

    @pytest.mark.parametrize("stride", [1, 2])
    def test_a_depthwise_layer_learns_as_a_plain_one_in_bfloat16(self, stride):
        ours = ConvDepthwise(16, 16, 3, stride, 1, groups=16, bias=False)
        plain = torch.nn.Conv2d(16, 16, 3, stride, 1, groups=16, bias=False)
        plain.load_state_dict(ours.state_dict())
        x, said = torch.randn(4, 16, 8, 8), []
        for layer in (ours, plain):
            with torch.autocast("cpu", torch.bfloat16):
                y = layer(x)
            assert y.dtype == torch.bfloat16
            y.float().square().mean().backward()
            said += [y.float(), layer.weight.grad]
        torch.testing.assert_close(said[0], said[2], rtol=0.02, atol=0.02)
        torch.testing.assert_close(said[1], said[3], rtol=0.05, atol=0.01)

    def test_without_autocast_nothing_differs(self):
        ours = ConvDepthwise(16, 16, 3, 2, 1, groups=16)
        x = torch.randn(4, 16, 8, 8)
        assert torch.equal(ours(x), torch.nn.functional.conv2d(x, ours.weight, ours.bias, 2, 1, groups=16))

    @pytest.mark.parametrize("family", IMAGES + SEQUENCES)
    def test_every_weight_gets_a_gradient(self, family):
        pictures = family in IMAGES
        net = (picture_net if pictures else sequence_net)(family).train()
        with torch.autocast("cpu", torch.bfloat16):
            y = net(torch.randn(4, 3, 48, 48) if pictures else torch.randn(4, 32, 5))
        y.float().square().sum().backward()
        assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []

    @pytest.mark.parametrize("family", IMAGES)
    def test_fixing_a_size_changes_nothing(self, family):
        net, x = picture_net(family), torch.randn(2, 3, 64, 64)
        with torch.no_grad():
            said = net(x)
            net.fix(64)
            torch.testing.assert_close(net(x), said, **SAME)

    @pytest.mark.parametrize("family", SEQUENCES)
    def test_unrolling_changes_nothing(self, family):
        net, x = sequence_net(family), torch.randn(3, 32, 5)
        with torch.no_grad():
            said = net(x)
            net.fix(32)
            torch.testing.assert_close(net(x), said, **SAME)


class TestFolding:
    @pytest.mark.parametrize("family", IMAGES + SEQUENCES)
    def test_a_projection_is_taken_in(self, family):
        pictures = family in IMAGES
        net = (picture_net if pictures else sequence_net)(family)
        x = torch.randn(4, 3, 64, 64) if pictures else torch.randn(4, 32, 5)
        mean, matrix = torch.randn(24), torch.randn(24, 24)
        with torch.no_grad():
            want = (net(x) - mean) @ matrix
            project(net, mean, matrix)
            torch.testing.assert_close(net(x), want, rtol=1e-3, atol=1e-2)

    @pytest.mark.parametrize("family", IMAGES)
    def test_channels_are_made_even_and_nothing_is_said_otherwise(self, family):
        net, x = picture_net(family), torch.randn(8, 3, 64, 64).clamp(-1, 1)
        net.fix(64)
        head = net.layers[-5]
        with torch.no_grad():
            head[1].weight *= torch.linspace(0.01, 1, len(head[1].weight))  # awkward: a hundred times apart
            said, before = net(x), net.layers[:-4](x).amax((0, 2, 3))
            equalise(net, x)
            torch.testing.assert_close(net(x), said, **SAME)
            now = net.layers[:-4](x).amax((0, 2, 3))
        alive = before > 1e-3
        assert alive.sum() > 20
        torch.testing.assert_close(now[alive], torch.ones(int(alive.sum())))

    def test_the_maps_inside_of_blocks_are_made_even_too(self):
        net, x = picture_net("door"), torch.randn(8, 3, 64, 64).clamp(-1, 1)
        equalise(net, x)
        seen = []
        net.layers[2].body[0].register_forward_hook(lambda *parts: seen.append(parts[2].amax((0, 2, 3))))
        with torch.no_grad():
            net(x)
        assert (seen[0] > 1e-3).any()
        torch.testing.assert_close(seen[0][seen[0] > 1e-3], torch.ones(int((seen[0] > 1e-3).sum())))

    def test_a_channel_that_relu6_cuts_off_keeps_its_values(self):
        net, x = picture_net("door"), torch.randn(8, 3, 64, 64).clamp(-1, 1)
        net.fix(64)
        with torch.no_grad():
            net.layers[-5][1].bias[0] = 9
            said = net(x)
            equalise(net, x)
            assert net.layers[:-4](x)[:, 0].max() == 6
            torch.testing.assert_close(net(x), said, **SAME)

    def test_a_net_without_depthwise_layers_stays_as_it_is(self):
        net = sequence_net("tcn")
        before = {name: value.clone() for name, value in net.state_dict().items()}
        equalise(net, torch.randn(4, 32, 5))
        assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
