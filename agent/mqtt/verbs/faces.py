"""Commands about faces: enrol, remove, list, identify."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, model_validator

from agent.access.holder import State
from agent.mqtt.message import MAX_PHOTOS, Command, ConsentText, Name, PartedCommand, Person, Photo


class EnrolCommand(PartedCommand):
    """Adds a person, or photos to a person; each part is a photo, or `split` says of how many each is made."""

    person: Person
    name: Name | None = None
    photos: Annotated[tuple[Photo, ...], Field(max_length=MAX_PHOTOS)] = ()
    split: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=MAX_PHOTOS)] | None = None
    replace: bool = False
    consent: ConsentText | Literal[True] | None = None  # true: to the text of the configuration

    @model_validator(mode="after")
    def _one_way(self) -> EnrolCommand:
        if self.photos and self.parts:
            raise ValueError("photos and parts exclude each other")
        if self.split is not None and sum(self.split) != len(self.parts or ()):
            raise ValueError(f"split: want {len(self.parts or ())} parts in all, got {sum(self.split)}")
        if self.split is None and len(self.parts or ()) > MAX_PHOTOS:
            raise ValueError(f"parts: at most {MAX_PHOTOS} photos")
        return self


class RemoveCommand(Command):
    """Removes a person and all templates."""

    person: Person


class ListCommand(Command):
    """Asks who is known, page by page."""

    reads: ClassVar[bool] = True

    after: Annotated[str, Field(max_length=64)] = ""  # an id: those that come after it
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    group: Annotated[str, Field(max_length=64)] | None = None
    state: State | None = None
    search: Annotated[str, Field(max_length=128)] | None = None  # in ids, names and badge numbers


class IdentifyCommand(Command):
    """Asks who is in a picture."""

    reads: ClassVar[bool] = True

    photo: Photo


COMMANDS: Final[dict[str, type[Command]]] = {
    "enrol": EnrolCommand,
    "remove": RemoveCommand,
    "list": ListCommand,
    "identify": IdentifyCommand,
}
