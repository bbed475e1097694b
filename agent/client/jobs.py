"""Long commands: accepted, running n of m, done or failed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from agent.client.answers import Progress
from agent.errors import CommandError, NoAnswer, Untrusted
from agent.mqtt.message import Code

if TYPE_CHECKING:
    from agent.client.admin import Admin

ASK_SECONDS: Final = 3.0  # of silence, after which the device is asked
SILENT_SECONDS: Final = 120.0  # after which nobody waits any more


def run(
    admin: Admin,
    device: str,
    verb: str,
    *,
    wait_seconds: float,
    command_id: str | None = None,
    silent_seconds: float = SILENT_SECONDS,
    **arguments: Any,
) -> Iterator[Progress]:
    """Starts a job and yields how far it is; the last is `done` or `failed`. A device that does it at once is done.

    Args:
        admin: whose line.
        device: who does it.
        verb: what.
        wait_seconds: for the device to accept it.
        command_id: the same again goes on with a job that runs.
        silent_seconds: how long the device may say nothing, also when asked.
        arguments: of the command.

    Raises:
        NoAnswer: the device is not there, or not any more: the job may go on.
        CommandError: it was refused.
    """
    id_ = command_id or uuid.uuid4().hex
    admin.board.expect(id_)  # before it is sent: no progress is missed
    try:
        result = admin.ask(device, verb, wait_seconds=wait_seconds, command_id=id_, **arguments)
        said = result.value()
        if "job" not in said:
            yield Progress(result.device, id_, verb, "done", data=said, standing=result.standing)
            return
        yield Progress(result.device, id_, verb, str(said["job"]), standing=result.standing)
        yield from follow(admin, device, id_, silent_seconds=silent_seconds)
    finally:
        admin.board.drop(id_)


def follow(admin: Admin, device: str, id_: str, *, silent_seconds: float = SILENT_SECONDS) -> Iterator[Progress]:
    """Yields how far a job is, until it ends: as it is told, and asked for where nothing is heard.

    Raises:
        NoAnswer: the device says nothing for too long.
        Untrusted: it does, and what speaks in its name signs with another key.
        CommandError: it knows no such job.
    """
    admin.board.expect(id_)
    try:
        last: Progress | None = None
        heard_at = time.monotonic()
        while last is None or not last.ended:
            progress = admin.board.next_progress(id_, time.monotonic() + ASK_SECONDS)
            if progress is None:
                silent = time.monotonic() - heard_at
                progress = _asked(admin, device, id_, doubting=silent > silent_seconds / 8)
            if progress is None:
                if silent > silent_seconds:
                    raise NoAnswer(f"{device} has said nothing of {id_} for {silent_seconds:g} s: the job may go on")
                continue
            heard_at = time.monotonic()
            if progress != last:
                yield progress
            last = progress
    finally:
        admin.board.drop(id_)


def _asked(admin: Admin, device: str, id_: str, *, doubting: bool) -> Progress | None:
    """What the device says when asked; None where it does not answer.

    Args:
        admin: whose line.
        device: which.
        id_: of the job.
        doubting: it is silent for so long that an answer by another key is one.
    """
    try:
        return admin.job(device, id_, wait_seconds=ASK_SECONDS)
    except Untrusted:
        if not doubting:
            return None
        raise Untrusted(
            f"{device} does not sign with the key that is known of it any more: if a backup brought its "
            f"former key back, `latchkey admin devices trust {device}`, and `latchkey admin job {device} {id_}`"
        ) from None
    except NoAnswer:
        return None
    except CommandError as error:
        if error.code == Code.UNKNOWN_VERB:
            return None
        raise
