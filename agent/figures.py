"""What there is to plot of the last decisions: how alike the known and the unknown were, and who comes when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from typing_extensions import TypedDict

from agent.store import past, samples
from agent.store.db import Db
from agent.store.times import from_text

MOST: Final = 20_000  # decisions, the latest
BIN: Final = 0.02  # cosine
POINTS: Final = 336  # of a line: an hour each in a fortnight


class Weighed(TypedDict):
    """How alike the known and the unknown were, and who comes when."""

    bin: float  # cosine
    genuine: list[tuple[float, int]]  # the lower end of a bin, and how many are in it
    unknown: list[tuple[float, int]]
    threshold: float | None  # in force last
    thresholds: int  # how many were
    arrivals: list[list[int]]  # by weekday, 0 is Monday, and hour


class FiguresTold(Weighed):
    """The numbers to plot."""

    days: int
    decisions: int
    all: bool  # no decision of these days is left out
    health: list[samples.Mean]


@dataclass(slots=True)
class Figures:
    """Fed with decisions, the latest first."""

    zone: tzinfo  # of the rules
    known: Counter[float] = field(default_factory=Counter)  # by the lower end of the bin
    unknown: Counter[float] = field(default_factory=Counter)
    thresholds: list[float] = field(default_factory=list)  # in force last, then before
    arrivals: Counter[tuple[int, int]] = field(default_factory=Counter)  # by weekday, 0 is Monday, and hour

    def add(self, rows: Iterable[tuple[Any, ...]]) -> int:
        """Counts decisions as `agent.store.past.weighed` tells them; returns how many."""
        count = 0
        for count, (at, outcome, reason, person, similarity, threshold, repeat) in enumerate(rows, 1):  # noqa: B007
            if threshold is not None and threshold not in self.thresholds:
                self.thresholds.append(threshold)
            if similarity is not None and (person is not None or reason == "unknown"):
                into = self.unknown if person is None else self.known
                into[round(similarity // BIN * BIN, 2)] += 1
            if outcome == "granted" and person is not None and not repeat:
                local = from_text(at).astimezone(self.zone)
                self.arrivals[local.weekday(), local.hour] += 1
        return count

    def as_json(self) -> Weighed:
        """Returns JSON values."""
        return {
            "bin": BIN,
            "genuine": sorted(self.known.items()),
            "unknown": sorted(self.unknown.items()),
            "threshold": self.thresholds[0] if self.thresholds else None,
            "thresholds": len(self.thresholds),
            "arrivals": [[self.arrivals[day, hour] for hour in range(24)] for day in range(7)],
        }


def figures(db: Db, days: int, now: datetime, zone: tzinfo) -> FiguresTold:
    """Returns the numbers of the last `days`, of the latest decisions in them; and how the device was."""
    since, told = now - timedelta(days=days), Figures(zone)
    count = told.add(past.weighed(db, since, MOST))
    step = max(300, days * 86_400 // POINTS)
    return {
        **told.as_json(),
        "days": days,
        "decisions": count,
        "all": count < MOST,
        "health": samples.series(db, since, step),
    }
