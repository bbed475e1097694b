"""What needs PyTorch: run by `make test-training`, and by `make test`, in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]


@dataclass(frozen=True)
class Exported:
    """A small untrained net and its two files."""

    net: Any
    float_file: Path
    int8_file: Path
    samples: Any  # of calibration, as the net takes them


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Exported]:
    """Exports a net of a family, once a session: converting takes seconds."""
    made: dict[str, Exported] = {}

    def export(family: str) -> Exported:
        if family not in made:
            made[family] = _export(family, tmp_path_factory.mktemp(family))
        return made[family]

    return export


def _export(family: str, folder: Path) -> Exported:
    import torch

    from training import nets
    from training.quantise import export_float, quantise

    torch.manual_seed(0)
    sequences = family in {"gru", "tcn"}
    options = {"channels": 5, "width": 16} if sequences else {"width": 0.25}
    net = nets.make(family, dimension=16, **options)
    samples = torch.randn(16, 16, 5) if sequences else torch.randn(16, 3, 32, 32).clamp(-1, 1)
    with torch.no_grad():
        net.train()(samples)  # batch norms that have seen something
    net.eval().fix(16 if sequences else 32)
    files = folder / "net.float.tflite", folder / "net.tflite"
    export_float(net, (16, 5) if sequences else (32, 32, 3), files[0])
    taken = samples if sequences else samples.permute(0, 2, 3, 1)
    quantise(files[0], [sample[None].contiguous().numpy() for sample in taken], files[1])
    return Exported(net, *files, samples)
