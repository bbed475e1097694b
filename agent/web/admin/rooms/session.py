"""Signing in and out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.accounts.account import Account
from agent.accounts.signing_in import Attempt
from agent.clock import clock_state
from agent.errors import CommandError, LatchkeyError, SignInRefused
from agent.mqtt.message import Code, Message
from agent.mqtt.telemetry import timestamp
from agent.mqtt.wire import code_of, explain
from agent.web.admin.front import Front, json_body, refused, sent_away
from agent.web.admin.sessions import Session

LONGEST_BODY: Final = 4096  # bytes


class Typed(Message):
    """What somebody signs in with."""

    name: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=512)] = Field(repr=False)
    code: Annotated[str, Field(max_length=32)] = Field(repr=False)  # of the app, or a recovery code


def routes(front: Front) -> list[Route]:
    """Returns what signs in and out, and what the page has to know before."""

    async def before(_: Request) -> Response:
        try:
            first = front.porter.nobody_there()
        except LatchkeyError as error:
            return refused(code_of(error), str(error))
        told = front.agent.config
        clock = clock_state(told.clock.synchronised_file)
        said = {"first": first, "time": timestamp(datetime.now(UTC)), "clock": clock.value}
        return JSONResponse(said | {"site": told.device.site, "device": told.device.name})

    async def sign_in(request: Request) -> Response:
        try:
            typed = Typed.model_validate_json(json.dumps(await json_body(request, LONGEST_BODY)))
            account = await front.porter.sign_in(Attempt(typed.name, typed.password, typed.code, address(request)))
        except ValidationError as error:
            return refused(Code.BAD_REQUEST, explain(error))
        except SignInRefused as error:
            return sent_away(error)
        except LatchkeyError as error:
            return refused(error.code if isinstance(error, CommandError) else code_of(error), str(error))
        return opened(front, request, account)

    async def sign_out(request: Request, session: Session) -> Response:
        front.sessions.close(request.cookies[front.cookie])
        await front.porter.signed_out(session)
        response = Response(status_code=204)
        response.delete_cookie(front.cookie, secure=front.encrypted, httponly=True, samesite="strict")
        return response

    return [
        Route("/admin/api/session", before, methods=["GET"]),
        Route("/admin/api/session", sign_in, methods=["POST"]),
        Route("/admin/api/session", front.signed(None, sign_out), methods=["DELETE"]),
    ]


def opened(front: Front, request: Request, account: Account, **more: object) -> Response:
    """Returns the cookie of a new session in the place of any that the browser has: nobody else can know it."""
    front.sessions.close(request.cookies.get(front.cookie, ""))
    token, session = front.sessions.open(
        account.name,
        account.role,
        generation=account.generation,
        address=address(request),
        browser=request.headers.get("user-agent", ""),
    )
    response = JSONResponse({"name": session.name, "role": session.role, "secret": session.secret, **more})
    response.set_cookie(front.cookie, token, path="/", secure=front.encrypted, httponly=True, samesite="strict")
    return response


def address(request: Request) -> str:
    """Returns from where a request comes."""
    return request.client.host if request.client else ""
