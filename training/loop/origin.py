"""What a run was trained on, kept beside its preset: where it lies, who is on which picture, and the split.

A state goes on with any data that have as many people, and a card that is written with other people to validate on may
tell of some who were trained on. So both look here first. Runs of before this was kept have no such file, and are taken
as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.data.collection import Collection
from training.errors import RunError
from training.loop.run import Run
from training.tables import Table
from training.writing import write_whole

DATA = "data.json"
WORDS = {
    "people": "who is on which picture",
    "validation": "who is validated on",
    "further": "further pictures",
    "training": "what is trained on",
    "taught": "what the reference encoders say",
}
"""What an error calls the parts that are compared."""


class Origin(Table):
    """Where the data lie, and digests of what is known of them."""

    work: Path  # of what is read with --data, that
    flag: str = "--work"  # or --data
    more: tuple[Path, ...]
    rows: int  # of `work`; those of `more` come after them
    people: str  # who is on each of these rows
    validation: str  # which of these rows are for validation
    further: str  # who is on each row of `more`, and which of them are for validation
    training: str  # which of all rows are trained on: less, where pictures are in both splits
    taught: str = ""  # what the reference encoders say of all rows; "" where nobody learns from it, or it was not kept


def read(run: Run) -> Origin | None:
    """Returns what a run was trained on; None where it was not kept.

    Raises:
        RunError: the file is damaged.
    """
    file = run.folder / DATA
    try:
        return Origin.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(
            f"{file} does not say what was trained on ({type(error).__name__}): move it away, and name that with --work"
        ) from error


def keep(
    run: Run,
    collection: Collection,
    work: Path,
    more: Sequence[Path],
    *,
    rows: int,
    taught: str = "",
    flag: str = "--work",
) -> None:
    """Notes what a run is trained on, unless it has gone on other data already.

    Args:
        run: its folder is there.
        collection: all of it.
        work: the folder or archive of the first rows.
        more: those of the others.
        rows: how many the first are.
        taught: the digest of what the reference encoders say, where the preset learns from it.
        flag: the option that names `work`.

    Raises:
        RunError: it has.
    """
    if run.state.exists():
        compare(run, collection, work, joined=True, taught=taught)
    further = tuple(path.absolute() for path in more)
    found = {**_digests(collection, rows), "taught": taught}
    origin = Origin(work=work.absolute(), flag=flag, more=further, rows=rows, **found)
    write_whole(run.folder / DATA, origin.model_dump_json(indent=1))


def compare(run: Run, collection: Collection, work: Path, *, joined: bool, taught: str = "") -> None:
    """Looks whether a run was trained on these data.

    Args:
        run: looked at.
        collection: the data now.
        work: where they are from, for the message.
        joined: whether they hold what `more` named as well, where the run was trained on such.
        taught: the digest of what the reference encoders say of all of them; "" leaves that out.

    Raises:
        RunError: it was trained on others; says in what they differ, and what to do.
    """
    kept = read(run)
    if kept is None:
        return
    now = {**_digests(collection, kept.rows), "taught": taught}
    looked_at = list(WORDS) if joined or not kept.more else ["people", "validation"]
    if not (taught and kept.taught) and "taught" in looked_at:
        looked_at.remove("taught")
    if differ := [part for part in looked_at if now[part] != getattr(kept, part)]:
        places = [f"{kept.flag} {kept.work}", *(f"--more {path}" for path in kept.more)]
        raise RunError(
            f"{run.folder} was trained on other data than {work} holds now, by {', '.join(WORDS[p] for p in differ)}: "
            f"name those that it was trained on ({' '.join(places)}), or train anew in another folder with --run"
        )


def people(collection: Collection) -> str:
    """Returns the digest of who is on which picture, as a card tells it."""
    return _digests(collection, len(collection))["people"]


def _digests(collection: Collection, rows: int) -> dict[str, str]:
    names = np.array([*collection.names, ""])[collection.identity].tolist()  # -1 takes the last
    train, val = collection.train.tolist(), collection.val.tolist()
    own = [row for row in val if row < rows]
    further = names[rows:], val[len(own) :]
    parts = {"people": names[:rows], "validation": own, "further": further, "training": train}
    return {part: hashlib.sha256(repr(value).encode()).hexdigest()[:16] for part, value in parts.items()}
