"""Photographs with faces that are drawn, as the data folder has them."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import cv2
import numpy as np

from training.scenes import PARTS

POINTS = ((70, 60), (90, 60), (80, 72), (72, 84), (88, 84))
HEADER = (
    "file",
    "split",
    "width",
    "height",
    "score",
    "x",
    "y",
    "w",
    "h",
    *(f"{p}_{axis}" for p in PARTS for axis in "xy"),
)


def write_scenes(folder: Path, splits: tuple[str, ...] = ("train", "train")) -> Path:
    """Fills a folder as scenes/ is: a photograph with one face for each split named, and two without."""
    rng = np.random.default_rng(5)
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "scenes.zip", "w") as archive, (folder / "faces.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number, split in enumerate(splits):
            picture = rng.integers(0, 100, (160, 200, 3), np.uint8)
            for x, y in POINTS:
                cv2.circle(picture, (x, y), 3, (0, 0, 255), -1)  # red in RGB
            archive.writestr(f"{number}.webp", coded(picture))
            flat = (v for point in POINTS for v in point)
            writer.writerow([f"{number}.webp", split, 200, 160, 0.9, 60, 45, 40, 50, *flat])
    with zipfile.ZipFile(folder / "backgrounds.zip", "w") as archive:
        for number in range(2):
            archive.writestr(f"{number}.webp", coded(rng.integers(0, 255, (90, 120, 3), np.uint8)))
    return folder


def write_faces(work: Path) -> Path:
    """Fills a folder as `prepare` does, with four faces of nobody."""
    work.mkdir(parents=True, exist_ok=True)
    np.save(work / "faces.npy", np.random.default_rng(6).integers(8, 255, (4, 112, 112, 3), np.uint8))
    lines = ["file,identity,source,split,bench_overlap", *(f"{n}.png,,drawn,train,0" for n in range(4))]
    (work / "index.csv").write_text("\n".join(lines) + "\n")
    return work


def coded(picture: np.ndarray) -> bytes:
    """Returns a (H, W, 3) uint8 BGR picture as a WebP file without loss."""
    return cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
