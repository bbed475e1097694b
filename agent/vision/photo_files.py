"""Which files of a folder are photos of somebody: not what systems and network drives keep beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
SYSTEMS: Final = re.compile(r"[.@]|__MACOSX$|#recycle$")
"""Folders that systems make: `.thumbnails`, `@eaDir` with small pictures of everybody."""


def of_a_system(folder: Path) -> str:
    """Returns the part of a path that a system made for itself; "" where none is."""
    return next((part for part in folder.parts if SYSTEMS.match(part)), "")


def people_in(folder: Path) -> list[Path]:
    """Returns the folders in a folder, each of which is somebody's, by name."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not SYSTEMS.match(path.name))


def photos_below(folder: Path) -> list[Path]:
    """Returns the photos in a folder and below, by name."""
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in SUFFIXES
        and not file.name.startswith(".")
        and not of_a_system(file.relative_to(folder).parent)
        and file.is_file()
    ]
