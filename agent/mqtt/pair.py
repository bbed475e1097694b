"""The messages of pairing, see `agent.trust.pairing`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self, TypeAlias

from pydantic import Field, ValidationError, model_validator

from agent.errors import CommandError, StoreError
from agent.mqtt.message import Code, CommandId, Message, News
from agent.mqtt.verbs.keys import KeyName, Public
from agent.mqtt.wire import explain, recover_id

Nonce: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{22}==$")]  # 16 bytes
Proof: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]  # HMAC-SHA256


Pair: TypeAlias = Callable[["PairMessage"], dict[str, Any]]
"""Returns the fields of an answer, or raises a CommandError."""


class PairMessage(Message):
    """What an admin says: first the `id` alone, then all of it."""

    id: CommandId
    nonce: Nonce | None = None
    public: Public | None = None
    name: KeyName | None = None
    proof: Proof | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({field is None for field in (self.nonce, self.public, self.name, self.proof)}) > 1:
            raise ValueError("nonce, public, name and proof are sent together")
        return self

    @property
    def greets(self) -> bool:
        """Whether it is the first of two."""
        return self.proof is None


class PairAnswer(News):
    """What the device answers. Its signature proves nothing to who does not know the key yet: `proof` does."""

    id: CommandId | None = None
    ok: bool
    code: Code | None = None
    message: str | None = None
    nonce: Nonce | None = None  # to the first
    public: Public | None = None
    proof: Proof | None = None  # to the second


def answered(payload: bytes, pair: Pair) -> PairAnswer:
    """Returns the answer to whatever came on `pair`."""
    try:
        message = PairMessage.model_validate_json(payload)
    except ValidationError as error:
        return PairAnswer(id=recover_id(payload), ok=False, code=Code.BAD_REQUEST, message=explain(error))
    try:
        return PairAnswer(id=message.id, ok=True, **pair(message))
    except CommandError as error:
        return PairAnswer(id=message.id, ok=False, code=Code(error.code), message=str(error))
    except StoreError as error:
        return PairAnswer(id=message.id, ok=False, code=Code.STORAGE_FAILED, message=str(error))


def no_pairing(_: PairMessage) -> dict[str, Any]:
    """Raises: there is none to be had."""
    raise CommandError(Code.NO_PAIRING, "no pairing is waited for")
