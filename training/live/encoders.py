"""Asks the reference encoders about pictures that are made while a net learns, on the device that it learns on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.data.errors import DataError
from training.data.inference import BATCH, runner
from training.data.teacher import MAPPED, Reference, there
from training.live.graph import Graph

SIDE = 112
S = TypeVar("S", bound=np.generic)
NEAR = 0.995
"""Mean cosine to what they said when they were asked for good, and that was kept in half precision."""

_Ask: TypeAlias = Callable[[Tensor], tuple[Tensor, ...]]
"""(B, 3, 112, 112) in -1..1 -> (B, T), and the maps (B, C, H, W) where they are wanted."""


class Encoders:
    """The reference encoders, side by side as `training.data.teacher.label` has them.

    Args:
        reference: which.
        batch: how many pictures it is asked about at once.
        device: where. On a GPU the files are computed by PyTorch (`training.live.graph`), rounded as TF32 is.
        maps: whether the maps of `MAPPED` are wanted as well, for a hint.

    Raises:
        DataError: a file is not there, or cannot be computed; or maps are wanted, and `MAPPED` is none of them.
    """

    def __init__(self, reference: Reference, batch: int, device: torch.device, *, maps: bool) -> None:
        if maps and MAPPED[0] not in reference.names:
            raise DataError(f"[hint] wants the maps of {MAPPED[0]}, and it is not asked: leave [hint] out")
        self._encoders: list[_Ask] = []
        for name in there(reference.folder, reference.names):
            file, inner = reference.folder / name, MAPPED[1] if maps and name == MAPPED[0] else None
            gpu = device.type == "cuda"
            self._encoders.append(_on_gpu(file, inner, batch, device) if gpu else _on_cpu(file, inner))
        self._batch, self._device = batch, device
        self._mean, self._deviation = torch.zeros(1), torch.ones(1)

    def know(self, pictures: NDArray[np.uint8], said: NDArray[np.float16]) -> tuple[int, ...]:
        """Learns from some pictures by how much maps vary, and looks whether these are the encoders asked before.

        Args:
            pictures: (N, 112, 112, 3) uint8 RGB.
            said: (N, T) unit rows that they said then.

        Returns:
            the shape of a map, (H, W, C); () where none are wanted.

        Raises:
            DataError: they say something else now.
        """
        answers = [self._raw(torch.from_numpy(block)) for block in _blocks(pictures, self._batch)]
        rows = torch.cat([row for row, _ in answers])[: len(pictures)].cpu()
        before = torch.from_numpy(np.asarray(said, np.float32))
        if before.shape != rows.shape or not float((rows * before).sum(1).mean()) >= NEAR:  # nor what is no number
            raise DataError(
                "--reference: these reference encoders say something else of the pictures than those that were asked "
                "(teacher.npy): name the same in the same order, or ask these: python -m training label --help"
            )
        maps = [kept for _, kept in answers if kept is not None]
        if not maps:
            return ()
        every = torch.cat(maps)[: len(pictures)]
        self._mean, self._deviation = every.mean((0, 1, 2)), every.std((0, 1, 2)) + 1e-3
        return tuple(every.shape[1:])

    def __call__(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """Returns (B, T) unit rows and, where they are wanted, maps (B, H, W, C), each channel at mean 0, deviation 1.

        Args:
            pictures: (B, 112, 112, 3) uint8 RGB.
        """
        rows, maps = self._raw(pictures)
        return rows, None if maps is None else (maps - self._mean) / self._deviation

    @torch.no_grad()
    def _raw(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        x = pictures.to(self._device, non_blocking=True).permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
        rows, maps = [], None
        for encoder in self._encoders:
            vectors, *inner = encoder(x)
            rows.append(F.normalize(vectors.float()))
            maps = inner[0].float().permute(0, 2, 3, 1) if inner else maps
        return F.normalize(torch.cat(rows, 1)), maps


def _on_gpu(file: Path, inner: str | None, batch: int, device: torch.device) -> _Ask:
    """Returns a file as one launch: its hundreds of small ones take a processor longer than a GPU computes."""
    try:
        return _captured(file, inner, batch, device)
    except RuntimeError as error:
        said = " ".join(str(error).split())
        raise DataError(f"{file}: {batch} pictures at once cannot be computed on this GPU: {said}") from error


def _captured(file: Path, inner: str | None, batch: int, device: torch.device) -> _Ask:
    taken = torch.zeros((batch, 3, SIDE, SIDE), device=device).contiguous(memory_format=torch.channels_last)
    graph = Graph(file, taken, inner)
    aside = torch.cuda.Stream(device)
    aside.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(aside):
        for _ in range(3):  # libraries choose their kernels, which cannot be captured
            graph(taken)
    torch.cuda.current_stream(device).wait_stream(aside)
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured, capture_error_mode="thread_local"):  # others may watch the GPU meanwhile
        out = graph(taken)

    def ask(x: Tensor, _kept: Graph = graph) -> tuple[Tensor, ...]:  # its weights are where the capture reads them
        taken.copy_(x)
        captured.replay()
        return tuple(each.clone() for each in out)

    return ask


def _on_cpu(file: Path, inner: str | None) -> _Ask:
    net = runner(file, inner, threads=torch.get_num_threads())

    def ask(x: Tensor) -> tuple[Tensor, ...]:
        answers: dict[int, tuple[NDArray[np.float32], ...]] = {}

        def done(at: int, vectors: NDArray[np.float32], maps: NDArray[np.float32] | None) -> None:
            answers[at] = (vectors.copy(),) if maps is None else (vectors.copy(), maps.copy())

        net.run(enumerate(_blocks(x.numpy(), BATCH)), done)
        parts = zip(*(answers[at] for at in range(len(answers))), strict=True)
        return tuple(torch.from_numpy(np.concatenate(part)[: len(x)]) for part in parts)

    return ask


def _blocks(rows: NDArray[S], size: int) -> list[NDArray[S]]:
    """Returns rows in blocks of one size; the last is filled up with its last row."""
    at = [np.minimum(np.arange(start, start + size), len(rows) - 1) for start in range(0, len(rows), size)]
    return [np.ascontiguousarray(rows[some]) for some in at]
