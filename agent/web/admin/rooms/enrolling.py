"""What enrolling asks before anything is done: are these photos good, and what would this table do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Annotated, Final, NotRequired

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from agent.enrolment import enroller_of
from agent.gallery.enrol import Enroller
from agent.gallery.likeness import Problem
from agent.members.table import MOST_LINES, LineTold, Preview
from agent.mqtt.message import MAX_PHOTOS, Message, Photo
from agent.rules_in_force import load_rules
from agent.store.db import Db
from agent.types import Box, Seen
from agent.vision.grades import Measured, grades
from agent.vision.quality import score
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.sessions import Session

LONGEST_TABLE: Final = 2 * 2**20  # bytes of the request
AT_ONCE: Final = 100  # lines: others are let in between two such
MOST_FILES: Final = MOST_LINES * MAX_PHOTOS


class Photos(Message):
    """Photos to be judged, of one person."""

    photos: Annotated[tuple[Photo, ...], Field(min_length=1, max_length=MAX_PHOTOS)]
    person: Annotated[str, Field(max_length=64)] = ""  # whose they are said to be; need not be known
    replace: bool = False  # what was enrolled of them before does not count


class Table(Message):
    """A table of people, and the names of the files that came with it."""

    text: Annotated[str, Field(max_length=LONGEST_TABLE)]
    photos: Annotated[tuple[Annotated[str, Field(max_length=255)], ...], Field(max_length=MOST_FILES)] = ()


class Judged(TypedDict):
    """A photo as enrolment sees it."""

    ok: bool
    code: NotRequired[str]  # of what is wrong, and in words
    message: NotRequired[str]
    face: NotRequired[Box]  # where there is one and no other
    score: NotRequired[float]  # 0 to 1
    measures: NotRequired[list[Measured]]


class All(TypedDict):
    """All photos, as they were sent."""

    photos: list[Judged]


class Lines(TypedDict):
    """The lines of a table."""

    lines: list[LineTold]


JUDGE: Final = Operation(
    "POST", "people/judge", "What is wrong with photos; none is kept.", verb="enrol", body=Photos, result=All
)
TABLE: Final = Operation(
    "POST",
    "people/table",
    "What each line of a table of people would do; nothing is done.",
    verb="person_set",
    body=Table,
    result=Lines,
    longest=LONGEST_TABLE,
)
OPERATIONS: Final = (JUDGE, TABLE)


def routes(front: Front) -> list[Route]:
    """Returns what enrolling asks beyond the verbs."""
    room = _Room(front)
    return [JUDGE.route(front, room.judge), TABLE.route(front, room.table)]


class _Room:
    """Its eyes are those of the page's own thread, opened when the first photo is judged."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._enroller: Enroller | None = None

    async def judge(self, request: Request, _: Session) -> Response:
        """What is wrong with each photo, and with all of them together. Nothing is kept."""
        asked: Photos = request.state.body
        enroller = await self._front.do(self._opened)
        found = list[Seen | Problem]()
        for number, photo in enumerate(asked.photos):  # one by one: others are let in between two
            found.append(await self._front.do(partial(enroller.face, number, photo)))
        good = [number for number, each in enumerate(found) if isinstance(each, Seen)]
        faces = [each for each in found if isinstance(each, Seen)]
        together = await self._front.do(lambda: self._compared(enroller, faces, asked)) if faces else []
        problems = {good[each.photo]: each for each in together}
        told = [self._told(each, problems.get(number)) for number, each in enumerate(found)]
        return JUDGE.answered({"photos": told})

    async def table(self, request: Request, _: Session) -> Response:
        """What each line of a table would do, or what is wrong with it."""
        asked: Table = request.state.body

        def opened(db: Db) -> Iterator[LineTold]:
            preview = Preview(db, asked.photos, datetime.now(UTC))
            return preview.lines(asked.text.removeprefix("\ufeff"), load_rules(db).zone)

        lines, told = await self._front.read(opened), list[LineTold]()
        while some := await self._front.do(lambda: list(islice(lines, AT_ONCE))):
            told += some
        return TABLE.answered({"lines": told})

    def _opened(self) -> Enroller:
        if self._enroller is None:
            self._enroller = enroller_of(self._front.bundle, self._front.bundle.eyes())
        return self._enroller

    def _compared(self, enroller: Enroller, faces: Sequence[Seen], asked: Photos) -> Sequence[Problem]:
        """With each other, and with everybody whom the door knows: no second gallery in memory."""
        known = self._front.agent.recogniser.known.gallery
        known = known.without(asked.person) if asked.replace else known
        return enroller.likeness.problems([each.embedding.vector for each in faces], asked.person, known)

    def _told(self, found: Seen | Problem, against: Problem | None) -> Judged:
        problem = found if isinstance(found, Problem) else against
        told: Judged = {"ok": problem is None}
        if problem is not None:
            told["code"], told["message"] = problem.code, problem.text
        if isinstance(found, Seen):
            quality, limits = found.crop.quality, self._front.bundle.limits
            told["face"], told["score"] = found.face.box, round(score(quality, limits), 3)
            told["measures"] = grades(quality, limits)
        return told
