"""Commands about people: who they are, their groups, PINs and cards."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, cast

from pydantic import Field, model_validator

from agent.access.holder import State
from agent.members.particulars import Changes
from agent.mqtt.message import Command, ConsentText, Name, Person, Time

_Badge = Annotated[str, Field(max_length=32)]
_Group = Annotated[str, Field(max_length=64)]
_Groups = Annotated[tuple[_Group, ...], Field(max_length=64)]
_Notes = Annotated[str, Field(max_length=2000)]
_Factors = Annotated[str, Field(max_length=200)]
_Pin = Annotated[str, Field(pattern="^[0-9]{4,12}$")]
_Card = Annotated[str, Field(min_length=1, max_length=512)]
_By = Annotated[str, Field(min_length=1, max_length=128)]
_CLEARABLE: Final = {"badge", "valid_from", "valid_to", "factors"}  # null takes them away


class PersonCommand(Command):
    """Asks for everything that is kept of a person but secrets and faces."""

    reads: ClassVar[bool] = True

    person: Person


class PersonSetCommand(Command):
    """Changes a person; what is left out stays. Null takes a badge number, a date or the factors away."""

    person: Person
    create: bool = False  # who is not there is added
    name: Name | None = None
    badge: _Badge | None = None
    groups: _Groups | None = None  # these and no others
    add_groups: _Groups | None = None
    remove_groups: _Groups | None = None
    valid_from: Time | None = None
    valid_to: Time | None = None
    state: State | None = None
    factors: _Factors | None = None
    extended: bool | None = None
    visitor: bool | None = None
    notes: _Notes | None = None

    def changes(self) -> Changes:
        """What is to be changed."""
        given = self.model_fields_set & Changes.__annotations__.keys()
        values: Any = {field: getattr(self, field) for field in given}
        return cast("Changes", {key: value for key, value in values.items() if value is not None or key in _CLEARABLE})


class PinSetCommand(Command):
    """Gives a person a PIN and a duress PIN or none; without a PIN takes both away."""

    person: Person
    pin: _Pin | None = Field(default=None, repr=False)
    duress: _Pin | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _whole(self) -> PinSetCommand:
        if self.duress is not None and self.pin is None:
            raise ValueError("a duress PIN is set together with the PIN")
        return self


class CardAddCommand(Command):
    """Gives a person a card or a QR code."""

    person: Person
    card: _Card = Field(repr=False)


class CardRemoveCommand(Command):
    """Takes a card away, by its number or its hint; all cards without either."""

    person: Person
    card: _Card | None = Field(default=None, repr=False)
    hint: Annotated[str, Field(min_length=1, max_length=4)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> CardRemoveCommand:
        if self.card is not None and self.hint is not None:
            raise ValueError("card and hint exclude each other")
        return self


class ConsentCommand(Command):
    """Notes that a person has agreed to a text, or takes that back."""

    person: Person
    given: bool
    text: ConsentText | None = None  # none: that of the configuration
    by: _By | None = None  # who took it down


class MergeCommand(Command):
    """Makes one of two people."""

    person: Person  # who is no more
    into: Person


class RenameCommand(Command):
    """Gives a person another id."""

    person: Person
    to: Person


class UndoCommand(Command):
    """Says that it was not this person who was recognised."""

    person: Person
    event: Annotated[str, Field(min_length=1, max_length=40)]  # id or seq
    by: _By | None = None  # who says so


COMMANDS: Final[dict[str, type[Command]]] = {
    "person": PersonCommand,
    "person_set": PersonSetCommand,
    "pin_set": PinSetCommand,
    "card_add": CardAddCommand,
    "card_remove": CardRemoveCommand,
    "consent": ConsentCommand,
    "merge": MergeCommand,
    "rename": RenameCommand,
    "undo": UndoCommand,
}
