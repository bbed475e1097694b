"""What the benchmark at the door tried, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from agent.bundle import Bundle
from tests.benchmarks.replay import Staff, Visit


class Kind(StrEnum):
    """In which part somebody plays."""

    MEMBER = "member"
    STRANGER = "stranger"
    PHOTO = "photo"
    PASSER = "passer"
    SPEAKER = "speaker"


@dataclass(frozen=True, slots=True)
class Tried:
    """One visit, and who it was."""

    kind: Kind
    who: str
    threshold: float  # cosine
    visit: Visit
    enrolled: bool  # `who` is in the gallery

    @property
    def let_in(self) -> bool:
        """The door opened for who it was."""
        return self.who in self.visit.opened_for

    @property
    def mistaken_for(self) -> list[str]:
        """Whom the door opened for, other than who it was."""
        return [person for person in self.visit.opened_for if person != self.who]


@dataclass(slots=True)
class Results:
    """Everything that was tried."""

    bundle: Bundle
    at: datetime
    tried: list[Tried] = field(default_factory=list)
    staff: list[Staff] = field(default_factory=list)  # of each turn
    seconds: float = 0.0

    def take(self, found: Iterable[Tried | Staff]) -> None:
        """Adds what was found, as it is found."""
        for each in found:
            if isinstance(each, Staff):
                self.staff.append(each)
            else:
                self.tried.append(each)

    def of(self, kind: Kind, who: str | None = None) -> list[Tried]:
        """The visits of a kind, of one person or of all."""
        return [each for each in self.tried if each.kind is kind and who in (None, each.who)]

    @property
    def people(self) -> list[str]:
        """Everybody who came themselves."""
        return list(dict.fromkeys(each.who for each in self.of(Kind.STRANGER)))
