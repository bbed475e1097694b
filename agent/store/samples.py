"""How the device was, every few minutes of the last days."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, Final

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


def series(db: Db, since: datetime, step_seconds: int) -> list[dict[str, Any]]:
    """Return the mean of every measure for each step of time since then, the oldest first; what nobody knew is None."""
    means = ", ".join(f"avg({measure})" for measure in MEASURES)
    query = (
        f"SELECT min(at), {means} FROM samples WHERE at >= ?"  # noqa: S608 - ours
        " GROUP BY CAST(strftime('%s', at) AS INTEGER) / ? ORDER BY 1"
    )
    return [
        {
            "at": at,
            **{name: None if value is None else round(value, 2) for name, value in zip(MEASURES, values, strict=True)},
        }
        for at, *values in db.rows(query, (to_text(since), step_seconds))
    ]
