"""What the bundled clip shows, and whether what happened at the door is what should have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.types import Decision, Outcome

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Role:
    """One person of the clip."""

    id: str
    role: str  # "staff", "stranger" or "passer-by"
    pictures: tuple[Path, ...]  # to be enrolled with
    visits: int  # in the clip


def read_story(folder: Path = FOLDER) -> list[Role]:
    """Returns everybody in the clip."""
    people: list[dict[str, Any]] = json.loads((folder / "clip.json").read_text(encoding="utf-8"))["people"]
    return [
        Role(person["id"], person["role"], tuple(folder / name for name in person["pictures"]), len(person["visits"]))
        for person in people
    ]


def mistakes(story: Sequence[Role], decisions: Sequence[Decision]) -> list[str]:
    """Returns what went wrong, in words; nothing if staff were let in as often as they came and nobody else was."""
    granted = [decision.person for decision in decisions if decision.outcome is Outcome.GRANTED]
    denied = {decision.sighting.track for decision in decisions if decision.outcome is Outcome.DENIED}
    wrong = [
        f"{person.id} came {person.visits} times and was let in {granted.count(person.id)} times"
        for person in story
        if person.role == "staff" and granted.count(person.id) != person.visits
    ]
    staff = {person.id for person in story if person.role == "staff"}
    wrong += [f"{person} was let in and is not staff" for person in granted if person not in staff]
    strangers = sum(person.visits for person in story if person.role == "stranger")
    if len(denied) != strangers:
        wrong.append(f"strangers came {strangers} times and were denied {len(denied)} times")
    return wrong
