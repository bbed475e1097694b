"""One signed command on its way, and who is to answer it."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from agent.client.answers import NO_ANSWER, UNTRUSTED, Result
from agent.client.board import Board
from agent.errors import CommandError, NoAnswer
from agent.mqtt.envelope import LIFETIME
from agent.mqtt.message import Code
from agent.mqtt.topics import ROOT
from agent.mqtt.wire import COMMANDS, explain
from agent.trust.keys import SigningKey
from agent.trust.statement import canonical, signed_command

Send = Callable[[str, bytes], object]
"""Sends a payload to a topic."""
MOMENTARY: Final = frozenset({"unlock", "hold"})  # not to be done late
MOST_BODY: Final = 8 * 2**20  # bytes of a command, as devices take them by default


class Call:
    """A command for one device or a group.

    Args:
        board: where the answers come in.
        key: signs.
        target: `<site>/<device>`, or `<site>/@<group>`.
        verb: which command.
        arguments: JSON values, see `checked`.
        sure: devices that have to answer.
        maybe: devices that may be in the group, or not.
        command_id: by default one that was never there.

    Raises:
        CommandError: it is too large.
    """

    def __init__(
        self,
        board: Board,
        key: SigningKey,
        target: str,
        verb: str,
        arguments: Mapping[str, Any],
        *,
        sure: Collection[str],
        maybe: Collection[str] = (),
        command_id: str | None = None,
    ) -> None:
        self._board, self._key, self._arguments = board, key, dict(arguments)
        self._target, self.verb = target, verb
        self.sure = frozenset(sure)
        self._awaited = self.sure | frozenset(maybe)
        self._ids = [command_id or uuid.uuid4().hex]
        self._topic = f"{ROOT}/{target}/cmd/{verb}"
        board.forget_refusal(self._topic)
        self._payload = self._signed()
        self._births: int | None = None  # of those who had not answered, at the last sending
        self._sent_at = -1  # births of all at that time
        board.expect(self.id)

    @property
    def id(self) -> str:
        """Its id; a question that had to be asked again has another one."""
        return self._ids[-1]

    @property
    def due(self) -> bool:
        """Whether it is to be sent, or sent again: a device that has not answered is there anew."""
        if self._sent_at == self._board.all_births:  # nobody is there anew: asked after every message of thousands
            return False
        return not self.complete and self._births != self._count()

    @property
    def complete(self) -> bool:
        """Whether all have answered, or nobody will: the broker does not take it."""
        if self._refusal is not None:
            return True
        if sum(map(self._board.answered, self._ids)) < len(self._awaited):  # mostly so, and soon said
            return False
        return self._awaited <= self.answers.keys()

    @property
    def answers(self) -> dict[str, Result]:
        """The answers so far, by device."""
        return {device: result for id_ in self._ids for device, result in self._board.results(id_).items()}

    def send(self, send: Send) -> None:
        """Sends it. The same id again does nothing twice; what only asks gets a new id, to be answered again.

        What opens a door stays as it was signed: after a few seconds it is not done any more.
        """
        births, sent_at = self._count(), self._board.all_births
        if self._births is not None and self._reads:
            self._ids.append(uuid.uuid4().hex)
            self._board.expect(self.id)
        if self._births is not None and self.verb not in MOMENTARY:
            self._payload = self._signed()
        self._board.forget_refusal(self._topic)
        send(self._topic, self._payload)
        self._births, self._sent_at = births, sent_at

    def results(self, seconds: float) -> dict[str, Result]:
        """Returns what came, and of those who have to answer and did not, that they did not within a time."""
        found, refusal = self.answers, self._refusal
        forged = {device for id_ in self._ids for device in self._board.forged(id_)}
        for device in sorted(self.sure - found.keys()):
            lied = device in forged
            message = (
                "an answer came that it has not signed: if it was set up anew, see `latchkey admin devices trust`"
                if lied
                else f"no result within {seconds:g} s: whether it was done is not known"
            )
            if refusal is not None:
                message = f"nothing was done: the broker does not take {self._topic}: {refusal}"
            code = UNTRUSTED if lied else NO_ANSWER
            found[device] = Result(device, self.verb, self.id, ok=False, code=code, message=message)
        return found

    def close(self) -> None:
        """Nobody waits any more."""
        for id_ in self._ids:
            self._board.drop(id_)

    @property
    def _refusal(self) -> str | None:
        return self._board.refusal(self._topic)

    @property
    def _reads(self) -> bool:
        model = COMMANDS.get(self.verb)
        return model is not None and model.reads

    def _count(self) -> int:
        return sum(self._board.births(device) for device in self._awaited - self.answers.keys())

    def _signed(self) -> bytes:
        now = datetime.now(UTC)
        envelope = {"id": self.id, "target": self._target, "issued": now.isoformat(), "key": self._key.public.id}
        body = {"not_after": (now + LIFETIME).isoformat()} | self._arguments | envelope
        try:
            payload = canonical(signed_command(self.verb, body, self._key))
        except ValueError as error:
            raise CommandError(Code.BAD_REQUEST, f"{self.verb}: {error}") from None
        if len(payload) > MOST_BODY:
            raise CommandError(Code.TOO_LARGE, f"{self.verb}: {len(payload):,} bytes: at most {MOST_BODY:,}")
        return payload


def gather(board: Board, calls: Sequence[Call], send: Send, deadline: float) -> None:
    """Sends calls, again where a device is there anew, until all have answered or it is too late.

    Args:
        board: where the answers come in.
        calls: with their answers, after this.
        send: raises NoAnswer where the connection breaks: what it took not is due still.
        deadline: monotonic seconds.
    """

    def done_or_due() -> bool:
        return all(call.complete for call in calls) or any(call.due for call in calls)

    while True:
        for call in calls:
            if call.due:
                with suppress(NoAnswer):
                    call.send(send)
        if not board.wait_for(done_or_due, deadline) or all(call.complete for call in calls):
            return


def checked(verb: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a command as JSON values: bytes as base64, times with their offset.

    A verb that this version does not know is left to the device.

    Raises:
        CommandError: they are not those of the verb; nothing was sent.
    """
    try:
        plain: dict[str, Any] = json.loads(json.dumps(arguments, default=_plain, allow_nan=False))
        model = COMMANDS.get(verb)
        if model is not None:
            envelope = {"id": "0", "not_after": datetime.now(UTC).isoformat()}
            model.model_validate_json(json.dumps(envelope | plain))
    except ValidationError as error:
        raise CommandError(Code.BAD_REQUEST, f"{verb}: {explain(error)}") from None
    except (TypeError, ValueError) as error:
        raise CommandError(Code.BAD_REQUEST, f"{verb}: {error}") from None
    return plain


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
