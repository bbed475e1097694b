"""What the bundled clip shows, and whether what happened at the door is what should have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.types import Decision, Outcome

FOLDER = Path(__file__).parent
GONE_SECONDS = 1.5  # after the last frame with somebody, until what is concluded about them


@dataclass(frozen=True, slots=True)
class Role:
    """One person of the clip."""

    id: str
    role: str  # "staff", "stranger" or "passer-by"
    pictures: tuple[Path, ...]  # to be enrolled with
    visits: tuple[tuple[float, float], ...]  # seconds of the clip: comes, is gone


def read_story(folder: Path = FOLDER) -> list[Role]:
    """Returns everybody in the clip."""
    story: dict[str, Any] = json.loads((folder / "clip.json").read_text(encoding="utf-8"))
    return [
        Role(
            person["id"],
            person["role"],
            tuple(folder / name for name in person["pictures"]),
            tuple((visit["first"] / story["fps"], visit["last"] / story["fps"]) for visit in person["visits"]),
        )
        for person in story["people"]
    ]


def mistakes(story: Sequence[Role], decisions: Sequence[Decision], began: datetime) -> list[str]:
    """Returns what went wrong, in words; nothing if staff were let in whenever they came, and nobody else ever.

    Args:
        story: the clip's.
        decisions: all of them.
        began: the time of the clip's first frame.
    """
    wrong = []
    expected = {"staff": "let in", "stranger": "denied"}
    for person in story:
        for visit in person.visits:
            then = [decision for decision in decisions if _during(visit, decision, began)]
            right = {
                "staff": any(_let_in(decision) == person.id for decision in then),
                "stranger": any(decision.outcome is Outcome.DENIED for decision in then),
            }
            if not right.get(person.role, True):
                wrong.append(f"{person.id} came at {visit[0]:.0f} s and was not {expected[person.role]}")
    visits = {person.id: person.visits for person in story if person.role == "staff"}
    return wrong + [
        f"{who} was let in and was not there"
        for decision in decisions
        if (who := _let_in(decision)) and not any(_during(visit, decision, began) for visit in visits.get(who, ()))
    ]


def _let_in(decision: Decision) -> str | None:
    return decision.person if decision.outcome is Outcome.GRANTED else None


def _during(visit: tuple[float, float], decision: Decision, began: datetime) -> bool:
    """Returns whether a decision was made while, or just after, somebody was there."""
    seconds = (decision.at - began).total_seconds()
    return visit[0] <= seconds <= visit[1] + GONE_SECONDS
