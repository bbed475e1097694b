"""What a request carries, read within bounds of bytes and of time."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request

from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.trust.statement import read_json
from agent.web.body import whole_body

BODY_SECONDS: Final = 30.0  # for all of it to come
LONGEST_BODY: Final = 12 * 2**20  # bytes: a photo in base64; more of them one by one
MOST_BRACKETS: Final = 100_000  # rules of a million characters have 60,000; four million lists take 400 MB and seconds
MOST_COMMAS: Final = 300_000  # a table of 5,000 people with all columns and photos has 165,000
JSON: Final = "application/json"


async def json_body(request: Request, longest: int = LONGEST_BODY) -> dict[str, Any]:
    """Returns the object that a request carries.

    Raises:
        CommandError: it is too long, too slow, no JSON object, or of more values than a device has memory for.
    """
    body = await body_of(request, JSON, longest)
    if body.count(b"[") + body.count(b"{") > MOST_BRACKETS or body.count(b",") > MOST_COMMAS:
        raise CommandError(Code.TOO_LARGE, f"at most {MOST_COMMAS:,} commas and {MOST_BRACKETS:,} brackets are read")
    try:
        return read_json(body.decode())
    except ValueError as error:  # names what it does not understand, and where, without the content
        raise CommandError(Code.BAD_REQUEST, f"this is no JSON object: {error}"[:200]) from None


async def body_of(request: Request, media: str, longest: int = LONGEST_BODY) -> bytes:
    """Returns the bytes that a request carries.

    Raises:
        CommandError: they are of another kind than `media`, too many, or too slow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != media and (kind or media == JSON):  # a file that a browser does not know the kind of has none
        name = "JSON is wanted" if media == JSON else "something else is wanted"
        raise CommandError(Code.BAD_REQUEST, f"{name}: Content-Type: {media}")
    try:
        body = await whole_body(request, longest, BODY_SECONDS)
    except TimeoutError:
        raise CommandError(Code.BAD_REQUEST, "it did not come in time") from None
    if body is None:
        raise CommandError(Code.TOO_LARGE, f"at most {longest} bytes are wanted")
    return body
