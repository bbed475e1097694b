"""Where it was measured: figures without that are worth nothing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agent.bundle import Bundle
from agent.version import VERSION

LIBRARIES = ("ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless", "paho-mqtt")


def machine(bundle: Bundle) -> dict[str, Any]:
    """Returns what ran where."""
    return {
        "latchkey": VERSION,
        "detector": bundle.detector.id,
        "aligner": bundle.aligner.id,
        "encoder": bundle.encoder.id,
        "runtime": bundle.config.engine.runtime,
        "delegate": bundle.config.engine.delegate or None,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),  # of the last minute: what else was going on
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
    }


def _processor() -> str:
    """The model's name; a Pi says its own in the device tree."""
    tree = Path("/proc/device-tree/model")
    if tree.exists():
        return tree.read_text().rstrip("\0")
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
