"""Commands from the broker: checked, carried out once, answered.

Whatever arrives gets a coded answer and never crashes the agent. Only what an admin's key has signed is carried out,
see `agent.mqtt.admission`. A command id is carried out once: the same id again is answered with the same result, and
`seen_before`. Where the agent dies between doing and remembering, the command is done again when
the requester repeats it, so what handlers do must bear repeating.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from agent.errors import CommandError, EnrolmentRefused, LatchkeyError, PictureError, StoreError
from agent.mqtt.admission import Admission
from agent.mqtt.connection import Outgoing
from agent.mqtt.credential import Reception
from agent.mqtt.inbox import Incoming
from agent.mqtt.link import Link
from agent.mqtt.message import Code, Command
from agent.mqtt.parts import Parts
from agent.mqtt.topics import AckTopic, CommandTopic, CredentialTopic, PartTopic
from agent.mqtt.verbs.faces import EnrolCommand
from agent.mqtt.wire import COMMANDS, Result, explain, recover_id, refusal
from agent.types import Credential

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 0.5
MAX_MESSAGE: Final = 2000  # characters of an answer's message
TRANSIENT: Final = {Code.STORAGE_FAILED, Code.FAILED}  # the same id may be tried again

Handler = Callable[[Any], dict[str, Any]]
"""Carries out a command (the model of its verb) and returns the `data` of its result."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was not carried out, for who sent it or when."""

    verb: str
    id: str | None
    code: Code
    by: str | None  # `mqtt:<name>` where the signature was good


class Commander:
    """A worker that carries out commands.

    Args:
        link: to the broker.
        handlers: verb to what carries it out.
        admission: whether a message is to be carried out at all.
        refused: told of every message that was not carried out for who sent it, or when: verb, id, code, whose key.
        recall: the result of a command id that has been carried out, if any.
        remember: keeps the result of a command: id, verb, JSON.
        shown: told of every credential that came from the network.
        acknowledged: takes what collectors say, as it came.
        now: the time, UTC.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        link: Link,
        handlers: Mapping[str, Handler],
        *,
        admission: Admission,
        recall: Callable[[str], str | None],
        remember: Callable[[str, str, str], object],
        refused: Callable[[Refused], object] = lambda _: None,
        shown: Callable[[Credential], object] = lambda _: None,
        acknowledged: Callable[[bytes], object] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._handlers = handlers
        self._admission, self._refused = admission, refused
        self._recall = recall
        self._remember = remember
        self._now = now
        self._parts = Parts(clock)
        self._shown, self._reception = shown, Reception()
        self._acknowledged = acknowledged

    def step(self) -> None:
        """Waits a while for one message and deals with it."""
        message = self._link.inbox.get(PATIENCE_SECONDS)
        self._parts.forget()
        if message is None:
            return
        match self._link.topics.parse(message.topic):
            case CommandTopic(verb):
                self._answer(message, self._command(verb, message))
            case PartTopic() as part:
                self._part(part, message)
            case CredentialTopic():
                credential = self._reception.take(message.payload, self._now())
                if credential is not None:
                    self._shown(credential)
            case AckTopic():
                self._acknowledged(message.payload)
            case None:
                logger.warning("MQTT: not a command topic: %s", message.topic)

    def _part(self, part: PartTopic, message: Incoming) -> None:
        """Keeps a photo; only a refusal is answered."""
        try:
            self._parts.add(part, message.payload, size=message.size)
        except CommandError as error:
            photo = part.number - 1 if part.number else None
            self._answer(message, refusal("enrol", part.id, Code(error.code), str(error), photo=photo))

    def _command(self, verb: str, message: Incoming) -> Result:
        """The result of whatever came on a command topic."""
        if verb not in COMMANDS or verb not in self._handlers:
            known = ", ".join(verb for verb in COMMANDS if verb in self._handlers)
            problem = f'no command "{verb}"; there are: {known}'
            return refusal(verb, recover_id(message.payload), Code.UNKNOWN_VERB, problem)
        if message.too_large:
            return refusal(verb, None, Code.TOO_LARGE, f"{message.size} bytes are too many; send photos as parts")
        try:
            admitted = self._admission.admit(verb, message.payload, self._now())
            command = COMMANDS[verb].model_validate_json(admitted.arguments).asked(admitted.by)
        except CommandError as error:
            return self._turn_down(refusal(verb, recover_id(message.payload), Code(error.code), str(error)))
        except ValidationError as error:
            return refusal(verb, recover_id(message.payload), Code.BAD_REQUEST, explain(error))
        return self._once(verb, command)

    def _turn_down(self, result: Result) -> Result:
        """Lets it be known that something was refused for who sent it, or when."""
        self._refused(Refused(result.verb, result.id, result.code or Code.FAILED, None))
        return result

    def _once(self, verb: str, command: Command) -> Result:
        """The remembered result of the id, or that of carrying out the command now."""
        remembered = self._recall(command.id)
        if remembered is not None:
            return self._again(Result.model_validate_json(remembered), verb, command)
        try:
            command = self._with_photos(command)
        except CommandError as error:
            return refusal(verb, command.id, Code(error.code), str(error))
        result = self._carry_out(verb, command)
        if result.code not in TRANSIENT:
            self._parts.drop(command.id)
            self._keep(Result(id=result.id, verb=verb, ok=result.ok, code=result.code) if command.reads else result)
        return result

    def _again(self, first: Result, verb: str, command: Command) -> Result:
        """The answer to an id that was seen before: nothing is carried out."""
        if first.verb != verb:
            refused = refusal(verb, command.id, Code.ID_REUSED, f"this id was a {first.verb} command")
        elif command.reads:
            refused = refusal(verb, command.id, Code.SEEN_BEFORE, "answered before: ask again under a new id")
        else:
            refused = first.model_copy(update={"code": first.code or Code.SEEN_BEFORE})
        self._refused(Refused(verb, command.id, Code.SEEN_BEFORE, command.asked_by))
        return refused

    def _keep(self, result: Result) -> None:
        try:
            self._remember(str(result.id), result.verb, result.to_json().decode())
        except StoreError as error:  # it is done all the same
            logger.warning("command cannot be remembered: %s %s: %s", result.verb, result.id, error)

    def _with_photos(self, command: Command) -> Command:
        if not isinstance(command, EnrolCommand) or command.parts is None:
            return command
        return command.model_copy(update={"photos": self._parts.collect(command.id, command.parts)})

    def _carry_out(self, verb: str, command: Command) -> Result:
        """The result of the handler. What it raises on purpose is an answer; anything else crashes the agent."""
        try:
            data = self._handlers[verb](command)
        except LatchkeyError as error:
            photo = error.photo if isinstance(error, EnrolmentRefused) else None
            logger.info("command refused: %s %s: %s", verb, command.id, error)
            return refusal(verb, command.id, code_of(error), str(error)[:MAX_MESSAGE], photo=photo)
        logger.info("command done: %s %s", verb, command.id)
        return Result(id=command.id, verb=verb, ok=True, data=data)

    def _answer(self, message: Incoming, result: Result) -> None:
        """Answers on the result topic and, with MQTT 5, where the requester wants it as well."""
        body = result.to_json()
        self._link.send(Outgoing(self._link.topics.result(result.verb, result.id), body))
        reply_to = message.reply_to
        if reply_to is None:
            return
        if self._link.topics.may_answer_on(reply_to.topic):
            self._link.send(Outgoing(reply_to.topic, body, correlation=reply_to.correlation))
        else:
            logger.warning("MQTT: a response topic is refused: %.100s", reply_to.topic)


def code_of(error: LatchkeyError) -> Code:
    """The code that stands for an error raised by a handler."""
    match error:
        case EnrolmentRefused() | CommandError():
            return Code(error.code) if error.code in set(Code) else Code.FAILED
        case PictureError():
            return Code.NOT_A_PICTURE
        case StoreError():
            return Code.STORAGE_FAILED
    return Code.FAILED
