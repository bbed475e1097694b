"""What a detector was trained on, kept beside its preset: a run goes on with the same pictures alone.

With another split it would be validated on what it was trained on. Runs of before this was kept have no such file, and
are taken as they are.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from training.data.collection import Collection
from training.errors import RunError
from training.loop.origin import DATA
from training.loop.run import Run
from training.scenes import PHOTOGRAPHS, TABLE, Crops, opened_zip
from training.tables import Table
from training.writing import write_whole

LOOKED_AT = 64
"""Faces that are read to tell them from others of as many people: all 58,392 would take longer than they are worth."""


class Shown(Table):
    """Where the pictures lie, and digests of them."""

    data: Path  # the folder with scenes/
    work: Path  # of the faces that are pasted
    photographs: str  # the table of faces, and what is in the archives of photographs
    faces: str  # who is on each, which are cut out, and some of these


def keep(run: Run, data: Path, work: Path, faces: Collection) -> None:
    """Notes what a run is trained on, unless it has gone on other pictures already.

    Args:
        run: its folder is there.
        data: the folder with scenes/.
        work: that of the faces.
        faces: these.

    Raises:
        RunError: it has; says in what they differ, and what to do.
        DataError: an archive cannot be read.
    """
    now = Shown(data=data.absolute(), work=work.absolute(), photographs=_photographs(data), faces=_faces(faces))
    file = run.folder / DATA
    if run.state.exists() and file.exists():
        try:
            kept = Shown.model_validate_json(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(
                f"{file} does not say what was trained on ({type(error).__name__}): move it away if --data and --work "
                "are what they were"
            ) from error
        differ = [part for part in ("photographs", "faces") if getattr(kept, part) != getattr(now, part)]
        if differ:
            raise RunError(
                f"{run.folder} was trained on other {' and '.join(differ)} than there are now: name those that it was "
                f"trained on (--data {kept.data} --work {kept.work}), or train anew in another folder with --run"
            )
    write_whole(file, now.model_dump_json(indent=1))


def _photographs(data: Path) -> str:
    folder = data / "scenes"
    digest = hashlib.sha256((folder / TABLE).read_bytes())
    for name in PHOTOGRAPHS:
        with opened_zip(folder / name) as archive:
            digest.update(repr(sorted((one.filename, one.CRC) for one in archive.infolist())).encode())
    return digest.hexdigest()[:16]


def _faces(faces: Collection) -> str:
    names = np.array([*faces.names, ""])[faces.identity].tolist()  # -1 takes the last
    digest = hashlib.sha256(repr((names, faces.group.tolist(), faces.train.tolist())).encode())
    crops = Crops(faces)
    for number in range(0, len(crops), max(1, len(crops) // LOOKED_AT)):
        digest.update(crops[number].tobytes())
    return digest.hexdigest()[:16]
