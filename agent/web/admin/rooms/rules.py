"""What the view of the rules asks beyond the verbs: what a draft says and would change. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from agent import rules_drafted as drafts
from agent.access.recurrence import FIRST_YEAR, LAST_YEAR
from agent.errors import CommandError, RulesRefused
from agent.mqtt.message import LARGEST, Code, Message
from agent.rulebook.compare import Line
from agent.rulebook.edits import Edits
from agent.rulebook.parse import LONGEST_TEXT
from agent.rulebook.portrait import Forms, forms
from agent.rules_in_force import EditionTold, WholeEdition, as_json, edition_of, editions
from agent.store.db import Db
from agent.store.members import group_counts
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.sessions import Session

LONGEST_BODY: Final = 8 * drafts.LONGEST_DRAFT  # bytes: a character is up to six in JSON, and there are edits

Short = Annotated[str, Field(max_length=128)]


class Draft(Message):
    """A text that is not in force."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]


class Edited(Draft):
    """And what is to be changed in it."""

    edits: Edits = Field(default_factory=list)
    year: Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]


class Compared(Draft):
    """And the version that it is compared with; None: that in force."""

    version: Annotated[int, Field(ge=1, le=LARGEST)] | None = None


class Tried(Draft):
    """And who comes where, and when; None: now."""

    person: Short
    door: Short
    at: Short | None = None


class Week(Draft):
    """And who comes where, in the week of which day."""

    person: Short
    door: Short
    first: Short


class Effects(Draft):
    """And the week, by one of its days."""

    first: Short


class Ruled(WholeEdition):
    """The rules in force, and what the view has to know beside them."""

    groups: dict[str, int]  # how many people are in each
    here: str  # this door
    forms: Forms
    year: int  # this one


class Versions(TypedDict):
    """The versions that are kept, the newest first: that one is in force."""

    versions: list[EditionTold]


class Differing(TypedDict):
    """What differs, with some lines around it."""

    lines: list[Line]


def _drafts(path: str, told: str, body: type[Draft], result: Any) -> Operation:
    """What is asked of a draft."""
    return Operation("POST", f"rules/{path}", told, verb="rules", body=body, result=result, longest=LONGEST_BODY)


RULES: Final = Operation("GET", "rules", "The rules in force.", verb="rules", result=Ruled)
VERSIONS: Final = Operation("GET", "rules/versions", "Those before.", verb="rules", result=Versions)
DRAFT: Final = _drafts("draft", "What a text says, after some edits.", Edited, drafts.Drafted)
DIFFERENCE: Final = _drafts("difference", "How a text differs from a version.", Compared, Differing)
TRY: Final = _drafts("try", "Whether somebody may, by a text.", Tried, drafts.Tried)
WEEK: Final = _drafts("week", "When in a week somebody may, by a text.", Week, drafts.WeekOf)
EFFECTS: Final = _drafts("effects", "Who gains and who loses by a text.", Effects, drafts.Effects)
OPERATIONS: Final = (RULES, VERSIONS, DRAFT, DIFFERENCE, TRY, WEEK, EFFECTS)


def routes(front: Front) -> list[Route]:
    """Returns what the view asks beyond the verbs."""
    here = front.agent.config.device.name

    async def rules(_: Request, __: Session) -> Response:
        return RULES.answered(await front.read(lambda db: _in_force(db, here)))

    async def versions(_: Request, __: Session) -> Response:
        return VERSIONS.answered({"versions": await front.read(editions)})

    def answers(operation: Operation, say: Callable[[Db, Any], Any]) -> Route:
        async def answer(request: Request, _: Session) -> Response:
            asked = request.state.body
            try:
                return operation.answered(await front.beside.read(lambda db: say(db, asked)))
            except RulesRefused as error:
                raise CommandError(Code.BAD_RULES, str(error)) from error

        return operation.route(front, answer)

    return [
        RULES.route(front, rules),
        VERSIONS.route(front, versions),
        answers(DRAFT, lambda db, asked: drafts.drafted(db, asked.text, asked.edits, year=asked.year)),
        answers(DIFFERENCE, lambda db, asked: {"lines": drafts.difference(db, asked.text, asked.version)}),
        answers(TRY, lambda db, asked: drafts.tried(db, asked.text, asked.person, asked.door, asked.at)),
        answers(WEEK, lambda db, asked: drafts.week(db, asked.text, asked.person, asked.door, asked.first)),
        answers(EFFECTS, lambda db, asked: drafts.effects(db, asked.text, asked.first, here=here)),
    ]


def _in_force(db: Db, here: str) -> Ruled:
    edition = edition_of(db, None)
    said = drafts.none_in_force() if edition is None else as_json(edition)
    return Ruled(**said, groups=group_counts(db), here=here, forms=forms(), year=datetime.now(UTC).year)
