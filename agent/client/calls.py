"""One signed command on its way, and who is to answer it."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from agent.client.answers import NO_ANSWER, UNTRUSTED, Result
from agent.client.board import Board
from agent.errors import CommandError
from agent.mqtt.envelope import LIFETIME
from agent.mqtt.message import Code
from agent.mqtt.topics import ROOT
from agent.mqtt.wire import COMMANDS, explain
from agent.trust.keys import SigningKey
from agent.trust.statement import canonical, signed_command

Send = Callable[[str, bytes], object]
"""Sends a payload to a topic."""
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
        self.sure, self._maybe = frozenset(sure), frozenset(maybe)
        self._ids = [command_id or uuid.uuid4().hex]
        self._payload = b""
        self._births: int | None = None  # at the last sending
        self._fresh()

    @property
    def id(self) -> str:
        """Its id; a question that had to be asked again has another one."""
        return self._ids[-1]

    @property
    def due(self) -> bool:
        """Whether it is to be sent, or sent again: a device that has not answered is there anew."""
        return not self.complete and self._births != self._count()

    @property
    def complete(self) -> bool:
        """Whether all have answered."""
        return (self.sure | self._maybe) <= self.answers.keys()

    @property
    def answers(self) -> dict[str, Result]:
        """The answers so far, by device."""
        return {device: result for id_ in self._ids for device, result in self._board.results(id_).items()}

    def send(self, send: Send) -> None:
        """Sends it. The same id again does nothing twice; what only asks gets a new id, to be answered again."""
        births = self._count()
        if self._births is not None and self._reads:
            self._ids.append(uuid.uuid4().hex)
            self._fresh()
        send(f"{ROOT}/{self._target}/cmd/{self.verb}", self._payload)
        self._births = births

    def results(self, seconds: float) -> dict[str, Result]:
        """Returns what came, and of those who have to answer and did not, that they did not within a time."""
        found = self.answers
        forged = {device for id_ in self._ids for device in self._board.forged(id_)}
        for device in sorted(self.sure - found.keys()):
            lied = device in forged
            message = (
                "an answer came that it has not signed: if it was set up anew, see `latchkey admin devices trust`"
                if lied
                else f"no result within {seconds:g} s: whether it was done is not known"
            )
            code = UNTRUSTED if lied else NO_ANSWER
            found[device] = Result(device, self.verb, self.id, ok=False, code=code, message=message)
        return found

    def close(self) -> None:
        """Nobody waits any more."""
        for id_ in self._ids:
            self._board.drop(id_)

    @property
    def _reads(self) -> bool:
        model = COMMANDS.get(self.verb)
        return model is not None and model.reads

    def _count(self) -> int:
        return sum(self._board.births(device) for device in (self.sure | self._maybe) - self.answers.keys())

    def _fresh(self) -> None:
        """Signs it, and listens for the results of its id."""
        now = datetime.now(UTC)
        envelope = {"id": self.id, "target": self._target, "issued": now.isoformat(), "key": self._key.public.id}
        body = {"not_after": (now + LIFETIME).isoformat()} | self._arguments | envelope
        try:
            self._payload = canonical(signed_command(self.verb, body, self._key))
        except ValueError as error:
            raise CommandError(Code.BAD_REQUEST, f"{self.verb}: {error}") from None
        if len(self._payload) > MOST_BODY:
            raise CommandError(Code.TOO_LARGE, f"{self.verb}: {len(self._payload):,} bytes: at most {MOST_BODY:,}")
        self._board.expect(self.id)


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
