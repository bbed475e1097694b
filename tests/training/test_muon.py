"""Muon: what its steps are made of, alone, gone on with, and shared by two processes."""

import os
from pathlib import Path

import pytest

from tests.fakes.ports import steady_port

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make training")

from torch import nn  # noqa: E402

from agent.errors import ConfigError  # noqa: E402
from training import nets, preset  # noqa: E402
from training.detector import Detector  # noqa: E402
from training.loop import optimisers  # noqa: E402
from training.loop.muon import Muon, orthogonal  # noqa: E402
from training.loop.world import World, joined  # noqa: E402
from training.preset import Optimiser  # noqa: E402

ALONE = World(0, 1, torch.device("cpu"))


def net_of(seed):
    torch.manual_seed(seed)
    layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(6 * 36, 4, bias=False)]
    return nn.Sequential(*layers, *(nn.Linear(4, 4, bias=False) for _ in range(4)))


def optimiser_of(net, world=ALONE, *, turn=0.5):
    matrices = [net[0].weight, *(layer.weight for layer in net[3:])]  # six, the last four of one shape
    rest = [p for p in net.parameters() if all(p is not m for m in matrices)]
    return Muon([{"params": rest}], matrices, momentum=0.9, turn=turn, world=world, fast=False)


def learn(net, optimiser, steps, *, begin=0):
    for step in range(begin, begin + steps):
        pictures = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        net(pictures).pow(2).mean().backward()
        for group in optimiser.param_groups:
            group["lr"] = 0.1
        optimiser.step()
    return net


@pytest.mark.parametrize("shape", [(112, 224), (224, 112), (40, 40), (1, 30), (6, 27)])
@pytest.mark.parametrize("fast", [False, True])
def test_all_singular_values_are_about_one_and_the_directions_stay(shape, fast):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 7
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    made = orthogonal(matrix, fast=fast)
    assert made.dtype == matrix.dtype
    turned = left.T @ made @ right.T  # the identity, had the iteration all the time in the world
    told = values > 0.05 * values[0]  # what is smaller has not arrived after five rounds
    assert turned.diagonal()[told].min() > 0.6
    assert turned.diagonal().max() < 1.3
    assert (turned - torch.diag(turned.diagonal())).abs().max() < 0.1


def test_no_gradient_is_no_step_and_no_nan():
    assert not orthogonal(torch.zeros(4, 9)).any()
    net = net_of(0)
    optimiser, before = optimiser_of(net), net[3].weight.detach().clone()
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()
    torch.testing.assert_close(net[3].weight.detach(), before)


def test_a_matrix_goes_its_share_of_its_length_and_keeps_the_length():
    net = net_of(0)
    before = [net[0].weight.detach().clone(), net[3].weight.detach().clone()]
    learn(net, optimiser_of(net, turn=0.5), 1)  # at a rate of 0.1: a twentieth
    for was, now in zip(before, (net[0].weight.detach(), net[3].weight.detach()), strict=True):
        assert float(now.norm()) == pytest.approx(float(was.norm()), rel=1e-5)
        assert float((now - was).norm() / was.norm()) == pytest.approx(0.05, rel=0.05)


def test_everything_else_goes_as_with_plain_descent():
    net, plain = net_of(0), net_of(0)
    learn(net, optimiser_of(net), 1)
    learn(plain, torch.optim.SGD(plain.parameters(), momentum=0.9, nesterov=True), 1)
    torch.testing.assert_close(net[1].weight, plain[1].weight)
    torch.testing.assert_close(net[1].bias, plain[1].bias)


def test_what_is_saved_goes_on_as_it_would_have(tmp_path):
    through, first = net_of(0), net_of(0)
    learn(through, optimiser_of(through), 6)
    optimiser = optimiser_of(first)
    learn(first, optimiser, 3)
    torch.save({"net": first.state_dict(), "optimiser": optimiser.state_dict()}, tmp_path / "state.pt")
    state, second = torch.load(tmp_path / "state.pt", weights_only=True), net_of(1)
    second.load_state_dict(state["net"])
    optimiser = optimiser_of(second)
    optimiser.load_state_dict(state["optimiser"])
    learn(second, optimiser, 3, begin=3)
    for mine, theirs in zip(second.parameters(), through.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def half(rank, port, folder):
    """One of two processes, each of which makes the steps of one matrix."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": "0", "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with joined("cpu") as world:
        net = net_of(0)
        optimiser = optimiser_of(net, world)
        learn(net, optimiser, 3)
        torch.save({"net": net.state_dict(), "states": optimiser.state_dict()["state"]}, Path(folder) / f"{rank}.pt")


def test_two_processes_share_the_work_and_end_where_one_does(tmp_path):
    torch.multiprocessing.spawn(half, (steady_port(), str(tmp_path)), nprocs=2)
    alone = net_of(0)
    learn(alone, optimiser_of(alone), 3)
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(one["net"][name], value)
        assert torch.equal(one["net"][name], other["net"][name])
    for mine, theirs in zip(one["states"].values(), other["states"].values(), strict=True):
        assert all(torch.equal(value, theirs[name]) for name, value in mine.items() if value is not None)


def test_matrices_of_one_shape_are_turned_as_each_alone():
    matrices = torch.randn(3, 9, 14, generator=torch.Generator().manual_seed(4))
    for together, alone in zip(orthogonal(matrices), matrices, strict=True):
        torch.testing.assert_close(together, orthogonal(alone))


def test_a_preset_turns_the_matrices_of_the_encoder_alone():
    net, others = nets.make("door", dimension=24, width=0.25), nn.Conv2d(8, 4, 1)
    rest, still, turning = optimisers.make(net, others, Optimiser(name="muon"), ALONE).param_groups
    assert [id(p) for p in rest["params"]] == [id(others.weight)]
    assert still["weight_decay"] == turning["weight_decay"] == 0
    assert all(p.ndim in (2, 4) and p.shape[1] > 1 for p in turning["params"])
    everything = {id(p) for p in (*net.parameters(), *others.parameters())}
    assert everything == {id(p) for group in (rest, still, turning) for p in group["params"]}


def test_a_detector_turns_what_a_norm_is_behind():
    net = Detector(stem=8, widths=(8, 16, 16, 16))
    rest, _, turning = optimisers.make(net, nn.ModuleList(), Optimiser(name="muon"), ALONE).param_groups
    last = [part.weight for head in net.heads for part in (head.score, head.box, head.points)]
    assert {id(p) for p in rest["params"]} == {id(p) for p in last}
    assert id(net.stem[0][0].weight) in {id(p) for p in turning["params"]}


def test_nets_without_norms_are_refused():
    chosen = preset.load("signature-online").model_dump()
    gru = {**chosen, "net": {"family": "gru"}, "optimiser": {"name": "muon"}}
    with pytest.raises(ValueError, match="gru without norms"):
        preset.Preset.model_validate(gru)
    assert preset.Preset.model_validate({**gru, "net": {"family": "tcn"}}).optimiser.name == "muon"


def test_a_matrix_without_a_length_gets_one():
    net = net_of(0)
    with torch.no_grad():
        net[3].weight.zero_()
    optimiser = optimiser_of(net)
    optimiser.param_groups[-1]["lr"] = 0.1
    net[3].weight.grad = torch.randn(4, 6 * 36)
    optimiser.step()
    assert float(net[3].weight.detach().norm()) == pytest.approx(2.0, rel=1e-3)  # four rows of length one


def test_a_preset_that_names_another_is_told_which_there_are(tmp_path):
    file = tmp_path / "mine.toml"
    text = (preset.FOLDER / "tiny.toml").read_text().replace('name = "adamw"', 'name = "adam"')
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"optimiser\.name.*'muon'"):
        preset.load(str(file))
