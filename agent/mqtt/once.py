"""A command is carried out once, wherever it comes from: the same id again is answered with the same result.

Where the agent dies between doing and remembering, the command is done again when the requester repeats it, so what
handlers do must bear repeating; but what is momentary, such as to unlock, is remembered before it is done, and never
done twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from agent.errors import CommandError, EnrolmentRefused, LatchkeyError, StoreError
from agent.mqtt.message import Code, Command, PartedCommand
from agent.mqtt.parts import Spool
from agent.mqtt.wire import Result, code_of, refusal

logger = logging.getLogger(__name__)

MAX_MESSAGE: Final = 2000  # characters of an answer's message
TRANSIENT: Final = {Code.STORAGE_FAILED, Code.FAILED}  # the same id may be tried again
CUT_SHORT: Final = "it was begun, and the device stopped before it was known to be done: look, and ask under a new id"

Handler = Callable[[Any], Mapping[str, Any]]
"""Carries out a command (the model of its verb) and returns the `data` of its result."""
Remember = Callable[[str, str, str, datetime | None], object]
"""Keeps the result of a command: id, verb, JSON, and when nobody can send it again."""


class Once:
    """Carries out commands that were admitted.

    Args:
        handlers: verb to what carries it out.
        spool: has what came in parts.
        recall: the result of a command id that has been carried out, or begun, if any.
        remember: keeps the result of a command.
        begin: the same, before it is done: the result if that is never known.
        full: whether too many commands are remembered to take this one, too.
        seen: told of every verb and command whose id was seen before.
        keeps_reads: whether ids of commands that change nothing are remembered: what was signed could be sent again by
            whoever has heard it.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        spool: Spool,
        recall: Callable[[str], str | None],
        remember: Remember,
        begin: Remember = lambda *_: None,
        full: Callable[[Command], bool] = lambda _: False,
        seen: Callable[[str, Command], object] = lambda *_: None,
        keeps_reads: bool = True,
    ) -> None:
        self.recall = recall
        self._handlers, self._spool, self._seen = handlers, spool, seen
        self._remember, self._begin, self._full, self._keeps_reads = remember, begin, full, keeps_reads

    def do(self, verb: str, command: Command, until: datetime) -> Result:
        """Returns the remembered result of the id, or that of carrying out the command now.

        Args:
            verb: one that there is a handler for.
            command: of that verb, with who asks.
            until: when nobody can send it again.

        Raises:
            StoreError: what was done before cannot be read: nothing is done.
        """
        remembered = self.recall(command.id)
        if remembered is not None:
            self._seen(verb, command)
            return _again(Result.model_validate_json(remembered), verb, command)
        if self._full(command):
            return refusal(verb, command.id, Code.BUSY, "too many commands that live for long are remembered")
        try:
            if isinstance(command, PartedCommand) and command.parts:
                self._spool.check(command.id, command.parts)
            if command.momentary:
                cut = refusal(verb, command.id, Code.SEEN_BEFORE, CUT_SHORT)
                self._begin(command.id, verb, cut.to_json().decode(), until)
        except CommandError as error:
            return refusal(verb, command.id, Code(error.code), str(error))
        except StoreError as error:
            return refusal(verb, command.id, Code.STORAGE_FAILED, str(error))
        result = self._carry_out(verb, command)
        if command.reads and not self._keeps_reads:
            return result
        if result.code not in TRANSIENT or command.momentary:
            self._spool.drop(command.id)
            kept = Result(id=result.id, verb=verb, ok=result.ok, code=result.code) if command.reads else result
            self.keep(kept, until)
        return result

    def keep(self, result: Result, until: datetime) -> None:
        """Remembers a result; where that fails, it is done all the same."""
        try:
            self._remember(str(result.id), result.verb, result.to_json().decode(), until)
        except StoreError as error:
            logger.warning("command cannot be remembered: %s %s: %s", result.verb, result.id, error)

    def _carry_out(self, verb: str, command: Command) -> Result:
        """The result of the handler. What it raises on purpose is an answer; anything else is for who asked."""
        try:
            data = self._handlers[verb](command)
        except LatchkeyError as error:
            photo = error.photo if isinstance(error, EnrolmentRefused) else None
            logger.info("command refused: %s %s: %s", verb, command.id, error)
            return refusal(verb, command.id, code_of(error), str(error)[:MAX_MESSAGE], photo=photo)
        logger.info("command done: %s %s", verb, command.id)
        return Result(id=command.id, verb=verb, ok=True, data=dict(data))


def _again(first: Result, verb: str, command: Command) -> Result:
    """The answer to an id that was seen before: nothing is carried out."""
    if first.verb != verb:
        return refusal(verb, command.id, Code.ID_REUSED, f"this id was a {first.verb} command")
    if command.reads:
        return refusal(verb, command.id, Code.SEEN_BEFORE, "answered before: ask again under a new id")
    return first.model_copy(update={"code": first.code or Code.SEEN_BEFORE})
