"""Commands from the broker: checked, carried out once, answered.

Whatever arrives gets a coded answer and never crashes the agent, unless there is too much of it. Only what an admin's
key has signed is carried out, see `agent.mqtt.admission`. A command id is carried out once: the same id again is
answered with the same result, and `seen_before`, see `agent.mqtt.once`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from agent.errors import CommandError, StoreError
from agent.mqtt.admission import Admission, NotAdmitted
from agent.mqtt.connection import Outgoing
from agent.mqtt.credential import VERB, CredentialMessage, Reception
from agent.mqtt.inbox import Incoming
from agent.mqtt.link import Link
from agent.mqtt.message import Code, Command
from agent.mqtt.once import Handler, Once, Remember
from agent.mqtt.pair import Pair, answered, no_pairing
from agent.mqtt.parts import Spool
from agent.mqtt.refusals import Refusals, Refused
from agent.mqtt.topics import AckTopic, BirthTopic, CommandTopic, CredentialTopic, PairTopic, PartTopic
from agent.mqtt.wire import COMMANDS, Result, explain, recover_id, refusal
from agent.types import Credential

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 0.5


class Commander:
    """A worker that carries out commands.

    Args:
        link: to the broker.
        handlers: verb to what carries it out.
        admission: whether a message is to be carried out at all.
        spool: keeps what comes in parts.
        recall: the result of a command id that has been carried out, or begun, if any.
        remember: keeps the result of a command.
        begin: the same, before it is done: the result if that is never known.
        full: whether too many commands are remembered to take this one, too.
        refused: told of every message that was not carried out for who sent it, or when.
        shown: told of every credential that came from the network.
        pair: answers who wants to be the first owner.
        born: told of what Home Assistant says of itself.
        acknowledged: takes what collectors say, as it came; returns False where it is not to be believed.
        now: the time, UTC.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        link: Link,
        handlers: Mapping[str, Handler],
        *,
        admission: Admission,
        spool: Spool,
        recall: Callable[[str], str | None],
        remember: Remember,
        begin: Remember = lambda *_: None,
        full: Callable[[Command], bool] = lambda _: False,
        refused: Callable[[Refused], object] = lambda _: None,
        shown: Callable[[Credential], object] = lambda _: None,
        pair: Pair = no_pairing,
        born: Callable[[bytes], object] = lambda _: None,
        acknowledged: Callable[[bytes], object] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link, self._handlers, self._admission = link, handlers, admission
        self._once = Once(
            handlers, spool=spool, recall=recall, remember=remember, begin=begin, full=full, seen=self._seen
        )
        self._now = now
        self._spool, self._born, self._acknowledged = spool, born, acknowledged
        self._refusals = Refusals(refused, clock)
        self._shown, self._pair, self._reception = shown, pair, Reception()

    def step(self) -> None:
        """Waits a while for one message and deals with it."""
        message = self._link.inbox.get(PATIENCE_SECONDS)
        self._spool.forget()
        if message is None:
            return
        self._refusals.begin()
        try:
            self._take(message)
        except StoreError as error:  # who may, and what was done, cannot be read just now: nothing is done
            self._put_off(message, error)

    def _take(self, message: Incoming) -> None:
        match self._link.topics.parse(message.topic):
            case CommandTopic(verb):
                result = self._command(verb, message)
                if result is not None:
                    self._answer(message, result)
            case PartTopic() as part:
                self._part(part, message)
            case CredentialTopic():
                self._credential(message)
            case PairTopic():
                self._pairing(message)
            case BirthTopic():
                self._born(message.payload)
            case AckTopic():
                if self._acknowledged(message.payload) is False:
                    self._refusals.answered()  # a flood of these rests, too
            case None:
                logger.warning("MQTT: not a command topic: %s", message.topic)

    def _put_off(self, message: Incoming, error: StoreError) -> None:
        if self._refusals.answered():
            logger.warning("MQTT: not looked at: %s: %s", message.topic, error)
            if isinstance(topic := self._link.topics.parse(message.topic), CommandTopic):
                self._answer(message, refusal(topic.verb, recover_id(message.payload), Code.STORAGE_FAILED, str(error)))

    def _part(self, part: PartTopic, message: Incoming) -> None:
        """Keeps a part; only a refusal is answered, and of a flood few: parts are not signed."""
        try:
            if part.verb not in self._handlers:
                raise CommandError(Code.UNKNOWN_VERB, f'no command "{part.verb}"')  # noqa: TRY301 - answered as others
            self._spool.add(part, message.payload, size=message.size)
        except CommandError as error:
            if self._refusals.answered():
                self._answer(message, refusal(part.verb, part.id, Code(error.code), str(error), part=part.number))

    def _pairing(self, message: Incoming) -> None:
        answer = answered(message.payload, self._pair)
        if answer.ok or self._refusals.answered():
            self._link.send(Outgoing(self._link.topics.paired(answer.id), answer.to_json()))

    def _credential(self, message: Incoming) -> None:
        """Hands on what a reader has signed, once; there is no answer but what happens at the door."""
        try:
            admitted = self._admission.admit(VERB, message.payload, self._now())
            shown = CredentialMessage.model_validate_json(admitted.arguments)
        except NotAdmitted as error:
            if self._refusals.answered(Refused(VERB, None, Code(error.code), error.by, error.key)):
                logger.warning("credential refused: %s: %s", error.code, error)
            return
        except ValidationError as error:
            logger.warning("credential refused: %s", explain(error))
            return
        if self._once.recall(shown.id) is not None or (credential := self._reception.take(shown, self._now())) is None:
            return
        self._once.keep(Result(id=shown.id, verb=VERB, ok=True), admitted.until)
        self._shown(credential)

    def _command(self, verb: str, message: Incoming) -> Result | None:
        """The result of whatever came on a command topic; None: it is one of too many to be answered."""
        if verb not in COMMANDS or verb not in self._handlers:
            known = ", ".join(verb for verb in COMMANDS if verb in self._handlers)
            return self._rebuff(verb, message, Code.UNKNOWN_VERB, f'no command "{verb}"; there are: {known}')
        if message.too_large:
            problem = f"{message.size} bytes are too many; send them as parts"
            return self._rebuff(verb, message, Code.TOO_LARGE, problem)
        try:
            admitted = self._admission.admit(verb, message.payload, self._now())
            command = COMMANDS[verb].model_validate_json(admitted.arguments)
            command = command.asked(admitted.by, admitted.key, admitted.role)
        except NotAdmitted as error:
            id_, code = recover_id(message.payload), Code(error.code)
            told = self._refusals.answered(Refused(verb, id_, code, error.by, error.key))
            return refusal(verb, id_, code, str(error)) if told else None
        except ValidationError as error:
            return refusal(verb, recover_id(message.payload), Code.BAD_REQUEST, explain(error))
        return self._once.do(verb, command, admitted.until)

    def _rebuff(self, verb: str, message: Incoming, code: Code, problem: str) -> Result | None:
        return refusal(verb, recover_id(message.payload), code, problem) if self._refusals.answered() else None

    def _seen(self, verb: str, command: Command) -> None:
        self._refusals.answered(Refused(verb, command.id, Code.SEEN_BEFORE, command.asked_by, command.signed_by))

    def _answer(self, message: Incoming, result: Result) -> None:
        """Answers on the result topic and, with MQTT 5, where the requester wants it as well."""
        body = result.to_json()
        self._link.send(Outgoing(self._link.topics.result(result.verb, result.id), body))
        reply_to = message.reply_to
        if reply_to is None:
            return
        if self._link.topics.may_answer_on(reply_to.topic):
            said_on = self._link.topics.result(result.verb, result.id)
            self._link.send(Outgoing(reply_to.topic, body, correlation=reply_to.correlation, said_on=said_on))
        else:
            logger.warning("MQTT: a response topic is refused: %.100s", reply_to.topic)
