"""What a job is.

accepted ──► running ──► done
    │           │   └──► failed (code)
    └───────────┴──────► failed (cancelled)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NotRequired, TypeAlias, cast

from typing_extensions import TypedDict

from agent.mqtt.telemetry import timestamp


class State(StrEnum):
    """How far a job is."""

    ACCEPTED = "accepted"  # waits for its turn
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in {State.DONE, State.FAILED}


class JobTold(TypedDict):
    """How far a job is. Times are UTC, as in 2026-11-26T17:00:00.000Z."""

    job: State
    id_of: str  # of the command
    verb: str
    by: str
    done: int
    of: NotRequired[int]  # none: not known yet
    note: NotRequired[str]
    code: NotRequired[str]  # of a failure
    message: NotRequired[str]
    data: NotRequired[dict[str, Any]]  # what the verb answers: see MQTT.md
    cancelled_by: NotRequired[str]
    accepted_at: str
    changed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command that takes long."""

    id: str  # of the command
    verb: str
    asked_by: str
    body: str  # JSON of the arguments; empty once it is over
    accepted_at: datetime
    changed_at: datetime
    state: State = State.ACCEPTED
    done: int = 0
    of: int | None = None  # None: not known yet
    note: str = ""  # what it is at, a word that programs may read
    code: str | None = None
    message: str | None = None
    data: dict[str, Any] | None = None
    tries: int = 0  # how often it was begun
    cancelled_by: str | None = None

    def as_json(self) -> JobTold:
        """Returns what is told of it; `job` is the state."""
        told = {
            "job": self.state,
            "id_of": self.id,
            "verb": self.verb,
            "by": self.asked_by,
            "done": self.done,
            "of": self.of,
            "note": self.note or None,
            "code": self.code,
            "message": self.message,
            "data": self.data,
            "cancelled_by": self.cancelled_by,
            "accepted_at": timestamp(self.accepted_at),
            "changed_at": timestamp(self.changed_at),
        }
        return cast("JobTold", {name: value for name, value in told.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Step:
    """How far a job has come."""

    done: int
    of: int | None = None
    note: str = ""


Steps: TypeAlias = Generator[Step, None, dict[str, Any]]
"""Does a little between two yields, a second or two at the most, and returns the `data` of the answer.

It is closed where it is cancelled, or the agent stops: `finally` tidies up. What it raises on purpose (LatchkeyError)
is how the job fails.
"""


@dataclass(frozen=True, slots=True)
class Work:
    """What a verb does as a job.

    Args:
        run: takes the command, and how much of it was done already: 0, or the `done` of the last step that was kept.
            A step may be done twice, where the agent was killed before it was noted. Of whoever asks the name is
            known, after a restart not the role.
        resumable: whether it can be gone on with after the agent was started anew; otherwise it fails, `interrupted`.
    """

    run: Callable[[Any, int], Steps]
    resumable: bool = True
