"""What may be told of accounts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.accounts.account import Account
from agent.mqtt.telemetry import timestamp
from agent.store import accounts as store

if TYPE_CHECKING:
    from agent.store.db import Db


def everyone(db: Db) -> list[dict[str, Any]]:
    """Returns all accounts as JSON values, without anything secret."""
    return [as_json(db, account) for account in store.everyone(db)]


def as_json(db: Db, account: Account) -> dict[str, Any]:
    """Returns what may be told of an account."""
    return {
        "name": account.name,
        "role": account.role.value,
        "second_factor": account.secret is not None,
        "recovery_codes": store.codes_left(db, account.name),
        "added_at": timestamp(account.added_at),
        "added_by": account.added_by,
        "changed_at": timestamp(account.changed_at),
        "signed_in_at": _told(account.signed_in_at),
        "disabled_at": _told(account.disabled_at),
    }


def _told(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)
