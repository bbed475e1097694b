"""Unpacks the aligned faces into one array and asks the reference encoders what they make of each."""

from __future__ import annotations

import csv
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from training.data.reference import MAPS, TEACHER, write
from training.data.teacher import ask


def prepare(data: Path, work: Path) -> None:
    """Writes faces.npy, index.csv, teacher.npy and maps.npy into `work`; what is there already is kept.

    Args:
        data: the folder with `faces/` and `reference/`.
        work: about 3 GB for 63,000 faces.
    """
    work.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(data / "faces" / "index.csv", work / "index.csv")
    if not (work / "faces.npy").exists():
        _unpack(data / "faces", work / "faces.npy")
    if not (work / TEACHER).exists() or not (work / MAPS).exists():
        pictures = np.load(work / "faces.npy", mmap_mode="r")
        write(pictures, work, ask(data / "reference"))


def _unpack(folder: Path, target: Path) -> None:
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    part = target.with_suffix(".part")
    faces = np.lib.format.open_memmap(part, "w+", np.uint8, (len(rows), 112, 112, 3))  # type: ignore[no-untyped-call] # numpy
    archives = {shard: zipfile.ZipFile(folder / f"faces_{int(shard):02d}.zip") for shard in {r["shard"] for r in rows}}
    for i, row in enumerate(track(rows, "unpacking faces")):
        data = np.frombuffer(archives[row["shard"]].read(row["file"]), np.uint8)
        faces[i] = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    faces.flush()
    part.rename(target)
