"""The accounts of the admin page, and their recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any

from agent.accounts.account import Account
from agent.seal.sealing import BrokenSealError, Seal, belonging
from agent.store.db import Db
from agent.store.sealing import check_bound
from agent.store.times import from_text, to_text
from agent.trust.roles import Role

_COLUMNS = ", ".join(field.name for field in fields(Account))


def find(db: Db, name: str) -> Account | None:
    """Return the account of this name, disabled or not."""
    rows = db.rows(f"SELECT {_COLUMNS} FROM accounts WHERE name = ?", (name,))  # noqa: S608 - ours
    return next(map(_account, rows), None)


def everyone(db: Db) -> list[Account]:
    """Return all accounts by name."""
    return [_account(row) for row in db.rows(f"SELECT {_COLUMNS} FROM accounts ORDER BY name")]  # noqa: S608 - ours


def count(db: Db) -> int:
    """Return how many there are."""
    return int(db.rows("SELECT count(*) FROM accounts")[0][0])


def save(db: Db, account: Account) -> None:
    """Keep an account, in the place of the one that has the name."""
    values = [_kept(value) for value in astuple(account)]
    changes = ", ".join(f"{field.name} = excluded.{field.name}" for field in fields(Account) if field.name != "name")
    places = ", ".join("?" * len(values))
    with db.transaction() as sql:
        sql.execute(
            f"INSERT INTO accounts ({_COLUMNS}) VALUES ({places})"  # noqa: S608 - ours
            f" ON CONFLICT (name) DO UPDATE SET {changes}",
            values,
        )


def remove(db: Db, name: str) -> bool:
    """Forget an account with its codes; return whether there was one."""
    with db.transaction() as sql:
        db.wipe_log()
        return bool(sql.execute("DELETE FROM accounts WHERE name = ?", (name,)).rowcount)


def sealed(db: Db, name: str, secret: str) -> bytes:
    """Return the secret of a second factor, sealed for its account; inside a transaction."""
    check_bound(db)
    return _close(db.seal, name, secret.encode())


def opened(db: Db, account: Account) -> str | None:
    """Return the secret of a second factor; None where there is none, or it does not open."""
    if account.secret is None:
        return None
    try:
        return _open(db.seal, account.name, account.secret).decode()
    except BrokenSealError:
        return None


def set_codes(db: Db, name: str, digests: Iterable[bytes]) -> None:
    """Let these recovery codes count, and no others."""
    with db.transaction() as sql:
        sql.execute("DELETE FROM recovery_codes WHERE account = ?", (name,))
        sql.executemany("INSERT INTO recovery_codes VALUES (?, ?)", [(name, digest) for digest in digests])
        db.wipe_log()


def use_code(db: Db, name: str, digest: bytes) -> bool:
    """Take a recovery code, which counts no more; return whether it was one."""
    with db.transaction() as sql:
        taken = sql.execute("DELETE FROM recovery_codes WHERE account = ? AND digest = ?", (name, digest))
        return bool(taken.rowcount)


def codes_left(db: Db, name: str) -> int:
    """Return how many recovery codes an account has."""
    return int(db.rows("SELECT count(*) FROM recovery_codes WHERE account = ?", (name,))[0][0])


def reseal(db: Db, old: Seal, new: Seal) -> list[str]:
    """Seal the secrets of all with another key; return whose did not open and is gone. Inside a transaction."""
    lost = []
    for name, secret in db.rows("SELECT name, secret FROM accounts WHERE secret IS NOT NULL ORDER BY name"):
        try:
            fresh = _close(new, name, _open(old, name, secret))
        except BrokenSealError:
            fresh = None
            lost.append(name)
        db.sql.execute("UPDATE accounts SET secret = ? WHERE name = ?", (fresh, name))
    return lost


def abandon(db: Db) -> int:
    """Forget the second factors that only a lost key opens; return how many. Inside a transaction."""
    db.sql.execute("DELETE FROM recovery_codes")
    changed = "secret = NULL, factor_at = NULL, last_step = 0, generation = generation + 1"
    return db.sql.execute(f"UPDATE accounts SET {changed} WHERE secret IS NOT NULL").rowcount  # noqa: S608 - ours


def _close(seal: Seal, name: str, secret: bytes) -> bytes:
    return seal.close(secret, belonging("accounts", "secret", name, seal.key.id))


def _open(seal: Seal, name: str, secret: bytes) -> bytes:
    return seal.open(secret, belonging("accounts", "secret", name, seal.key.id))


def _kept(value: object) -> object:
    return to_text(value) if isinstance(value, datetime) else value


def _account(row: tuple[Any, ...]) -> Account:
    told = dict(zip((field.name for field in fields(Account)), row, strict=True))
    told["role"] = Role(told["role"])
    for name in ("factor_at", "added_at", "changed_at", "signed_in_at", "disabled_at"):
        told[name] = None if told[name] is None else from_text(told[name])
    return Account(**told)
