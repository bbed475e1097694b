"""The demo's last words: who came, what happened to the events, and how long each stage took."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from agent.app import Agent
from agent.types import Decision, Outcome


def summarise(agent: Agent, decisions: Sequence[Decision], *, published: int, received: int) -> Group:
    """Returns two tables."""
    granted = sum(decision.outcome is Outcome.GRANTED and not decision.repeat for decision in decisions)
    denied = sum(decision.outcome is Outcome.DENIED for decision in decisions)
    tracks = {decision.sighting.track for decision in decisions if decision.sighting is not None}
    passed_by = agent.recogniser.gate.passed_by
    counts = Table(title="What happened")
    for name in ("people seen", "granted", "denied", "walked past", "events published", "events received"):
        counts.add_column(name, justify="right")
    numbers = (len(tracks) + passed_by, granted, denied, passed_by, published, received)
    counts.add_row(*(str(number) for number in numbers))
    times = Table(title=f"How long it took, ms ({agent.visits.frames} frames, one thread)")
    for name in ("stage", "p50", "p95"):
        times.add_column(name, justify="left" if name == "stage" else "right")
    for stage, (median, high) in agent.recogniser.stopwatch.percentiles().items():
        times.add_row(stage, f"{median:.2f}", f"{high:.2f}")
    return Group("", counts, "", times)
