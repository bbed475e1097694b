"""A run that is gone on with is as one without breaks: alone, in two processes, on machines that share no folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.fakes.ports import steady_port
from tests.training.shorts import written
from training import preset, sources
from training.errors import RunError
from training.learn import learn
from training.loop.run import Run, save
from training.loop.train import Trainer
from training.loop.world import World, joined
from training.tasks import Task

ROOT = Path(__file__).parents[2]
ALONE = World(0, 1, torch.device("cpu"))
HARD = {"look": 96, "classes": "adaface", "hard": 1.0, "optimiser": "muon", "samples": 192}
"""Looks after six steps: more than are drawn ahead."""
STEPS = 192 // 16 + 64 // 16


def chosen(folder, *, seed=0):
    return preset.load(str(written(folder, f"short-{seed}", seed=seed, **HARD)))


class Stopped(Task):
    """Somebody presses Ctrl-C when the loop asks for one batch too many."""

    def draw(self, phase, step):
        draw, left = super().draw(phase, step), iter(range(9))

        def drawn():
            if next(left, None) is None:
                raise KeyboardInterrupt
            return draw()

        return drawn


def trainer_of(one, folder, world=ALONE, task=Task):
    run = Run(folder)
    if world.leads:
        run.open(one)
    return Trainer(one, task(one, sources.make(one, None, folder), folder, world), run, world)


def gone(trainer):
    try:
        trainer.go()
    finally:
        trainer.task.close()
    return trainer


def stopped(one, folder, world=ALONE):
    """Leaves a run that was stopped three steps after the look of step 6."""
    with pytest.raises(KeyboardInterrupt):
        gone(trainer_of(one, folder, world, Stopped))


def same(one, other):
    """Compares two states to the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def state(folder):
    return torch.load(Run(folder).state, weights_only=True)


def test_a_run_stopped_between_two_looks_ends_as_one_that_ran_through(tmp_path):
    one = chosen(tmp_path)
    stopped(one, tmp_path / "twice")
    assert state(tmp_path / "twice")["step"] == 6
    assert state(tmp_path / "twice")["hard"][1].tolist() == [11, -1]  # from step 11 on batches go by what it saw
    twice, once = gone(trainer_of(one, tmp_path / "twice")), gone(trainer_of(one, tmp_path / "once"))
    assert twice.step == once.step == STEPS
    assert same(state(tmp_path / "twice"), state(tmp_path / "once"))
    assert [line["seen"] for line in Run(tmp_path / "twice").lines()] == [96, 192, 256]


@pytest.mark.parametrize("damage", [lambda whole: b"garbage", lambda whole: whole[:-200], lambda whole: b""])
def test_a_damaged_state_is_said(tmp_path, damage):
    one = chosen(tmp_path)
    first = trainer_of(one, tmp_path / "run")
    torch.save({"net": first.learner.module.state_dict()}, first.run.state)
    with pytest.raises(RunError, match=r"state\.pt cannot be gone on from: 'losses'; move it away"):
        trainer_of(one, tmp_path / "run")
    first.run.state.write_bytes(damage(first.run.state.read_bytes()))
    with pytest.raises(RunError, match=r"state\.pt cannot be gone on from"):
        trainer_of(one, tmp_path / "run")


def machine(rank, machines, ports, folder):
    """One of the machines, each with folders of its own; what it knows is left for the test."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": "0", "WORLD_SIZE": str(machines), "MASTER_ADDR": "127.0.0.1"}
    one, mine = chosen(folder), folder / f"machine-{rank}"
    os.environ["MASTER_PORT"] = str(ports[0])
    with joined("cpu") as world:
        stopped(one, mine / "twice", world)
        with pytest.raises(RunError, match="another preset"):
            world.from_leader(lambda: Run(mine / "twice").open(chosen(folder, seed=1)))
        twice = trainer_of(one, mine / "twice", world)
        torch.save(twice._state(), folder / f"first-{rank}.pt")  # before anything more is learnt
        torch.save(gone(twice)._state(), folder / f"twice-{rank}.pt")
        torch.save(gone(trainer_of(one, mine / "once", world))._state(), folder / f"once-{rank}.pt")
    os.environ["MASTER_PORT"] = str(ports[1])
    with pytest.raises(RunError, match="not those of the first process"):  # both, and neither waits for the other
        learn(chosen(folder, seed=1 + rank), folder / "third", data=None, work=folder)


@pytest.mark.timeout(400)  # four processes each load PyTorch
@pytest.mark.parametrize("machines", [2, 4])  # a sum of four depends on their order
def test_who_has_no_state_goes_on_from_the_leaders(tmp_path, machines):
    torch.multiprocessing.spawn(machine, (machines, (steady_port(), steady_port()), tmp_path), nprocs=machines)

    def left(*when):
        files = [tmp_path / f"{each}-{rank}.pt" for each in when for rank in range(machines)]
        return [torch.load(file, weights_only=True) for file in files]

    first, last = left("first"), left("twice", "once")
    assert first[0]["step"] == 6
    assert all(same(one, first[0]) for one in first)
    assert last[0]["step"] == STEPS
    assert all(same(one, last[0]) for one in last)
    assert not (tmp_path / "machine-1").exists()
    assert [line["seen"] for line in Run(tmp_path / "machine-0" / "twice").lines()] == [96, 192, 256]


def test_the_command_of_the_readme_trains_on_two_machines(tmp_path):
    one = chosen(tmp_path)
    start = tmp_path / "start.pt"
    save(trainer_of(one, tmp_path / "before").learner.net.state_dict(), start)
    port = steady_port()

    def agent(rank, weights):
        command = (
            f"-m torch.distributed.run --nnodes=2 --node-rank={rank} --nproc-per-node=1 --master-addr=127.0.0.1 "
            f"--master-port={port} -m -- training train --only-train --preset {tmp_path / 'short-0.toml'} "
            f"--run {tmp_path / str(rank)} --start {weights}"
        )
        options = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen([sys.executable, *command.split()], env=environment, **options)

    agents = [agent(0, start), agent(1, tmp_path / "nowhere.pt")]
    try:
        said = [process.communicate(timeout=110)[0] for process in agents]
    finally:
        for process in agents:
            process.terminate()
            process.wait(20)
    assert [process.returncode for process in agents] == [0, 0], said
    assert [line["seen"] for line in Run(tmp_path / "0").lines()] == [96, 192, 256]
    assert not (tmp_path / "1").exists()
    assert "eer" in said[0]
    assert "eer" not in said[1]
