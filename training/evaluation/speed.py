"""How fast files run: one call of each in turn, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.hardware.engines.litert import LiteRtModel
from agent.vision.model import TensorSpec

THREADS = (1, 2)
ROUNDS = 300
WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Speed:
    """How long one call of a file took."""

    name: str
    threads: int
    median_ms: float
    fastest_ms: float
    ratio: float  # of the fastest calls, over the peer's in the same run; 1 for the peer
    size: int  # bytes of the file


def spent(runs: Sequence[Speed], name: str) -> dict[str, Any] | None:
    """Returns what goes into the card of a file: milliseconds a call by threads, and where; None if not measured."""
    mine = [one for one in runs if one.name == name]
    if not mine:
        return None
    ms = {f"{x.threads}": {"median_ms": round(x.median_ms, 3), "fastest_ms": round(x.fastest_ms, 3)} for x in mine}
    return {"machine": machine(), "threads": ms}


def machine() -> str:
    """Returns what this computer is, as it tells its users: times say nothing without."""
    told = Path("/proc/cpuinfo").read_text(errors="replace") if Path("/proc/cpuinfo").exists() else ""
    lines = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    named = {key.strip(): value.strip() for key, value in lines.items()}  # a Pi's model stands below its processors
    model = named.get("Model") or named.get("model name") or platform.processor()
    return ", ".join(part for part in (model, platform.machine(), platform.system()) if part)


class _Runs(Protocol):
    def __call__(self, *arrays: NDArray[np.generic]) -> object: ...


def measure_speed(
    files: Mapping[str, Path],
    *,
    peer: str,
    threads: Sequence[int] = THREADS,
    rounds: int = ROUNDS,
    runtime: str = "ai-edge-litert",
) -> list[Speed]:
    """Returns how fast each of the `.tflite` files is at each number of threads, the network alone.

    Args:
        files: by name.
        peer: the name of the one that the others are compared with.
        threads: for the CPU's kernels.
        rounds: each runs every file once.
        runtime: of the agent's.
    """
    speeds = []
    for count in threads:
        models = {name: LiteRtModel(file, runtime=runtime, threads=count, sha256=None) for name, file in files.items()}
        inputs = {name: _noise(model.inputs[0]) for name, model in models.items()}
        times = interleaved({name: (models[name], inputs[name]) for name in models}, rounds)
        for name, file in files.items():
            mine = times[name]
            # Whatever else runs only ever adds to a call, and more to a long one: the fastest are the files' own time
            ratio = float(mine.min() / times[peer].min())
            speeds.append(
                Speed(name, count, float(np.median(mine)), float(mine.min()), ratio, file.stat().st_size),
            )
    return speeds


def interleaved(calls: Mapping[str, tuple[_Runs, NDArray[np.generic]]], rounds: int) -> dict[str, NDArray[np.float64]]:
    """Returns (rounds,) milliseconds of each call."""
    times = {name: np.empty(rounds) for name in calls}
    for number in range(-min(WARM_UP, rounds), rounds):
        for name, (call, array) in calls.items():
            start = time.perf_counter()
            call(array)
            if number >= 0:
                times[name][number] = (time.perf_counter() - start) * 1000
    return times


def _noise(spec: TensorSpec) -> NDArray[np.generic]:
    """Returns an input of the right shape and type: chance, since zeros may be faster."""
    random = np.random.default_rng(0)
    if spec.dtype.kind == "f":
        return random.uniform(-1, 1, spec.shape).astype(spec.dtype)
    ends = np.iinfo(spec.dtype)
    return random.integers(ends.min, ends.max + 1, spec.shape).astype(spec.dtype)
