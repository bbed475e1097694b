"""Changes of who may sign in, each in one transaction with its audit row; used by the command line and the page.

Whoever may change the database may call these; on the page that are owners, and everybody for their own account. One
owner who can sign in always stays.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from agent.accounts import passwords
from agent.accounts.account import PEOPLE, Account
from agent.accounts.roll import as_json
from agent.accounts.second_factor import Factor, is_secret, recovery_codes
from agent.audit import audit
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.store import accounts as store
from agent.store import sign_ins
from agent.trust.keys import KEY_NAME_PATTERN
from agent.trust.roles import Role

if TYPE_CHECKING:
    from agent.config import Config
    from agent.register import Request
    from agent.store.db import Db

MOST: Final = 200  # accounts
NAME_WANTED: Final = "1 to 32 of a-z 0-9 . _ -, the first a letter or digit"


def check_new(db: Db, name: str, role: Role) -> None:
    """Refuses an account that cannot be added, before anybody is asked for a password.

    Raises:
        CommandError: the name is no name or taken, the role is no person's, or there are too many.
    """
    if not re.fullmatch(KEY_NAME_PATTERN, name):
        raise CommandError(Code.BAD_REQUEST, f"{name[:40]!r} is no name: want {NAME_WANTED}")
    _check_role(role)
    if store.find(db, name) is not None:
        raise CommandError(Code.NAME_TAKEN, f"there is an account {name} already: choose another name")
    if store.count(db) >= MOST:
        raise CommandError(Code.NOT_ALLOWED, f"there are {MOST} accounts, the most: remove one first")


def new_password(config: Config, name: str, password: str) -> str:
    """Returns the hash of a password for an account. Slow on purpose: not in a transaction.

    Raises:
        CommandError: `bad_password`.
    """
    passwords.check_policy(password, name, config.device.site, config.device.name)
    return passwords.hash_password(password)


def check_there(db: Db, name: str) -> None:
    """Refuses an account that there is not, before anybody is asked for a password.

    Raises:
        CommandError: `unknown_account`.
    """
    _named(db, name)


def add(
    db: Db, request: Request, *, name: str, role: Role, password: str, secret: str, code: str
) -> tuple[dict[str, Any], list[str]]:
    """Lets somebody sign in; returns the account, and its recovery codes, which are told this once.

    Args:
        db: open with the site's key.
        request: who adds.
        name: of the account.
        role: what it may.
        password: its hash, see `new_password`.
        secret: of the second factor that was offered, see `Factor`.
        code: that the app shows for it.

    Raises:
        CommandError: see `check_new`; or the code is wrong.
    """
    factor, step = _shown(secret, code, request)
    with db.transaction():
        check_new(db, name, role)
        at, by = request.at, request.by
        sealed = store.sealed(db, name, factor.secret)
        # Not 1: one of the same name may have been here before, and somebody still be signed in with it
        generation = secrets.randbits(40)
        account = Account(name, role, password, sealed, at, step, generation, at, by, at, by)
        store.save(db, account)
        codes = _fresh_codes(db, name, factor)
        sign_ins.clear(db, name=name)
        audit(db, "account_added", None, request, {"account": name, "role": role.value})
        return as_json(db, account), codes


def set_role(db: Db, request: Request, name: str, role: Role) -> dict[str, Any]:
    """Gives an account another role; whoever is signed in with it is no more."""
    _check_role(role)
    with db.transaction():
        account = _named(db, name)
        if account.role is role:
            return as_json(db, account)
        if role is not Role.OWNER:
            _check_not_last(db, account)
        return _change(db, request, account, {"role": role.value, "before": account.role.value}, role=role)


def set_password(db: Db, request: Request, name: str, password: str) -> dict[str, Any]:
    """Gives an account another password, by its hash; whoever is signed in with it is no more, and no lock is left."""
    with db.transaction():
        sign_ins.clear(db, name=name)
        return _change(db, request, _named(db, name), {"password": True}, password=password)


def set_second_factor(
    db: Db, request: Request, name: str, *, secret: str, code: str
) -> tuple[dict[str, Any], list[str]]:
    """Gives an account another second factor, and other recovery codes; returns both.

    Raises:
        CommandError: there is no such account, or the code is wrong.
    """
    factor, step = _shown(secret, code, request)
    with db.transaction():
        account = _named(db, name)
        sealed = store.sealed(db, name, factor.secret)
        codes = _fresh_codes(db, name, factor)
        details = {"second_factor": True}
        told = _change(db, request, account, details, secret=sealed, factor_at=request.at, last_step=step)
        return told, codes


def renew_codes(db: Db, request: Request, name: str) -> list[str]:
    """Gives an account other recovery codes; those before count no more. Nobody is signed out.

    Raises:
        CommandError: there is no such account, or it has no second factor.
    """
    with db.transaction():
        secret = store.opened(db, _named(db, name))
        if secret is None:
            raise CommandError(Code.NOT_ALLOWED, f"{name} has no second factor: set that, which gives codes too")
        audit(db, "account_changed", None, request, {"account": name, "recovery_codes": True})
        return _fresh_codes(db, name, Factor(secret))


def disable(db: Db, request: Request, name: str) -> dict[str, Any]:
    """Lets nobody sign in with an account until it is enabled; whoever is signed in is no more."""
    with db.transaction():
        account = _named(db, name)
        if account.disabled_at is not None:
            return as_json(db, account)
        _check_not_last(db, account)
        return _change(db, request, account, {"disabled": True}, disabled_at=request.at)


def enable(db: Db, request: Request, name: str) -> dict[str, Any]:
    """Lets an account sign in again, at once also where wrong passwords have locked it or where they came from.

    From the device itself all come from one address: whoever may only send there something wrong would lock all out.
    """
    with db.transaction():
        account = _named(db, name)
        sign_ins.clear_all(db)
        if account.disabled_at is None:
            audit(db, "account_changed", None, request, {"account": name, "unlocked": True})
            return as_json(db, account)
        return _change(db, request, account, {"disabled": False}, disabled_at=None)


def remove(db: Db, request: Request, name: str) -> dict[str, Any]:
    """Forgets an account; whoever is signed in is no more. The audit goes on to name it."""
    with db.transaction():
        account = _named(db, name)
        _check_not_last(db, account)
        told = as_json(db, account)
        store.remove(db, name)
        audit(db, "account_removed", None, request, {"account": name, "role": account.role.value})
        return told


def _change(db: Db, request: Request, account: Account, details: dict[str, Any], **fields: Any) -> dict[str, Any]:
    changed = replace(
        account, **fields, generation=account.generation + 1, changed_at=request.at, changed_by=request.by
    )
    store.save(db, changed)
    db.wipe_log()  # of the hash, or the secret, that was before
    audit(db, "account_changed", None, request, {"account": account.name, **details})
    return as_json(db, changed)


def _named(db: Db, name: str) -> Account:
    account = store.find(db, name)
    if account is None:
        raise CommandError("unknown_account", f"there is no account {name[:40]!r}: see latchkey account list")
    return account


def _check_role(role: Role) -> None:
    if role not in PEOPLE:
        raise CommandError(Code.BAD_REQUEST, f"{role} is no role of a person: want {', '.join(PEOPLE)}")


def _check_not_last(db: Db, account: Account) -> None:
    able = [
        each.name
        for each in store.everyone(db)
        if each.role is Role.OWNER and each.disabled_at is None and each.secret is not None
    ]
    if able == [account.name]:
        raise CommandError(Code.LAST_OWNER, f"{account.name} is the only owner who can sign in: add another one first")


def _shown(secret: str, code: str, request: Request) -> tuple[Factor, int]:
    if not is_secret(secret):
        raise CommandError(Code.BAD_REQUEST, "that is no second factor that was offered: ask for another one")
    factor = Factor(secret)
    step = factor.step_of(code, request.at)
    if step is None:
        at = f"{request.at:%H:%M:%S} UTC"
        raise CommandError(
            Code.WRONG_CODE, f"that is not the code of now; here it is {at}: compare with the phone's clock, try again"
        )
    return factor, step


def _fresh_codes(db: Db, name: str, factor: Factor) -> list[str]:
    codes = recovery_codes()
    store.set_codes(db, name, [factor.digest(code) for code in codes])
    return codes
