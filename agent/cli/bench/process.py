"""The agent as a process of its own: how soon it is ready, how much memory it holds, how busy it is with nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from agent.cli.bench.rows import Row
from agent.config import Config
from agent.errors import HardwareError

MEMORY_SECONDS = 5.0  # after READY
EMPTY_SECONDS = 10.0
EMPTY_FPS = 10
LONGEST_START_SECONDS = 60.0
LONGEST_STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Started:
    """An agent that has said READY."""

    process: int
    seconds: float  # from the start of Python to READY


def process_rows(config: Config, clip: Path) -> list[Row]:
    """Returns start, memory and load of an agent with the models of `config`, a database of its own and no broker."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as name:
        folder = Path(name)
        with _agent(folder, [*_sets(config, folder), "--camera", str(clip), "--loop"]) as started:
            time.sleep(MEMORY_SECONDS)
            resident, peak = _megabytes(started.process, "VmRSS"), _megabytes(started.process, "VmHWM")
        with _agent(folder, [*_sets(config, folder), *_empty_scene(folder)]) as still:
            before, began = _cpu_seconds(still.process), time.monotonic()
            time.sleep(EMPTY_SECONDS)
            share = (_cpu_seconds(still.process) - before) / (time.monotonic() - began)
    return [
        Row("start to READY", "s", round(started.seconds, 2), asked=1.5, note="Python, libraries, models, database"),
        Row("resident memory", "MB", resident, asked=200.0, note=f"{MEMORY_SECONDS:g} s into the clip; peak {peak} MB"),
        Row("empty scene", "%", round(100 * share, 1), asked=10.0, note=f"of one core, {EMPTY_FPS} frames a second"),
    ]


def _sets(config: Config, folder: Path) -> list[str]:
    """Options that take the models from `config`, and nothing else."""
    (folder / "agent.toml").touch()
    values = {
        "device.data_dir": folder,
        "mqtt.enabled": "false",
        "log.level": "warning",
        "models.detector": config.models.detector,
        "models.aligner": config.models.aligner,
        "models.encoder": config.models.encoder,
        "engine.runtime": config.engine.runtime,
        "engine.delegate": config.engine.delegate,
        "engine.threads": config.engine.threads,
    }
    sets = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    return ["--config", str(folder / "agent.toml"), *sets]


def _empty_scene(folder: Path) -> list[str]:
    pictures = folder / "still"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "grey.png"), np.full((480, 640, 3), 128, np.uint8))
    return ["--camera", str(pictures), "--loop", "--set", f"camera.fps={EMPTY_FPS}"]


@contextmanager
def _agent(folder: Path, options: Sequence[str]) -> Iterator[Started]:
    """Runs an agent for as long as the context lasts.

    Raises:
        HardwareError: it does not come up.
    """
    address = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
        messages.bind(str(address))
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "agent.cli", "run", *options],
            env=os.environ | {"NOTIFY_SOCKET": str(address)},
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_ready(process, messages)
            yield Started(process.pid, time.monotonic() - began)
        finally:
            _stop(process)
            address.unlink()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(LONGEST_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_ready(process: subprocess.Popen[bytes], messages: socket.socket) -> None:
    deadline = time.monotonic() + LONGEST_START_SECONDS
    messages.settimeout(0.2)
    while time.monotonic() < deadline:
        try:
            if b"READY=1" in messages.recv(4096).splitlines():
                return
        except TimeoutError:
            if process.poll() is not None:
                break
    raise HardwareError(f"the agent did not get ready (exit status {process.poll()}); `latchkey check` may say why")


def _megabytes(process: int, field: str) -> float:
    """A field of proc_pid_status(5), which counts in units of 1,024 bytes, in MB of a million."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
    return round(kibibytes * 1024 / 1e6, 1)


def _cpu_seconds(process: int) -> float:
    """User and system time of all threads: fields 14 and 15 of proc_pid_stat(5)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()  # the name may hold spaces
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
