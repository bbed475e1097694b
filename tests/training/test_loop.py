"""The loop itself, for seconds, on people who are drawn: alone, in two processes, resumed, refused and killed."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.errors import ConfigError
from tests.training.shorts import written
from training import preset, sources
from training.errors import RunError
from training.loop.average import Average
from training.loop.pace import Meter, schedule, told
from training.loop.run import Run, load_weights, read, save
from training.loop.train import Trainer, refuse_uneven
from training.loop.world import JEMALLOC, World, _wait, allocating, choose, joined
from training.losses.loss import means
from training.tasks import Task

ROOT = Path(__file__).parents[2]
ALONE = World(0, 1, torch.device("cpu"))


def trained(chosen, folder):
    run = Run(folder)
    run.open(chosen)
    task = Task(chosen, sources.make(chosen, None, folder), folder, ALONE)
    try:
        trainer = Trainer(chosen, task, run, ALONE)
        trainer.go()
    finally:
        task.close()
    return trainer


def command(*arguments, environment=None):
    return [sys.executable, "-m", "training", *arguments], {
        "env": {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        "cwd": ROOT,
    }


def test_a_run_leaves_weights_log_and_curves_and_goes_on_where_it_was(tmp_path):
    chosen = preset.load(str(written(tmp_path)))
    first = trained(chosen, tmp_path / "run")
    assert (first.step, first.phase, first.seen) == (8, 1, 64)
    lines = Run(tmp_path / "run").lines()
    assert [(line["phase"], line["seen"]) for line in lines] == [(1, 64), (2, 128)]
    assert set(lines[0]["loss"]) == {"contrastive", "arcface"}
    assert 0 <= lines[1]["val"]["eer"] <= 1
    assert lines[0]["pace"]["samples_per_second"] > 0
    assert (tmp_path / "run" / "curves.png").stat().st_size > 10_000
    assert not list((tmp_path / "run").glob("*.part"))
    again = trained(chosen, tmp_path / "run")  # done already: nothing is added
    assert (again.step, len(Run(tmp_path / "run").lines())) == (8, 2)
    for mine, theirs in zip(first.average.net.parameters(), again.average.net.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_one_phase_alone_goes_on_from_weights(tmp_path):
    chosen = preset.load(str(written(tmp_path)))
    trained(chosen, tmp_path / "run")
    last = chosen.alone(2)
    assert [phase.side for phase in last.phase] == [48]
    run = Run(tmp_path / "on")
    run.open(last)
    task = Task(last, sources.make(last, None, tmp_path), tmp_path, ALONE)
    start = Run(tmp_path / "run").weights
    trainer = Trainer(last, task, run, ALONE, start=start)
    assert run.start.read_text() == f"{hashlib.sha256(start.read_bytes()).hexdigest()}\n"
    train = task.collection.train
    seen = torch.from_numpy(task.embed(trainer.average.net, train, 48))
    mean, known = means(seen, torch.from_numpy(task.labels[train]), task.classes)
    assert known.all()
    torch.testing.assert_close(trainer.learner.losses.losses["arcface"].loss.W.detach(), mean.T, rtol=0, atol=0.02)
    trainer.go()
    task.close()
    assert [(line["phase"], line["seen"]) for line in run.lines()] == [(1, 64)]
    with pytest.raises(ConfigError, match="short has 2 phases, and no phase 3"):
        chosen.alone(3)


def test_a_training_that_diverges_leaves_what_was_good(tmp_path):
    chosen = preset.load(str(written(tmp_path)))
    far = chosen.phase[1].model_copy(update={"peak_rate": 1e30, "last_rate": 1e30})
    chosen = chosen.model_copy(update={"phase": (chosen.phase[0], far)})
    with pytest.raises(RunError, match=r"diverged: .*the net came to what is no number.* of the look before"):
        trained(chosen, tmp_path / "run")
    run = Run(tmp_path / "run")
    kept = read(run.state)
    assert (kept["phase"], kept["seen"]) == (0, 64)
    assert all(each.isfinite().all() for each in (*read(run.weights).values(), *kept["net"].values()))
    assert [line["seen"] for line in run.lines()] == [64]


def test_a_run_goes_on_with_the_weights_that_it_began_with_alone(tmp_path):
    chosen = preset.load(str(written(tmp_path)))
    task = Task(chosen, sources.make(chosen, None, tmp_path), tmp_path, ALONE)
    run, one, other = Run(tmp_path / "run"), tmp_path / "one.pt", tmp_path / "other.pt"
    for seed, file in enumerate((one, other)):
        torch.manual_seed(seed)
        save(task.module().state_dict(), file)
    run.open(chosen)
    save(Trainer(chosen, task, run, ALONE, start=one)._state(), run.state)
    run.write({"seen": 64})
    for same in (one, None):
        Trainer(chosen, task, run, ALONE, start=same)
    with pytest.raises(RunError, match=r"did not begin with .*other\.pt: leave --start out to go on"):
        Trainer(chosen, task, run, ALONE, start=other)
    assert run.lines() == [{"seen": 64}]
    run.state.unlink()
    Trainer(chosen, task, run, ALONE)  # begins anew, and so does its log
    assert run.lines() == []
    assert not run.start.exists()


def test_a_look_on_the_way_draws_whole_people(tmp_path, monkeypatch):
    """The first rows may be of as many people."""
    monkeypatch.setattr("training.tasks.MOST_LOOKED_AT", 8)
    chosen = preset.load(str(written(tmp_path)))
    chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"pictures": 2, "people": 40})})
    source = sources.make(chosen, None, tmp_path)
    val = source.collection.val.reshape(-1, 2)
    source.collection = replace(source.collection, val=val.T.flatten())
    task = Task(chosen, source, tmp_path, ALONE)
    assert 0 <= task.look(task.module(), chosen.phase[0])["eer"] <= 1


def test_the_same_preset_gives_the_same_weights(tmp_path):
    chosen = preset.load(str(written(tmp_path)))
    one, other = trained(chosen, tmp_path / "one"), trained(chosen, tmp_path / "other")
    for mine, theirs in zip(one.learner.net.parameters(), other.learner.net.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_a_folder_of_another_preset_is_not_trained_on(tmp_path):
    trained(preset.load(str(written(tmp_path))), tmp_path / "run")
    with pytest.raises(RunError, match="another preset"):
        Run(tmp_path / "run").open(preset.load(str(written(tmp_path, samples=128))))
    words = preset.load(str(written(tmp_path))).model_copy(update={"about": "the same in other words"})
    Run(tmp_path / "run").open(words)  # goes on
    assert Run(tmp_path / "run").preset() == words
    with pytest.raises(RunError, match="nothing was trained here"):
        Run(tmp_path).preset()


def test_damaged_weights_and_those_of_another_net_are_said(tmp_path):
    (tmp_path / "encoder.pt").write_bytes(b"garbage")
    with pytest.raises(RunError, match="not the weights of this net"):
        load_weights(torch.nn.Linear(2, 2), tmp_path / "encoder.pt")
    save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "encoder.pt")
    with pytest.raises(RunError, match="not the weights of this net"):
        load_weights(torch.nn.Linear(2, 2), tmp_path / "encoder.pt")


def test_two_processes_train_one_net(tmp_path):
    file = written(tmp_path, optimiser="muon")  # whose work is shared, too
    arguments, options = command("train", "--preset", str(file), "--run", str(tmp_path / "run"), "--only-train")
    done = subprocess.run(
        [*arguments, "--processes", "2"], **options, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["seen"] for line in lines] == [64, 128]
    assert "eer" in done.stdout


def test_a_batch_that_cannot_be_shared_evenly_is_said(tmp_path):
    chosen = preset.load(str(written(tmp_path)))
    refuse_uneven(chosen, World(0, 4, torch.device("cpu")))
    with pytest.raises(RunError, match="3 processes cannot share a batch of 16 with 4 people"):
        refuse_uneven(chosen, World(0, 3, torch.device("cpu")))


def test_nobody_trains_on_when_the_program_is_killed(tmp_path):
    file = written(tmp_path, samples=10_000_000, look=10_000_000)
    arguments, options = command("train", "--preset", str(file), "--run", str(tmp_path / "run"), "--processes", "2")
    process = subprocess.Popen(arguments, **options, start_new_session=True)
    deadline = time.monotonic() + 100
    while len(members(process.pid)) < 5 and time.monotonic() < deadline:  # it, two at work, and who draws for them
        time.sleep(0.2)
    assert len(members(process.pid)) >= 5
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert members(process.pid) == []


@pytest.mark.parametrize("others", ["sleep 100", "exit 1"], ids=["the others wait for it", "or fail for lack of it"])
def test_a_process_that_is_killed_is_named(others):
    killed = subprocess.Popen(["/bin/sh", "-c", "kill -9 $$"])
    killed.wait(10)
    with pytest.raises(RunError, match=r"process 1 of 2 was killed by signal 9, out of memory .* again to go on"):
        _wait([subprocess.Popen(["/bin/sh", "-c", others]), killed])


def test_ctrl_c_ends_everybody_without_a_traceback(tmp_path):
    file = written(tmp_path, samples=10_000_000, look=10_000_000)
    arguments, options = command("train", "--preset", str(file), "--run", str(tmp_path / "run"), "--only-train")
    options |= {"start_new_session": True, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(arguments, **options)
    try:
        deadline = time.monotonic() + 100
        while len(members(process.pid)) < 3 and time.monotonic() < deadline:  # it, who learns, and who draws
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert "Traceback" not in said
        assert members(process.pid) == []
    finally:
        for left in members(process.pid):
            os.kill(left, signal.SIGKILL)


def members(session):
    """The processes of a session that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_numbers_are_exact_again_after_a_training():
    tiny = torch.tensor([1e-310], dtype=torch.float64)
    with joined("cpu"):
        assert float(tiny * 0.5) == 0
    assert float(tiny * 0.5) > 0


def test_jemalloc_is_preloaded_where_nothing_else_is_and_not_beside_openvino():
    there = next((library for library in JEMALLOC if Path(library).exists()), None)
    assert allocating({"HOME": "/"}, jemalloc=True).get("LD_PRELOAD") == there
    assert allocating({"LD_PRELOAD": "libother.so"}, jemalloc=True) == {"LD_PRELOAD": "libother.so"}
    assert allocating({"HOME": "/"}, jemalloc=False) == {"HOME": "/"}
    assert allocating({"LD_PRELOAD": "libother.so"}, jemalloc=False) == {"LD_PRELOAD": "libother.so"}
    assert allocating({"HOME": "/", "LD_PRELOAD": "/usr/lib/libjemalloc.so.2"}, jemalloc=False) == {"HOME": "/"}


@pytest.mark.parametrize(
    ("wanted", "rank", "gpus", "device"),
    [
        ("auto", 0, 0, "cpu"),
        ("auto", 1, 0, "cpu"),
        ("auto", 0, 1, "cuda:0"),
        ("auto", 1, 2, "cuda:1"),
        ("cuda", 1, 2, "cuda:1"),
        ("cpu", 3, 1, "cpu"),
    ],
)
def test_every_process_has_a_gpu_of_its_own_where_there_are_some(wanted, rank, gpus, device):
    assert choose(wanted, rank, gpus=gpus) == torch.device(device)


@pytest.mark.parametrize(
    ("wanted", "rank", "gpus", "words"),
    [
        ("cuda", 0, 0, "there is no GPU .* say --device cpu"),
        (
            "auto",
            1,
            1,
            "process 2 of this machine has no GPU of its own, there is 1: say --processes 1 .*, or --device cpu",
        ),
        ("cuda", 3, 2, "process 4 .* there are 2: say --processes 2 .*--device cpu"),
        ("tpu", 0, 1, "no device tpu: want auto, cpu or cuda"),
    ],
)
def test_a_gpu_that_is_not_there_is_an_error(wanted, rank, gpus, words):
    with pytest.raises(RunError, match=words):
        choose(wanted, rank, gpus=gpus)


def test_unknown_augmentation_is_said():
    tiny = preset.load("tiny")
    with pytest.raises(ConfigError, match="has no rainn: there are mirror"):
        sources.augmentation(tiny.model_copy(update={"augment": {"rainn": 1.0}}))
    with pytest.raises(ConfigError, match="glasses: want numbers"):
        sources.augmentation(tiny.model_copy(update={"augment": {"glasses": "often"}}))


def test_the_rate_rises_and_falls():
    rates = [schedule(step / 100, 1.0, 0.1) for step in range(101)]
    assert rates[0] < 0.02
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.1)
    assert all(a >= b for a, b in pairwise(rates[2:]))


def test_the_average_is_what_a_loop_makes_of_it():
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    average, expected = Average(net, 0.5), net[0].weight.detach().clone()
    for step in range(1, 6):
        with torch.no_grad():
            net[0].weight += 1
        net[1].num_batches_tracked += 1
        average.update(net)
        keep = min(0.5, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * net[0].weight.detach()
    torch.testing.assert_close(average.net[0].weight, expected)
    assert int(average.net[1].num_batches_tracked) == 5


def test_the_meter_counts_what_it_measured_and_begins_anew():
    meter = Meter()
    with meter.measuring("step"):
        time.sleep(0.01)
    meter.count(10)
    figures = meter.read()
    assert 0 < figures["samples_per_second"] <= 1000
    assert figures["waiting"] == 0
    assert list(told(figures | {"loader": 5.0})) == ["samples/s", "step/s", "loader/s", "waiting"]
    assert meter.read()["samples_per_second"] == 0


def test_maps_are_even_and_a_hint_leaves_mirrored_pictures_out(tmp_path):
    from training.data.errors import DataError
    from training.hints import Hinted, Maps, hint_loss
    from training.nets import make

    with pytest.raises(DataError, match=r"maps\.npy is missing"):
        Maps(tmp_path, np.arange(3))
    raw = np.random.default_rng(0).normal(3, 2, (50, 7, 7, 4)).astype(np.float16)
    np.save(tmp_path / "maps.npy", raw)
    maps = Maps(tmp_path, np.arange(50))
    even = maps[np.arange(50)].astype(np.float32)
    np.testing.assert_allclose(even.mean((0, 1, 2)), 0, atol=0.01)
    np.testing.assert_allclose(even.std((0, 1, 2)), 1, atol=0.01)
    net = Hinted(make("door", dimension=8, width=0.125), maps.shape)
    raw_out, said = net(torch.randn(3, 3, 48, 48))
    assert raw_out.shape == (3, 8)
    assert said.shape == (3, 4, 7, 7)
    true, plain = torch.randn(3, 7, 7, 4), torch.tensor([True, False, True])
    direct = np.mean([
        float(said[i, c, y, x].detach() - true[i, y, x, c]) ** 2
        for i in (0, 2) for c in range(4) for y in range(7) for x in range(7)
    ])  # fmt: skip
    assert float(hint_loss(said, true, plain)) == pytest.approx(direct, rel=1e-4)
    assert float(hint_loss(said, true, torch.zeros(3, dtype=torch.bool))) == 0.0
