"""The bodies of commands and their results as pydantic models.

`deploy/MQTT.md` explains them, `deploy/schema` holds the JSON schemas made from them.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from agent.errors import CommandError, EnrolmentRefused, LatchkeyError, PictureError, SignatureRefused, StoreError
from agent.jobs.job import State
from agent.mqtt.message import Code, Command, CommandId, News
from agent.mqtt.verbs import attendance, door, faces, jobs, keys, models, people, privacy, roster, rules, signatures
from agent.person_id import PERSON_ID_PATTERN
from agent.trust.keys import KEY_NAME_PATTERN


class PingCommand(Command):
    """Asks for a sign of life."""


COMMANDS: Final[dict[str, type[Command]]] = {
    **faces.COMMANDS,
    **people.COMMANDS,
    **signatures.COMMANDS,
    **rules.COMMANDS,
    **door.COMMANDS,
    **attendance.COMMANDS,
    **privacy.COMMANDS,
    **keys.COMMANDS,
    **jobs.COMMANDS,
    **models.COMMANDS,
    **roster.COMMANDS,
    "ping": PingCommand,
}
"""Verb to body."""

WANTED: Final = {
    PERSON_ID_PATTERN: "1 to 64 of A-Z, a-z, digits, '.', '_' and '-', the first a letter or a digit",
    KEY_NAME_PATTERN: "1 to 32 of a-z, digits, '.', '_' and '-', the first a letter or a digit",
    r"^[0-9a-f]{16}$": "16 digits of 0-9 and a-f",
    "^[0-9]{4,12}$": "4 to 12 digits",
    r"^[0-9]{4}-[0-9]{2}$": "a month, as in 2026-11",
}
"""What patterns ask for, in words: for whoever has typed something else."""


class Result(News):
    """The answer to a command."""

    id: CommandId | None = None  # none: it could not be read
    verb: str
    ok: bool
    code: Code | None = None
    message: str | None = None
    photo: int | None = None  # which photo, or which signature, from 0
    part: int | None = None  # this is of a part that was refused, from 1, and not of the command
    data: dict[str, Any] | None = None


class Progress(News):
    """How far a job is. The result of its command has said that it was accepted."""

    id: CommandId
    verb: str
    state: State
    done: int
    of: int | None = None  # none: not known yet
    note: str | None = None  # what it is at
    at: str
    code: Code | None = None  # of a failure
    message: str | None = None
    data: dict[str, Any] | None = None  # of the answer


def refusal(
    verb: str, command_id: str | None, code: Code, message: str, *, photo: int | None = None, part: int | None = None
) -> Result:
    """The answer to a command, or a part of one, that is not carried out."""
    return Result(id=command_id, verb=verb, ok=False, code=code, message=message, photo=photo, part=part)


class _Envelope(BaseModel):
    """Only the id of a message that is otherwise not understood."""

    model_config = ConfigDict(strict=True)

    id: CommandId


def recover_id(payload: bytes) -> str | None:
    """The id in a message that is not understood otherwise, if there is one."""
    try:
        return _Envelope.model_validate_json(payload).id
    except ValidationError:
        return None


def explain(error: ValidationError) -> str:
    """What is wrong with a message: where and why, without its content."""
    found = error.errors(include_url=False, include_input=False)
    told = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {_why(each)}"[:120] for each in found[:3]]
    return "; ".join(told)


def code_of(error: LatchkeyError) -> Code:
    """The code that stands for an error raised by a handler."""
    match error:
        case EnrolmentRefused() | SignatureRefused() | CommandError():
            return Code(error.code) if error.code in set(Code) else Code.FAILED
        case PictureError():
            return Code.NOT_A_PICTURE
        case StoreError():
            return Code.STORAGE_FAILED
    return Code.FAILED


def _why(detail: ErrorDetails) -> str:
    """Why a value will not do; of a pattern that we know in words."""
    wanted = WANTED.get(detail["ctx"]["pattern"]) if detail["type"] == "string_pattern_mismatch" else None
    return f"want {wanted}" if wanted else detail["msg"]
