"""What is answered: the result of a verb, or why something is not done, with the status that HTTP has for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agent.errors import CommandError, LatchkeyError, SignInRefused
from agent.mqtt.message import Code
from agent.mqtt.wire import Result, code_of

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

STATUS: Final = {
    Code.BAD_REQUEST: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.UNKNOWN_VERB: HTTPStatus.NOT_FOUND,
    Code.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Code.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    Code.TOO_OFTEN: HTTPStatus.TOO_MANY_REQUESTS,
    Code.UNSIGNED: HTTPStatus.UNAUTHORIZED,
    Code.NOT_PERMITTED: HTTPStatus.FORBIDDEN,
    Code.STORAGE_FAILED: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What a refusal is in HTTP; one that is not here has understood the request: 409 Conflict."""


def in_words(answer: Endpoint) -> Endpoint:
    """Returns an endpoint that says what was wrong where an answer says so by an error of ours."""

    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except SignInRefused as error:
            return sent_away(error)
        except LatchkeyError as error:
            return refused_as(error)

    return endpoint


def answered(result: Result) -> Response:
    """Returns the result of a verb as HTTP has it."""
    status = HTTPStatus.OK if result.ok else STATUS.get(result.code or Code.FAILED, HTTPStatus.CONFLICT)
    return Response(result.to_json(), status, media_type="application/json")


def refused(code: str, why: str, **headers: str) -> Response:
    """Returns that something is not done, and why."""
    said = {"ok": False, "code": str(code), "message": why}
    known = STATUS.get(Code(code)) if code in set(Code) else None
    return JSONResponse(said, known or HTTPStatus.CONFLICT, headers=headers)


def refused_as(error: LatchkeyError) -> Response:
    """Returns the same of an error of ours."""
    return refused(error.code if isinstance(error, CommandError) else code_of(error), str(error))


def sent_away(error: SignInRefused, wrong: HTTPStatus = HTTPStatus.UNAUTHORIZED) -> Response:
    """Returns that somebody is not who they say, or has to wait; `wrong` is the status of the former."""
    said = {"ok": False, "code": error.code, "message": str(error), "retry_seconds": error.retry_seconds}
    headers = {"Retry-After": str(error.retry_seconds)} if error.retry_seconds else {}
    return JSONResponse(said, wrong if error.code == "wrong" else HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
