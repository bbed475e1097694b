"""Which models are in force, which were before, and whether the new ones have proved good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.store.db import Db
from agent.store.times import from_text, to_text

CONFIGURED = ""
"""In the place of a folder: the models that the configuration names."""


@dataclass(frozen=True, slots=True)
class InForce:
    """Folders are names in data_dir/models, or CONFIGURED."""

    folder: str
    since: datetime | None = None
    previous: str | None = None  # None: there is nothing to go back to
    starts: int | None = None  # of the agent with these; None: they have proved good


def in_force(db: Db) -> InForce:
    """Return which models are in force."""
    folder, since, previous, starts = db.rows("SELECT folder, since, previous, starts FROM models")[0]
    return InForce(folder, None if since is None else from_text(since), previous, starts)


def choose(db: Db, folder: str, at: datetime) -> None:
    """Let other models be in force, not proved yet; those before are what there is to go back to."""
    with db.transaction() as sql:
        sql.execute("UPDATE models SET previous = folder, folder = ?, since = ?, starts = 0", (folder, to_text(at)))


def go_back(db: Db, at: datetime) -> None:
    """Let those before be in force again; there is nothing to go back to after that."""
    with db.transaction() as sql:
        sql.execute(
            "UPDATE models SET folder = previous, previous = NULL, since = ?, starts = NULL WHERE previous IS NOT NULL",
            (to_text(at),),
        )


def count_start(db: Db) -> int | None:
    """Note a start with models that have not proved good; return how many there were, or None where they have."""
    with db.transaction() as sql:
        sql.execute("UPDATE models SET starts = starts + 1 WHERE starts IS NOT NULL")
    return in_force(db).starts


def prove(db: Db) -> None:
    """Let the models in force be good ones."""
    with db.transaction() as sql:
        sql.execute("UPDATE models SET starts = NULL")
