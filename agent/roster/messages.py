"""What is said between the service of the roster, admins and devices; the documents in it are read by themselves."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent.mqtt.message import LARGEST, Code, CommandId, KeyId, Message, Signature
from agent.roster.document import OBJECT_PATTERN

MOST_PAGE_BYTES: Final = 256 * 1024
"""Of one message, whoever sends it."""
MOST_ROWS: Final = 1000

Seq = Annotated[int, Field(ge=0, le=LARGEST)]
Object = Annotated[str, Field(pattern=OBJECT_PATTERN)]


class Head(Message):
    """How much there is: the last number, and one text for all that is held under the numbers so far."""

    seq: Seq
    tally: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    at: Annotated[str, Field(max_length=40)]  # as it was signed
    public: Annotated[str, Field(max_length=44)]  # of the service's key: pinned by who hears it first, or by an owner
    key: KeyId
    service: dict[str, Any] | None = None  # the document by which an owner says so
    signature: Signature


class Put(Message):
    """Asks to keep documents, each by itself."""

    id: CommandId
    documents: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=MOST_ROWS)]


class Done(Message):
    """What became of one document."""

    object: str
    ok: bool
    seq: Seq | None = None
    code: Code | None = None
    message: str | None = None
    document: dict[str, Any] | None = None  # roster_changed: the present one


class Pull(Message):
    """Asks for what is new."""

    id: CommandId
    after: Seq
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100
    groups: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=64)] = ()


class Page(Message):
    """Documents by their numbers, from the lowest; `head` is as of when the page was made."""

    id: CommandId
    head: Head
    rows: tuple[tuple[Seq, dict[str, Any]], ...] = ()
    more: bool = False


class Ask(Message):
    """Asks what there is: one document, a list of them, or the versions that one had."""

    id: CommandId
    what: Literal["get", "list", "history"]
    object: Object | None = None
    prefix: Annotated[str, Field(max_length=128)] = ""
    after: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100
    bodies: bool = False


class Answer(Message):
    """The answer to `put` and `ask`."""

    id: CommandId | None = None
    ok: bool
    code: Code | None = None
    message: str | None = None
    done: tuple[Done, ...] = ()  # put
    rows: tuple[dict[str, Any], ...] = ()  # ask
    more: bool = False
    head: Head | None = None
