"""Commands about what takes long, and what comes in parts; what happened, and the hours of a month."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field

from agent.mqtt.message import LARGEST, MAX_PARTS, Command, CommandId, Parts, Person

MOST_EVENTS: Final = 500
MOST_WORKERS: Final = 100


class JobCommand(Command):
    """Asks how far a job is, or how it has ended."""

    reads: ClassVar[bool] = True

    id_of: CommandId  # of the command that the job is


class JobsCommand(Command):
    """Asks for the jobs that were accepted last."""

    reads: ClassVar[bool] = True

    limit: Annotated[int, Field(ge=1, le=100)] = 20


class JobCancelCommand(Command):
    """Gives a job up."""

    id_of: CommandId


class PartsCommand(Command):
    """Announces the parts of a command, and asks which are here."""

    reads: ClassVar[bool] = True

    id_of: CommandId
    of: Annotated[int, Field(ge=1, le=MAX_PARTS)] | None = None
    parts: Parts | None = None


class LogCommand(Command):
    """Asks what happened, page by page."""

    reads: ClassVar[bool] = True

    after: Annotated[int, Field(ge=0, le=LARGEST)] = 0  # a seq: what came after it
    limit: Annotated[int, Field(ge=1, le=MOST_EVENTS)] = 100
    kinds: Annotated[tuple[Annotated[str, Field(pattern="^[a-z_]{1,32}$")], ...], Field(max_length=16)] | None = None


class ReportCommand(Command):
    """Asks for the hours of a month, some people at a time."""

    reads: ClassVar[bool] = True

    month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$")]
    person: Person | None = None
    after: Annotated[str, Field(max_length=64)] = ""  # an id: those who come after it
    limit: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = 20


COMMANDS: Final[dict[str, type[Command]]] = {
    "job": JobCommand,
    "jobs": JobsCommand,
    "job_cancel": JobCancelCommand,
    "parts": PartsCommand,
    "log": LogCommand,
    "report": ReportCommand,
}
