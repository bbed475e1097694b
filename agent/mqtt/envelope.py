"""What every command has beside its arguments: for whom it is, from when until when, and whose signature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from agent.errors import CommandError
from agent.mqtt.message import Code, Command, CommandId, KeyId, Message, Signature, Time
from agent.mqtt.wire import explain
from agent.trust.keys import SigningKey
from agent.trust.statement import canonical, signed_command

LIFETIME: Final = timedelta(seconds=20)  # of a command whose sender does not say


class Envelope(Message):
    """The fields that all commands share; no command has others of these names."""

    id: CommandId
    target: Annotated[str, Field(max_length=200)]  # <site>/<device>, <site>/@<group>, <site>/@all
    issued: Time
    not_after: Time
    key: KeyId
    signature: Signature


OF_COMMANDS: Final = ("id", "not_after")  # fields of the envelope that handlers see, too


def envelope_of(body: Mapping[str, Any]) -> Envelope:
    """Returns the envelope of a command.

    Raises:
        CommandError: there is none, or it is not as it has to be.
    """
    if "signature" not in body or "key" not in body:
        raise CommandError(
            Code.UNSIGNED, "commands have to be signed: deploy/MQTT.md says how, `latchkey admin` does it"
        )
    fields = {name: body[name] for name in Envelope.model_fields if name in body}
    try:
        return Envelope.model_validate_json(canonical(fields))
    except ValidationError as error:
        raise CommandError(Code.BAD_REQUEST, explain(error)) from None


def arguments_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is not of the envelope alone."""
    return {name: value for name, value in body.items() if name in OF_COMMANDS or name not in Envelope.model_fields}


def signed(verb: str, command: Command, target: str, key: SigningKey, *, now: datetime | None = None) -> bytes:
    """Returns the payload of a command.

    Args:
        verb: of its topic.
        command: without `not_after` it lives for 20 s.
        target: for whom.
        key: of an admin.
        now: when it is issued, UTC; by default the time.
    """
    issued = now or datetime.now(UTC)
    body: dict[str, Any] = json.loads(command.to_json())
    body |= {"target": target, "issued": issued.isoformat(), "key": key.public.id}
    body.setdefault("not_after", (issued + LIFETIME).isoformat())
    return canonical(signed_command(verb, body, key))
