"""Commands about attendance: corrections and reports."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from agent.mqtt.message import Command, Name, Person, Time

Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(str.strip)]
PunchId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]


class CorrectCommand(Command):
    """Corrects a punch or a correction, or adds a punch that is missing. The original stays."""

    punch: PunchId | None = None
    person: Person | None = None  # whose punch is missing
    at: Time | None = None
    type: Literal["in", "out", "break_start", "break_end"] | None = None
    job: Annotated[str, Field(max_length=64)] | None = None  # "" takes it away
    void: bool = False
    why: Text
    by: Name

    @model_validator(mode="after")
    def _one_of(self) -> CorrectCommand:
        if (self.punch is None) == (self.person is None):
            raise ValueError("name the punch to correct, or the person whose punch is missing")
        return self


class HoursCommand(Command):
    """Asks for somebody's own hours: the month to date, and today."""

    reads: ClassVar[bool] = True

    person: Person


class WhoIsInCommand(Command):
    """Asks who is in."""

    reads: ClassVar[bool] = True


COMMANDS: Final[dict[str, type[Command]]] = {
    "correct": CorrectCommand,
    "hours": HoursCommand,
    "who_is_in": WhoIsInCommand,
}
