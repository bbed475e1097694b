"""What the view of the door asks about pictures of people nobody knows: to see, enrol and delete them."""

from __future__ import annotations

from collections import deque
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypedDict

from agent.audit import audit
from agent.enrolling import Enrolling
from agent.mqtt.message import Code, ConsentText, Message, Name, Person
from agent.mqtt.telemetry import timestamp
from agent.mqtt.verbs.faces import MAX_TEMPLATES
from agent.register import Enrolled
from agent.store.db import Db
from agent.unknown.album import MOST, Stranger
from agent.unknown.alike import groups
from agent.unknown.introduce import introduce
from agent.web.admin.answers import refused
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.sessions import Session

Picture = Annotated[str, Field(max_length=64)]
REMEMBERED: Final = 256  # sessions whose first look is in the audit


class Introduced(Message):
    """Who somebody is."""

    pictures: Annotated[tuple[Picture, ...], Field(min_length=1, max_length=MAX_TEMPLATES)]
    person: Person
    name: Name | None = None
    consent: ConsentText | Literal[True] | None = None


class Deleted(Message):
    """What is to go."""

    pictures: Annotated[tuple[Picture, ...], Field(max_length=MOST)] = ()
    all: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Deleted:
        if self.all == bool(self.pictures):
            raise ValueError("either pictures or all")
        return self


class Face(TypedDict):
    """A picture that was kept."""

    name: str
    event: str  # id of the visit
    at: str
    face_px: int  # the shorter side of the face
    sharpness: float


class Album(TypedDict):
    """All pictures; those that look alike together."""

    groups: list[list[Face]]
    keeps: bool  # any more
    days: float | Literal["never"]  # until one is deleted
    most: int  # so many
    consent: str  # name and version of the text
    consent_wanted: bool


class Count(TypedDict):
    """How many."""

    pictures: int


class Gone(TypedDict):
    """What was deleted."""

    ok: bool
    data: Count


class Known(TypedDict):
    """Somebody who was unknown is enrolled."""

    ok: bool
    data: Enrolled


AT: Final = "live/unknown"
ALBUM: Final = Operation("GET", AT, "People nobody knows, who alike.", verb="enrol", result=Album)
SHOWN: Final = Operation("GET", f"{AT}/picture/{{name}}", "A picture of one.", verb="enrol", result="image/jpeg")
INTRODUCE: Final = Operation(
    "POST", f"{AT}/enrol", "Says who somebody is.", verb="enrol", body=Introduced, longest=16_384, result=Known
)
DELETE: Final = Operation(
    "POST", f"{AT}/delete", "Deletes pictures.", verb="enrol", body=Deleted, longest=65_536, result=Gone
)
OPERATIONS: Final = (ALBUM, INTRODUCE, DELETE, SHOWN)


def routes(front: Front) -> list[Route]:
    """Returns `/admin/api/live/unknown` and what is under it: for those who may enrol."""
    looked: deque[str] = deque(maxlen=REMEMBERED)
    album = _Album(front)

    async def everybody(_: Request, session: Session) -> Response:
        if session.secret not in looked:
            asked = front.request(session)
            await front.do(lambda: front.agent.recorder.write(lambda db: audit(db, "unknown_seen", None, asked)))
            looked.append(session.secret)
        return ALBUM.answered(await front.beside.do(album.told))

    async def picture(request: Request, _: Session) -> Response:
        stranger = await front.do(lambda: front.album.open(request.path_params["name"]))
        if stranger is None:
            return refused(Code.UNKNOWN_VERB, "there is no such picture any more")
        return Response(stranger.picture, media_type="image/jpeg")

    async def enrol(request: Request, session: Session) -> Response:
        sent: Introduced = request.state.body
        return JSONResponse({"ok": True, "data": await front.read(lambda db: _enrolled(front, db, sent, session))})

    async def delete(request: Request, session: Session) -> Response:
        sent: Deleted = request.state.body
        asked = front.request(session)
        count = await front.do(lambda: front.album.delete(front.album.names() if sent.all else sent.pictures))
        details: dict[str, object] = {"pictures": count}
        write = front.agent.recorder.write
        await front.do(lambda: write(lambda db: audit(db, "unknown_deleted", None, asked, details)))
        return JSONResponse({"ok": True, "data": details})

    return [
        ALBUM.route(front, everybody),
        INTRODUCE.route(front, enrol),
        DELETE.route(front, delete),
        SHOWN.route(front, picture),
    ]


class _Album:
    """All pictures that open, those that look alike together; opened anew where others are there than before.

    Of one thread. No picture and no vector stays in memory.
    """

    def __init__(self, front: Front) -> None:
        self._front = front
        self._names: list[str] | None = None  # that the groups are of, where all of them opened
        self._groups: list[list[Face]] = []

    def told(self) -> Album:
        config, names = self._front.agent.config, self._front.album.names()
        if names != self._names:
            self._groups, whole = self._made(names)
            self._names = names if whole else None
        return {
            "groups": self._groups,
            "keeps": config.privacy.keep_unknown,
            "days": config.retention.unknown_days,
            "most": MOST,
            "consent": config.privacy.consent_text,
            "consent_wanted": config.privacy.require_consent,
        }

    def _made(self, names: list[str]) -> tuple[list[list[Face]], bool]:
        """The groups, and whether all could be opened: one that could not may be another time."""
        bundle = self._front.bundle
        opened = [each for name in names if (each := self._front.album.open(name)) is not None]
        ours = [each for each in opened if each.embedding.model == bundle.template_model]
        alike = groups(ours, bundle.space, bundle.same_person_threshold)
        return [[_told(each) for each in group] for group in alike], len(opened) == len(names)


def _told(stranger: Stranger) -> Face:
    quality = stranger.quality
    return {
        "name": stranger.name,
        "event": stranger.event,
        "at": timestamp(stranger.at),
        "face_px": round(quality.face_px),
        "sharpness": round(quality.sharpness, 1),
    }


def _enrolled(front: Front, db: Db, sent: Introduced, session: Session) -> Enrolled:
    agent = front.agent
    enrolling = Enrolling(front.bundle, db, agent.recorder.write, boot_id=agent.boot_id)
    done = introduce(
        front.bundle,
        front.album,
        enrolling,
        sent.pictures,
        sent.person,
        name=sent.name,
        consent=sent.consent,
        by=session.by,
    )
    agent.knowledge.soon()
    return done
