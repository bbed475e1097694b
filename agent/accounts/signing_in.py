"""Signing in: name, password and code together, or nothing; what was wrong is not said.

    waits? ──yes──► locked, nothing is computed
      │no
    hash, of the account or of nobody's ──► in one transaction: the code, once; the failure or the success; the audit

A name that nobody has is counted, hashed and written down as one that somebody has, so that neither time nor lock tells
which names there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from agent.accounts import passwords
from agent.accounts.account import Account
from agent.accounts.lockout import home_of, wait
from agent.accounts.second_factor import Factor
from agent.audit import audit
from agent.errors import SignInRefused
from agent.store import accounts as store
from agent.store import sign_ins

if TYPE_CHECKING:
    from agent.register import Request
    from agent.store.db import Db
    from agent.write import Write

WRONG: Final = "the name, the password or the code is wrong"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody has typed, and from where."""

    name: str
    password: str = field(repr=False)
    code: str | None = field(repr=False)  # of the app, or a recovery code; None: signed in already, the password again
    address: str


def sign_in(db: Db, write: Write, attempt: Attempt, request: Request) -> Account:
    """Returns whose name, password and code these are; slow on purpose, and takes 46 MiB: one at a time.

    Args:
        db: to read, open with the site's key.
        write: to the same.
        attempt: what was typed.
        request: when; who, is found.

    Raises:
        SignInRefused: it is nobody's, or too soon after others that were nobody's.
    """
    home = home_of(attempt.address)
    _check_wait(db, attempt.name, home, request.at)
    account = store.find(db, attempt.name)
    right = passwords.is_password(attempt.password, account.password if account else passwords.NOBODY)
    dated = right and account is not None and passwords.is_dated(account.password)
    fresh = passwords.hash_password(attempt.password) if dated else None
    known = account if right else None
    found = write(lambda db: _decide(db, known, attempt, request, fresh))
    if found is None:
        waits = _wait(db, attempt.name, home, request.at)
        raise SignInRefused("wrong", WRONG, retry_seconds=waits)
    return found


def _decide(db: Db, known: Account | None, attempt: Attempt, request: Request, fresh: str | None) -> Account | None:
    """Writes down what became of it; returns the account, if it did. `known` has shown its password."""
    with db.transaction():
        account = store.find(db, attempt.name) if known else None
        if account is not None and known is not None and account.password == known.password:
            proved = _proved(db, account, attempt, request.at) if account.disabled_at is None else None
            if proved is not None:
                kept = proved if fresh is None else replace(proved, password=fresh)
                return _let_in(db, account, kept, attempt, request)
        sign_ins.fail(db, request.at, name=attempt.name, address=home_of(attempt.address))
        return None


def _proved(db: Db, account: Account, attempt: Attempt, at: datetime) -> Account | None:
    """The account, with the code used up; None where the code is wrong."""
    secret = store.opened(db, account)
    if attempt.code is None or secret is None:
        return account if attempt.code is None else None
    factor = Factor(secret)
    step = factor.step_of(attempt.code, at, account.last_step)
    if step is not None:
        return replace(account, last_step=step)
    return account if store.use_code(db, account.name, factor.digest(attempt.code)) else None


def _let_in(db: Db, before: Account, account: Account, attempt: Attempt, request: Request) -> Account:
    home = home_of(attempt.address)
    sign_ins.succeed(db, name=account.name, address=home)
    if attempt.code is not None:
        details: dict[str, Any] = {"account": account.name, "address": attempt.address}
        if account.last_step == before.last_step:
            details |= {"recovery_codes_left": store.codes_left(db, account.name)}
        account = replace(account, signed_in_at=request.at)
        sign_ins.remember(db, account.name, home, request.at)
        audit(db, "signed_in", None, replace(request, by=account.by), details)
    if account != before:
        store.save(db, account)
    return account


def _check_wait(db: Db, name: str, home: str, now: datetime) -> None:
    if seconds := _wait(db, name, home, now):
        raise SignInRefused("locked", f"too many wrong tries: try again in {_spoken(seconds)}", retry_seconds=seconds)


def _wait(db: Db, name: str, home: str, now: datetime) -> int:
    """Whole seconds, rounded up."""
    left = wait(
        sign_ins.failures(db, "name", name),
        sign_ins.failures(db, "address", home),
        now,
        familiar=sign_ins.familiar(db, name, home),
    )
    return -int(-left.total_seconds() // 1)


def _spoken(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{seconds} seconds" if seconds <= 90 else f"{minutes} minutes"  # noqa: PLR2004 - as people say it
