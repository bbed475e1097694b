"""How the device was, every few minutes of the last days."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final, cast

from typing_extensions import TypedDict

from agent.store.db import Db
from agent.store.times import to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How it was at one time; None where nobody can say."""

    fps: float | None = None
    latency_ms: float | None = None  # of a frame with a face, the median
    temperature_celsius: float | None = None
    disk_free_bytes: int | None = None
    memory_bytes: int | None = None
    outbox_depth: int | None = None
    frames_dropped: int | None = None  # since the sample before


MEASURES: Final = tuple(Sample.__dataclass_fields__)


class Mean(TypedDict):
    """How it was in a step of time: the means of its samples."""

    at: str  # the first one's
    fps: float | None
    latency_ms: float | None
    temperature_celsius: float | None
    disk_free_bytes: float | None
    memory_bytes: float | None
    outbox_depth: float | None
    frames_dropped: float | None


def add(db: Db, at: datetime, sample: Sample) -> None:
    """Keep a sample; one of the same instant gives way."""
    marks = ", ".join("?" * (1 + len(MEASURES)))
    row = (to_text(at), *astuple(sample))
    with db.transaction() as sql:
        sql.execute(f"INSERT OR REPLACE INTO samples (at, {', '.join(MEASURES)}) VALUES ({marks})", row)  # noqa: S608 - ours


def prune(db: Db, before: datetime, after: datetime) -> int:
    """Forget what is older than `before`, or of a time `after` which cannot be; return how many that were."""
    with db.transaction() as sql:
        return sql.execute("DELETE FROM samples WHERE at < ? OR at > ?", (to_text(before), to_text(after))).rowcount


def series(db: Db, since: datetime, step_seconds: int) -> list[Mean]:
    """Return the mean of every measure for each step of time since then, the oldest first; what nobody knew is None."""
    columns = ", ".join(f"avg({measure})" for measure in MEASURES)
    query = (
        f"SELECT min(at), {columns} FROM samples WHERE at >= ?"  # noqa: S608 - ours
        " GROUP BY CAST(strftime('%s', at) AS INTEGER) / ? ORDER BY 1"
    )
    return [
        cast("Mean", {"at": at} | {name: mean and round(mean, 2) for name, mean in zip(MEASURES, means, strict=True)})
        for at, *means in db.rows(query, (to_text(since), step_seconds))
    ]
