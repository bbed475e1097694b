"""Who is told of what happens at the door. Each returns at once: neither the camera nor the recorder waits for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.glance import Glance
from agent.types import Decision, Event, Frame


@dataclass(slots=True, eq=False)
class Onlookers:
    """Those who want to know, filled while the agent is made."""

    saw: list[Callable[[Frame, Glance | None], object]] = field(default_factory=list)
    decided: list[Callable[[Decision], object]] = field(default_factory=list)
    recorded: list[Callable[[Event], object]] = field(default_factory=list)
