"""Signing in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, NotRequired

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypedDict

from agent.accounts.account import Account
from agent.accounts.signing_in import Attempt
from agent.clock import clock_state
from agent.mqtt.message import Message
from agent.mqtt.telemetry import timestamp
from agent.trust.roles import Role
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.sessions import Session

LONGEST_BODY: Final = 4096  # bytes


class Typed(Message):
    """What somebody signs in with."""

    name: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=512)] = Field(repr=False)
    code: Annotated[str, Field(max_length=32)] = Field(repr=False)  # of the app, or a recovery code


class Before(TypedDict):
    """What the page has to know before somebody signs in."""

    signed: bool  # this browser is
    first: bool  # nobody has an account
    time: str  # the device's: a code of the second factor goes by it
    clock: str  # whether that can be believed
    site: str
    device: str


class Opened(TypedDict):
    """Who has signed in."""

    name: str
    role: Role
    secret: str  # for `X-Latchkey-Session`
    recovery_codes: NotRequired[list[str]]  # where they are others now


BEFORE: Final = Operation("GET", "session", "What has to be known before.", result=Before, public=True)
SIGN_IN: Final = Operation("POST", "session", "Signs in.", body=Typed, result=Opened, longest=LONGEST_BODY, public=True)
SIGN_OUT: Final = Operation("DELETE", "session", "Signs out.")
OPERATIONS: Final = (BEFORE, SIGN_IN, SIGN_OUT)


def routes(front: Front) -> list[Route]:
    """Returns what signs in and out, and what the page has to know before."""

    async def before(request: Request) -> Response:
        told = front.agent.config
        clock = clock_state(told.clock.synchronised_file).value
        signed = front.session(request) is not None
        said = {
            "signed": signed,
            "first": front.porter.nobody_there(),
            "time": timestamp(datetime.now(UTC)),
            "clock": clock,
        }
        return BEFORE.answered(said | {"site": told.device.site, "device": told.device.name})

    async def sign_in(request: Request) -> Response:
        typed: Typed = request.state.body
        account = await front.porter.sign_in(Attempt(typed.name, typed.password, typed.code, address(request)))
        return opened(front, request, account)

    async def sign_out(request: Request, session: Session) -> Response:
        front.sessions.close(request.cookies[front.cookie])
        await front.porter.signed_out(session)
        response = SIGN_OUT.answered(None)
        response.delete_cookie(front.cookie, secure=front.encrypted, httponly=True, samesite="strict")
        return response

    return [BEFORE.public_route(before), SIGN_IN.public_route(sign_in), SIGN_OUT.route(front, sign_out)]


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
