"""What the view of the account asks: one's own, and for owners those of all.

Accounts are no matter of verbs: these are the functions that `latchkey account` calls. Whatever changes one wants the
password of whoever asks again, so that a browser that somebody has left open gives none away.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any, Final, TypeVar

import segno
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.accounts import changes, roll
from agent.accounts.second_factor import Factor
from agent.accounts.signing_in import Attempt
from agent.errors import CommandError
from agent.mqtt.message import Code, Message
from agent.register import Request as Asks
from agent.store import accounts as store
from agent.store.db import Db
from agent.web.admin.front import Front
from agent.web.admin.operations import Method, Operation
from agent.web.admin.rooms.account_bodies import (
    Added,
    Again,
    Change,
    Codes,
    Drawn,
    Ended,
    Everyone,
    Mine,
    NewAccount,
    NewFactor,
    NewPassword,
    Offered,
    Told,
    Whose,
)
from agent.web.admin.rooms.session import LONGEST_BODY, Opened, address, opened
from agent.web.admin.sessions import Session

T = TypeVar("T")
OWNERS: Final = "key_add"  # who may let in whom they like by a key, may do so by an account


def _said(
    method: Method, path: str, result: Any, told: str, body: type[Message] | None = None, **more: Any
) -> Operation:
    """An operation of the view."""
    return Operation(method, f"account{path}", told, body=body, result=result, longest=LONGEST_BODY, **more)


OPERATIONS: Final = (
    _said("GET", "", Mine, "One's own account, and on which browsers one has signed in."),
    _said("POST", "/offer", Offered, "A second factor that nobody has.", query=Whose),
    _said("POST", "/password", Opened, "Changes one's own password; every other browser is signed out.", NewPassword),
    _said("POST", "/factor", Opened, "Changes one's own second factor; every other browser is signed out.", NewFactor),
    _said("POST", "/codes", Codes, "Makes other recovery codes of one's own.", Again),
    _said("DELETE", "/sessions", Ended, "Signs out all other browsers of one's own."),
    _said("DELETE", "/sessions/{id}", Ended, "Signs out another browser of one's own."),
    _said("GET", "/all", Everyone, "All accounts.", verb=OWNERS),
    _said("POST", "/all", Added, "Lets somebody in.", NewAccount, verb=OWNERS, status=201),
    _said("PATCH", "/all/{name}", Told, "Gives an account another role, disables or enables it.", Change, verb=OWNERS),
    _said("POST", "/all/{name}/remove", Told, "Forgets an account.", Again, verb=OWNERS),
)


class Accounts:
    """What the view asks, of one front."""

    def __init__(self, front: Front) -> None:
        self._front, self._config = front, front.agent.config

    async def mine(self, _: Request, session: Session) -> Response:
        """One's own account, and on which browsers one has signed in."""
        told = await self._front.read(lambda db: self._told(db, session.name))
        sessions = [
            {
                "id": each.id,
                "address": each.address,
                "browser": each.browser,
                "began_seconds": round(began),
                "used_seconds": round(used),
                "this": each == session,
            }
            for each, began, used in self._front.sessions.of(session.name)
        ]
        return JSONResponse({**told, "sessions": sessions})

    async def offer(self, request: Request, session: Session) -> Response:
        """A second factor that nobody has, for the account of a name. It counts once a code of it was shown."""
        told: Whose = request.state.query
        name = told.name or session.name
        factor, device = Factor.new(), self._config.device
        uri = factor.uri(name, f"{device.name}.{device.site}")
        return JSONResponse({"secret": factor.secret, "uri": uri, "qr": drawn(uri)})

    async def password(self, request: Request, session: Session) -> Response:
        """Changes one's own; every other browser is signed out."""
        asked: NewPassword = await self._again(request, session)
        await self._hashed(session, session.name, asked.new, changes.set_password)
        return await self._still(request, session)

    async def factor(self, request: Request, session: Session) -> Response:
        """Changes one's own; every other browser is signed out."""
        asked: NewFactor = await self._again(request, session)
        _, codes = await self._change(
            session,
            lambda db, by: changes.set_second_factor(db, by, session.name, secret=asked.secret, code=asked.code),
        )
        return await self._still(request, session, recovery_codes=codes)

    async def codes(self, request: Request, session: Session) -> Response:
        """Makes other recovery codes of one's own."""
        await self._again(request, session)
        codes = await self._change(session, lambda db, by: changes.renew_codes(db, by, session.name))
        return JSONResponse({"recovery_codes": codes})

    async def sign_out(self, request: Request, session: Session) -> Response:
        """Signs out another browser of one's own, or all others."""
        id_ = request.path_params.get("id")
        ended = self._front.sessions.close_all(session.name, id_=id_, but=session)
        if ended:
            await self._front.porter.signed_out(session, ended)
        return JSONResponse({"ended": ended})

    async def everyone(self, _: Request, __: Session) -> Response:
        """All accounts."""
        return JSONResponse({"accounts": await self._front.read(roll.everyone)})

    async def add(self, request: Request, session: Session) -> Response:
        """Lets somebody in, who sits beside and types."""
        asked: NewAccount = await self._again(request, session)
        await self._front.read(lambda db: changes.check_new(db, asked.name, asked.role))

        def added(db: Db, by: Asks, _: str, hashed: str) -> tuple[dict[str, Any], list[str]]:
            told = {"name": asked.name, "password": hashed, "secret": asked.secret, "code": asked.code}
            return changes.add(db, by, role=asked.role, **told)

        told, codes = await self._hashed(session, asked.name, asked.new, added)
        return JSONResponse({**told, "recovery_codes": codes}, 201)

    async def change(self, request: Request, session: Session) -> Response:
        """Gives an account another role, disables or enables it."""
        asked: Change = await self._again(request, session)
        name = request.path_params["name"]

        def changed(db: Db, by: Asks) -> dict[str, Any]:
            with db.transaction():
                if asked.role is not None:
                    changes.set_role(db, by, name, asked.role)
                if asked.disabled is not None:
                    (changes.disable if asked.disabled else changes.enable)(db, by, name)
                return self._told(db, name)

        return JSONResponse(await self._change(session, changed))

    async def remove(self, request: Request, session: Session) -> Response:
        """Forgets an account."""
        await self._again(request, session)
        name = request.path_params["name"]
        return JSONResponse(await self._change(session, lambda db, by: changes.remove(db, by, name)))

    async def _again(self, request: Request, session: Session) -> Any:
        """What was asked, by somebody who knows the password."""
        asked: Again = request.state.body
        await self._front.porter.sign_in(Attempt(session.name, asked.password, None, address(request)))
        self._front.check_stands(session)
        return asked

    async def _change(self, session: Session, change: Callable[[Db, Asks], T]) -> T:
        porter = self._front.porter
        by = porter.asks(session.by)

        def written(db: Db) -> T:
            _check_same(db, session)
            return change(db, by)

        return await porter.do(lambda _: porter.write(written))

    async def _hashed(self, session: Session, name: str, password: str, change: Callable[[Db, Asks, str, str], T]) -> T:
        """The same with the hash of a password, made before the database is held."""
        porter = self._front.porter

        def done(_: Db) -> T:
            hashed = changes.new_password(self._config, name, password)

            def written(db: Db) -> T:
                _check_same(db, session)
                return change(db, porter.asks(session.by), name, hashed)

            return porter.write(written)

        return await porter.do(done)

    async def _still(self, request: Request, session: Session, **more: object) -> Response:
        """The change has ended all sessions of the account: this browser gets a new one."""
        account = await self._front.read(lambda db: store.find(db, session.name))
        if account is None or account.disabled_at is not None:
            raise CommandError("unknown_account", "this account is gone meanwhile")
        return opened(self._front, request, account, **more)

    def _told(self, db: Db, name: str) -> dict[str, Any]:
        account = store.find(db, name)
        if account is None:
            raise CommandError("unknown_account", f"there is no account {name[:40]!r}")
        return roll.as_json(db, account)


def _check_same(db: Db, session: Session) -> None:
    """Refuses what was begun before the account became another: its old password proves nothing now.

    Raises:
        CommandError: so it is.
    """
    account = store.find(db, session.name)
    if account is None or account.generation != session.generation:
        raise CommandError(Code.UNSIGNED, "this account has changed meanwhile: sign in again")


def drawn(text: str) -> Drawn:
    """Returns a QR code (ISO/IEC 18004) as the path of an SVG with its width, in modules."""
    rows, path = segno.make(text, error="m", micro=False).matrix, []
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row):
            width = len(list(run))
            path += [f"M{x} {y}h{width}v1h-{width}z"] if dark else []
            x += width
    return {"size": len(rows), "path": "".join(path)}


def routes(front: Front) -> list[Route]:
    """Returns what the view asks."""
    desk = Accounts(front)
    answers = [
        *(desk.mine, desk.offer, desk.password, desk.factor, desk.codes, desk.sign_out, desk.sign_out),
        *(desk.everyone, desk.add, desk.change, desk.remove),
    ]
    return [operation.route(front, answer) for operation, answer in zip(OPERATIONS, answers, strict=True)]
