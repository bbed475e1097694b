"""`latchkey embed`: templates of any pictures, for measuring and for other programs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.output import Json, progress, say, say_json, warn
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import PictureError

if TYPE_CHECKING:
    from agent.cli.embedding import Embedded


def embed(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Pictures, or folders of them.")],
    *,
    npz: Annotated[Path | None, typer.Option(metavar="OUT", help="Write all vectors to this file.")] = None,
    aligned: Annotated[bool, typer.Option("--aligned", help="Take 112x112 crops as they are.")] = False,
    json: Json = False,
    threads: Annotated[int | None, typer.Option(min=1, metavar="N", help="Default: one a processor.")] = None,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Embed the largest central face of each picture: area times closeness to the middle.

    The file OUT holds `path` (N,) text, `vector` (N, D) float32 and `found` (N,) bool, in the order of the arguments,
    folders by name with all folders below. Without a face the vector is zero; a picture that cannot be read is
    warned of and counts as one without a face. --json prints one object a line: path, found, box, vector.
    """
    configured = load(config, sets)
    from agent.bundle import open_bundle
    from agent.cli.embedding import Embedder
    from agent.cli.pictures import picture_files

    paths = picture_files(images)
    if npz is not None and not (npz.parent.is_dir() and os.access(npz.parent, os.W_OK)):
        raise PictureError(f"{npz}: want a file in a folder that can be written to")
    bundle = open_bundle(configured)
    dimension = bundle.eyes().encoder.dimension  # loaded here, so that a model that does not load is known at once
    embedder = Embedder(bundle.eyes, aligned=aligned)
    results = progress(
        embedder.each(paths, threads=threads or os.cpu_count() or 1), total=len(paths), doing="embedding"
    )
    if npz is None:
        for one in results:
            _tell(one, json=json)
        return
    found = _save(npz, results, len(paths), dimension)
    summary = {
        "npz": str(npz),
        "pictures": len(paths),
        "found": found,
        "dimension": dimension,
        "model": bundle.model_id,
    }
    if json:
        say_json(summary)
    else:
        say(f"{npz}: {found} of {len(paths)} pictures show a face, {dimension} numbers each by {bundle.model_id}")


def _tell(one: Embedded, *, json: bool) -> None:
    box = [round(side, 1) for side in astuple(one.face.box)] if one.face else None
    if one.trouble:
        warn(f"{one.path}: {one.trouble}")
    if json:
        vector = None if one.vector is None else [round(float(value), 6) for value in one.vector]
        say_json({"path": str(one.path), "found": one.vector is not None, "box": box, "vector": vector}, indent=None)
    elif one.vector is None:
        say(f"{one.path}: no face")
    else:
        start = " ".join(f"{value:.3f}" for value in one.vector[:4])
        say(f"{one.path}: {'face at ' + str(box) if box else 'crop'}: {start} ...")


def _save(npz: Path, results: Iterable[Embedded], count: int, dimension: int) -> int:
    """Writes the file, whole or not at all; returns how many pictures show a face."""
    import numpy as np

    paths, found = [], np.zeros(count, bool)
    vectors = np.zeros((count, dimension), np.float32)
    for i, one in enumerate(results):
        paths.append(str(one.path))
        if one.trouble:
            warn(f"{one.path}: {one.trouble}")
        if one.vector is not None:
            vectors[i], found[i] = one.vector, True
    partial = npz.with_name(f".{npz.name}.part")
    try:
        with partial.open("wb") as file:
            np.savez(file, path=np.array(paths), vector=vectors, found=found)
        partial.replace(npz)
    finally:
        partial.unlink(missing_ok=True)
    return int(found.sum())
