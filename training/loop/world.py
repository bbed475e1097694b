"""The processes that train together: PyTorch's own data parallel, started here or by `torchrun`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import torch

from agent.errors import LatchkeyError
from training.background import die_with
from training.errors import RunError

T = TypeVar("T")

PARENT = "LATCHKEY_TRAINING_PARENT"
"""Process id of who started us; without it (torchrun, tests) nobody is watched."""
OUT_OF_MEMORY = ", out of memory if nobody did it: fewer --processes, or a smaller [batch] size, take less"
JEMALLOC = ("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2")
JEMALLOC_CONF = "dirty_decay_ms:10000,muzzy_decay_ms:10000,thp:always"
"""Memory is kept for ten seconds and not given back after every layer: a step on a CPU takes four fifths of the time.

Not for ever (-1): pieces that fit nothing pile up, once to 22 GB.
"""


@dataclass(frozen=True, slots=True)
class World:
    """Which process this is, of how many, and what it computes on."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process keeps the weights, the log and the time."""
        return self.rank == 0

    def from_leader(self, make: Callable[[], T]) -> T:
        """Returns in every process what `make` returns in the one that leads; nobody else calls it.

        Raises:
            LatchkeyError: that one's, in every process: the others would wait for it and not know why.
        """
        if self.size == 1:
            return make()
        made: T | LatchkeyError | None = None
        if self.leads:
            try:
                made = make()
            except LatchkeyError as error:
                made = error
        box = [made]
        torch.distributed.broadcast_object_list(box, device=self.device)
        if isinstance(box[0], LatchkeyError):
            raise box[0]
        return cast("T", box[0])

    def everywhere(self, make: Callable[[], T]) -> T:
        """Returns what `make` returns in this process, once it has gone well in all of them.

        Raises:
            LatchkeyError: this process's own, or a RunError of the first that failed: it would never come to the
                next step, and the others wait for it.
        """
        made: T | None = None
        failed: LatchkeyError | None = None
        try:
            made = make()
        except LatchkeyError as error:
            failed = error
        if self.size > 1:
            said: list[LatchkeyError | None] = [None] * self.size
            torch.distributed.all_gather_object(said, failed)
            others = (RunError(f"process {rank} of {self.size}: {error}") for rank, error in enumerate(said) if error)
            failed = failed or next(others, None)
        if failed:
            raise failed
        return cast("T", made)


@contextmanager
def joined(device: str = "auto") -> Iterator[World]:
    """Yields the world that RANK, LOCAL_RANK and WORLD_SIZE describe, as `torchrun` sets them; alone without them.

    Args:
        device: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        RunError: a GPU is asked for and absent, or there are more processes than GPUs.
    """
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if PARENT in os.environ:
        die_with(int(os.environ[PARENT]))
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    chosen = choose(device, int(os.environ.get("LOCAL_RANK", "0")), gpus=gpus)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)  # where errors are told from as well
        torch.backends.cudnn.benchmark = True  # pictures of a phase are of one size
        torch.set_float32_matmul_precision("high")
    else:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "0")) or torch.get_num_threads())
        torch.set_flush_denormal(True)
    try:
        with _group(chosen) if size > 1 else nullcontext():
            yield World(rank, size, chosen)
    finally:
        torch.set_flush_denormal(False)  # whatever else this process computes is to be exact


@contextmanager
def _group(device: torch.device) -> Iterator[None]:
    if os.environ.get("MASTER_ADDR") in ("127.0.0.1", "localhost"):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    # said of 1x1 convolutions, whose weights lie the same way channels last or first
    warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether products are faster in bfloat16 there; on other processors they take ten times longer."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def started() -> bool:
    """Whether this process is one of those that train, and not the one that starts them."""
    return "RANK" in os.environ


def start(arguments: Sequence[str], processes: int, *, jemalloc: bool = True) -> int:
    """Runs `python -m training` with these arguments in so many processes of one thread each; returns the exit status.

    They are what `torchrun` would start, plus jemalloc where it is installed. When one ends badly the others are ended.

    Args:
        arguments: of the command.
        processes: how many.
        jemalloc: off where OpenVINO may run in them, whose wheels (2026.4) free what they did not allocate beside it.

    Raises:
        RunError: one was killed.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        **allocating(os.environ, jemalloc=jemalloc),
        PARENT: str(os.getpid()),
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }
    command = [sys.executable, "-m", "training", *arguments]
    ranks = [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]
    return _wait([subprocess.Popen(command, env=environment) for environment in ranks])


def _wait(children: list[subprocess.Popen[bytes]]) -> int:
    try:
        waiting = list(children)
        while waiting:
            for child in list(waiting):
                try:
                    status = child.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
                waiting.remove(child)
                if status:
                    _refuse_killed(children)
                    return status
        return 0
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


def _refuse_killed(children: list[subprocess.Popen[bytes]]) -> None:
    """Says which was killed, where one was: it said nothing, and the others fail for lack of it."""
    for number, child in enumerate(children):
        status = child.poll()
        if status is not None and status < 0:
            raise RunError(
                f"process {number} of {len(children)} was killed by signal {-status}"
                f"{OUT_OF_MEMORY if status == -signal.SIGKILL else ''}; start the same command again to go on from the "
                "last look"
            )


def allocating(environment: Mapping[str, str], *, jemalloc: bool) -> dict[str, str]:
    """Returns an environment with jemalloc preloaded where it is installed and nothing else is; or without it."""
    given = dict(environment)
    if not jemalloc:
        if "jemalloc" in given.get("LD_PRELOAD", ""):
            del given["LD_PRELOAD"]
        return given
    found = next((library for library in JEMALLOC if Path(library).exists()), None)
    if found is None or "LD_PRELOAD" in given:
        return given
    return {**given, "LD_PRELOAD": found, "MALLOC_CONF": JEMALLOC_CONF}


def choose(wanted: str, local_rank: int, *, gpus: int) -> torch.device:
    """Returns what a process computes on.

    Args:
        wanted: "cpu", "cuda", or "auto" for a GPU where there is one.
        local_rank: which process of this machine it is: each has a GPU of its own.
        gpus: how many PyTorch can use here.

    Raises:
        RunError: there is no such device, or there are more processes than GPUs.
    """
    if wanted == "auto":
        wanted = "cuda" if gpus else "cpu"
    if wanted == "cpu":
        return torch.device("cpu")
    if wanted != "cuda":
        raise RunError(f"no device {wanted}: want auto, cpu or cuda")
    if not gpus:
        raise RunError("there is no GPU that PyTorch can use here: leave --device out, or say --device cpu")
    if local_rank >= gpus:
        there = "there is 1" if gpus == 1 else f"there are {gpus}"
        raise RunError(
            f"process {local_rank + 1} of this machine has no GPU of its own, {there}: say --processes {gpus} "
            "(of torchrun: --nproc-per-node), or --device cpu"
        )
    return torch.device("cuda", local_rank)
