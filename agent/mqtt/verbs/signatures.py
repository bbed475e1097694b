"""Commands about how people sign: enrol, enrol at the kiosk, bring to another device, remove."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import Field

from agent.mqtt.message import Command, ConsentText, Message, Person, Photo
from agent.mqtt.verbs.consented import ConsentedCommand
from agent.mqtt.verbs.faces import MAX_VECTOR, SEALED
from agent.signature.judge import REFERENCES
from agent.signature.trace import MOST_POINTS

_Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
_Share: TypeAlias = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1)]
Point: TypeAlias = tuple[_Number, _Number, _Number, _Share, _Share]
"""x to the right and y downwards in CSS pixels, milliseconds, pressure 0 to 1, and 1 where the pen is lifted."""
Points: TypeAlias = Annotated[tuple[Point, ...], Field(min_length=1, max_length=MOST_POINTS)]


class DrawnSignature(Message):
    """What the pen did, once. It is not kept."""

    points: Points


Signatures: TypeAlias = Annotated[tuple[DrawnSignature, ...], Field(min_length=1, max_length=REFERENCES)]


class SignaturesFile(Message):
    """What a file of signatures holds, for the command line."""

    signatures: Signatures


class EnrolSignatureCommand(Command):
    """Says how a person signs, in place of what was known before."""

    person: Person
    signatures: Signatures
    consent: ConsentText | Literal[True] | None = None  # true: to the text of the configuration


class EnrolSignatureLiveCommand(ConsentedCommand):
    """Has a person sign at the kiosk a few times, who is enrolled already."""

    person: Person
    signatures: Annotated[int, Field(ge=1, le=REFERENCES)] = REFERENCES
    seconds: Annotated[float, Field(ge=10, le=300)] = 120.0


class SignatureTemplatesCommand(Command):
    """Asks how a person signs, sealed with the site's key."""

    reads: ClassVar[bool] = True

    person: Person


class EnrolSignatureTemplatesCommand(Command):
    """Says how a person signs as another device of the site knows it, in place of what was known before."""

    person: Person
    model: Annotated[str, Field(max_length=128)]
    site_key: Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
    vectors: Annotated[
        tuple[Annotated[Photo, Field(max_length=MAX_VECTOR), SEALED], ...], Field(min_length=1, max_length=REFERENCES)
    ]
    consent: ConsentText | Literal[True] | None = None


class SignatureRemoveCommand(Command):
    """Forgets how a person signs."""

    person: Person


COMMANDS: Final[dict[str, type[Command]]] = {
    "enrol_signature": EnrolSignatureCommand,
    "enrol_signature_live": EnrolSignatureLiveCommand,
    "signature_templates": SignatureTemplatesCommand,
    "enrol_signature_templates": EnrolSignatureTemplatesCommand,
    "signature_remove": SignatureRemoveCommand,
}
