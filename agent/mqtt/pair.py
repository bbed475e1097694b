"""The messages of pairing, see `agent.trust.pairing`."""

from __future__ import annotations

from typing import Annotated, Self, TypeAlias

from pydantic import Field, model_validator

from agent.mqtt.message import Code, CommandId, Message, News
from agent.mqtt.verbs.keys import KeyName, Public

Nonce: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{22}==$")]  # 16 bytes
Proof: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]  # HMAC-SHA256


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
