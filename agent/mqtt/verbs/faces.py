"""Commands about faces: enrol, remove, list, identify."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import Field, WithJsonSchema, model_validator

from agent.access.holder import State
from agent.mqtt.message import MAX_PHOTOS, Command, ConsentText, Message, Name, PartedCommand, Person, Photo
from agent.mqtt.verbs.consented import ConsentedCommand

MAX_TEMPLATES: Final = 10  # of one person
MAX_VECTOR: Final = 16 * 2**10  # bytes: 4,096 numbers
MAX_CROP: Final = 64 * 2**10  # a JPEG of 112 x 112
SEALED: Final = WithJsonSchema({"type": "string", "contentEncoding": "base64", "description": "sealed"})
Measure: TypeAlias = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]


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


class EnrolLiveCommand(ConsentedCommand):
    """Adds a person who stands at the door: the terminal guides them."""

    person: Person
    name: Name | None = None
    shots: Annotated[int, Field(ge=1, le=10)] = 5
    seconds: Annotated[float, Field(ge=5, le=300)] = 60.0
    replace: bool = False


class TemplatesCommand(Command):
    """Asks for a person's templates, sealed with the site's key."""

    reads: ClassVar[bool] = True

    person: Person


class SealedTemplate(Message):
    """A template that only devices of the site can open, for one person."""

    vector: Annotated[Photo, Field(max_length=MAX_VECTOR), SEALED]
    crop: Annotated[Photo, Field(max_length=MAX_CROP), SEALED] | None = None
    face_px: Measure
    sharpness: Measure
    yaw: Measure
    exposure: Measure
    contrast: Measure


class EnrolTemplatesCommand(Command):
    """Adds a person by templates of another device of the site, as `templates` has told them."""

    person: Person
    name: Name | None = None
    model: Annotated[str, Field(max_length=128)]
    site_key: Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
    templates: Annotated[tuple[SealedTemplate, ...], Field(min_length=1, max_length=MAX_TEMPLATES)]
    replace: bool = False
    consent: ConsentText | Literal[True] | None = None


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
    "enrol_live": EnrolLiveCommand,
    "templates": TemplatesCommand,
    "enrol_templates": EnrolTemplatesCommand,
    "remove": RemoveCommand,
    "list": ListCommand,
    "identify": IdentifyCommand,
}
