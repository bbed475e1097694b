"""The training itself, for seconds, on pictures of nobody: two processes, resumed, and killed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from training.detector import Detector  # noqa: E402
from training.nets.images import door  # noqa: E402
from training.train_encoder import Phase, train  # noqa: E402

WEIGHTS = Path(__file__).parents[1] / "training" / "weights"
SHORT = {"side": 32, "peak_rate": 0.1, "last_rate": 0.01, "batch": 8, "people": 2}


@pytest.fixture
def data(tmp_path):
    folder, rng = tmp_path / "data", np.random.default_rng(0)
    folder.mkdir()
    np.save(folder / "faces.npy", rng.integers(0, 256, (60, 112, 112, 3), np.uint8))
    teacher = rng.normal(size=(60, 300)).astype(np.float16)
    np.save(folder / "teacher.npy", teacher / np.linalg.norm(teacher.astype(np.float32), axis=1, keepdims=True))
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "source", "split", "identity", "bench_overlap"])
        for row in range(60):
            writer.writerow([f"{row}.webp", "none", "val" if row % 4 == 0 else "train", f"p{row // 8}", 0])
    return folder


def test_two_processes_train_and_go_on_where_they_stopped(data, tmp_path):
    run = tmp_path / "run"
    train(data, run, Phase(minutes=0.02, **SHORT), start_from=None)
    first = torch.load(run / "state.pt", weights_only=True)
    assert first["step"] > 0
    train(data, run, Phase(minutes=0.02, **SHORT), start_from=None)  # done already: nothing is added
    assert len((run / "log.jsonl").read_text().splitlines()) == 1
    train(data, run, Phase(minutes=0.06, **SHORT), start_from=None)
    second = torch.load(run / "state.pt", weights_only=True)
    assert second["step"] > first["step"]
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [first["step"], second["step"]]
    assert not list(run.glob("*.part"))
    door(dimension=256).load_state_dict(torch.load(run / "encoder.pt", weights_only=True))


def test_a_batch_that_cannot_be_shared_is_refused(data, tmp_path):
    with pytest.raises(ValueError, match="3 processes cannot share 8 pictures"):
        train(data, tmp_path / "run", Phase(minutes=1, **SHORT), start_from=None, processes=3)


def test_nobody_trains_on_when_the_program_is_killed(data, tmp_path):
    run = tmp_path / "run"
    program = f"""
import signal
from pathlib import Path
from training.train_encoder import Phase, train
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for a job in the background
    train(Path({str(data)!r}), Path({str(run)!r}), Phase(minutes=10, **{SHORT!r}), start_from=None)
"""
    script = tmp_path / "main.py"
    script.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True, env=environment)
    deadline = time.monotonic() + 60
    while len(members(process.pid)) < 6 and time.monotonic() < deadline:  # two at work, two fillers, one of torch's
        time.sleep(0.2)
    assert len(members(process.pid)) >= 5
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert members(process.pid) == []


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


@pytest.mark.parametrize(("name", "net"), [("encoder", partial(door, dimension=256)), ("detector", Detector)])
def test_the_weights_that_are_kept_fit_the_nets(name, net):
    net().load_state_dict(torch.load(WEIGHTS / f"{name}.pt", weights_only=True))
