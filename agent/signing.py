"""The encoder of signatures and its judge, as this site turns them; None where no encoder is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.bundle import Card, read_card
from agent.config import Config
from agent.config.tables import BUNDLED_MODELS
from agent.errors import CommandError, EnrolmentRefused, ModelError, SignatureRefused
from agent.hardware import backends
from agent.mqtt.message import Code
from agent.seal.keys import SiteKey
from agent.seal.turning import TurnedEncoder
from agent.signature.encode import SignatureEncoder
from agent.signature.features import VERSION
from agent.signature.judge import Judge
from agent.signature.trace import trace
from agent.types import Embedding, Floats


@dataclass(frozen=True, slots=True)
class Signing:
    """What a door needs to compare signatures."""

    model: str  # id of the encoder and the key: whose references are compared
    encode: TurnedEncoder[Floats]
    judge: Judge

    def references(self, signatures: Sequence[Sequence[Sequence[float]]]) -> list[Embedding]:
        """Returns the embeddings of what the pen did several times, see `agent.signature.trace`.

        Raises:
            EnrolmentRefused: one is no signature, or is not like the others; says which.
        """
        found = [self._encoded(number, points) for number, points in enumerate(signatures)]
        odd = self.judge.outlier(np.stack([each.vector for each in found]))
        if odd is not None:
            raise EnrolmentRefused(
                "different_signatures", f"signature {odd + 1} is not like the others: sign that one again", odd
            )
        return found

    def _encoded(self, number: int, points: Sequence[Sequence[float]]) -> Embedding:
        try:
            return self.encode(trace(points))
        except SignatureRefused as refused:
            raise EnrolmentRefused(refused.code, f"signature {number + 1}: {refused}", number) from refused


def open_signing(config: Config, key: SiteKey | None) -> Signing | None:
    """Returns what compares signatures; None without a key, and where the encoder that we bring was left out.

    Raises:
        ModelError: it is there and cannot be used, or another was asked for and is not there.
    """
    if key is None or not installed(config):
        return None
    card, encoder = plain_encoder(config)
    return Signing(key.model(card.id), TurnedEncoder(encoder, key), Judge.from_card(card.fields))


def needed(signing: Signing | None) -> Signing:
    """Returns what compares signatures.

    Raises:
        CommandError: there is no encoder.
    """
    if signing is None:
        raise CommandError(Code.NO_ENCODER, "no encoder for signatures is installed here: see [models] signature")
    return signing


def installed(config: Config) -> bool:
    """Whether this device compares signatures."""
    file = config.models.signature
    return file.exists() or file.parent != BUNDLED_MODELS


def plain_encoder(config: Config) -> tuple[Card, SignatureEncoder]:
    """Returns the card and a new encoder, never turned: for the self-test.

    Raises:
        ModelError: the file is not the one its card describes, or not for this version of Latchkey.
    """
    file, options = config.models.signature, config.engine
    card = read_card(file)
    made_for = card.fields.get("features")
    if made_for != VERSION:
        raise ModelError(f"{file}: was trained on version {made_for} of the features, this Latchkey makes {VERSION}")
    engine = backends.load("engine", options.runtime)
    settings = {"runtime": options.runtime, "delegate": None, "threads": 1}  # 0.1 ms of a CPU: no accelerator pays
    try:
        return card, SignatureEncoder(engine(file, sha256=card.sha256, **settings), card.id)  # type: ignore[arg-type] # mixed values
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from error
